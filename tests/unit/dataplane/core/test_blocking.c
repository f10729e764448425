#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/core/blocking.h"
#include "tests/lib/on_worker.h"

enum { JOBS = 2000, KEYS = 8, THREADS = 4 };

struct office {
    atomic_int next[KEYS]; /* the number that the next job of a key has */
    atomic_int at_work[KEYS];
    atomic_int ran, done;
    atomic_int gate; /* jobs wait for it */
    struct blocking *blocking;
    struct task *tasks;
};

struct task {
    struct blocking_job job;
    struct office *office;
    int number;
};

static void run(struct blocking_job *job)
{
    struct task *task = container_of(job, struct task, job);
    struct office *office = task->office;

    CHECK(worker_current() == NULL);
    while (atomic_load(&office->gate) == 0)
        (void)sched_yield();
    if (job->key != 0) {
        size_t key = job->key - 1;

        CHECK(atomic_fetch_add(&office->at_work[key], 1) == 0);
        CHECK(atomic_fetch_add(&office->next[key], 1) == task->number);
        CHECK(atomic_fetch_sub(&office->at_work[key], 1) == 1);
    }
    atomic_fetch_add(&office->ran, 1);
}

static void done(struct blocking_job *job, struct worker *worker)
{
    struct task *task = container_of(job, struct task, job);

    CHECK(worker_is_mine(worker) && worker->index == job->worker);
    atomic_fetch_add(&task->office->done, 1);
}

static void submit(struct office *office, int index, uint64_t key, int number)
{
    struct task *task = &office->tasks[index];

    *task =
        (struct task){.job = {.run = run, .done = done, .worker = (unsigned)index % 2, .key = key},
                      .office = office,
                      .number = number};
    assert_int_equal(blocking_submit(office->blocking, &task->job), OK);
}

static bool all_done(struct worker *worker, void *arg)
{
    struct office *office = arg;

    return atomic_load(&office->done) == JOBS;
}

static void test_in_order_for_each_key(void **state)
{
    static struct task tasks[JOBS];
    struct workers *workers = idle_workers(2, NULL);
    struct office office = {.blocking = blocking_new(THREADS, workers), .tasks = tasks};

    atomic_store(&office.gate, 1);
    for (int i = 0; i < JOBS; i++)
        submit(&office, i, (uint64_t)(i % (KEYS + 1)), i / (KEYS + 1));
    until_on_worker(workers, 0, all_done, &office);
    blocking_free(office.blocking);
    workers_stop(workers);
}

/* What waits when the pool goes is run too, and told. */
static void test_free_runs_what_waits(void **state)
{
    static struct task tasks[JOBS];
    struct workers *workers = idle_workers(2, NULL);
    struct office office = {.blocking = blocking_new(2, workers), .tasks = tasks};

    for (int i = 0; i < JOBS; i++)
        submit(&office, i, 1 + (uint64_t)(i % 2), i / 2);
    atomic_store(&office.gate, 1);
    blocking_free(office.blocking);
    assert_int_equal(atomic_load(&office.ran), JOBS);
    workers_stop(workers);
    assert_int_equal(atomic_load(&office.done), JOBS);
    blocking_free(NULL);
}

/* --- whose turn it is ----------------------------------------------------------------------- */

enum { TURNS_MAX = 16 };

struct turn {
    struct blocking_job job;
    struct turns *turns;
    const char *name; /* NULL: not noted */
};

struct turns {
    atomic_int started, gate;
    char order[2 * TURNS_MAX + 1]; /* names of the jobs that ran: there is one helper */
    size_t len;
    struct turn items[TURNS_MAX];
};

static void note(struct blocking_job *job)
{
    struct turn *turn = container_of(job, struct turn, job);
    struct turns *turns = turn->turns;

    atomic_store(&turns->started, 1);
    while (atomic_load(&turns->gate) == 0)
        (void)sched_yield();
    if (turn->name != NULL) {
        memcpy(turns->order + turns->len, turn->name, 2);
        turns->len += 2;
    }
}

static void forget(struct blocking_job *job, struct worker *worker)
{
}

/* Two characters for each job: the source ('.': none), and the key; in what order they run. */
static void test_turns(void **state)
{
    static const struct {
        const char *jobs, *order;
    } cases[] = {
        /* a flood from one address, then another one */
        {"a0a0a0a0a0b0", "a0b0a0a0a0a0"},
        /* the same, for the same user */
        {"a1a1a1a1b1c1b1", "a1b1c1a1b1a1a1"},
        /* one user is guessed at, another one of the same address comes */
        {"a1a1a1a1a2a2", "a1a2a1a2a1a1"},
        /* the server's own come every second turn */
        {"a0a0b0b0.1.1.1.0", "a0.1b0.0a0.1b0.1"},
        {".1.1.1", ".1.1.1"},
    };

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct workers *workers = idle_workers(1, NULL);
        struct blocking *blocking = blocking_new(1, workers);
        struct turns turns = {0};
        struct turn gate = {.job = {.run = note, .done = forget}, .turns = &turns};
        const char *text = cases[c].jobs;

        assert_int_equal(blocking_submit(blocking, &gate.job), OK);
        while (atomic_load(&turns.started) == 0)
            (void)sched_yield();
        for (size_t i = 0; text[2 * i] != '\0'; i++) {
            struct turn *turn = &turns.items[i];

            *turn = (struct turn){
                .job = {.run = note, .done = forget}, .turns = &turns, .name = text + 2 * i};
            turn->job.key = (uint64_t)(text[2 * i + 1] - '0');
            if (text[2 * i] != '.')
                turn->job.source.bytes[0] = (uint8_t)text[2 * i];
            assert_int_equal(blocking_submit(blocking, &turn->job), OK);
        }
        atomic_store(&turns.gate, 1);
        blocking_free(blocking);
        workers_stop(workers);
        assert_string_equal(turns.order, cases[c].order);
    }
}

static void test_limit(void **state)
{
    struct workers *workers = idle_workers(2, NULL);
    struct office office = {.blocking = blocking_new(1, workers)};
    struct task *extra;

    office.tasks = mem_alloc_array(BLOCKING_QUEUE_MAX + 2, sizeof *office.tasks);
    extra = &office.tasks[BLOCKING_QUEUE_MAX + 1];
    submit(&office, 0, 0, 0);
    /* Wait until it is at work: then it does not count. */
    for (int i = 1; i <= BLOCKING_QUEUE_MAX; i++) {
        struct task *task = &office.tasks[i];

        *task = (struct task){.job = {.run = run, .done = done}, .office = &office};
        while (blocking_submit(office.blocking, &task->job) != OK)
            (void)sched_yield();
    }
    *extra = (struct task){.job = {.run = run, .done = done}, .office = &office};
    assert_int_equal(blocking_submit(office.blocking, &extra->job), ERR_LIMIT);
    atomic_store(&office.gate, 1);
    blocking_free(office.blocking);
    workers_stop(workers);
    assert_int_equal(atomic_load(&office.done), BLOCKING_QUEUE_MAX + 1);
    mem_free(office.tasks);
}

/* Whoever fills his own share leaves the rest to others. */
static void test_limit_of_a_source(void **state)
{
    struct workers *workers = idle_workers(2, NULL);
    struct office office = {.blocking = blocking_new(1, workers)};
    int taken = 0;

    office.tasks = mem_alloc_array(BLOCKING_SOURCE_MAX + 4, sizeof *office.tasks);
    submit(&office, 0, 0, 0);
    for (int i = 1;; i++) {
        struct task *task = &office.tasks[i];

        *task =
            (struct task){.job = {.run = run, .done = done, .source = {{1}}}, .office = &office};
        if (blocking_submit(office.blocking, &task->job) != OK)
            break;
        taken++;
    }
    assert_int_equal(taken, BLOCKING_SOURCE_MAX);
    submit(&office, BLOCKING_SOURCE_MAX + 2, 0, 0);
    office.tasks[BLOCKING_SOURCE_MAX + 3] =
        (struct task){.job = {.run = run, .done = done, .source = {{2}}}, .office = &office};
    assert_int_equal(blocking_submit(office.blocking, &office.tasks[BLOCKING_SOURCE_MAX + 3].job),
                     OK);
    atomic_store(&office.gate, 1);
    blocking_free(office.blocking);
    workers_stop(workers);
    assert_int_equal(atomic_load(&office.done), taken + 3);
    mem_free(office.tasks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order_for_each_key),
        cmocka_unit_test(test_free_runs_what_waits),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_limit_of_a_source),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
