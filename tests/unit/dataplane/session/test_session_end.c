#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/hall.h"
#include "tests/lib/on_worker.h"

#define QUIET "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"

enum { WORKERS = 3 };

static int setup(void **state)
{
    struct hall *hall = test_calloc(1, sizeof(*hall));

    hall_init(hall);
    hall->options.max_pending = 1 << 20;
    hall_start(hall, WORKERS);
    *state = hall;
    return 0;
}

static bool last_closed(const struct session_snapshot *snapshot, void *arg)
{
    *(enum session_reason *)arg = snapshot->reason;
    return false;
}

/* It reads nothing while more than max_pending comes for it; the others hear everything. */
static void test_a_slow_one_is_closed_and_nobody_waits(void **state)
{
    struct hall *hall = *state;
    static char payload[(64 << 10) + 64];
    struct session_figures before, after;
    struct guest slow, fast, from;
    enum session_reason reason;
    int len;

    session_table_figures(hall->table, &before);
    guest_enter(hall, &slow, NULL);
    guest_enter(hall, &fast, NULL);
    guest_enter(hall, &from, NULL);
    guest_say(&slow, QUIET "SUB big 1\r\n");
    guest_hears_nothing(&slow);
    guest_say(&fast, QUIET "SUB big 1\r\n");
    guest_hears_nothing(&fast);
    guest_say(&from, QUIET);
    len = snprintf(payload, sizeof(payload), "PUB big 60000\r\n");
    memset(payload + len, 'x', 60000);
    memcpy(payload + len + 60000, "\r\n", 3);
    for (int i = 0; i < 64; i++) {
        guest_say(&from, payload);
        guest_hears(&fast, "MSG big 1 60000\r\n");
        guest_hears(&fast, "x\r\n");
    }
    guest_hears_nothing(&from);
    guest_sees_end(&slow);
    do
        session_table_figures(hall->table, &after);
    while (after.slow_consumers == before.slow_consumers);
    session_table_closed(hall->table, last_closed, &reason);
    assert_int_equal(reason, SESSION_SLOW_PENDING);
    guest_leave(&slow);
    guest_leave(&fast);
    guest_leave(&from);
}

static bool no_subscriptions_left(struct worker *worker, void *arg)
{
    struct session_figures figures;

    (void)worker;
    session_table_figures(arg, &figures);
    return figures.subscriptions == 0 && figures.connections == 0;
}

/* More subscriptions than are dropped in one turn. */
static void test_nothing_is_left_behind(void **state)
{
    struct hall *hall = *state;
    struct guest guest;
    char line[64];

    guest_enter(hall, &guest, NULL);
    guest_say(&guest, QUIET);
    for (int i = 0; i < 20000; i++) {
        snprintf(line, sizeof(line), "SUB many.%d %d\r\n", i, i);
        guest_say(&guest, line);
    }
    guest_hears_nothing(&guest);
    guest_leave(&guest);
    until_on_worker(hall->workers, 0, no_subscriptions_left, hall->table);
}

struct heard {
    unsigned connects, disconnects;
    uint64_t msgs;
    enum session_reason reason;
};

static void on_connect(void *arg, struct worker *worker, const struct session *session)
{
    (void)worker;
    (void)session;
    ((struct heard *)arg)->connects++;
}

static void on_disconnect(void *arg, struct worker *worker, const struct session *session)
{
    struct heard *heard = arg;
    struct session_snapshot snapshot;

    (void)worker;
    session_snapshot(session, &snapshot);
    assert_true(snapshot.stop_ns > 0);
    heard->disconnects++;
    heard->msgs = snapshot.in_msgs;
    heard->reason = snapshot.reason;
}

static void test_who_listens_hears_of_both_ends(void **state)
{
    struct heard heard = {0};
    struct guest guest;
    struct hall hall;

    (void)state;
    hall_init(&hall);
    hall.hooks = (struct session_hooks){
        .arg = &heard,
        .on_connect = on_connect,
        .on_disconnect = on_disconnect,
    };
    hall_start(&hall, 1);
    guest_enter(&hall, &guest, NULL); /* never says CONNECT: not heard of */
    guest_leave(&guest);
    guest_enter(&hall, &guest, NULL);
    guest_say(&guest, QUIET "PUB a 0\r\n\r\nPUB a 0\r\n\r\nBAD\r\n");
    guest_sees_end(&guest);
    guest_leave(&guest);
    hall_stop(&hall);
    assert_int_equal(heard.connects, 1);
    assert_int_equal(heard.disconnects, 1);
    assert_int_equal(heard.msgs, 2);
    assert_int_equal(heard.reason, SESSION_PROTOCOL_VIOLATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slow_one_is_closed_and_nobody_waits),
        cmocka_unit_test(test_nothing_is_left_behind),
        cmocka_unit_test(test_who_listens_hears_of_both_ends),
    };

    return cmocka_run_group_tests(tests, setup, hall_tear_down);
}
