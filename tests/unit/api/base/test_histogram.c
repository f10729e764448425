#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/clock.h"
#include "api/base/histogram.h"

static const int64_t bounds_ms[] = {5, 2500};

static void assert_written(const struct histogram *histogram, const char *wanted)
{
    struct buf buf = {0};

    histogram_write(histogram, "x_seconds", "Time of x.", &buf);
    assert_string_equal(buf_text(&buf), wanted);
    buf_fini(&buf);
}

static void test_each_bucket_holds_those_below_it(void **state)
{
    struct histogram histogram;

    histogram_init(&histogram, bounds_ms, 2);
    histogram_add(&histogram, -7);
    histogram_add(&histogram, 5 * NS_PER_MS);
    histogram_add(&histogram, 5 * NS_PER_MS + 1);
    histogram_add(&histogram, 3 * NS_PER_S);
    assert_written(&histogram, "# HELP x_seconds Time of x.\n# TYPE x_seconds histogram\n"
                               "x_seconds_bucket{le=\"0.005\"} 2\n"
                               "x_seconds_bucket{le=\"2.5\"} 3\n"
                               "x_seconds_bucket{le=\"+Inf\"} 4\n"
                               "x_seconds_sum 3.010000\nx_seconds_count 4\n");
}

static void test_without_bounds_it_counts(void **state)
{
    struct histogram histogram = {0};

    histogram_add(&histogram, NS_PER_S);
    assert_written(&histogram, "# HELP x_seconds Time of x.\n# TYPE x_seconds histogram\n"
                               "x_seconds_bucket{le=\"+Inf\"} 1\n"
                               "x_seconds_sum 1.000000\nx_seconds_count 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_bucket_holds_those_below_it),
        cmocka_unit_test(test_without_bounds_it_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
