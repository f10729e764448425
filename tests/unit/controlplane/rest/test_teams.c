#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/tenants.h"

static const char *path_of(const struct control_team *team, const char *rest)
{
    return control_format(control, "/v1/teams/%s%s", team->id, rest);
}

static void test_a_team_has_a_life(void **state)
{
    char id[40];
    const char *path;

    control_want(control, 201, admin, "POST", "/v1/teams",
                 "{\"name\":\"short-lived\",\"display_name\":\"Short\",\"labels\":{\"a\":\"b\"}}");
    snprintf(id, sizeof(id), "%s", control_text(control, "id"));
    assert_memory_equal(id, "tea_", 4);
    assert_string_equal(control_text(control, "kind"), "team");
    assert_string_equal(control_text(control, "labels/a"), "b");
    assert_int_equal(control_int(control, "version"), 1);
    path = control_format(control, "/v1/teams/%s", id);
    assert_string_equal(control_last_header(control, "Location"), path);
    assert_string_equal(control_last_header(control, "ETag"), "\"1\"");

    control_want(control, 200, admin, "PATCH", path, "{\"labels\":{\"a\":null,\"c\":\"d\"}}");
    assert_int_equal(control_int(control, "version"), 2);
    assert_null(control_member(control, "labels/a"));
    assert_string_equal(control_text(control, "labels/c"), "d");
    assert_string_equal(control_text(control, "display_name"), "Short");

    control_refused_if(control, 412, "version_conflict", admin, "\"1\"", "PATCH", path,
                       "{\"description\":\"late\"}");
    assert_int_equal(control_int(control, "conflict/version"), 2);
    control_want_if(control, 204, admin, "\"2\"", "DELETE", path, NULL);
    control_refused(control, 404, "not_found", admin, "GET", path, NULL);
    control_want(control, 201, admin, "POST", "/v1/teams", "{\"name\":\"short-lived\"}");
}

static void test_bodies_that_are_refused(void **state)
{
    static const struct {
        const char *body, *code, *pointer;
        int status;
    } cases[] = {
        {"{\"name\":\"payments\"}", "name_taken", NULL, 409},
        {"{}", "validation_failed", "/name", 422},
        {"{\"name\":\"Capital\"}", "validation_failed", "/name", 422},
        {"{\"name\":\"x\",\"colour\":1}", "unknown_field", "/colour", 422},
        {"{\"name\":7}", "validation_failed", "/name", 422},
        {"{\"name\":\"x\",\"name\":\"y\"}", "malformed_json", NULL, 400},
        {"{\"name\":\"x\",\"plan_id\":\"pln_nothing\"}", "validation_failed", "/plan_id", 422},
        {"{\"name\":\"x\",\"id\":\"tea_1\"}", "unknown_field", "/id", 422},
        {"[]", "malformed_json", NULL, 400},
        {"{", "malformed_json", NULL, 400},
        {"\"\xff\"", "malformed_json", NULL, 400},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        control_refused(control, cases[i].status, cases[i].code, admin, "POST", "/v1/teams",
                        cases[i].body);
        if (cases[i].pointer != NULL)
            assert_string_equal(control_text(control, "errors/0/pointer"), cases[i].pointer);
    }
}

static void test_a_team_with_accounts_stays(void **state)
{
    struct control_team team;

    control_team_make(control, "busy", &team);
    control_account_make(control, &team, "orders", account);
    control_refused(control, 409, "in_use", admin, "DELETE", path_of(&team, ""), NULL);
    control_want(control, 200, admin, "GET", path_of(&team, ""), NULL);
    assert_int_equal(control_int(control, "account_count"), 1);
}

static void test_a_deleted_team_has_no_tokens_left(void **state)
{
    struct control_team team;

    control_team_make(control, "leaving", &team);
    control_want(control, 200, team.token, "GET", "/v1/whoami", NULL);
    control_want(control, 204, admin, "DELETE", path_of(&team, ""), NULL);
    control_want(control, 401, team.token, "GET", "/v1/whoami", NULL);
}

static void test_a_tenant_sees_its_own_team_only(void **state)
{
    control_want(control, 200, payments.token, "GET", "/v1/teams", NULL);
    assert_int_equal(control_count(control), 1);
    assert_string_equal(control_text(control, "items/0/id"), payments.id);
    control_refused(control, 404, "not_found", payments.token, "GET", path_of(&games, ""), NULL);
    control_refused(control, 404, "not_found", payments.token, "PATCH", path_of(&games, ""),
                    "{\"display_name\":\"x\"}");
    control_refused(control, 404, "not_found", payments.token, "GET", path_of(&games, "/members"),
                    NULL);
    control_refused(control, 403, "forbidden", payments.token, "POST", "/v1/teams",
                    "{\"name\":\"mine\"}");
    control_refused(control, 403, "forbidden", payments.token, "DELETE", path_of(&payments, ""),
                    NULL);
    control_want(control, 200, payments.token, "PATCH", path_of(&payments, ""),
                 "{\"display_name\":\"We\"}");
}

static void test_only_the_operator_gives_another_plan(void **state)
{
    control_want(control, 201, admin, "POST", "/v1/plans", "{\"name\":\"large\"}");
    control_refused(control, 403, "plan_forbids", payments.token, "PATCH", path_of(&payments, ""),
                    control_format(control, "{\"plan_id\":\"%s\"}", control_text(control, "id")));
}

static void test_lists_come_in_pages(void **state)
{
    char cursor[512];
    int seen = 0;

    for (int i = 0; i < 7; i++)
        control_want(control, 201, admin, "POST", "/v1/teams",
                     control_format(control, "{\"name\":\"page-%d\",\"labels\":{\"odd\":\"%d\"}}",
                                    i, i % 2));
    control_want(control, 200, admin, "GET", "/v1/teams?q=page-&limit=3", NULL);
    for (;;) {
        seen += (int)control_count(control);
        if (!json_is_true(control_member(control, "has_more")))
            break;
        snprintf(cursor, sizeof(cursor), "%s", control_text(control, "next_cursor"));
        control_want(control, 200, admin, "GET",
                     control_format(control, "/v1/teams?q=page-&limit=3&cursor=%s", cursor), NULL);
    }
    assert_int_equal(seen, 7);
    control_refused(control, 400, "cursor_invalid", admin, "GET",
                    control_format(control, "/v1/teams?q=other&limit=3&cursor=%s", cursor), NULL);
    control_want(control, 200, admin, "GET", "/v1/teams?label=odd:1", NULL);
    assert_int_equal(control_count(control), 3);
    control_refused(control, 400, "unknown_filter", admin, "GET", "/v1/teams?colour=red", NULL);
    control_refused(control, 400, "invalid_parameter", admin, "GET", "/v1/teams?limit=0", NULL);
    control_refused(control, 400, "invalid_parameter", admin, "GET", "/v1/teams?limit=501", NULL);
}

/* --- members ------------------------------------------------------------------------------ */

static void test_the_last_admin_stays(void **state)
{
    const char *members = path_of(&games, "/members");
    const char *first, *second;

    control_want(control, 201, games.token, "POST", members,
                 "{\"name\":\"ada@example.com\",\"role\":\"admin\"}");
    first = control_format(control, "%s/%s", members, control_text(control, "id"));
    control_refused(control, 409, "name_taken", games.token, "POST", members,
                    "{\"name\":\"ada@example.com\",\"role\":\"viewer\"}");
    control_refused(control, 409, "illegal_state", games.token, "DELETE", first, NULL);
    control_refused(control, 409, "illegal_state", games.token, "PATCH", first,
                    "{\"role\":\"viewer\"}");
    control_want(control, 201, games.token, "POST", members,
                 "{\"name\":\"bob@example.com\",\"role\":\"admin\"}");
    second = control_format(control, "%s/%s", members, control_text(control, "id"));
    control_want(control, 200, games.token, "PATCH", first, "{\"role\":\"viewer\"}");
    assert_string_equal(control_text(control, "role"), "viewer");
    control_want(control, 200, games.token, "GET", first, NULL);
    control_want(control, 204, games.token, "DELETE", first, NULL);
    control_refused(control, 404, "not_found", games.token, "GET", first, NULL);
    control_refused(control, 409, "illegal_state", games.token, "DELETE", second, NULL);
    control_want(control, 200, games.token, "GET", members, NULL);
    assert_int_equal(control_count(control), 1);
}

static void test_a_removed_member_is_out(void **state)
{
    const char *members = path_of(&payments, "/members"), *member, *tokens;
    char id[40], token[160];

    control_want(control, 201, payments.token, "POST", members,
                 "{\"name\":\"eve@example.com\",\"role\":\"viewer\"}");
    snprintf(id, sizeof(id), "%s", control_text(control, "id"));
    member = control_format(control, "%s/%s", members, id);
    tokens = path_of(&payments, "/tokens");
    control_want(control, 201, payments.token, "POST", tokens,
                 control_format(control,
                                "{\"name\":\"eve\",\"member_id\":\"%s\",\"expires_at\":\"%s\"}", id,
                                control_in_days(control, 3)));
    snprintf(token, sizeof(token), "%s", control_text(control, "token"));
    assert_string_equal(control_text(control, "role"), "team_viewer");
    control_want(control, 200, token, "GET", members, NULL);
    control_refused(control, 403, "forbidden", token, "DELETE", member, NULL);
    control_want(control, 204, payments.token, "DELETE", member, NULL);
    control_want(control, 401, token, "GET", members, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_team_has_a_life),
        cmocka_unit_test(test_bodies_that_are_refused),
        cmocka_unit_test(test_a_team_with_accounts_stays),
        cmocka_unit_test(test_a_deleted_team_has_no_tokens_left),
        cmocka_unit_test(test_a_tenant_sees_its_own_team_only),
        cmocka_unit_test(test_only_the_operator_gives_another_plan),
        cmocka_unit_test(test_lists_come_in_pages),
        cmocka_unit_test(test_the_last_admin_stays),
        cmocka_unit_test(test_a_removed_member_is_out),
    };

    return cmocka_run_group_tests(tests, tenants_start_teams, tenants_stop);
}
