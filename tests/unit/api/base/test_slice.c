#include "api/base/slice.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"

static void test_cut_gives_every_part(void **state)
{
    static const struct {
        const char *text;
        const char *parts[4];
    } cases[] = {
        {"a.b.c", {"a", "b", "c"}}, {"a", {"a"}},    {"", {""}},
        {"a.", {"a", ""}},          {".", {"", ""}}, {"a..b", {"a", "", "b"}},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct slice rest = slice_of(cases[i].text), part;
        size_t count = 0;

        while (slice_cut(&rest, '.', &part)) {
            assert_non_null(cases[i].parts[count]);
            assert_true(slice_equal(part, slice_of(cases[i].parts[count])));
            count++;
        }
        assert_null(cases[i].parts[count]);
    }
}

static void test_uint_takes_digits_up_to_a_bound(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool ok;
        uint64_t value;
    } cases[] = {
        {"0", 10, true, 0},
        {"10", 10, true, 10},
        {"11", 10, false, 0},
        {"007", 10, true, 7},
        {"", 10, false, 0},
        {"1a", 100, false, 0},
        {"-1", 100, false, 0},
        {"+1", 100, false, 0},
        {" 1", 100, false, 0},
        {"1", 0, false, 0},
        {"0", 0, true, 0},
        {"5", 3, false, 0},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999999", UINT64_MAX, false, 0},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t value = 0;

        if (slice_uint(slice_of(cases[i].text), cases[i].max, &value) != cases[i].ok ||
            value != cases[i].value)
            fail_msg("%s up to %llu", cases[i].text, (unsigned long long)cases[i].max);
    }
}

static void test_comparisons(void **state)
{
    assert_true(slice_equal(SLICE("ab"), slice_of("ab")));
    assert_false(slice_equal(SLICE("ab"), SLICE("a")));
    assert_true(slice_equal(SLICE(""), slice_of(NULL)));
    assert_true(slice_given(" "));
    assert_false(slice_given("") || slice_given(NULL));
    assert_true(slice_equal_nocase(SLICE("aBz"), SLICE("AbZ")));
    assert_false(slice_equal_nocase(SLICE("a["), SLICE("a{")));
    assert_true(slice_starts(SLICE("abc"), SLICE("ab")));
    assert_false(slice_starts(SLICE("a"), SLICE("ab")));
    assert_true(slice_ends(SLICE("abc"), SLICE("bc")));
    assert_true(slice_ends(SLICE("abc"), SLICE("")));
    assert_true(slice_compare(SLICE("a"), SLICE("ab")) < 0);
    assert_true(slice_compare(SLICE("b"), SLICE("ab")) > 0);
    assert_true(slice_compare(SLICE("\xff"), SLICE("a")) > 0);
    assert_true(slice_compare(SLICE(""), slice_of(NULL)) == 0);
}

static void test_parts(void **state)
{
    assert_true(slice_equal(slice_trim(SLICE(" \ta b\r\n")), SLICE("a b")));
    assert_true(slice_empty(slice_trim(SLICE(" \n "))));
    assert_true(slice_equal(slice_from(SLICE("abc"), 1), SLICE("bc")));
    assert_true(slice_empty(slice_from(SLICE("abc"), 9)));
}

static void test_utf8_is_well_formed_or_nothing(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } cases[] = {
        {"", 0},
        {"a", 1},
        {"\xc3\xa9", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0},             /* a continuation alone */
        {"\xc3", 0},             /* cut off */
        {"\xc3(", 0},            /* no continuation */
        {"\xc0\xaf", 0},         /* longer than need be */
        {"\xe0\x80\xaf", 0},     /* the same, three bytes */
        {"\xf0\x80\x80\xaf", 0}, /* the same, four */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* beyond Unicode */
        {"\xf8\x88\x80\x80", 0},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (slice_utf8(slice_of(cases[i].text)) != cases[i].len)
            fail_msg("case %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_gives_every_part),
        cmocka_unit_test(test_uint_takes_digits_up_to_a_bound),
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_utf8_is_well_formed_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
