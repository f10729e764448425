#include "dataplane/monitor/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { EVERY = 100, BURST = 5 };

static void test_a_burst_then_a_rate(void **state)
{
    struct throttle throttle = {0};
    unsigned allowed = 0;
    int64_t now = 1000000;

    for (int i = 0; i < 20; i++)
        allowed += throttle_allows(&throttle, 7, now, EVERY, BURST);
    assert_int_equal(allowed, BURST);
    allowed = 0;
    for (int i = 0; i < 1000; i++)
        allowed += throttle_allows(&throttle, 7, now + i, EVERY, BURST);
    assert_int_equal(allowed, 1000 / EVERY - 1);
    /* After a rest the whole burst again, no more. */
    allowed = 0;
    for (int i = 0; i < 20; i++)
        allowed += throttle_allows(&throttle, 7, now + 1000000, EVERY, BURST);
    assert_int_equal(allowed, BURST);
}

static void test_keys_are_apart(void **state)
{
    struct throttle throttle = {0};

    for (int i = 0; i < 20; i++)
        (void)throttle_allows(&throttle, 1, 5, EVERY, BURST);
    assert_false(throttle_allows(&throttle, 1, 5, EVERY, BURST));
    assert_true(throttle_allows(&throttle, 2, 5, EVERY, BURST));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_then_a_rate),
        cmocka_unit_test(test_keys_are_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
