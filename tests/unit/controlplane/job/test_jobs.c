#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <semaphore.h>

#include "controlplane/job/jobs.h"
#include "tests/lib/workshop.h"

static sem_t told;

static void on_sync_changed(const char *account_id, void *arg)
{
    sem_post(&told);
}

static struct jobs *start(struct workshop *workshop)
{
    struct jobs_options options = {.pool = workshop->context.pool,
                                   .tools = workshop->context.tools,
                                   .sync_changed = on_sync_changed};

    return jobs_start(&options);
}

static void test_they_start_and_end_whatever_is_there(void **state)
{
    struct workshop *workshop = workshop_open(NULL);
    struct jobs *jobs = start(workshop);
    struct jobs_figures figures;

    jobs_wake(jobs, WAKE_OUTBOX | WAKE_OPERATION | WAKE_RECONCILE | WAKE_TRUST);
    jobs_figures(jobs, &figures);
    assert_int_equal(figures.push.ok, 0);
    jobs_stop(jobs);
    assert_int_equal(pool_in_use(workshop->context.pool), 0);
    workshop_close(workshop);
}

/* A row that is due is taken although nobody wakes anybody, and whoever waits for it is told. */
static void test_what_is_due_is_taken(void **state)
{
    struct workshop *workshop = workshop_open(NULL);
    struct jobs *jobs;

    assert_int_equal(sem_init(&told, 0, 0), 0);
    world_sql(workshop->world, "INSERT INTO outbox (account_id, team_id, system_id, kind, revision)"
                               " VALUES ('acc_1', 'tea_1', 'sys_1', 'claims', 1)");
    jobs = start(workshop);
    assert_int_equal(sem_wait(&told), 0);
    jobs_stop(jobs);
    workshop_close(workshop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_start_and_end_whatever_is_there),
        cmocka_unit_test(test_what_is_due_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
