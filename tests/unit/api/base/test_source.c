#include "api/base/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

static struct source_key of_socket(const char *text)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return source_key_of((struct sockaddr *)&four);
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return source_key_of((struct sockaddr *)&six);
}

static void test_what_is_one_source(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.1", "::ffff:10.0.0.1", true},
        {"::ffff:10.0.0.1", "::ffff:10.0.0.2", false},
        {"2001:db8:1:2::1", "2001:db8:1:2:3::9", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct source_key a = of_socket(cases[i].a), b = source_key_of_text(cases[i].b);

        if (slice_equal(source_key_slice(&a), source_key_slice(&b)) != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
        assert_false(source_key_none(&a));
    }
}

static void test_no_address(void **state)
{
    static const struct sockaddr other = {.sa_family = AF_UNIX};
    const struct source_key keys[] = {
        source_key_of(NULL),
        source_key_of(&other),
        source_key_of_text(NULL),
        source_key_of_text("localhost"),
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_true(source_key_none(&keys[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_one_source),
        cmocka_unit_test(test_no_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
