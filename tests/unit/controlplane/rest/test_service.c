#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/refusal.h"
#include "tests/lib/tenants.h"

static void test_no_token_is_needed(void **state)
{
    control_want(control, 200, NULL, "GET", "/livez", NULL);
    control_want(control, 200, NULL, "GET", "/version", NULL);
    assert_string_equal(control_text(control, "version"), BERTH_VERSION);
    control_want(control, 200, NULL, "GET", "/readyz", NULL);
    assert_true(json_is_true(control_member(control, "ready")));
    assert_string_equal(control_text(control, "checks/database"), "ok");
    assert_string_equal(control_text(control, "checks/migrations"), "ok");
    assert_string_equal(control_text(control, "checks/signer"), "ok");
    assert_string_equal(control_text(control, "checks/systems/main/state"), "no_node_ready");
    control_want(control, 200, NULL, "GET", "/v1/openapi.json", NULL);
    assert_non_null(control_member(control, "openapi"));
}

static void test_metrics(void **state)
{
    static const char *const names[] = {
        "cp_http_requests_total{route=\"",
        "cp_http_duration_seconds_bucket{le=\"",
        "cp_outbox_depth ",
        "cp_outbox_oldest_seconds ",
        "cp_push_total{result=\"ok\"} ",
        "cp_push_duration_seconds_bucket{le=\"2\"} ",
        "cp_revocation_effective_seconds_bucket{le=\"3\"} ",
        "cp_signer_requests_total{result=\"ok\"} ",
        "cp_drift_total{kind=\"unmanaged\"} ",
        "cp_accounts{",
        "cp_db_pool_in_use ",
        "cp_usage_samples_total ",
        "cp_database_up 1\n",
        "cp_reconcile_last_success_seconds ",
    };
    struct control_team team;

    control_team_make(control, "payments", &team);
    control_account_make(control, &team, "orders", account);
    control_want(control, 200, NULL, "GET", "/metrics", NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strstr(buf_text(&control_last(control)->body), names[i]) == NULL)
            fail_msg("%s is missing in %s", names[i], buf_text(&control_last(control)->body));
    }
    assert_null(strstr(buf_text(&control_last(control)->body), account)); /* low cardinality */
}

/* Opt-in, and not for everyone. */
static void test_metrics_of_accounts(void **state)
{
    struct control_team team;
    struct control_plane *second;
    struct control_request request = {.method = "GET", .path = "/metrics/accounts"};
    struct control_reply reply = {0};

    control_team_make(control, "metered", &team);
    control_refused(control, 401, "unauthenticated", NULL, "GET", "/metrics/accounts", NULL);
    control_refused(control, 404, "not_found", control_plane_admin(control), "GET",
                    "/metrics/accounts", NULL);
    assert_non_null(strstr(control_text(control, "detail"), "metrics_accounts"));
    control_refused(control, 403, "forbidden", team.token, "GET", "/metrics/accounts", NULL);

    second = control_plane_second(control, "metrics_accounts: 10");
    request.token = control_plane_admin(control);
    control_exchange(second, &request, &reply);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(buf_text(&reply.body), "# TYPE cp_account_connections gauge\n"));
    control_reply_fini(&reply);
    control_plane_stop(second);
}

static void test_every_problem_has_a_page(void **state)
{
    control_want(control, 200, NULL, "GET", "/v1/problems", NULL);
    for (int code = REFUSAL_none + 1; code < REFUSAL_COUNT; code++) {
        const char *name = refusal_kind((enum refusal_code)code)->code;

        control_want(control, 200, NULL, "GET", control_format(control, "/v1/problems/%s", name),
                     NULL);
        assert_string_equal(control_text(control, "code"), name);
        assert_true(control_text(control, "remedy")[0] != '\0');
    }
    control_refused(control, 404, "not_found", NULL, "GET", "/v1/problems/none", NULL);
}

static void test_paths_and_methods_that_are_not(void **state)
{
    control_refused(control, 404, "not_found", NULL, "GET", "/", NULL);
    control_refused(control, 404, "not_found", NULL, "GET", "/v1/nothing", NULL);
    control_refused(control, 404, "not_found", NULL, "GET", "/v2/teams", NULL);
    control_refused(control, 405, "method_not_allowed", NULL, "PUT", "/v1/teams", NULL);
    assert_string_equal(control_last_header(control, "Allow"), "GET, POST");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_token_is_needed),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_metrics_of_accounts),
        cmocka_unit_test(test_every_problem_has_a_page),
        cmocka_unit_test(test_paths_and_methods_that_are_not),
    };

    return cmocka_run_group_tests(tests, tenants_start_world, tenants_stop);
}
