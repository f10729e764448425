#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/hall.h"
#include "tests/lib/on_worker.h"

enum { WORKERS = 3, MANY = 240 };

struct counts {
    unsigned here[WORKERS];
};

static bool count(struct session *session, void *arg)
{
    struct counts *counts = arg;

    counts->here[session->conn.worker->index]++;
    return true;
}

static void look(struct worker *worker, void *arg)
{
    session_table_walk(worker, count, arg);
}

static struct counts place(bool spread, unsigned guests)
{
    struct guest *all = test_calloc(guests, sizeof(*all));
    struct counts counts = {{0}};
    struct hall hall;

    hall_init(&hall);
    hall.options.spread = spread;
    hall_start(&hall, WORKERS);
    for (unsigned i = 0; i < guests; i++) {
        guest_enter(&hall, &all[i], NULL);
        guest_say(&all[i], "CONNECT {\"verbose\":false}\r\n");
        guest_hears_nothing(&all[i]);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        on_worker(hall.workers, i, look, &counts);
    for (unsigned i = 0; i < guests; i++)
        guest_leave(&all[i]);
    hall_stop(&hall);
    test_free(all);
    return counts;
}

static void test_few_stay_together(void **state)
{
    struct counts counts = place(false, 12);

    (void)state;
    assert_int_equal(counts.here[0], 12);
}

static void test_many_are_shared_out(void **state)
{
    struct counts counts = place(false, MANY);

    (void)state;
    for (unsigned i = 0; i < WORKERS; i++)
        assert_in_range(counts.here[i], MANY / WORKERS / 2, MANY / WORKERS * 2);
}

static void test_in_turn_when_asked_for(void **state)
{
    struct counts counts = place(true, 12);

    (void)state;
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(counts.here[i], 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_stay_together),
        cmocka_unit_test(test_many_are_shared_out),
        cmocka_unit_test(test_in_turn_when_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
