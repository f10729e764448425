#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <stdio.h>

#include "tests/lib/office.h"
#include "tests/lib/on_worker.h"

static void test_live_connections_follow_the_claims(void **state)
{
    struct office *office = *state;
    struct guest guest;
    struct buf jwt = {0};
    char claims[512];

    assert_int_equal(office_claims(office, OFFICE_LIMITS(-1, -1), 0), OK);
    office_user(office, &office->account, "", OFFICE_UNLIMITED, &jwt);
    office_log_in(office, &guest, &jwt, SIGNED);
    guest_hears_only(&guest, OFFICE_IN);
    guest_say(&guest, "SUB a.x 1\r\nSUB b.x q 2\r\nSUB a.y 3\r\n");
    guest_hears_only(&guest, OFFICE_IN OFFICE_IN OFFICE_IN);
    office_apply(
        office,
        "\"default_permissions\":{\"sub\":{\"deny\":[\"b.>\",\"a.y\"]},\"pub\":{}}," OFFICE_LIMITS(
            -1, -1));
    guest_hears(&guest, "-ERR 'Permissions Violation for Subscription to \"");
    guest_hears(&guest, "-ERR 'Permissions Violation for Subscription to \"");
    guest_hears(&guest, "\")'\r\n");
    guest_say(&guest, "PUB a.x 1\r\n1\r\nPUB b.x 1\r\n2\r\n");
    guest_hears_only(&guest, "+OK\r\nMSG a.x 1 1\r\n1\r\n+OK\r\n");
    office_apply(office, OFFICE_LIMITS(-1, -1));
    guest_say(&guest, "SUB b.x 4\r\n");
    guest_hears_only(&guest, OFFICE_IN);
    office_apply(office, OFFICE_LIMITS(-1, 2));
    guest_say(&guest, "SUB b.x 5\r\n");
    guest_hears_only(&guest, "-ERR 'maximum subscriptions exceeded'\r\n");
    snprintf(claims, sizeof(claims), "\"revocations\":{\"%s\":1700000000},%s", office->user.name,
             OFFICE_LIMITS(-1, -1));
    office_apply(office, claims);
    guest_hears_only(&guest, "-ERR 'User Authentication Revoked'\r\n");
    guest_sees_end(&guest);
    guest_leave(&guest);
    office_log_in(office, &guest, &jwt, SIGNED);
    guest_hears_only(&guest, OFFICE_OUT);
    guest_leave(&guest);
    buf_fini(&jwt);
}

static void test_a_signing_key_that_is_gone(void **state)
{
    struct office *office = *state;
    struct guest guest;
    struct buf jwt = {0};
    char claims[512];

    snprintf(claims, sizeof(claims), "\"signing_keys\":[\"%s\"],%s", office->signer.name,
             OFFICE_LIMITS(-1, -1));
    assert_int_equal(office_claims(office, claims, 0), OK);
    office_user(office, &office->signer, "", OFFICE_UNLIMITED, &jwt);
    office_log_in(office, &guest, &jwt, SIGNED);
    guest_hears_only(&guest, OFFICE_IN);
    office_apply(office, claims); /* nothing that matters has changed */
    guest_hears_nothing(&guest);
    office_apply(office, OFFICE_LIMITS(-1, -1));
    guest_sees_end(&guest);
    guest_leave(&guest);
    buf_fini(&jwt);
}

static void test_an_account_that_is_over(void **state)
{
    struct office *office = *state;
    struct guest guest;
    struct buf jwt = {0};

    assert_int_equal(office_claims(office, OFFICE_LIMITS(-1, -1), 0), OK);
    office_user(office, &office->account, ",\"exp\":4000000000", OFFICE_UNLIMITED, &jwt);
    office_log_in(office, &guest, &jwt, SIGNED);
    guest_hears_only(&guest, OFFICE_IN);
    /* Valid for whoever verified it, over for the clock of the workers. */
    assert_int_equal(office_claims(office, OFFICE_LIMITS(-1, -1), 1700000500), OK);
    office_follow(office);
    guest_hears_only(&guest, "-ERR 'Account Authentication Expired'\r\n");
    guest_sees_end(&guest);
    guest_leave(&guest);
    buf_fini(&jwt);
}

/* All helpers of the hall are busy until told otherwise. */
static struct blocker {
    struct blocking_job jobs[2];
    sem_t begun, both_begun, end;
    _Atomic int done;
} blocker;

static void wait_for_end(struct blocking_job *job)
{
    (void)job;
    sem_post(&blocker.begun);
    sem_wait(&blocker.end);
}

static void block_done(struct blocking_job *job, struct worker *worker)
{
    (void)job;
    (void)worker;
    atomic_fetch_add(&blocker.done, 1);
}

static bool both_done(struct worker *worker, void *arg)
{
    (void)worker;
    (void)arg;
    return atomic_load(&blocker.done) == 2;
}

/* Both helpers are at it before the log-in goes on. */
static void block(struct office *office)
{
    for (int i = 0; i < 2; i++) {
        blocker.jobs[i] = (struct blocking_job){.run = wait_for_end, .done = block_done};
        assert_int_equal(blocking_submit(office->hall.blocking, &blocker.jobs[i]), OK);
    }
    sem_wait(&blocker.begun);
    sem_wait(&blocker.begun);
    sem_post(&blocker.both_begun);
}

/* The window of a token is looked at on a helper; what changes meanwhile counts. */
static void test_revoked_on_the_way_in(void **state)
{
    struct office *office = *state;
    struct guest guest;
    struct buf jwt = {0};
    char claims[512];

    sem_init(&blocker.begun, 0, 0);
    sem_init(&blocker.both_begun, 0, 0);
    sem_init(&blocker.end, 0, 0);
    assert_int_equal(office_claims(office, OFFICE_LIMITS(-1, -1), 0), OK);
    office_user(office, &office->account, "",
                OFFICE_UNLIMITED ",\"times\":[{\"start\":\"00:00:00\",\"end\":\"12:00:00\"},"
                                 "{\"start\":\"12:00:00\",\"end\":\"00:00:00\"}]",
                &jwt);
    office->on_find = block;
    office_log_in(office, &guest, &jwt, SIGNED);
    sem_wait(&blocker.both_begun);
    snprintf(claims, sizeof(claims), "\"revocations\":{\"%s\":1700000000},%s", office->user.name,
             OFFICE_LIMITS(-1, -1));
    office_apply(office, claims);
    sem_post(&blocker.end);
    sem_post(&blocker.end);
    guest_hears_only(&guest, OFFICE_OUT);
    guest_leave(&guest);
    office->on_find = NULL;
    until_on_worker(office->hall.workers, 0, both_done, NULL);
    sem_destroy(&blocker.begun);
    sem_destroy(&blocker.both_begun);
    sem_destroy(&blocker.end);
    buf_fini(&jwt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_connections_follow_the_claims),
        cmocka_unit_test(test_a_signing_key_that_is_gone),
        cmocka_unit_test(test_revoked_on_the_way_in),
        cmocka_unit_test(test_an_account_that_is_over),
    };

    return cmocka_run_group_tests(tests, office_setup, office_teardown);
}
