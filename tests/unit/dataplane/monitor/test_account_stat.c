#include "dataplane/monitor/account_stat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

static int set_up(void **state)
{
    return 0;
}

static int tear_down(void **state)
{
    return 0;
}

static void test_the_document(void **state)
{
    struct account *account = account_new(NULL, "A");
    struct sys_account_stat stat;
    struct arena arena = {0};

    assert_false(account_stat_in_use(account));
    counter_add(&account->counters[0].in_msgs, 3);
    counter_add(&account->counters[0].in_bytes, 30);
    counter_add(&account->counters[0].out_msgs, 4);
    counter_add(&account->counters[0].slow_consumers, 1);
    assert_true(account_enter(account));
    assert_true(account_stat_in_use(account));
    account_stat_fill(account, &arena, &stat);
    assert_string_equal(stat.acc, "A");
    assert_string_equal(stat.name, "A");
    assert_int_equal(stat.conns, 1);
    assert_int_equal(stat.total_conns, 1);
    assert_int_equal(stat.received.msgs, 3);
    assert_int_equal(stat.received.bytes, 30);
    assert_int_equal(stat.sent.msgs, 4);
    assert_int_equal(stat.sent.leafs->msgs, 0);
    assert_int_equal(stat.slow_consumers, 1);
    account_leave(account);
    arena_fini(&arena);
    account_unref(account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_document),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
