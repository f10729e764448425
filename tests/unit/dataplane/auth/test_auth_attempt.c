#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdatomic.h>

#include "tests/lib/hall.h"
#include "tests/lib/on_worker.h"

#define BCRYPT_SECRET "$2b$04$TT8Y/eK6oQLS1IJPwc3wzeRCOHUHOxTo8BInpwl.wD.lneuCPoNA6"

struct asker {
    struct hall *hall;
    const char *pass;
    const char *host; /* NULL: 127.0.0.1 */
    bool cancel;
    int times; /* 0: once */
    atomic_int answers;
    struct asker *other; /* NULL, or whose answers are counted at the answer */
    int others;
    enum result rc;
};

static void on_answer(void *owner, struct worker *worker, const struct auth_answer *answer)
{
    struct asker *asker = owner;

    asker->rc = answer->rc;
    if (asker->other != NULL)
        asker->others = atomic_load(&asker->other->answers);
    identity_retire(answer->identity, worker);
    atomic_fetch_add(&asker->answers, 1);
}

static void ask(struct worker *worker, void *arg)
{
    struct asker *asker = arg;
    struct handshake_connect connect = {.user = "u", .pass = asker->pass};
    struct auth_input input = {.connect = &connect, .host = "127.0.0.1"};

    if (asker->host != NULL)
        input.host = asker->host;
    for (int i = 0; i < asker->times || i == 0; i++) {
        struct auth_attempt *attempt =
            auth_begin(asker->hall->auth, worker, &input, on_answer, asker);

        if (asker->cancel && attempt != NULL)
            auth_cancel(attempt);
    }
}

static bool answered(struct worker *worker, void *arg)
{
    (void)worker;
    return atomic_load(&((struct asker *)arg)->answers) > 0;
}

static void test_answers_come_once_and_not_to_who_has_left(void **state)
{
    const struct auth_user user = {.name = "u", .password = BCRYPT_SECRET};
    struct asker gone, good, bad;
    struct hall hall;

    (void)state;
    hall_init(&hall);
    hall.auth_options.users = &user;
    hall.auth_options.user_count = 1;
    hall_start(&hall, 1);
    gone = (struct asker){.hall = &hall, .pass = "secret", .cancel = true};
    good = (struct asker){.hall = &hall, .pass = "secret"};
    bad = (struct asker){.hall = &hall, .pass = "wrong"};
    on_worker(hall.workers, 0, ask, &gone);
    on_worker(hall.workers, 0, ask, &bad);
    on_worker(hall.workers, 0, ask, &good);
    until_on_worker(hall.workers, 0, answered, &good);
    until_on_worker(hall.workers, 0, answered, &bad);
    assert_int_equal(good.rc, OK);
    assert_int_equal(bad.rc, ERR_UNAUTHENTICATED);
    hall_stop(&hall);
    assert_int_equal(atomic_load(&good.answers), 1);
    assert_int_equal(atomic_load(&gone.answers), 0);
}

/* --- a flood -------------------------------------------------------------------------------- */

struct gate {
    struct blocking_job job;
    atomic_bool reached, open;
};

static void wait_at(struct blocking_job *job)
{
    struct gate *gate = container_of(job, struct gate, job);

    atomic_store(&gate->reached, true);
    while (!atomic_load(&gate->open))
        (void)sched_yield();
}

static void passed(struct blocking_job *job, struct worker *worker)
{
}

static void test_guesses_from_one_address_keep_nobody_else_waiting(void **state)
{
    const struct auth_user user = {.name = "u", .password = BCRYPT_SECRET};
    struct gate gates[2] = {0}; /* for both helpers of a hall */
    struct asker good, bad;
    struct hall hall;

    hall_init(&hall);
    hall.auth_options.users = &user;
    hall.auth_options.user_count = 1;
    hall_start(&hall, 1);
    for (size_t i = 0; i < 2; i++) {
        gates[i].job = (struct blocking_job){.run = wait_at, .done = passed};
        assert_int_equal(blocking_submit(hall.blocking, &gates[i].job), OK);
        while (!atomic_load(&gates[i].reached))
            (void)sched_yield();
    }
    bad = (struct asker){.hall = &hall, .pass = "wrong", .host = "10.0.0.1", .times = 50};
    good = (struct asker){.hall = &hall, .pass = "secret", .host = "10.0.0.2", .other = &bad};
    on_worker(hall.workers, 0, ask, &bad);
    on_worker(hall.workers, 0, ask, &good);
    for (size_t i = 0; i < 2; i++)
        atomic_store(&gates[i].open, true);
    until_on_worker(hall.workers, 0, answered, &good);
    assert_int_equal(good.rc, OK);
    assert_int_equal(good.others, 1);
    hall_stop(&hall);
    assert_int_equal(atomic_load(&bad.answers), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_come_once_and_not_to_who_has_left),
        cmocka_unit_test(test_guesses_from_one_address_keep_nobody_else_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
