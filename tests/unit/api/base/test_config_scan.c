#include "api/base/config_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/check.h"

struct value_case {
    const char *text;
    enum scan_kind kind;
    const char *string; /* SCAN_STRING, SCAN_VARIABLE */
    int64_t integer;    /* SCAN_INT, SCAN_BOOL, SCAN_TIME */
    double real;
    const char *rest; /* what is left */
};

#define STRING(text, value, rest)            \
    {                                        \
        text, SCAN_STRING, value, 0, 0, rest \
    }
#define INT(text, value, rest)               \
    {                                        \
        text, SCAN_INT, NULL, value, 0, rest \
    }

static const struct value_case values[] = {
    STRING("abc def", "abc", " def"),
    STRING("q.>", "q.>", ""),
    STRING("a#b//c{d(e\"f=g:h", "a#b//c{d(e\"f=g:h", ""),
    STRING("a,b", "a", ",b"),
    STRING("a;b", "a", ";b"),
    STRING("a]", "a", "]"),
    STRING("a}", "a", "}"),
    STRING("ab'cd", "ab", "cd"),
    STRING("", "", ""),
    STRING(",", "", ","),
    STRING("a\\x41\\tb", "aA\tb", ""),
    STRING("tru\\x65", "true", ""),
    STRING("\"a b\\\"\\n\\\\\" c", "a b\"\n\\", " c"),
    STRING("\"true\"", "true", ""),
    STRING("\"$a\"", "$a", ""),
    STRING("'a\\n\"b\nc'd", "a\\n\"b\nc", "d"),
    STRING("(a\n ) b\nc)\n)\nd", "a\n ) b\nc)\n", "\nd"),
    STRING("(\n)", "\n", ""),
    STRING("(a\r\n)\r\n", "a\r\n", "\r\n"),
    STRING("$2a$10$abc", "$2a$10$abc", ""),
    STRING("8222abc", "8222abc", ""),
    STRING("1#x y", "1#x", " y"),
    STRING("1'x", "1'x", ""),
    STRING("1\\tb", "1\\tb", ""),
    STRING("2s", "2s", ""),
    STRING("300ms", "300ms", ""),
    STRING("1kx", "1kx", ""),
    STRING("1_000", "1_000", ""),
    STRING("1:2-3", "1:2-3", ""),
    STRING("127.0.0.1", "127.0.0.1", ""),
    STRING("127.0.0.1:4222", "127.0.0.1:4222", ""),
    STRING("1.2.3x", "1.2.3", "x"),
    STRING("+1", "+1", ""),
    STRING("::1", "::1", ""),
    STRING("\xc3\xa9", "\xc3\xa9", ""),
    INT("42", 42, ""),
    INT("-42", -42, ""),
    INT("007", 7, ""),
    INT("1,2", 1, ",2"),
    INT("1}", 1, "}"),
    INT("1;", 1, ";"),
    INT("1k", 1000, ""),
    INT("1K", 1000, ""),
    INT("1kb", 1024, ""),
    INT("1ki", 1024, ""),
    INT("1KiB", 1024, ""),
    INT("64MB", INT64_C(64) << 20, ""),
    INT("2m", 2000000, ""),
    INT("10GiB", INT64_C(10) << 30, ""),
    INT("1g", 1000000000, ""),
    INT("1tb", INT64_C(1) << 40, ""),
    INT("1pib", INT64_C(1) << 50, ""),
    INT("1e", INT64_C(1000000000000000000), ""),
    INT("1EB", INT64_C(1) << 60, ""),
    INT("-5k", -5000, ""),
    INT("1e5", INT64_C(1000000000000000000), "5"),
    INT("-5x", -5, "x"),
    INT("9223372036854775807", INT64_MAX, ""),
    INT("-9223372036854775808", INT64_MIN, ""),
    {"1.5", SCAN_FLOAT, NULL, 0, 1.5, ""},
    {"-0.25", SCAN_FLOAT, NULL, 0, -0.25, ""},
    {"1.5GB", SCAN_FLOAT, NULL, 0, 1.5, "GB"},
    {"true", SCAN_BOOL, NULL, 1, 0, ""},
    {"YES", SCAN_BOOL, NULL, 1, 0, ""},
    {"On ", SCAN_BOOL, NULL, 1, 0, " "},
    {"false", SCAN_BOOL, NULL, 0, 0, ""},
    {"no,", SCAN_BOOL, NULL, 0, 0, ","},
    {"OFF", SCAN_BOOL, NULL, 0, 0, ""},
    {"1970-01-01T00:00:01Z x", SCAN_TIME, NULL, 1000000000, 0, " x"},
    {"$NAME", SCAN_VARIABLE, "NAME", 0, 0, ""},
    {"$", SCAN_VARIABLE, "", 0, 0, ""},
    {"$a]", SCAN_VARIABLE, "a", 0, 0, "]"},
};

static bool same(const struct value_case *want, const struct scan_value *got)
{
    if (got->kind != want->kind)
        return false;
    switch (got->kind) {
    case SCAN_STRING:
    case SCAN_VARIABLE:
        return strcmp(got->string, want->string) == 0;
    case SCAN_INT:
        return got->integer == want->integer;
    case SCAN_FLOAT:
        return got->real >= want->real && got->real <= want->real;
    case SCAN_BOOL:
        return got->boolean == (want->integer == 1);
    case SCAN_TIME:
        return got->time_ns == want->integer;
    }
    return false;
}

static void test_values(void **state)
{
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        struct arena arena = {0};
        struct config_scan scan;
        struct scan_value value;

        config_scan_init(&scan, slice_of(values[i].text), &arena);
        if (config_scan_value(&scan, false, &value) != OK || !same(&values[i], &value) ||
            !slice_equal(slice_from(scan.text, scan.at), slice_of(values[i].rest)))
            fail_msg("%s (left: %s)", values[i].text, scan.text.data + scan.at);
        arena_fini(&arena);
    }
}

/* JSON lists of numbers: the bracket ends a number, but only inside of a list. */
static void test_numbers_in_lists(void **state)
{
    struct arena arena = {0};
    struct config_scan scan;
    struct scan_value value;

    config_scan_init(&scan, SLICE("1]"), &arena);
    assert_int_equal(config_scan_value(&scan, true, &value), OK);
    assert_int_equal(value.kind, SCAN_INT);
    assert_int_equal(config_scan_peek(&scan), ']');
    config_scan_init(&scan, SLICE("1]"), &arena);
    assert_int_equal(config_scan_value(&scan, false, &value), OK);
    assert_string_equal(value.string, "1]");
    arena_fini(&arena);
}

static void test_values_that_are_none(void **state)
{
    static const struct {
        const char *text;
        enum result rc;
        const char *message;
    } cases[] = {
        {"-", ERR_SYNTAX, "a number begins with a digit, not with the end of the file"},
        {"-x", ERR_SYNTAX, "a number begins with a digit, not with \"x\""},
        {".5", ERR_SYNTAX, "a number begins with a digit, not with a dot"},
        {"5.", ERR_SYNTAX, "a number wants a digit behind its dot, not the end of the file"},
        {"5.\n", ERR_SYNTAX, "a number wants a digit behind its dot, not the end of the line"},
        {"1kbb", ERR_SYNTAX, "no unit of a number: \"kbb\""},
        {"9223372036854775808", ERR_LIMIT, "integer \"9223372036854775808\" is out of range"},
        {"9999999999g", ERR_LIMIT, "integer \"9999999999\" is out of range"},
        {"1-2", ERR_SYNTAX, "a text that begins with digits and a dash wants quotes"},
        {"2026-1", ERR_SYNTAX,
         "this begins like a time, but is not like 2026-01-02T03:04:05Z; a text like this wants "
         "quotes"},
        {"2026-02-30T00:00:00Z", ERR_SYNTAX, "there is no such time: 2026-02-30T00:00:00Z"},
        {"\"abc", ERR_SYNTAX, "the file ends inside quotes"},
        {"'abc", ERR_SYNTAX, "the file ends inside quotes"},
        {"(abc)", ERR_SYNTAX, "the file ends inside a block: no line that is just \")\""},
        {"\"\\q\"", ERR_SYNTAX, "a backslash wants one of x t n r \" \\ behind it, not \"q\""},
        {"\\", ERR_SYNTAX,
         "a backslash wants one of x t n r \" \\ behind it, not the end of the file"},
        {"\"\\x4g\"", ERR_SYNTAX, "\\x wants two hexadecimal digits"},
        {"\"\\x00\"", ERR_SYNTAX, "a text cannot have a zero byte"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena = {0};
        struct config_scan scan;
        struct scan_value value;
        enum result rc;

        config_scan_init(&scan, slice_of(cases[i].text), &arena);
        rc = config_scan_value(&scan, false, &value);
        if (rc != cases[i].rc || strcmp(scan.message, cases[i].message) != 0)
            fail_msg("%s: %s: %s", cases[i].text, result_name(rc), scan.message);
        arena_fini(&arena);
    }
}

static void test_keys(void **state)
{
    static const struct {
        const char *text, *key, *rest;
        bool bare;
    } cases[] = {
        {"a: 1", "a", ": 1", true},
        {"a=1", "a", "=1", true},
        {"a b", "a", " b", true},
        {"a{ b", "a{", " b", true},
        {"a\xc2\xa0: 1", "a", "\xc2\xa0: 1", true},
        {"\"a b\\\": 1", "a b\\", ": 1", false},
        {"'a:b'x", "a:b", "x", false},
        {"\"\":1", "", ":1", false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena = {0};
        struct config_scan scan;
        const char *key;
        bool bare;

        config_scan_init(&scan, slice_of(cases[i].text), &arena);
        assert_int_equal(config_scan_key(&scan, &key, &bare), OK);
        assert_string_equal(key, cases[i].key);
        assert_string_equal(scan.text.data + scan.at, cases[i].rest);
        assert_int_equal(bare, cases[i].bare);
        arena_fini(&arena);
    }
}

static void test_lines_and_columns_are_counted(void **state)
{
    struct arena arena = {0};
    struct config_scan scan;

    config_scan_init(&scan, SLICE("\xef\xbb\xbf  # c\r\n \n// d\n \t x / y"), &arena);
    assert_int_equal(config_scan_column(&scan), 1);
    config_scan_blanks(&scan);
    assert_true(config_scan_comment(&scan));
    config_scan_spaces(&scan);
    assert_true(config_scan_comment(&scan));
    config_scan_spaces(&scan);
    assert_int_equal(scan.line, 4);
    assert_int_equal(config_scan_column(&scan), 4);
    assert_false(config_scan_take(&scan, 'y'));
    assert_true(config_scan_take(&scan, 'x'));
    assert_true(config_scan_at_space(&scan));
    config_scan_spaces(&scan);
    assert_false(config_scan_comment(&scan)); /* one slash */
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_numbers_in_lists),
        cmocka_unit_test(test_values_that_are_none),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_lines_and_columns_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
