#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controlplane/rest/figures.h"

static void test_requests_are_counted_by_route_and_status(void **state)
{
    struct figures *figures = figures_new();
    struct buf out = {0};

    figures_count(figures, "account_get", 200, 1000000);
    figures_count(figures, "account_get", 200, 60000000);
    figures_count(figures, "account_get", 404, 1000000);
    figures_write(figures, &out);
    assert_non_null(strstr(buf_text(&out), "{route=\"account_get\",code=\"200\"} 2\n"));
    assert_non_null(strstr(buf_text(&out), "{route=\"account_get\",code=\"404\"} 1\n"));
    assert_non_null(strstr(buf_text(&out), "_bucket{le=\"0.005\"} 2\n"));
    assert_non_null(strstr(buf_text(&out), "_bucket{le=\"0.1\"} 3\n"));
    assert_non_null(strstr(buf_text(&out), "_bucket{le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(buf_text(&out), "_count 3\n"));
    buf_fini(&out);
    figures_free(figures);
}

static void test_beyond_the_bound_the_rest_is_other(void **state)
{
    struct figures *figures = figures_new();
    struct buf out = {0};

    for (int i = 0; i < FIGURES_MAX + 10; i++)
        figures_count(figures, "route", i, 0);
    figures_write(figures, &out);
    assert_non_null(strstr(buf_text(&out), "{route=\"other\",code=\"0\"} 11\n"));
    buf_fini(&out);
    figures_free(figures);
}

static bool kept(struct figures *figures, int64_t now_ns, const char *expect)
{
    struct buf out = {0};
    bool good = figures_kept(figures, now_ns, &out);

    assert_string_equal(good ? buf_text(&out) : "", expect);
    buf_fini(&out);
    return good;
}

/* An answer that took 5 is good for 50; while one asks again, others get the old one. */
static void test_the_database_is_asked_in_proportion(void **state)
{
    struct figures *figures = figures_new();

    assert_false(kept(figures, 100, ""));
    assert_false(kept(figures, 101, "")); /* two may be the first */
    figures_keep(figures, SLICE("one"), 100, 105);
    assert_true(kept(figures, 154, "one"));
    assert_false(kept(figures, 155, ""));
    assert_true(kept(figures, 155, "one"));
    assert_true(kept(figures, 10000, "one"));
    figures_keep(figures, SLICE("two"), 155, 156);
    assert_true(kept(figures, 165, "two"));
    assert_false(kept(figures, 166, ""));
    figures_keep(figures, SLICE(""), 166, 900); /* it failed: nothing is kept */
    assert_false(kept(figures, 901, ""));
    figures_free(figures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_counted_by_route_and_status),
        cmocka_unit_test(test_beyond_the_bound_the_rest_is_other),
        cmocka_unit_test(test_the_database_is_asked_in_proportion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
