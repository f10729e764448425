#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/tenants.h"

static char other_admin[160];

static int begin(void **state)
{
    tenants_start_team(state);
    control_want(control, 201, admin, "POST", "/v1/tokens",
                 control_format(control, "{\"name\":\"other\",\"expires_at\":\"%s\"}",
                                control_in_days(control, 1)));
    snprintf(other_admin, sizeof(other_admin), "%s", control_text(control, "token"));
    for (int i = 0; i < 5; i++)
        control_want(
            control, 201, admin, "POST", "/v1/teams",
            control_format(control, "{\"name\":\"t%d\",\"labels\":{\"a/b\":\"n %d\"}}", i, i));
    return 0;
}

static void test_a_cursor_is_bound_to_its_query(void **state)
{
    char cursor[512];

    control_want(control, 200, admin, "GET", "/v1/teams?limit=2&q=t", NULL);
    snprintf(cursor, sizeof(cursor), "%s", control_text(control, "next_cursor"));
    control_want(control, 200, admin, "GET",
                 control_format(control, "/v1/teams?limit=4&q=t&cursor=%s", cursor), NULL);
    assert_int_equal(control_count(control), 3);
    assert_string_equal(control_text(control, "items/0/name"), "t2");
    control_refused(control, 400, "cursor_invalid", other_admin, "GET",
                    control_format(control, "/v1/teams?limit=4&q=t&cursor=%s", cursor), NULL);
    control_refused(control, 400, "cursor_invalid", admin, "GET",
                    control_format(control, "/v1/teams?limit=4&cursor=%s", cursor), NULL);
    control_refused(control, 400, "cursor_invalid", admin, "GET",
                    control_format(control, "/v1/plans?q=t&cursor=%s", cursor), NULL);
    cursor[4] = cursor[4] == 'A' ? 'B' : 'A';
    control_refused(control, 400, "cursor_invalid", admin, "GET",
                    control_format(control, "/v1/teams?limit=4&q=t&cursor=%s", cursor), NULL);
    control_refused(control, 400, "cursor_invalid", admin, "GET", "/v1/teams?cursor=", NULL);
    control_refused(control, 400, "cursor_invalid", admin, "GET", "/v1/teams?cursor=%2e%2e", NULL);
}

static void test_filters(void **state)
{
    static const struct {
        const char *query;
        size_t count;
    } cases[] = {
        {"q=t", 5},
        {"q=%74", 5},
        {"q=t&limit=500", 5},
        {"q=nothing", 0},
        {"label=a/b:n+3", 1},
        {"label=a%2fb:n%203", 1},
        {"label=a/b:n+3&label=a/b:n+4", 1}, /* the last one of a key */
        {"label=c:1", 0},
        {"state=active&q=t", 5},
        {"state=deleted", 0},
        {"created_after=2000-01-01T00:00:00Z&q=t", 5},
        {"created_before=2000-01-01T00:00:00Z", 0},
        {"updated_after=2199-01-01T00:00:00Z", 0},
        {"", 6},
        {"&&", 6},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        control_want(control, 200, admin, "GET",
                     control_format(control, "/v1/teams?%s", cases[i].query), NULL);
        if (control_count(control) != cases[i].count)
            fail_msg("%s: %zu", cases[i].query, control_count(control));
    }
}

static void test_parameters_that_are_refused(void **state)
{
    static const struct {
        const char *query, *code;
    } cases[] = {
        {"limit=-1", "invalid_parameter"},
        {"limit=1e2", "invalid_parameter"},
        {"limit=", "invalid_parameter"},
        {"limit=99999999999999999999", "invalid_parameter"},
        {"label=nothing", "invalid_parameter"},
        {"label=:1", "invalid_parameter"},
        {"label=a:%ff", "invalid_parameter"},
        {"created_after=today", "invalid_parameter"},
        {"created_after=2026-13-01T00:00:00Z", "invalid_parameter"},
        {"q=%zz", "invalid_parameter"},
        {"q=%00", "invalid_parameter"},
        {"q=%", "invalid_parameter"},
        {"sort=name", "unknown_filter"},
        {"Q=t", "unknown_filter"},
        {"q=%ff", "invalid_parameter"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = control_do(control, admin, "GET",
                                control_format(control, "/v1/teams?%s", cases[i].query), NULL);

        if (status != 400 || strcmp(control_text(control, "code"), cases[i].code) != 0)
            fail_msg("%s: %d %s", cases[i].query, status, control_text(control, "code"));
    }
}

static void test_paths_are_decoded(void **state)
{
    control_want(control, 200, admin, "GET", control_format(control, "/v1/teams/%s", payments.id),
                 NULL);
    control_want(control, 200, admin, "GET",
                 control_format(control, "/v1/teams/%%74%s", payments.id + 1), NULL);
    control_refused(control, 404, "not_found", admin, "GET", "/v1/teams/%zz", NULL);
    control_refused(control, 404, "not_found", admin, "GET", "/v1/teams/%00", NULL);
    control_refused(control, 404, "not_found", admin, "GET", "/v1/teams/%ff", NULL);
    control_refused(control, 404, "not_found", admin, "GET", "/v1/teams/..", NULL);
    control_refused(control, 404, "not_found", admin, "GET", "/v1/teams/a'%20OR%201=1", NULL);
    control_refused(control, 404, "not_found", admin, "GET", "/v1//teams", NULL);
    control_refused(control, 404, "not_found", admin, "GET", "/v1/teams/", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cursor_is_bound_to_its_query),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_parameters_that_are_refused),
        cmocka_unit_test(test_paths_are_decoded),
    };

    return cmocka_run_group_tests(tests, begin, tenants_stop);
}
