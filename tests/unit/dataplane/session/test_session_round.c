#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>

#include "api/base/check.h"
#include "dataplane/session/session_round.h"
#include "tests/lib/on_worker.h"

enum { WORKERS = 4 };

struct trip {
    struct session_round round;
    unsigned visited[2 * WORKERS], count; /* without a lock: that is the point */
    _Atomic unsigned done_on;
};

static void visit(struct session_round *round, struct worker *worker)
{
    struct trip *trip = container_of(round, struct trip, round);

    trip->visited[trip->count++] = worker->index;
}

static void done(struct session_round *round, struct worker *worker)
{
    struct trip *trip = container_of(round, struct trip, round);

    atomic_store(&trip->done_on, worker->index + 1);
}

static bool is_done(struct worker *worker, void *arg)
{
    (void)worker;
    return atomic_load(&((struct trip *)arg)->done_on) != 0;
}

static void test_each_once_in_order(void **state)
{
    struct workers *workers = idle_workers(WORKERS, NULL);

    (void)state;
    for (unsigned home = 0; home < WORKERS; home++) {
        struct trip trip = {.round = {.visit = visit, .done = done, .home = home}};

        session_round_start(workers, &trip.round);
        until_on_worker(workers, home, is_done, &trip);
        assert_int_equal(trip.count, WORKERS);
        for (unsigned i = 0; i < WORKERS; i++)
            assert_int_equal(trip.visited[i], i);
        assert_int_equal(atomic_load(&trip.done_on), home + 1);
    }
    workers_stop(workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_once_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
