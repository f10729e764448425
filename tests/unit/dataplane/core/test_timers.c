#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/random.h"
#include "dataplane/core/timers.h"

enum { TIMERS = 300, STEPS = 20000 };

/* The model: every timer with its due time; a timer fires at the first run at or after it. */
struct guarded {
    struct timer timer;
    int64_t due_ns; /* -1: idle */
    bool again;     /* arms itself when it fires */
    struct world *world;
};

struct world {
    struct timers timers;
    struct random_seeded random;
    int64_t now_ns, fired_last_ns;
    unsigned fired;
    struct guarded all[TIMERS];
};

static void arm(struct guarded *guarded, int64_t due_ns);

static int64_t some_delay(struct world *world)
{
    /* All levels, with many near ones and some beyond the wheel (18.6 hours). */
    unsigned bits = (unsigned)random_below(&world->random.random, 48);

    return (int64_t)random_below(&world->random.random, (UINT64_C(1) << bits) + 1);
}

static void on_fire(struct timer *timer)
{
    struct guarded *guarded = container_of(timer, struct guarded, timer);
    struct world *world = guarded->world;

    assert_true(guarded->due_ns >= 0);
    assert_true(guarded->due_ns <= world->now_ns);
    /* In order, as far as ticks tell them apart. */
    assert_true((guarded->due_ns + NS_PER_MS - 1) / NS_PER_MS >=
                (world->fired_last_ns + NS_PER_MS - 1) / NS_PER_MS);
    world->fired_last_ns = guarded->due_ns;
    world->fired++;
    guarded->due_ns = -1;
    assert_false(timer_armed(timer));
    if (guarded->again)
        arm(guarded, world->now_ns + NS_PER_MS + some_delay(world));
}

static void arm(struct guarded *guarded, int64_t due_ns)
{
    guarded->due_ns = due_ns;
    timer_arm(&guarded->world->timers, &guarded->timer, due_ns, on_fire);
}

static int64_t earliest(const struct world *world)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < TIMERS; i++) {
        if (world->all[i].due_ns >= 0 && world->all[i].due_ns < least)
            least = world->all[i].due_ns;
    }
    return least;
}

static void run(struct world *world)
{
    world->fired_last_ns = 0;
    timers_run(&world->timers, world->now_ns);
    /* Nothing that is due is left; a timer may be at most the rest of a millisecond late. */
    assert_true(earliest(world) > world->now_ns - NS_PER_MS);
}

static void test_against_model(void **state)
{
    struct world *world = *state;

    random_seed(&world->random, 42);
    world->now_ns = 123456789012345;
    timers_init(&world->timers, world->now_ns);
    for (int i = 0; i < TIMERS; i++) {
        world->all[i] = (struct guarded){.due_ns = -1, .again = i % 7 == 0, .world = world};
    }
    for (int step = 0; step < STEPS; step++) {
        struct guarded *guarded = &world->all[random_below(&world->random.random, TIMERS)];
        uint64_t what = random_below(&world->random.random, 10);

        if (what < 6) {
            arm(guarded, world->now_ns + some_delay(world));
        } else if (what < 8) {
            timer_cancel(&world->timers, &guarded->timer);
            guarded->due_ns = -1;
        } else {
            world->now_ns += some_delay(world) / 8;
            run(world);
        }
    }
    assert_true(world->fired > 1000);
}

/* Sleeping as long as is said, again and again, comes to each timer in time and in few steps. */
static void test_sleep(void **state)
{
    struct world *world = *state;
    int steps = 0;

    random_seed(&world->random, 7);
    world->now_ns = 999;
    timers_init(&world->timers, world->now_ns);
    assert_int_equal(timers_sleep_ms(&world->timers, world->now_ns), -1);
    for (int i = 0; i < TIMERS; i++) {
        world->all[i] = (struct guarded){.due_ns = -1, .world = world};
        arm(&world->all[i], world->now_ns + some_delay(world));
    }
    for (;;) {
        int ms = timers_sleep_ms(&world->timers, world->now_ns);

        if (ms < 0)
            break;
        assert_true(world->now_ns + ms * NS_PER_MS < earliest(world) + 2 * NS_PER_MS);
        world->now_ns += ms > 0 ? ms * NS_PER_MS : 1;
        run(world);
        steps++;
    }
    assert_int_equal(world->fired, TIMERS);
    assert_true(steps < TIMERS * 6);
}

static void test_edges(void **state)
{
    struct world *world = *state;
    struct guarded *one = &world->all[0];

    timers_init(&world->timers, 0);
    *one = (struct guarded){.due_ns = -1, .world = world};
    /* Every distance around the levels' borders, from several beginnings. */
    for (int64_t begin = 0; begin < 70000; begin += 251) {
        static const int64_t ahead[] = {1,     2,     255,   256,     257,     511,
                                        16383, 16384, 16385, 1048576, 1048577, 67108864};

        for (size_t i = 0; i < COUNT_OF(ahead); i++) {
            world->now_ns = begin * NS_PER_MS;
            timers_init(&world->timers, world->now_ns);
            arm(one, (begin + ahead[i]) * NS_PER_MS);
            world->now_ns = (begin + ahead[i] - 1) * NS_PER_MS;
            run(world);
            assert_true(timer_armed(&one->timer));
            world->now_ns += NS_PER_MS;
            run(world);
            assert_false(timer_armed(&one->timer));
        }
    }
}

static int setup(void **state)
{
    static struct world world;

    world = (struct world){0};
    for (int i = 0; i < TIMERS; i++)
        world.all[i].due_ns = -1;
    *state = &world;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_against_model, setup),
        cmocka_unit_test_setup(test_sleep, setup),
        cmocka_unit_test_setup(test_edges, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
