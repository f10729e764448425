#include "tests/lib/crew.h"

#include <semaphore.h>

#include "api/base/check.h"

enum { HOPS = 8 }; /* more than a message is ever sent on */

static void on_start(struct worker *worker, void *arg)
{
    struct crew *crew = arg;

    deliver_start(worker, &crew->options);
}

static void on_stop(struct worker *worker, void *arg)
{
    deliver_stop(worker);
}

void crew_start(struct crew *crew, unsigned workers)
{
    struct worker_options options = {.count = workers,
                                     .clock = clock_system(),
                                     .on_start = on_start,
                                     .on_stop = on_stop,
                                     .arg = crew};

    CHECK(workers_start(&options, &crew->workers) == OK);
    crew->account = account_new(crew->workers, "A");
}

void crew_stop(struct crew *crew)
{
    workers_stop(crew->workers);
    crew->account->workers = NULL;
    account_unref(crew->account);
    *crew = (struct crew){0};
}

struct order {
    void (*fn)(struct worker *worker, void *arg);
    void *arg;
    sem_t *done;
};

static void on_order(struct worker *worker, void *body, size_t len)
{
    const struct order *order = body;

    order->fn(worker, order->arg);
    CHECK(sem_post(order->done) == 0);
}

void crew_run(struct crew *crew, unsigned worker, void (*fn)(struct worker *worker, void *arg),
              void *arg)
{
    sem_t done;
    struct order order = {fn, arg, &done};

    CHECK(sem_init(&done, 0, 0) == 0);
    workers_post(crew->workers, worker, on_order, &order, sizeof(order));
    while (sem_wait(&done) != 0)
        ;
    CHECK(sem_destroy(&done) == 0);
}

static void on_marker(struct worker *worker, void *body, size_t len)
{
    sem_t *done;

    memcpy(&done, body, sizeof(done));
    CHECK(sem_post(done) == 0);
}

/* Behind everything that this worker has posted. */
static void send_markers(struct worker *worker, void *arg)
{
    for (unsigned to = 0; to < workers_count(worker->all); to++)
        memcpy(worker_post(worker, to, on_marker, sizeof(arg)), &arg, sizeof(arg));
}

void crew_settle(struct crew *crew)
{
    unsigned count = workers_count(crew->workers);
    sem_t done;

    CHECK(sem_init(&done, 0, 0) == 0);
    for (unsigned hop = 0; hop < HOPS; hop++) {
        for (unsigned w = 0; w < count; w++)
            crew_run(crew, w, send_markers, &done);
        for (unsigned i = 0; i < count * count; i++)
            while (sem_wait(&done) != 0)
                ;
    }
    CHECK(sem_destroy(&done) == 0);
}
