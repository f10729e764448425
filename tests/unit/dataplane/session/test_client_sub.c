#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "dataplane/session/client_sub.h"
#include "tests/lib/hall.h"
#include "tests/lib/on_worker.h"

#define QUIET "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"

static void test_many_subscriptions_come_and_go(void **state)
{
    struct guest guest;
    char line[128];

    guest_enter(*state, &guest, NULL);
    guest_say(&guest, QUIET);
    for (int i = 0; i < 20000; i++) {
        snprintf(line, sizeof(line), "SUB many.%d.x %d\r\n", i, i);
        guest_say(&guest, line);
    }
    for (int i = 0; i < 20000; i += 3) {
        snprintf(line, sizeof(line), "UNSUB %d\r\n", i);
        guest_say(&guest, line);
    }
    guest_hears_nothing(&guest);
    for (int i = 0; i < 20000; i += 997) {
        snprintf(line, sizeof(line), "PUB many.%d.x 1\r\n.\r\n", i);
        guest_say(&guest, line);
        snprintf(line, sizeof(line), "MSG many.%d.x %d 1\r\n.\r\n", i, i);
        if (i % 3 != 0)
            guest_hears_only(&guest, line);
        else
            guest_hears_nothing(&guest);
    }
    guest_leave(&guest);
}

static void test_work_goes_by_tokens(void **state)
{
    uint32_t one = client_sub_work(SLICE("a"));

    assert_true(one > 0);
    assert_int_equal(client_sub_work(SLICE("a-long-token")), one);
    assert_int_equal(client_sub_work(SLICE("a.b.c")) - one,
                     2 * (client_sub_work(SLICE("a.b")) - one));
    assert_true(client_sub_work(SLICE("a.b")) > one);
}

static bool drop_some(struct session *session, void *arg)
{
    unsigned *left = arg;
    uint32_t work = client_sub_work(SLICE("a.b.c.1"));

    if (session->subs.count != 10)
        return true;
    assert_false(client_subs_drop(session, 1));
    left[0] = session->subs.count;
    assert_false(client_subs_drop(session, 3 * work));
    left[1] = session->subs.count;
    assert_true(client_subs_drop(session, UINT32_MAX));
    left[2] = session->subs.count;
    return false;
}

static void drop_on(struct worker *worker, void *arg)
{
    session_table_walk(worker, drop_some, arg);
}

static void test_as_many_go_as_there_is_work_for(void **state)
{
    struct hall *hall = *state;
    struct guest guest;
    unsigned left[3] = {99, 99, 99};
    char line[64];

    guest_enter(hall, &guest, NULL);
    guest_say(&guest, QUIET);
    for (int i = 0; i < 10; i++) {
        snprintf(line, sizeof(line), "SUB a.b.c.%d %d\r\n", i, i);
        guest_say(&guest, line);
    }
    guest_hears_nothing(&guest);
    for (unsigned i = 0; i < HALL_WORKERS; i++)
        on_worker(hall->workers, i, drop_on, left);
    assert_int_equal(left[0], 9);
    assert_int_equal(left[1], 6);
    assert_int_equal(left[2], 0);
    guest_leave(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_subscriptions_come_and_go),
        cmocka_unit_test(test_work_goes_by_tokens),
        cmocka_unit_test(test_as_many_go_as_there_is_work_for),
    };

    return cmocka_run_group_tests(tests, hall_set_up, hall_tear_down);
}
