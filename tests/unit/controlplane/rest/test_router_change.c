#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/lib/tenants.h"

static void test_a_merge_patch(void **state)
{
    const char *path;

    control_want(
        control, 201, admin, "POST", "/v1/teams",
        "{\"name\":\"merged\",\"description\":\"d\",\"labels\":{\"a\":\"1\",\"b\":\"2\"}}");
    path = control_format(control, "/v1/teams/%s", control_text(control, "id"));
    control_want(control, 200, admin, "PATCH", path,
                 "{\"description\":null,\"labels\":{\"a\":null,\"c\":\"3\"}}");
    assert_string_equal(control_text(control, "description"), "");
    assert_null(control_member(control, "labels/a"));
    assert_string_equal(control_text(control, "labels/b"), "2");
    assert_string_equal(control_text(control, "labels/c"), "3");
    control_refused(control, 422, "validation_failed", admin, "PATCH", path, "{\"name\":null}");
    control_refused(control, 422, "validation_failed", admin, "PATCH", path, "{\"labels\":7}");
    control_want(control, 200, admin, "PATCH", path, "{}");
}

static void test_a_conflict_says_the_version(void **state)
{
    char id[40];

    control_want(control, 201, admin, "POST", "/v1/plans", "{\"name\":\"moving\"}");
    snprintf(id, sizeof(id), "%s", control_text(control, "id"));
    control_refused_if(control, 412, "version_conflict", admin, "\"7\"", "PATCH",
                       control_format(control, "/v1/plans/%s", id), "{}");
    assert_string_equal(control_last_header(control, "ETag"), "\"1\"");
    assert_string_equal(control_text(control, "conflict/resource"), id);
    assert_int_equal(control_int(control, "conflict/version"), 1);
}

/* Every resource begins with the same members, times in milliseconds. */
static void test_if_match_is_one_etag_or_any(void **state)
{
    static const char *const bad[] = {"1",      "\"\"",         "\"1",   "W/\"1\"",
                                      "\"-1\"", "\"1\", \"2\"", "\"x\"", "**"};
    const char *path = control_format(control, "/v1/teams/%s", payments.id);

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        control_refused_if(control, 400, "invalid_parameter", admin, bad[i], "PATCH", path, "{}");
    control_want_if(control, 200, admin, "*", "PATCH", path, "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_merge_patch),
        cmocka_unit_test(test_a_conflict_says_the_version),
        cmocka_unit_test(test_if_match_is_one_etag_or_any),
    };

    return cmocka_run_group_tests(tests, tenants_start_team, tenants_stop);
}
