#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/hall.h"
#include "tests/lib/on_worker.h"

#define QUIET "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"

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

static bool count(struct session *session, void *arg)
{
    (void)session;
    (*(unsigned *)arg)++;
    return true;
}

static void look(struct worker *worker, void *arg)
{
    session_table_walk(worker, count, arg);
}

static void test_all_are_seen_and_counted(void **state)
{
    struct hall *hall = *state;
    struct session_figures before, after;
    struct guest guests[2 * HALL_WORKERS];
    unsigned seen = 0;

    session_table_figures(hall->table, &before);
    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        guest_enter(hall, &guests[i], NULL);
        guest_say(&guests[i], QUIET "SUB a 1\r\nPUB b 2\r\nhi\r\n");
        guest_hears_nothing(&guests[i]);
    }
    session_table_figures(hall->table, &after);
    assert_int_equal(after.subscriptions - before.subscriptions, COUNT_OF(guests));
    assert_int_equal(after.total_connections - before.total_connections, COUNT_OF(guests));
    assert_int_equal(after.in_msgs - before.in_msgs, COUNT_OF(guests));
    assert_int_equal(after.in_bytes - before.in_bytes, 2 * COUNT_OF(guests));
    for (unsigned i = 0; i < HALL_WORKERS; i++)
        on_worker(hall->workers, i, look, &seen);
    assert_int_equal(seen, COUNT_OF(guests));
    for (size_t i = 0; i < COUNT_OF(guests); i++)
        guest_leave(&guests[i]);
    assert_true(session_table_next_cid(hall->table) < session_table_next_cid(hall->table));
    assert_string_equal(session_table_options(hall->table)->server_id, "NHALL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kick),
        cmocka_unit_test(test_all_are_seen_and_counted),
    };

    return cmocka_run_group_tests(tests, hall_set_up, hall_tear_down);
}
