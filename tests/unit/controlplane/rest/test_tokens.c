#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/tenants.h"

/* A token's body; more: further members, ",\"a\":1". */
static const char *body(const char *name, const char *more)
{
    return control_format(control, "{\"name\":\"%s\",\"expires_at\":\"%s\"%s}", name,
                          control_in_days(control, 30), more);
}

static const char *tokens_of(const struct control_team *team)
{
    return control_format(control, "/v1/teams/%s/tokens", team->id);
}

static void test_whoami(void **state)
{
    control_want(control, 200, payments.token, "GET", "/v1/whoami", NULL);
    assert_string_equal(control_text(control, "role"), "team_admin");
    assert_string_equal(control_text(control, "team_id"), payments.id);
    assert_string_equal(control_text(control, "team_name"), "payments");
    control_want(control, 200, admin, "GET", "/v1/whoami", NULL);
    assert_true(json_is_null(control_member(control, "team_id")));
}

static void test_nobody_without_a_token(void **state)
{
    char text[200];
    struct control_reply reply = {0};
    const struct control_request request = {.method = "GET", .path = "/v1/whoami"};

    control_exchange(control, &request, &reply);
    assert_int_equal(reply.status, 401);
    assert_non_null(control_header(&reply, "WWW-Authenticate", text, sizeof(text)));
    control_reply_fini(&reply);
    control_want(control, 401, "berth_nothing", "GET", "/v1/whoami", NULL);
    snprintf(text, sizeof(text), "%s", payments.token);
    text[40] = text[40] == 'A' ? 'B' : 'A'; /* a typing error in the secret */
    control_want(control, 401, text, "GET", "/v1/whoami", NULL);
}

static void test_the_bootstrap_token_is_spent(void **state)
{
    control_refused(control, 403, "forbidden", admin, "POST", "/v1/bootstrap:exchange",
                    "{\"name\":\"second\"}");
}

static void test_a_token_is_shown_once(void **state)
{
    const char *path;
    char token[160];

    control_want(control, 201, admin, "POST", "/v1/tokens", body("mine", ""));
    snprintf(token, sizeof(token), "%s", control_text(control, "token"));
    assert_memory_equal(token, "berth_", 6);
    path = control_format(control, "/v1/tokens/%s", control_text(control, "id"));
    control_want(control, 200, admin, "GET", path, NULL);
    assert_null(control_member(control, "token"));
    assert_string_equal(control_text(control, "role"), "operator_admin");
    control_want(control, 200, token, "GET", "/v1/operators", NULL);
    control_want(control, 200, admin, "PATCH", path, "{\"display_name\":\"Mine\"}");
    assert_string_equal(control_text(control, "display_name"), "Mine");
    control_refused(control, 422, "validation_failed", admin, "PATCH", path,
                    "{\"role\":\"operator_viewer\"}");
    control_want(control, 204, admin, "DELETE", path, NULL);
    control_refused(control, 401, "token_revoked", token, "GET", "/v1/operators", NULL);
}

static void test_a_token_gives_no_more_than_its_maker_has(void **state)
{
    static const struct {
        const char *more, *code;
        int status;
    } of_team[] = {
        {",\"role\":\"operator_admin\"", "forbidden", 403},
        {",\"role\":\"operator_viewer\"", "forbidden", 403},
        {",\"role\":\"machine\"", "forbidden", 403},
        {",\"role\":\"bootstrap\"", "forbidden", 403},
        {",\"role\":\"service\"", "validation_failed", 422}, /* without scopes */
        {",\"role\":\"service\",\"scopes\":[\"everything\"]", "validation_failed", 422},
        {",\"role\":\"team_admin\",\"scopes\":[\"users:read\"]", "validation_failed", 422},
        {",\"allowed_cidrs\":[\"10.0.0.0\"]", "validation_failed", 422},
    };

    for (size_t i = 0; i < sizeof(of_team) / sizeof(of_team[0]); i++)
        control_refused(control, of_team[i].status, of_team[i].code, payments.token, "POST",
                        tokens_of(&payments), body("more", of_team[i].more));
    control_refused(control, 404, "not_found", payments.token, "POST", tokens_of(&games),
                    body("theirs", ""));
    control_refused(control, 403, "forbidden", admin, "POST", "/v1/tokens",
                    body("odd", ",\"role\":\"team_admin\""));
    control_refused(control, 422, "validation_failed", admin, "POST", "/v1/tokens",
                    control_format(control, "{\"name\":\"long\",\"expires_at\":\"%s\"}",
                                   control_in_days(control, 400)));
    control_refused(control, 422, "validation_failed", admin, "POST", "/v1/tokens",
                    "{\"name\":\"for-ever\"}");
}

static void test_viewers_only_look(void **state)
{
    char token[160];

    control_want(control, 201, payments.token, "POST", tokens_of(&payments),
                 body("viewer", ",\"role\":\"team_viewer\""));
    snprintf(token, sizeof(token), "%s", control_text(control, "token"));
    control_want(control, 200, token, "GET", "/v1/accounts", NULL);
    control_want(control, 200, token, "GET", "/v1/plans", NULL);
    control_refused(control, 403, "forbidden", token, "POST", "/v1/accounts", "{\"name\":\"a\"}");
    control_refused(control, 403, "forbidden", token, "POST", "/v1/tokens", body("own", ""));
    control_refused(control, 403, "forbidden", token, "GET", "/v1/operators", NULL);
    control_want(control, 201, admin, "POST", "/v1/tokens",
                 body("auditor", ",\"role\":\"operator_viewer\""));
    snprintf(token, sizeof(token), "%s", control_text(control, "token"));
    control_want(control, 200, token, "GET", "/v1/operators", NULL);
    control_want(control, 200, token, "GET", "/v1/teams", NULL);
    control_refused(control, 403, "forbidden", token, "POST", "/v1/teams", "{\"name\":\"a\"}");
}

static void test_a_service_has_its_scopes_and_accounts(void **state)
{
    char one[40], other[40], token[160];

    control_account_make(control, &payments, "one", one);
    control_account_make(control, &payments, "other", other);
    control_want(control, 201, payments.token, "POST", tokens_of(&payments),
                 body("service", control_format(control,
                                                ",\"role\":\"service\",\"accounts\":[\"%s\"],"
                                                "\"scopes\":[\"accounts:read\"]",
                                                one)));
    snprintf(token, sizeof(token), "%s", control_text(control, "token"));
    control_want(control, 200, token, "GET", control_format(control, "/v1/accounts/%s", one), NULL);
    control_refused(control, 404, "not_found", token, "GET",
                    control_format(control, "/v1/accounts/%s", other), NULL);
    control_refused(control, 403, "forbidden", token, "GET",
                    control_format(control, "/v1/accounts/%s/users", one), NULL);
    control_want(control, 200, token, "GET", "/v1/accounts", NULL);
    assert_int_equal(control_count(control), 1);
    control_refused(control, 403, "forbidden", token, "DELETE",
                    control_format(control, "/v1/accounts/%s", one), NULL);
}

static void test_a_token_is_bound_to_addresses(void **state)
{
    char token[160];

    control_want(control, 201, payments.token, "POST", tokens_of(&payments),
                 body("far", ",\"allowed_cidrs\":[\"203.0.113.0/24\"]"));
    snprintf(token, sizeof(token), "%s", control_text(control, "token"));
    control_refused(control, 403, "address_not_allowed", token, "GET", "/v1/whoami", NULL);
    control_want(control, 201, payments.token, "POST", tokens_of(&payments),
                 body("near", ",\"allowed_cidrs\":[\"203.0.113.0/24\",\"127.0.0.0/8\"]"));
    snprintf(token, sizeof(token), "%s", control_text(control, "token"));
    control_want(control, 200, token, "GET", "/v1/whoami", NULL);
}

static void test_lists_hold_no_secret(void **state)
{
    control_want(control, 200, payments.token, "GET", tokens_of(&payments), NULL);
    assert_true(control_count(control) > 0);
    assert_null(control_member(control, "items/0/token"));
    assert_null(strstr(buf_text((struct buf *)&control_last(control)->body), "berth_"));
    control_refused(control, 404, "not_found", payments.token, "GET", tokens_of(&games), NULL);
}

static void test_a_secret_is_not_replayed(void **state)
{
    const char *headers[] = {"Idempotency-Key: the-same", NULL};
    const struct control_request request = {
        .method = "POST",
        .path = tokens_of(&games),
        .token = games.token,
        .body = body("once", ""),
        .headers = headers,
    };
    struct control_reply reply = {0};

    control_exchange(control, &request, &reply);
    assert_int_equal(reply.status, 201);
    control_exchange(control, &request, &reply);
    assert_int_equal(reply.status, 410);
    assert_string_equal(json_string_value(json_object_get(reply.json, "code")),
                        "secret_no_longer_available");
    control_reply_fini(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whoami),
        cmocka_unit_test(test_nobody_without_a_token),
        cmocka_unit_test(test_the_bootstrap_token_is_spent),
        cmocka_unit_test(test_a_token_is_shown_once),
        cmocka_unit_test(test_a_token_gives_no_more_than_its_maker_has),
        cmocka_unit_test(test_viewers_only_look),
        cmocka_unit_test(test_a_service_has_its_scopes_and_accounts),
        cmocka_unit_test(test_a_token_is_bound_to_addresses),
        cmocka_unit_test(test_lists_hold_no_secret),
        cmocka_unit_test(test_a_secret_is_not_replayed),
    };

    return cmocka_run_group_tests(tests, tenants_start_teams, tenants_stop);
}
