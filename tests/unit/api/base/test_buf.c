#include "api/base/buf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "tests/lib/dies.h"

static void test_zero_is_a_beginning(void **state)
{
    struct buf buf = {0};

    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_slice(&buf).len, 0);
    buf_add_text(&buf, "a");
    buf_add_char(&buf, 'b');
    buf_add_slice(&buf, SLICE("cd"));
    buf_add(&buf, NULL, 0);
    buf_printf(&buf, "%d", 5);
    assert_string_equal(buf_text(&buf), "abcd5");
    assert_int_equal(buf.len, 5);
    buf_fini(&buf);
    buf_fini(&buf);
}

static void test_an_append_beyond_the_cap_fails_whole(void **state)
{
    struct buf buf;

    buf_init(&buf, 5);
    buf_add_text(&buf, "abc");
    buf_add_text(&buf, "def");
    assert_true(buf.full);
    assert_string_equal(buf_text(&buf), "abc");
    buf_add_text(&buf, "de");
    assert_string_equal(buf_text(&buf), "abcde");
    assert_true(buf.full); /* stays */
    assert_null(buf_reserve(&buf, 1));

    buf_clear(&buf);
    assert_false(buf.full);
    buf_printf(&buf, "%s", "123456");
    assert_true(buf.full);
    assert_string_equal(buf_text(&buf), "");
    buf_clear(&buf);
    buf_printf(&buf, "%s", "12345");
    assert_false(buf.full);
    assert_string_equal(buf_text(&buf), "12345");
    buf_fini(&buf);
}

static void test_quoted(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", "\"\""},
        {"a.b c", "\"a.b c\""},
        {"\"\\", "\"\\\"\\\\\""},
        {"\a\b\t\n\v\f\r", "\"\\a\\b\\t\\n\\v\\f\\r\""},
        {"\x01\x1b\x7f", "\"\\x01\\x1b\\x7f\""},
        {"gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x9a\xa2", "\"gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x9a\xa2\""},
        {"\xff\xc3(\xe2\x82", "\"\\xff\\xc3(\\xe2\\x82\""},
        {"\xc2\x80\xc2\xa0\xc2\xa1\xe2\x80\xae", "\"\\u0080\\u00a0\xc2\xa1\\u202e\""},
        {"\xf3\xa0\x80\x81", "\"\\U000e0001\""},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf buf = {0};

        buf_add_quoted(&buf, slice_of(cases[i].in));
        assert_string_equal(buf_text(&buf), cases[i].out);
        buf_fini(&buf);
    }
    {
        struct buf buf = {0};

        buf_add_quoted(&buf, SLICE("a\0b"));
        assert_string_equal(buf_text(&buf), "\"a\\x00b\"");
        buf_fini(&buf);
    }
}

static void test_printf_of_any_length(void **state)
{
    struct buf buf = {0};
    size_t len = 0;

    for (int i = 0; i < 300; i++) {
        buf_printf(&buf, "%*s", i, "");
        len += (size_t)i;
        assert_int_equal(buf.len, len);
        assert_int_equal(buf.data[len], 0);
    }
    buf_fini(&buf);
}

static void test_the_caller_may_write(void **state)
{
    struct buf buf;
    char *room;

    buf_init(&buf, 10);
    room = buf_reserve(&buf, 10);
    assert_non_null(room);
    memcpy(room, "0123456789", 10);
    buf_commit(&buf, 4);
    assert_string_equal(buf_text(&buf), "0123");
    buf_drop_front(&buf, 1);
    assert_string_equal(buf_text(&buf), "123");
    buf_drop_front(&buf, 3);
    assert_string_equal(buf_text(&buf), "");
    buf_fini(&buf);
}

static void test_take_hands_over(void **state)
{
    struct buf buf = {0};
    char *text = buf_take(&buf);

    assert_string_equal(text, "");
    mem_free(text);
    buf_add_text(&buf, "abc");
    text = buf_take(&buf);
    assert_string_equal(text, "abc");
    assert_int_equal(buf.len, 0);
    assert_null(buf.data);
    mem_free(text);
}

static void commit_too_much(void *arg)
{
    struct buf buf = {0};

    if (buf_reserve(&buf, 10) != NULL)
        buf_commit(&buf, 1000);
}

static void drop_too_much(void *arg)
{
    struct buf buf = {0};

    buf_add_text(&buf, "abc");
    buf_drop_front(&buf, 4);
}

static void test_misuse_stops(void **state)
{
    assert_true(dies(commit_too_much, NULL));
    assert_true(dies(drop_too_much, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero_is_a_beginning),
        cmocka_unit_test(test_an_append_beyond_the_cap_fails_whole),
        cmocka_unit_test(test_quoted),
        cmocka_unit_test(test_printf_of_any_length),
        cmocka_unit_test(test_the_caller_may_write),
        cmocka_unit_test(test_take_hands_over),
        cmocka_unit_test(test_misuse_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
