#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/session/session_leave.h"
#include "tests/lib/hall.h"
#include "tests/lib/on_worker.h"

#define MODERN \
    "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\n"

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

static void on_done(void *arg, struct worker *worker)
{
    assert_int_equal(worker->index, 0);
    *(bool *)arg = true;
}

static bool is_true(struct worker *worker, void *arg)
{
    (void)worker;
    return *(bool *)arg;
}

/* The clock stands: no grace goes by. */
static void test_nobody_to_wait_for(void **state)
{
    struct hall hall;
    bool done = false;

    (void)state;
    hall_init(&hall);
    hall.clock = clock_that_stands();
    hall_start(&hall, HALL_WORKERS);
    session_table_lame_duck(hall.table, 10 * NS_PER_S, 120 * NS_PER_S, on_done, &done);
    until_on_worker(hall.workers, 0, is_true, &done);
    hall_stop(&hall);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lame_duck),
        cmocka_unit_test(test_nobody_to_wait_for),
    };

    return cmocka_run_group_tests(tests, hall_set_up, hall_tear_down);
}
