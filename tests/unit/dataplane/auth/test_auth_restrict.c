#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/auth/auth_restrict.h"

static void test_source(void **state)
{
    static const struct {
        const char *range, *host;
        enum result rc;
    } cases[] = {
        {"10.0.0.0/8", "10.1.2.3", OK},
        {"10.0.0.0/8", "11.1.2.3", ERR_DENIED},
        {"10.0.0.0/8, 192.168.1.0/24", "192.168.1.7", OK},
        {"192.168.1.128/25", "192.168.1.127", ERR_DENIED},
        {"192.168.1.128/25", "192.168.1.128", OK},
        {"0.0.0.0/0", "8.8.8.8", OK},
        {"10.0.0.0/8", "::ffff:10.1.2.3", OK}, /* the same address in another dress */
        {"::ffff:10.0.0.0/104", "10.1.2.3", OK},
        {"::ffff:10.0.0.0/104", "11.1.2.3", ERR_DENIED},
        {"::ffff:10.0.0.0/64", "10.1.2.3", ERR_DENIED},
        {"::ffff:10.0.0.0/129", "10.1.2.3", ERR_INVALID},
        {"10.0.0.0/8", "::1", ERR_DENIED},
        {"fd00::/8", "fd12::1", OK},
        {"fd00::/8", "fe00::1", ERR_DENIED},
        {"127.0.0.1/32", "127.0.0.1", OK},
        {"127.0.0.1/33", "127.0.0.1", ERR_INVALID},
        {"127.0.0.1", "127.0.0.1", ERR_INVALID},
        {"somewhere/8", "127.0.0.1", ERR_INVALID},
        {"10.0.0.0/8", "example.com", ERR_DENIED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *item = cases[i].range;
        struct strings ranges = {&item, 1};

        if (auth_source_check(&ranges, cases[i].host) != cases[i].rc)
            fail_msg("%s in %s", cases[i].host, cases[i].range);
    }
    assert_int_equal(auth_source_check(&(struct strings){0}, "anything"), OK);
}

static void test_connection(void **state)
{
    const char *standard[] = {"standard", "WEBSOCKET"}, *other[] = {"MQTT"}, *odd[] = {"SMOKE"};

    (void)state;
    assert_int_equal(auth_connection_check(&(struct strings){0}, AUTH_STANDARD), OK);
    assert_int_equal(auth_connection_check(&(struct strings){standard, 2}, AUTH_STANDARD), OK);
    assert_int_equal(auth_connection_check(&(struct strings){other, 1}, AUTH_STANDARD), ERR_DENIED);
    assert_int_equal(auth_connection_check(&(struct strings){odd, 1}, AUTH_STANDARD), ERR_DENIED);
}

static void test_windows(void **state)
{
    /* Seconds of a day in UTC; ranges as {start, end}. */
    static const struct {
        const char *start, *end;
        int64_t now_s, left_s;
    } cases[] = {
        {"08:00:00", "17:00:00", 8 * 3600, 9 * 3600},  {"08:00:00", "17:00:00", 17 * 3600, 0},
        {"08:00:00", "17:00:00", 17 * 3600 - 1, 1},    {"08:00:00", "17:00:00", 7 * 3600, 0},
        {"22:00:00", "06:00:00", 23 * 3600, 7 * 3600}, {"22:00:00", "06:00:00", 5 * 3600, 3600},
        {"22:00:00", "06:00:00", 12 * 3600, 0},
    };
    struct claims_user_limits limits = {.times_location = "UTC"};
    int64_t left_s;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct claims_time_range range = {cases[i].start, cases[i].end};
        enum result rc;

        limits.times.items = &range;
        limits.times.count = 1;
        rc = auth_window_check(&limits, 20000 * INT64_C(86400) + cases[i].now_s, &left_s);
        assert_int_equal(rc, cases[i].left_s > 0 ? OK : ERR_DENIED);
        assert_int_equal(left_s, cases[i].left_s);
    }
    limits.times.items = &(struct claims_time_range){"8:00", "17:00:00"};
    assert_int_equal(auth_window_check(&limits, 0, &left_s), ERR_INVALID);
    limits.times.count = 0;
    assert_int_equal(auth_window_check(&limits, 0, &left_s), OK);
}

static void test_the_longest_window_counts(void **state)
{
    struct claims_time_range ranges[] = {{"08:00:00", "10:00:00"}, {"09:00:00", "12:00:00"}};
    struct claims_user_limits limits = {.times_location = "UTC"};
    int64_t left_s;

    (void)state;
    limits.times.items = ranges;
    limits.times.count = 2;
    assert_int_equal(auth_window_check(&limits, 9 * 3600, &left_s), OK);
    assert_int_equal(left_s, 3 * 3600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source),
        cmocka_unit_test(test_connection),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_the_longest_window_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
