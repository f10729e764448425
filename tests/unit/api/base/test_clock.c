#include "api/base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"

#define AT INT64_C(1795398000123456789) /* 2026-11-23T01:40:00.123456789Z */

static void test_format(void **state)
{
    char out[CLOCK_TEXT_MAX];

    clock_format(AT, 0, out);
    assert_string_equal(out, "2026-11-23T01:40:00Z");
    clock_format(AT, 3, out);
    assert_string_equal(out, "2026-11-23T01:40:00.123Z");
    clock_format(AT, 9, out);
    assert_string_equal(out, "2026-11-23T01:40:00.123456789Z");
    clock_format(-1, 9, out);
    assert_string_equal(out, "1969-12-31T23:59:59.999999999Z");
    clock_format(INT64_MAX, 9, out);
    assert_string_equal(out, "2262-04-11T23:47:16.854775807Z");
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"2026-11-23T01:40:00.123456789Z", AT},
        {"2026-11-23T01:40:00.5Z", AT - 123456789 + 500000000},
        {"2026-11-23T03:10:00.123456789+01:30", AT},
        {"2026-11-22T23:40:00.123456789-02:00", AT},
        {"1970-01-01T00:00:00Z", 0},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000000000)},
        {"1969-12-31T23:59:59.999999999Z", -1},
        {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t ns = 0;

        if (clock_parse(cases[i].text, &ns) != 0 || ns != cases[i].ns)
            fail_msg("%s: %lld", cases[i].text, (long long)ns);
    }
}

static void test_what_is_no_time(void **state)
{
    static const char *const cases[] = {
        "",
        "2026-11-23",
        "2026-11-23T01:40:00",
        "2026-11-23 01:40:00Z",
        "2026-11-23t01:40:00z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00Zx",
        "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:00x",
        "26-01-01T00:00:00Z",
        "-026-01-01T00:00:00Z",
        "2262-04-11T23:47:16.854775808Z",
        "9999-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
    };
    int64_t ns;

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (clock_parse(cases[i], &ns) != -1)
            fail_msg("%s", cases[i]);
}

static void test_the_system_clock_runs(void **state)
{
    struct clock *clock = clock_system();
    int64_t before = clock_mono_ns(clock);

    assert_true(clock_wall_ns(clock) > AT / 2);
    assert_true(clock_mono_ns(clock) >= before);
}

static void test_what_is_too_far_away(void **state)
{
    (void)state;
    assert_int_equal(clock_deadline_ns(0), 0);
    assert_int_equal(clock_deadline_ns(-1), 0);
    assert_int_equal(clock_deadline_ns(INT64_MIN), 0);
    assert_int_equal(clock_deadline_ns(2), 2 * NS_PER_S);
    assert_true(clock_deadline_ns(INT64_C(10000000000)) == INT64_MAX);
    assert_true(clock_deadline_ns(INT64_MAX) == INT64_MAX);
    assert_true(clock_after(1, 2) == 3);
    assert_true(clock_after(-1, INT64_MAX) == INT64_MAX - 1);
    assert_true(clock_after(1, INT64_MAX) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_too_far_away),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_what_is_no_time),
        cmocka_unit_test(test_the_system_clock_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
