#include "api/base/base64.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/random.h"

static void test_the_vectors_of_rfc_4648(void **state)
{
    static const struct {
        const char *bytes, *text, *url;
    } cases[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct slice bytes = slice_of(cases[i].bytes);
        char text[32], back[32];
        size_t len;

        base64_encode(bytes.data, bytes.len, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(strlen(text), BASE64_LEN(bytes.len));
        assert_int_equal(base64_decode(slice_of(text), back, sizeof(back), &len), OK);
        assert_true(slice_equal(slice_make(back, len), bytes));

        base64url_encode(bytes.data, bytes.len, text);
        assert_string_equal(text, cases[i].url);
        assert_int_equal(strlen(text), BASE64URL_LEN(bytes.len));
        assert_int_equal(base64url_decode(slice_of(text), back, sizeof(back), &len), OK);
        assert_true(slice_equal(slice_make(back, len), bytes));
    }
}

static void test_any_bytes_come_back(void **state)
{
    struct random_seeded random;

    random_seed(&random, 64);
    for (size_t size = 0; size < 80; size++) {
        char bytes[80], text[BASE64_LEN(80) + 1], back[80];
        size_t len;

        random_fill(&random.random, bytes, size);
        base64url_encode(bytes, size, text);
        assert_int_equal(base64url_decode(slice_of(text), back, size, &len), OK);
        assert_int_equal(len, size);
        assert_memory_equal(bytes, back, size);
        if (size > 0)
            assert_int_equal(base64url_decode(slice_of(text), back, size - 1, &len), ERR_LIMIT);
    }
}

static void test_what_is_refused(void **state)
{
    static const char *const plain[] = {"Zg",   "Zg=",    "Zh==",  "Z",
                                        "-__-", "Zm9v\n", " Zm9v", "Z=g="};
    static const char *const url[] = {"Zg==", "Zh", "Z", "+//+", "Zm9v\n", "Zm 9v", "Zm9v="};
    char out[16];
    size_t len;

    for (size_t i = 0; i < COUNT_OF(plain); i++)
        if (base64_decode(slice_of(plain[i]), out, sizeof(out), &len) != ERR_SYNTAX)
            fail_msg("base64 %s", plain[i]);
    for (size_t i = 0; i < COUNT_OF(url); i++)
        if (base64url_decode(slice_of(url[i]), out, sizeof(out), &len) != ERR_SYNTAX)
            fail_msg("base64url %s", url[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vectors_of_rfc_4648),
        cmocka_unit_test(test_any_bytes_come_back),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
