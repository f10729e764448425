#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/tenants.h"

static const char *path(const char *rest)
{
    return control_format(control, "/v1/accounts/%s/users%s", account, rest);
}

static const char *make(const char *body)
{
    control_want(control, 201, payments.token, "POST", path(""), body);
    return control_format(control, "/v1/accounts/%s/users/%s", account,
                          control_format(control, "%s", control_text(control, "id")));
}

static void test_a_user_has_a_life(void **state)
{
    const char *one = make("{\"name\":\"billing_worker\",\"tags\":[\"eu\"],"
                           "\"permissions\":{\"sub\":{\"allow\":[\"orders.> workers\"]}}}");

    assert_string_equal(control_text(control, "state"), "active");
    assert_int_equal(control_int(control, "default_ttl_s"), 7776000);
    control_refused(control, 409, "name_taken", payments.token, "POST", path(""),
                    "{\"name\":\"billing_worker\"}");
    control_want_if(control, 200, payments.token, "\"1\"", "PATCH", one, "{\"disabled\":true}");
    assert_string_equal(control_text(control, "state"), "disabled");
    assert_string_equal(control_text(control, "permissions/sub/allow/0"), "orders.> workers");
    control_refused(control, 409, "illegal_state", payments.token, "POST",
                    control_format(control, "%s/credentials", one), "{\"generate\":true}");
    control_want_if(control, 200, payments.token, "\"2\"", "PATCH", one, "{\"disabled\":false}");
    control_want_if(control, 204, payments.token, "\"3\"", "DELETE", one, NULL);
    control_refused(control, 404, "not_found", payments.token, "GET", one, NULL);
}

/* What is shown as null may be sent as null. */
static void test_nothing_is_null(void **state)
{
    static const char *const members[] = {"public_key", "role_id"};

    make("{\"name\":\"plain\",\"public_key\":null,\"role_id\":null}");
    for (size_t i = 0; i < 2; i++)
        assert_true(json_is_null(control_member(control, members[i])));
    control_want(control, 201, payments.token, "POST",
                 control_format(control, "/v1/accounts/%s/signing-keys", account),
                 "{\"name\":\"unscoped\",\"role_id\":null}");
    assert_true(json_is_null(control_member(control, "role_id")));
    control_want(control, 201, admin, "POST", "/v1/accounts",
                 control_format(control,
                                "{\"name\":\"planless\",\"team_id\":\"%s\",\"plan_id\":null}",
                                payments.id));
    assert_string_not_equal(control_text(control, "plan_id"), ""); /* the default one */
}

static void test_a_role_is_named(void **state)
{
    const char *roles = control_format(control, "/v1/accounts/%s/roles", account);
    char role[40];

    control_want(control, 201, payments.token, "POST", roles, "{\"name\":\"device\"}");
    snprintf(role, sizeof(role), "%s", control_text(control, "id"));
    make(control_format(control, "{\"name\":\"sensor\",\"role_id\":\"%s\"}", role));
    assert_string_equal(control_text(control, "role_name"), "device");
    control_want_if(control, 200, payments.token, "*", "PATCH",
                    control_format(control, "%s/%s", roles, role), "{\"name\":\"probe\"}");
    control_want(control, 200, payments.token, "GET", path("?q=sensor"), NULL);
    assert_string_equal(control_text(control, "items/0/role_name"), "probe");
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/accounts/%s/signing-keys?q=device-key", account),
                 NULL);
    assert_string_equal(control_text(control, "items/0/role_name"), "probe");
}

/* AUD-10: the event of what was refused says what it would have done. */
static void check_refused(const char *action, const char *reason)
{
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/audit-events?action=%s&outcome=failed", action),
                 NULL);
    assert_string_equal(control_text(control, "items/0/reason"), reason);
    assert_string_equal(control_text(control, "items/0/resource/id"), "declared");
}

static void test_by_name(void **state)
{
    const char *by_name = path("/by-name/declared");

    control_refused(control, 422, "validation_failed", payments.token, "PUT", by_name,
                    "{\"name\":\"declared\",\"role_id\":\"rol_none\"}");
    check_refused("user.create", "validation_failed");
    control_want(control, 201, payments.token, "PUT", by_name, "{\"name\":\"declared\"}");
    control_refused(control, 428, "precondition_required", payments.token, "PUT", by_name,
                    "{\"name\":\"declared\"}");
    check_refused("user.change", "precondition_required");
    control_want_if(control, 200, payments.token, "*", "PUT", by_name,
                    "{\"name\":\"declared\",\"payload\":1024}");
    assert_int_equal(control_int(control, "payload"), 1024);
}

/* There is no node, so the time passes; and no revision was made, as the event says. */
static void test_whoever_creates_may_wait(void **state)
{
    static const char *const headers[] = {"Prefer: wait=1", NULL};
    static const char *const ways[][2] = {{"POST", "waits"}, {"PUT", "waits_by_name"}};

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        const bool post = strcmp(ways[i][0], "POST") == 0;
        const struct control_request request = {
            .method = ways[i][0],
            .path = path(post ? "" : control_format(control, "/by-name/%s", ways[i][1])),
            .token = payments.token,
            .body = control_format(control, "{\"name\":\"%s\"}", ways[i][1]),
            .headers = headers};
        struct control_reply reply = {0};
        char applied[32];

        control_exchange(control, &request, &reply);
        assert_int_equal(reply.status, 201);
        assert_string_equal(control_header(&reply, "Preference-Applied", applied, sizeof(applied)),
                            "wait=1");
        control_reply_fini(&reply);
        control_want(control, 200, payments.token, "GET", "/v1/audit-events?action=user.create",
                     NULL);
        assert_string_equal(control_text(control, "items/0/resource/name"), ways[i][1]);
        assert_true(json_is_null(control_member(control, "items/0/revision")));
    }
}

/* Whether the newest event of this action names a revision. */
static bool names_revision(const char *action)
{
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/audit-events?action=%s&outcome=success", action),
                 NULL);
    return json_is_integer(control_member(control, "items/0/revision"));
}

/* Only what changes the account's claims makes one: who is disabled is revoked. */
static void test_an_event_names_the_revision_that_it_made(void **state)
{
    const char *one = make("{\"name\":\"watched\"}");

    control_want_if(control, 200, payments.token, "*", "PATCH", one, "{\"payload\":9}");
    assert_false(names_revision("user.change"));
    control_want(control, 201, payments.token, "POST",
                 control_format(control, "%s/credentials", one), "{\"generate\":true}");
    control_want_if(control, 200, payments.token, "*", "PATCH", one, "{\"disabled\":true}");
    assert_true(names_revision("user.change"));
    control_want_if(control, 200, payments.token, "*", "PUT", path("/by-name/watched"),
                    "{\"name\":\"watched\",\"disabled\":true}");
    assert_false(names_revision("user.change"));
    control_want(control, 201, payments.token, "PUT", "/v1/accounts/by-name/new",
                 "{\"name\":\"new\"}");
    assert_true(names_revision("account.create"));
    control_want_if(control, 200, payments.token, "*", "PUT", "/v1/accounts/by-name/new",
                    "{\"name\":\"new\",\"labels\":{\"a\":\"b\"}}");
    assert_false(names_revision("account.change"));
}

/* API-10: a walk sees each once, whatever comes meanwhile. */
static void test_pages(void **state)
{
    char cursor[600];
    size_t seen = 0;
    bool more = true;

    for (int i = 0; i < 7; i++)
        make(control_format(control, "{\"name\":\"page_%d\"}", i));
    for (int page = 0; more && page < 20; page++) {
        control_want(control, 200, payments.token, "GET",
                     page == 0 ? path("?limit=3&q=page_")
                               : control_format(control,
                                                "/v1/accounts/%s/users?limit=3&q=page_"
                                                "&cursor=%s",
                                                account, cursor),
                     NULL);
        seen += control_count(control);
        more = json_is_true(control_member(control, "has_more"));
        snprintf(cursor, sizeof(cursor), "%s", control_text(control, "next_cursor"));
        if (page == 0)
            control_want(control, 201, payments.token, "POST", path(""), "{\"name\":\"another\"}");
    }
    assert_int_equal(seen, 7);
    control_refused(control, 400, "cursor_invalid", payments.token, "GET",
                    path("?limit=3&q=other&cursor=AAAA"), NULL);
}

static void test_bodies_that_are_refused(void **state)
{
    static const struct {
        const char *body, *code;
    } cases[] = {
        {"{\"name\":\"a b\"}", "validation_failed"},
        {"{\"name\":\"a.b\"}", "validation_failed"},
        {"{\"name\":\"x\",\"public_key\":\"UBAD\"}", "validation_failed"},
        {"{\"name\":\"x\",\"bearer\":true}", "validation_failed"},
        {"{\"name\":\"x\",\"role_id\":\"rol_none\"}", "validation_failed"},
        {"{\"name\":\"x\",\"account_id\":\"acc_other\"}", "unknown_field"},
        {"{\"name\":\"x\",\"state\":\"deleted\"}", "unknown_field"},
        {"{\"name\":\"x\",\"default_ttl_s\":99999999999999999999}", "malformed_json"},
        {"{\"name\":\"x\",\"name\":\"y\"}", "malformed_json"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        control_do(control, payments.token, "POST", path(""), cases[i].body);
        if (strcmp(control_text(control, "code"), cases[i].code) != 0)
            fail_msg("%s: %s", cases[i].body, control_text(control, "code"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {

        cmocka_unit_test(test_nothing_is_null),
        cmocka_unit_test(test_an_event_names_the_revision_that_it_made),
        cmocka_unit_test(test_a_role_is_named),
        cmocka_unit_test(test_a_user_has_a_life),
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_whoever_creates_may_wait),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_bodies_that_are_refused),
    };
    return cmocka_run_group_tests(tests, tenants_start_accounts, tenants_stop);
}
