#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/tenants.h"

static void test_changed_limits_make_a_version(void **state)
{
    const char *path;

    control_want(control, 201, admin, "POST", "/v1/plans",
                 "{\"name\":\"versions\",\"limits\":{\"connections\":10,\"js_disk\":0}}");
    path = control_format(control, "/v1/plans/%s", control_text(control, "id"));
    assert_int_equal(control_int(control, "plan_version"), 1);
    assert_string_equal(control_text(control, "state"), "published");
    control_want_if(control, 200, admin, "\"1\"", "PATCH", path, "{\"display_name\":\"V\"}");
    assert_int_equal(control_int(control, "plan_version"), 1);
    control_want_if(control, 200, admin, "\"2\"", "PATCH", path,
                    "{\"limits\":{\"connections\":20,\"js_disk\":null}}");
    assert_int_equal(control_int(control, "plan_version"), 2);
    assert_int_equal(control_int(control, "limits/connections"), 20);
    assert_null(control_member(control, "limits/js_disk"));
    control_want(control, 200, admin, "GET", control_format(control, "%s?version=1", path), NULL);
    assert_int_equal(control_int(control, "limits/connections"), 10);
    control_refused(control, 404, "not_found", admin, "GET",
                    control_format(control, "%s?version=3", path), NULL);
}

static void test_if_match_is_needed(void **state)
{
    const char *path;

    control_want(control, 201, admin, "POST", "/v1/plans", "{\"name\":\"guarded\"}");
    path = control_format(control, "/v1/plans/%s", control_text(control, "id"));
    control_refused(control, 428, "precondition_required", admin, "PATCH", path, "{}");
    control_refused(control, 428, "precondition_required", admin, "DELETE", path, NULL);
    control_refused_if(control, 412, "version_conflict", admin, "\"9\"", "DELETE", path, NULL);
    control_refused_if(control, 400, "invalid_parameter", admin, "9", "DELETE", path, NULL);
    control_want_if(control, 204, admin, "*", "DELETE", path, NULL);
}

static void test_there_is_one_default(void **state)
{
    char first[40];

    control_want(control, 200, admin, "GET", "/v1/plans?q=small", NULL);
    snprintf(first, sizeof(first), "%s", control_text(control, "items/0/id"));
    assert_true(json_is_true(control_member(control, "items/0/default")));
    control_want(control, 201, admin, "POST", "/v1/plans", "{\"name\":\"newer\",\"default\":true}");
    control_want(control, 200, admin, "GET", control_format(control, "/v1/plans/%s", first), NULL);
    assert_true(json_is_false(control_member(control, "default")));
}

static void test_limits_that_are_refused(void **state)
{
    static const struct {
        const char *body, *code, *pointer;
    } cases[] = {
        {"{\"name\":\"x\",\"limits\":{\"connections\":-2}}", "validation_failed",
         "/limits/connections"},
        {"{\"name\":\"x\",\"limits\":{\"connections\":1.5}}", "validation_failed",
         "/limits/connections"},
        {"{\"name\":\"x\",\"limits\":{\"connexions\":1}}", "unknown_field", "/limits/connexions"},
        {"{\"name\":\"x\",\"limits\":{\"data\":100}}", "validation_failed", "/limits/data"},
        {"{\"name\":\"x\",\"allowed_overrides\":[\"speed\"]}", "validation_failed",
         "/allowed_overrides/0"},
        {"{\"name\":\"x\",\"limits\":{\"js_disk\":1,\"tiers\":[{\"tier\":\"R1\"}]}}",
         "validation_failed", NULL},
        {"{\"name\":\"x\",\"limits\":{\"tiers\":[{\"tier\":\"R9\"}]}}", "validation_failed", NULL},
        {"{\"name\":\"x\",\"limits\":{\"connections\":99999999999999999999}}", "malformed_json",
         NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        control_do(control, admin, "POST", "/v1/plans", cases[i].body);
        control_check_code(control, cases[i].code, cases[i].body, (int)i);
        if (cases[i].pointer != NULL)
            assert_string_equal(control_text(control, "errors/0/pointer"), cases[i].pointer);
    }
}

static void test_a_plan_in_use_stays(void **state)
{
    char plan[40];

    control_want(control, 200, admin, "GET", control_format(control, "/v1/teams/%s", payments.id),
                 NULL);
    snprintf(plan, sizeof(plan), "%s", control_text(control, "plan_id"));
    control_refused_if(control, 409, "in_use", admin, "*", "DELETE",
                       control_format(control, "/v1/plans/%s", plan), NULL);
}

static void test_tenants_read_plans(void **state)
{
    control_want(control, 200, payments.token, "GET", "/v1/plans", NULL);
    assert_true(control_count(control) > 0);
    control_refused(control, 403, "forbidden", payments.token, "POST", "/v1/plans",
                    "{\"name\":\"mine\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changed_limits_make_a_version),
        cmocka_unit_test(test_if_match_is_needed),
        cmocka_unit_test(test_there_is_one_default),
        cmocka_unit_test(test_limits_that_are_refused),
        cmocka_unit_test(test_a_plan_in_use_stays),
        cmocka_unit_test(test_tenants_read_plans),
    };

    return cmocka_run_group_tests(tests, tenants_start_team, tenants_stop);
}
