#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "api/base/check.h"
#include "dataplane/core/machine.h"
#include "dataplane/core/shared.h"
#include "tests/lib/on_worker.h"

/* --- order of mail --------------------------------------------------------------------------- */

enum { LETTERS = 20000, WORKERS = 3 };

struct post {
    uint64_t sent[WORKERS];
    uint64_t next[WORKERS][WORKERS]; /* at [to][from] */
    atomic_uint_fast64_t read;
};

struct letter {
    struct post *post;
    unsigned from;
    uint64_t number;
};

static void read_letter(struct worker *worker, void *body, size_t len)
{
    struct letter letter;

    CHECK(worker_is_mine(worker) && worker_current() == worker);
    CHECK(((uintptr_t)body & 15) == 0 && len >= sizeof letter);
    memcpy(&letter, body, sizeof letter);
    CHECK(letter.post->next[worker->index][letter.from]++ == letter.number);
    atomic_fetch_add(&letter.post->read, 1);
}

/* A few to everybody, itself too; some larger than a chunk; then as mail to itself again. */
static void write_letters(struct worker *worker, void *body, size_t len)
{
    struct post *post;

    memcpy(&post, body, sizeof post);
    for (int i = 0; i < 50 && post->sent[worker->index] < LETTERS; i++) {
        uint64_t number = post->sent[worker->index]++;

        for (unsigned to = 0; to < WORKERS; to++) {
            struct letter letter = {post, worker->index, number};
            size_t size = number % 1000 == 999 ? 100000 : sizeof letter + number % 700;

            memcpy(worker_post(worker, to, read_letter, size), &letter, sizeof letter);
        }
    }
    if (post->sent[worker->index] < LETTERS)
        memcpy(worker_post(worker, worker->index, write_letters, sizeof post), &post, sizeof post);
}

static bool all_read(struct worker *worker, void *arg)
{
    struct post *post = arg;

    return atomic_load(&post->read) == (uint64_t)LETTERS * WORKERS * WORKERS;
}

static void test_mail_in_order(void **state)
{
    static struct post all;
    struct workers *workers = idle_workers(WORKERS, NULL);
    struct post *post = &all;
    struct worker_figures figures;

    for (unsigned i = 0; i < WORKERS; i++)
        workers_post(workers, i, write_letters, &post, sizeof post);
    until_on_worker(workers, 0, all_read, post);
    worker_figures(workers_at(workers, 1), &figures);
    assert_true(figures.mails >= LETTERS * WORKERS);
    workers_stop(workers);
}

/* --- drain ----------------------------------------------------------------------------------- */

struct meeting {
    struct deferred deferred;
    atomic_int inside; /* worker 1 is in the middle of its turn */
    atomic_int posted; /* worker 0 has pushed its mail */
    atomic_int read;
    atomic_int passed;
};

static void mark_read(struct worker *worker, void *body, size_t len)
{
    struct meeting *meeting;

    memcpy(&meeting, body, sizeof meeting);
    atomic_fetch_add(&meeting->read, 1);
}

/* In the middle of worker 1's turn: mail comes, and a drain runs it now. */
static void in_the_middle(struct deferred *deferred)
{
    struct meeting *meeting = container_of(deferred, struct meeting, deferred);

    atomic_store(&meeting->inside, 1);
    while (atomic_load(&meeting->posted) == 0)
        (void)sched_yield();
    CHECK(atomic_load(&meeting->read) == 0);
    worker_drain(worker_current());
    CHECK(atomic_load(&meeting->read) == 10);
    worker_drain(worker_current()); /* of nothing */
    atomic_store(&meeting->passed, 1);
}

static void begin_meeting(struct worker *worker, void *arg)
{
    struct meeting *meeting = arg;

    worker_defer(worker, &meeting->deferred, in_the_middle);
}

static void post_ten(struct worker *worker, void *arg)
{
    struct meeting *meeting = arg;

    while (atomic_load(&meeting->inside) == 0)
        (void)sched_yield();
    for (int i = 0; i < 10; i++)
        memcpy(worker_post(worker, 1, mark_read, sizeof meeting), &meeting, sizeof meeting);
    worker_publish(worker);
    atomic_store(&meeting->posted, 1);
}

static bool has_passed(struct worker *worker, void *arg)
{
    struct meeting *meeting = arg;

    return atomic_load(&meeting->passed) == 1;
}

static void test_drain(void **state)
{
    struct workers *workers = idle_workers(2, NULL);
    struct meeting meeting = {0};

    on_worker(workers, 1, begin_meeting, &meeting);
    on_worker(workers, 0, post_ten, &meeting);
    until_on_worker(workers, 1, has_passed, &meeting);
    workers_stop(workers);
}

/* --- backlog --------------------------------------------------------------------------------- */

struct jam {
    struct deferred deferred;
    struct loop_io io;
    atomic_int inside, go, released;
    struct worker *holder;
};

static void block_turn(struct deferred *deferred)
{
    struct jam *jam = container_of(deferred, struct jam, deferred);

    atomic_store(&jam->inside, 1);
    while (atomic_load(&jam->go) == 0)
        (void)sched_yield();
}

static void begin_jam(struct worker *worker, void *arg)
{
    struct jam *jam = arg;

    worker_defer(worker, &jam->deferred, block_turn);
}

static void ignore(struct worker *worker, void *body, size_t len)
{
}

static void nothing(struct worker *worker, void *arg)
{
}

static void released(struct loop_io *io, uint32_t events)
{
    struct jam *jam = container_of(io, struct jam, io);

    CHECK(events == EPOLLIN);
    CHECK(!worker_feeds_backlog(jam->holder));
    atomic_fetch_add(&jam->released, 1);
}

static void post_much(struct worker *worker, void *arg)
{
    struct jam *jam = arg;
    size_t posted = 0;

    while (atomic_load(&jam->inside) == 0)
        (void)sched_yield();
    while (posted < MAILBOX_HIGH / 2) {
        CHECK(!worker_feeds_backlog(worker));
        (void)worker_post(worker, 1, ignore, 10000);
        posted += 10000;
    }
    /* The rest by weight. */
    for (int i = 0; i < 5; i++) {
        (void)worker_post(worker, 1, ignore, 16);
        worker_weigh(worker, 1, MAILBOX_HIGH / 8);
    }
    worker_publish(worker);
    CHECK(worker_feeds_backlog(worker));
    jam->holder = worker;
    jam->io.on_event = released;
    worker_hold(worker, &jam->io);
}

static void still_jammed(struct worker *worker, void *arg)
{
    struct jam *jam = arg;

    CHECK(worker_feeds_backlog(worker));
    CHECK(atomic_load(&jam->released) == 0);
    atomic_store(&jam->go, 1);
}

static bool is_released(struct worker *worker, void *arg)
{
    struct jam *jam = arg;

    return atomic_load(&jam->released) == 1 && !worker_feeds_backlog(worker);
}

static void test_backlog(void **state)
{
    struct workers *workers = idle_workers(2, NULL);
    struct jam jam = {0};

    on_worker(workers, 1, begin_jam, &jam);
    on_worker(workers, 0, post_much, &jam);
    for (int i = 0; i < 3; i++)
        on_worker(workers, 0, nothing, NULL);
    on_worker(workers, 0, still_jammed, &jam);
    until_on_worker(workers, 0, is_released, &jam);
    workers_stop(workers);
}

/* --- heavy mail ------------------------------------------------------------------------------ */

struct heavy {
    atomic_int ran;
};

static void note_heavy(struct worker *worker, void *body, size_t len)
{
    struct heavy *heavy;

    memcpy(&heavy, body, sizeof heavy);
    atomic_store(&heavy->ran, 1);
}

static void post_heavy(struct worker *worker, void *arg)
{
    int64_t until_ns = clock_mono_ns(clock_system()) + 30 * NS_PER_S;

    memcpy(worker_post(worker, 1, note_heavy, sizeof arg), &arg, sizeof arg);
    worker_weigh(worker, 1, MAIL_WEIGHT_MAX + 1);
    while (atomic_load(&((struct heavy *)arg)->ran) == 0) {
        CHECK(clock_mono_ns(clock_system()) < until_ns);
        (void)sched_yield();
    }
}

/* What makes much work goes at once: so a mailbox can be emptied in small steps. */
static void test_heavy_mail_does_not_wait(void **state)
{
    struct workers *workers = idle_workers(2, NULL);
    struct heavy heavy = {0};

    on_worker(workers, 0, post_heavy, &heavy);
    workers_stop(workers);
}

/* --- memory ---------------------------------------------------------------------------------- */

enum { MEMORY_MAX = 1 << 20 };

struct shortage {
    struct shared *large;
    atomic_int told;
};

static void note_short(struct worker *worker, void *arg)
{
    struct shortage *shortage = arg;

    CHECK(worker_is_mine(worker) && worker_feeds_backlog(worker));
    atomic_fetch_add(&shortage->told, 1);
}

static void take_much(struct worker *worker, void *arg)
{
    ((struct shortage *)arg)->large = shared_new(2 * MEMORY_MAX);
}

static void give_back(struct worker *worker, void *arg)
{
    shared_unref(((struct shortage *)arg)->large);
}

static bool told_again(struct worker *worker, void *arg)
{
    return atomic_load(&((struct shortage *)arg)->told) > 1;
}

static bool enough_again(struct worker *worker, void *arg)
{
    return !worker_feeds_backlog(worker);
}

/* As long as it is short, and no longer. */
static void test_short_of_memory(void **state)
{
    struct shortage shortage = {0};
    struct workers *workers;
    int told;

    assert_int_equal(workers_start(&(struct worker_options){.count = 2,
                                                            .memory_max = MEMORY_MAX,
                                                            .on_short = note_short,
                                                            .arg = &shortage},
                                   &workers),
                     OK);
    on_worker(workers, 0, nothing, NULL);
    assert_int_equal(atomic_load(&shortage.told), 0);
    on_worker(workers, 0, take_much, &shortage);
    until_on_worker(workers, 0, told_again, &shortage);
    on_worker(workers, 0, give_back, &shortage);
    until_on_worker(workers, 0, enough_again, &shortage);
    until_on_worker(workers, 1, enough_again, &shortage);
    told = atomic_load(&shortage.told);
    for (int i = 0; i < 10; i++)
        on_worker(workers, (unsigned)i % 2, nothing, NULL);
    assert_int_equal(atomic_load(&shortage.told), told);
    workers_stop(workers);
}

/* --- the order of a turn, timers, ready ------------------------------------------------------ */

struct day {
    char order[16];
    int events;
    struct flushable flushable;
    struct deferred deferred, later;
    struct timer timer;
    struct loop_io io;
    int64_t armed_ns, fired_ns;
    atomic_int done;
};

static void note(struct day *day, char what)
{
    size_t len = strlen(day->order);

    CHECK(len + 1 < sizeof day->order);
    day->order[len] = what;
}

static void on_flush(struct flushable *flushable)
{
    note(container_of(flushable, struct day, flushable), 'f');
}

static void on_later(struct deferred *deferred)
{
    struct day *day = container_of(deferred, struct day, later);

    note(day, 'l');
    atomic_fetch_add(&day->done, 1);
}

static void on_deferred(struct deferred *deferred)
{
    struct day *day = container_of(deferred, struct day, deferred);

    note(day, 'd');
    worker_defer(worker_current(), &day->later, on_later);
}

static void on_ready(struct loop_io *io, uint32_t events)
{
    struct day *day = container_of(io, struct day, io);

    CHECK(events == EPOLLIN);
    note(day, 'r');
    if (++day->events < 2)
        worker_ready(worker_current(), io);
}

static void on_timer(struct timer *timer)
{
    struct day *day = container_of(timer, struct day, timer);

    day->fired_ns = worker_current()->now_ns;
    CHECK(day->fired_ns >= day->armed_ns + 3 * NS_PER_MS);
    atomic_fetch_add(&day->done, 1);
}

static void begin_day(struct worker *worker, void *arg)
{
    struct day *day = arg;

    day->flushable.flush = on_flush;
    day->io.on_event = on_ready;
    worker_defer(worker, &day->deferred, on_deferred);
    worker_dirty(worker, &day->flushable);
    worker_dirty(worker, &day->flushable); /* once is enough */
    worker_ready(worker, &day->io);
    day->armed_ns = worker->now_ns;
    timer_arm(&worker->timers, &day->timer, worker->now_ns + 3 * NS_PER_MS, on_timer);
    note(day, 'm');
}

static bool day_is_over(struct worker *worker, void *arg)
{
    struct day *day = arg;

    return atomic_load(&day->done) == 2;
}

static void test_order_of_a_turn(void **state)
{
    struct workers *workers = idle_workers(1, NULL);
    struct day day = {0};

    on_worker(workers, 0, begin_day, &day);
    until_on_worker(workers, 0, day_is_over, &day);
    workers_stop(workers);
    /* Mail, what is ready, flush, deferred; what they asked for comes in the next turn. */
    assert_string_equal(day.order, "mrfdrl");
}

/* --- starting and stopping ------------------------------------------------------------------- */

struct life {
    atomic_int started, closing, stopped, freed, run;
};

struct grave {
    struct reclaim_node node;
    struct life *life;
};

static void grave_free(struct reclaim_node *node)
{
    atomic_fetch_add(&container_of(node, struct grave, node)->life->freed, 1);
}

static struct grave graves[2];

static void on_start(struct worker *worker, void *arg)
{
    struct life *life = arg;

    CHECK(worker_is_mine(worker) && worker->now_ns > 0 && worker->wall_ns > 0);
    atomic_fetch_add(&life->started, 1);
}

static void last_mail(struct worker *worker, void *body, size_t len)
{
    struct life *life;

    memcpy(&life, body, sizeof life);
    atomic_fetch_add(&life->run, 1);
}

static void on_closing(struct worker *worker, void *arg)
{
    struct life *life = arg;

    atomic_fetch_add(&life->closing, 1);
    for (unsigned to = 0; to < workers_count(worker->all); to++)
        memcpy(worker_post(worker, to, last_mail, sizeof life), &life, sizeof life);
    graves[worker->index].life = life;
    reclaim_retire(worker->reader, &graves[worker->index].node, grave_free);
}

static void on_stop(struct worker *worker, void *arg)
{
    struct life *life = arg;

    CHECK(atomic_load(&life->run) == 4);
    CHECK(atomic_load(&life->closing) == 2);
    atomic_fetch_add(&life->stopped, 1);
}

static void test_life(void **state)
{
    struct life life = {0};
    struct worker_options options = {.count = 2,
                                     .on_start = on_start,
                                     .on_closing = on_closing,
                                     .on_stop = on_stop,
                                     .arg = &life};
    struct workers *workers;

    assert_null(worker_current());
    assert_int_equal(workers_start(&options, &workers), OK);
    assert_int_equal(workers_count(workers), 2);
    assert_int_equal(atomic_load(&life.started), 2);
    assert_true(worker_load(workers_at(workers, 0)) <= 1000);
    workers_stop(workers);
    assert_int_equal(atomic_load(&life.stopped), 2);
    assert_int_equal(atomic_load(&life.freed), 2);
}

static void retire_some(struct worker *worker, void *arg)
{
    graves[0].life = arg;
    reclaim_retire(worker->reader, &graves[0].node, grave_free);
}

static bool none_waits(struct worker *worker, void *arg)
{
    return reclaim_waiting(worker->reader) == 0;
}

static void test_retired_is_freed_while_others_sleep(void **state)
{
    struct workers *workers = idle_workers(3, NULL);
    struct life life = {0};

    on_worker(workers, 1, retire_some, &life);
    until_on_worker(workers, 1, none_waits, NULL);
    assert_int_equal(atomic_load(&life.freed), 1);
    workers_stop(workers);
}

static void test_default_count(void **state)
{
    struct workers *workers = idle_workers(0, NULL);

    assert_true(machine_cores() >= 1);
    assert_true(machine_cores() <= (unsigned)sysconf(_SC_NPROCESSORS_CONF));
    assert_int_equal(workers_count(workers),
                     machine_cores() < WORKERS_MAX ? machine_cores() : WORKERS_MAX);
    workers_stop(workers);
    workers_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_in_order),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_backlog),
        cmocka_unit_test(test_heavy_mail_does_not_wait),
        cmocka_unit_test(test_short_of_memory),
        cmocka_unit_test(test_order_of_a_turn),
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_retired_is_freed_while_others_sleep),
        cmocka_unit_test(test_default_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
