#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/session/session_leave.h"
#include "tests/lib/hall.h"
#include "tests/lib/on_worker.h"

#define QUIET "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"
#define MODERN \
    "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\n"

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

static int teardown(void **state)
{
    hall_stop(*state);
    test_free(*state);
    return 0;
}

/* Everything in one piece: it is cut at CONNECT, where the session changes its worker. */
static void test_what_follows_connect_moves_along(void **state)
{
    struct guest guests[2 * WORKERS];

    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        guest_enter(*state, &guests[i], NULL);
        guest_say(&guests[i], QUIET "SUB a.* 1\r\nSUB b 2\r\nPUB b 2\r\nhi\r\nPING\r\n");
        guest_hears(&guests[i], "MSG b 2 2\r\nhi\r\n");
        guest_hears(&guests[i], "PONG\r\n");
    }
    guest_say(&guests[0], "PUB a.x in.1 5\r\nhello\r\n");
    for (size_t i = 0; i < COUNT_OF(guests); i++)
        guest_hears(&guests[i], "MSG a.x 1 in.1 5\r\nhello\r\n");
    for (size_t i = 0; i < COUNT_OF(guests); i++)
        guest_leave(&guests[i]);
}

/* A taker that sends PING after the publisher had its PONG has the message before its PONG. */
static void test_ping_is_a_barrier_across_workers(void **state)
{
    struct guest from, to[WORKERS];
    char line[64];

    guest_enter(*state, &from, NULL);
    guest_say(&from, QUIET);
    for (int i = 0; i < WORKERS; i++) {
        guest_enter(*state, &to[i], NULL);
        guest_say(&to[i], QUIET "SUB bar 9\r\nPING\r\n");
        guest_hears(&to[i], "PONG\r\n");
    }
    for (int round = 0; round < 200; round++) {
        snprintf(line, sizeof(line), "PUB bar 4\r\n%04d\r\nPING\r\n", round);
        guest_say(&from, line);
        guest_hears_only(&from, "PONG\r\n");
        for (int i = 0; i < WORKERS; i++) {
            snprintf(line, sizeof(line), "MSG bar 9 4\r\n%04d\r\nPONG\r\n", round);
            guest_say(&to[i], "PING\r\n");
            guest_hears_only(&to[i], line);
        }
    }
    for (int i = 0; i < WORKERS; i++)
        guest_leave(&to[i]);
    guest_leave(&from);
}

static void test_nobody_is_told_on_its_own_subscription(void **state)
{
    struct guest guest, other;

    guest_enter(*state, &guest, NULL);
    guest_enter(*state, &other, NULL);
    guest_say(&other, MODERN "SUB in.> 5\r\n");
    guest_hears_nothing(&other);
    guest_hears(&other, "} \r\n");
    guest_say(&guest, MODERN "PING\r\n");
    guest_hears(&guest, "} \r\n");
    guest_say(&guest, "PUB svc in.1 0\r\n\r\n");
    guest_hears_nothing(&guest); /* not subscribed */
    guest_say(&guest, "SUB in.* 77\r\nPUB svc in.1 0\r\n\r\n");
    guest_hears_only(&guest, "HMSG in.1 77 35 35\r\nNATS/1.0 503\r\nNats-Subject: svc\r\n\r\n\r\n");
    guest_hears_nothing(&other);
    guest_leave(&guest);
    guest_leave(&other);
}

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
    guest_leave(&guest); /* the rest is dropped in several turns */
}

static bool no_subscriptions_left(struct worker *worker, void *arg)
{
    struct session_figures figures;

    (void)worker;
    session_table_figures(arg, &figures);
    return figures.subscriptions == 0 && figures.connections == 0;
}

static void test_nothing_is_left_behind(void **state)
{
    struct hall *hall = *state;

    until_on_worker(hall->workers, 0, no_subscriptions_left, hall->table);
}

struct kicked {
    _Atomic int answer; /* 0: none yet, 1: not found, 2: found */
};

static void on_kicked(void *arg, struct worker *worker, bool found)
{
    struct kicked *kicked = arg;

    (void)worker;
    atomic_store(&kicked->answer, found ? 2 : 1);
}

static bool answered(struct worker *worker, void *arg)
{
    (void)worker;
    return atomic_load(&((struct kicked *)arg)->answer) != 0;
}

static uint64_t cid_of(const char *info)
{
    unsigned long long cid = 0;

    assert_int_equal(sscanf(strstr(info, "\"client_id\":"), "\"client_id\":%llu", &cid), 1);
    return cid;
}

static bool last_closed(const struct session_snapshot *snapshot, void *arg)
{
    *(enum session_reason *)arg = snapshot->reason;
    return false;
}

static void test_kick(void **state)
{
    struct hall *hall = *state;
    enum session_reason reason = SESSION_OPEN;
    struct kicked kicked = {0};
    struct guest guest;
    char info[1024];

    guest_enter(hall, &guest, info);
    guest_say(&guest, QUIET);
    guest_hears_nothing(&guest);
    session_table_kick(hall->table, cid_of(info), 1, on_kicked, &kicked);
    until_on_worker(hall->workers, 1, answered, &kicked);
    assert_int_equal(atomic_load(&kicked.answer), 2);
    guest_sees_end(&guest);
    guest_leave(&guest);
    atomic_store(&kicked.answer, 0);
    session_table_kick(hall->table, cid_of(info), 0, on_kicked, &kicked);
    until_on_worker(hall->workers, 0, answered, &kicked);
    assert_int_equal(atomic_load(&kicked.answer), 1);
    session_table_closed(hall->table, last_closed, &reason);
    assert_int_equal(reason, SESSION_KICKED);
    assert_string_equal(session_reason_text(reason), "Kicked");
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

static void test_lame_duck(void **state)
{
    struct hall *hall = *state;
    struct guest guests[8];

    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        guest_enter(hall, &guests[i], NULL);
        guest_say(&guests[i], MODERN "PING\r\n");
        guest_hears(&guests[i], "} \r\n");
    }
    session_table_lame_duck(hall->table, 20 * NS_PER_MS, 120 * NS_PER_MS, NULL, NULL);
    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        guest_hears(&guests[i], "\"ldm\":true");
        guest_sees_end(&guests[i]);
        guest_leave(&guests[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_follows_connect_moves_along),
        cmocka_unit_test(test_ping_is_a_barrier_across_workers),
        cmocka_unit_test(test_nobody_is_told_on_its_own_subscription),
        cmocka_unit_test(test_many_subscriptions_come_and_go),
        cmocka_unit_test(test_nothing_is_left_behind),
        cmocka_unit_test(test_kick),
        cmocka_unit_test(test_a_slow_one_is_closed_and_nobody_waits),
        cmocka_unit_test(test_lame_duck),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
