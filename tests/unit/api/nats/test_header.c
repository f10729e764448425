#include "api/nats/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/check.h"

static void test_get(void **state)
{
    const struct slice block = SLICE("NATS/1.0\r\nFoo-Bar: 1\r\nBar:  two words \r\nBar: 3\r\n"
                                     "Empty:\r\nX: Bar: 4\r\n\r\n");
    static const struct {
        const char *key, *value; /* NULL: not found */
    } cases[] = {
        {"Foo-Bar", "1"}, {"Bar", "two words "}, {"bar", NULL}, {"Foo", NULL},      {"Empty", ""},
        {"X", "Bar: 4"},  {"Nothing", NULL},     {"", NULL},    {"NATS/1.0", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct slice value;
        enum result rc = header_get(block, slice_of(cases[i].key), &value);

        if (cases[i].value == NULL)
            assert_int_equal(rc, ERR_NOT_FOUND);
        else if (rc != OK || !slice_equal(value, slice_of(cases[i].value)))
            fail_msg("%s", cases[i].key);
    }
    /* Cut anywhere: no byte beyond the end is looked at (ASan sees it). */
    for (size_t len = 0; len <= block.len; len++) {
        char *copy = test_malloc(len > 0 ? len : 1);
        struct slice value;

        memcpy(copy, block.data, len);
        (void)!header_get(slice_make(copy, len), SLICE("Empty"), &value);
        (void)header_valid(slice_make(copy, len));
        test_free(copy);
    }
}

static void test_valid(void **state)
{
    assert_true(header_valid(SLICE("NATS/1.0\r\n\r\n")));
    assert_true(header_valid(SLICE("NATS/1.0 503\r\n\r\n")));
    assert_true(header_valid(SLICE("NATS/1.0\r\nA: b\r\n\r\n")));
    assert_false(header_valid(SLICE("NATS/1.0\r\n")));
    assert_false(header_valid(SLICE("NATS/1.0")));
    assert_false(header_valid(SLICE("HTTP/1.0\r\n\r\n")));
    assert_false(header_valid(SLICE("")));
}

static void test_status(void **state)
{
    struct slice description;
    unsigned code;

    assert_int_equal(header_status(SLICE("NATS/1.0\r\n\r\n"), &code, &description), OK);
    assert_int_equal(code, 0);
    assert_int_equal(header_status(SLICE("NATS/1.0 503\r\n\r\n"), &code, &description), OK);
    assert_int_equal(code, 503);
    assert_true(slice_empty(description));
    assert_int_equal(header_status(SLICE("NATS/1.0 404 No Messages\r\n\r\n"), &code, &description),
                     OK);
    assert_int_equal(code, 404);
    assert_true(slice_equal(description, SLICE("No Messages")));
    assert_int_equal(header_status(SLICE("NATS/1.0 4x4\r\n\r\n"), &code, &description), ERR_SYNTAX);
    assert_int_equal(header_status(SLICE("x"), &code, &description), ERR_SYNTAX);
}

static void test_build_and_walk(void **state)
{
    struct buf buf = {0};
    struct slice rest, key, value;

    header_begin(&buf, 503, SLICE(""));
    header_add(&buf, SLICE("Nats-Subject"), SLICE("a.b"));
    header_end(&buf);
    assert_string_equal(buf_text(&buf), "NATS/1.0 503\r\nNats-Subject: a.b\r\n\r\n");
    assert_true(header_valid(buf_slice(&buf)));
    rest = buf_slice(&buf);
    assert_true(header_next(&rest, &key, &value));
    assert_true(slice_equal(key, SLICE("Nats-Subject")));
    assert_true(slice_equal(value, SLICE("a.b")));
    assert_false(header_next(&rest, &key, &value));
    buf_clear(&buf);
    header_begin(&buf, 0, SLICE("nothing"));
    header_end(&buf);
    assert_string_equal(buf_text(&buf), "NATS/1.0\r\n\r\n");
    buf_clear(&buf);
    header_begin(&buf, 404, SLICE("No Messages"));
    header_end(&buf);
    assert_string_equal(buf_text(&buf), "NATS/1.0 404 No Messages\r\n\r\n");
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_build_and_walk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
