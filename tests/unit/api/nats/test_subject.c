#include "api/nats/subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/base/check.h"

static void test_scan(void **state)
{
    static const struct {
        const char *subject;
        unsigned tokens;
        bool valid, literal, full;
    } cases[] = {
        {"a", 1, true, true, false},       {"a.b.c", 3, true, true, false},
        {"a.*.c", 3, true, false, false},  {"*", 1, true, false, false},
        {">", 1, true, false, true},       {"a.>", 2, true, false, true},
        {"a.>.b", 3, false, false, false}, {">.>", 2, false, false, true},
        {"foo*", 1, true, true, false},    {">bar", 1, true, true, false},
        {"", 1, false, true, false},       {".", 2, false, true, false},
        {"a.", 2, false, true, false},     {".a", 2, false, true, false},
        {"a..b", 3, false, true, false},   {"a.**.b", 3, true, true, false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct slice subject = slice_of(cases[i].subject);
        struct subject_info info = subject_scan(subject);

        if (info.tokens != cases[i].tokens || info.valid != cases[i].valid ||
            info.literal != cases[i].literal || info.full != cases[i].full)
            fail_msg("%s", cases[i].subject);
        assert_int_equal(subject_valid(subject), cases[i].valid);
        assert_int_equal(subject_literal(subject), cases[i].literal);
        assert_int_equal(subject_valid_literal(subject), cases[i].valid && cases[i].literal);
        assert_int_equal(subject_token_count(subject), cases[i].tokens);
    }
}

static void test_clean(void **state)
{
    assert_true(subject_clean(SLICE("a.b.>")));
    assert_true(subject_clean(SLICE("gr\xc3\xbc\xc3\x9f.e")));
    assert_false(subject_clean(SLICE("a b")));
    assert_false(subject_clean(SLICE("a\tb")));
    assert_false(subject_clean(SLICE("a\r")));
    assert_false(subject_clean(SLICE("a\x0c")));
    assert_false(subject_clean(SLICE("a\0b")));
    assert_false(subject_clean(SLICE("a\x7f")));
    assert_false(subject_clean(SLICE("a\xff")));
    assert_false(subject_clean(SLICE("a\xef\xbf\xbd")));
}

static void test_match(void **state)
{
    static const struct {
        const char *pattern, *subject;
        bool matches;
    } cases[] = {
        {"a.*", "a.b", true},     {"a.*", "a", false},       {"a.*", "a.b.c", false},
        {"a.>", "a.b.c", true},   {"a.>", "a.b", true},      {"a.>", "a", false},
        {">", "a", true},         {">", "a.b", true},        {"*", "a", true},
        {"*", "a.b", false},      {"a", "a", true},          {"a", "b", false},
        {"a.b", "a", false},      {"a", "a.b", false},       {"*.b", "a.b", true},
        {"*.*.c", "a.b.c", true}, {"*.*.c", "a.b.d", false}, {"a.*.>", "a.b", false},
        {"a.*.>", "a.b.c", true}, {"foo*", "foobar", false}, {"foo*", "foo*", true},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (subject_match(slice_of(cases[i].pattern), slice_of(cases[i].subject)) !=
            cases[i].matches)
            fail_msg("%s ~ %s", cases[i].pattern, cases[i].subject);
    }
}

static void test_subset_and_overlap(void **state)
{
    static const struct {
        const char *inner, *outer;
        bool subset, overlap;
    } cases[] = {
        {"a.b", "a.*", true, true},   {"a.*", "a.*", true, true},  {"a.>", "a.*", false, true},
        {"a.*", "a.>", true, true},   {"a.>", "a.>", true, true},  {">", "a.>", false, true},
        {"a", "a.>", false, false},   {"*.b", "a.*", false, true}, {"*.b", "a.c", false, false},
        {"a.*.c", "a.>", true, true}, {"a.*", "*.b", false, true}, {"a.b", "a.b.c", false, false},
        {">", "*", false, true},      {"*", ">", true, true},      {"a.b.>", "*.*", false, false},
        {"a.>", "b.>", false, false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct slice a = slice_of(cases[i].inner), b = slice_of(cases[i].outer);

        if (subject_subset(a, b) != cases[i].subset || subject_overlap(a, b) != cases[i].overlap ||
            subject_overlap(b, a) != cases[i].overlap)
            fail_msg("%s in %s", cases[i].inner, cases[i].outer);
    }
}

/* Overlap and subset against all short literals. */
static void test_against_enumeration(void **state)
{
    static const char *const tokens[] = {"a", "b", "*", ">"};
    char subjects[84][8];
    size_t count = 0;

    for (size_t len = 1; len <= 3; len++) {
        for (size_t n = 0; n < (size_t)1 << (2 * len); n++) {
            char *at = subjects[count++];

            for (size_t i = 0; i < len; i++) {
                *at++ = *tokens[n >> (2 * i) & 3];
                *at++ = '.';
            }
            at[-1] = '\0';
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct slice a = slice_of(subjects[i]), b = slice_of(subjects[j]);
            bool overlap = false, subset = true;

            if (!subject_valid(a) || !subject_valid(b))
                continue;
            for (size_t k = 0; k < count; k++) {
                struct slice literal = slice_of(subjects[k]);

                if (!subject_valid_literal(literal))
                    continue;
                overlap |= subject_match(a, literal) && subject_match(b, literal);
                subset &= !subject_match(a, literal) || subject_match(b, literal);
            }
            /* A '>' reaches further than three tokens: "*.*.*" is no superset of it. */
            if (subject_overlap(a, b) != overlap)
                fail_msg("%s overlaps %s", subjects[i], subjects[j]);
            if (subject_subset(a, b) && !subset)
                fail_msg("%s in %s", subjects[i], subjects[j]);
        }
    }
}

static void test_tokens(void **state)
{
    struct slice rest = SLICE("a.bc.d"), token;
    unsigned count = 0;

    while (subject_token_next(&rest, &token))
        count++;
    assert_int_equal(count, 3);
    assert_true(slice_equal(subject_token_at(SLICE("a.bc.d"), 2), SLICE("bc")));
    assert_true(slice_empty(subject_token_at(SLICE("a.bc.d"), 4)));
    assert_true(slice_empty(subject_token_at(SLICE("a.bc.d"), 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_subset_and_overlap),
        cmocka_unit_test(test_against_enumeration),
        cmocka_unit_test(test_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
