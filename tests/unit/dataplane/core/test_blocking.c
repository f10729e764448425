#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sched.h>
#include <stdatomic.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order_for_each_key),
        cmocka_unit_test(test_free_runs_what_waits),
        cmocka_unit_test(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
