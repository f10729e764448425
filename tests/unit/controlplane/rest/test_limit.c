#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/check.h"
#include "controlplane/rest/limit.h"

static struct {
    struct clock clock;
    int64_t now_ns;
} manual;

static int64_t now(struct clock *clock)
{
    return manual.now_ns;
}

static void start(void)
{
    manual.clock = (struct clock){now, now};
    manual.now_ns = NS_PER_S;
}

static void test_a_bucket_gives_its_rate_in_a_minute_and_no_more(void **state)
{
    struct limit_state left;
    struct limit *limit;

    start();
    limit = limit_new(&manual.clock);
    for (int i = 0; i < 60; i++)
        assert_true(limit_take(limit, SLICE("a"), 60, &left));
    assert_false(limit_take(limit, SLICE("a"), 60, &left));
    assert_int_equal(left.left, 0);
    assert_int_equal(left.wait_s, 1);
    assert_true(limit_take(limit, SLICE("b"), 60, &left)); /* another one's */
    manual.now_ns += NS_PER_S;
    assert_true(limit_take(limit, SLICE("a"), 60, &left));
    assert_false(limit_take(limit, SLICE("a"), 60, &left));
    limit_free(limit);
}

static void test_looking_takes_nothing(void **state)
{
    struct limit_state left;
    struct limit *limit;

    start();
    limit = limit_new(&manual.clock);
    for (int i = 0; i < 100; i++)
        assert_true(limit_open(limit, SLICE("a"), 2, &left));
    assert_int_equal(left.left, 2);
    limit_free(limit);
}

static void test_memory_is_bounded_and_newcomers_share(void **state)
{
    struct limit_state left;
    struct limit *limit;

    start();
    limit = limit_new(&manual.clock);
    for (unsigned i = 0; i < LIMIT_BUCKETS_MAX; i++)
        assert_true(limit_take(limit, slice_make((const char *)&i, sizeof(i)), 1, &left));
    assert_true(limit_take(limit, SLICE("late one"), 1, &left));
    assert_false(limit_take(limit, SLICE("later still"), 1, &left));
    manual.now_ns += 61 * NS_PER_S; /* the old ones are full again, and forgotten */
    assert_true(limit_take(limit, SLICE("one"), 1, &left));
    assert_true(limit_take(limit, SLICE("another"), 1, &left));
    limit_free(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bucket_gives_its_rate_in_a_minute_and_no_more),
        cmocka_unit_test(test_looking_takes_nothing),
        cmocka_unit_test(test_memory_is_bounded_and_newcomers_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
