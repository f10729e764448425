#include "tests/lib/on_worker.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/clock.h"

struct call {
    void (*fn)(struct worker *, void *);
    bool (*question)(struct worker *, void *);
    void *arg;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool done, answer;
};

static void run(struct worker *worker, void *body, size_t len)
{
    struct call *call;

    CHECK(len == sizeof call);
    memcpy(&call, body, sizeof call);
    if (call->fn != NULL)
        call->fn(worker, call->arg);
    else
        call->answer = call->question(worker, call->arg);
    (void)pthread_mutex_lock(&call->mutex);
    call->done = true;
    (void)pthread_cond_signal(&call->changed);
    (void)pthread_mutex_unlock(&call->mutex);
}

static void make(struct workers *workers, unsigned index, struct call *call)
{
    (void)pthread_mutex_init(&call->mutex, NULL);
    (void)pthread_cond_init(&call->changed, NULL);
    workers_post(workers, index, run, &call, sizeof call);
    (void)pthread_mutex_lock(&call->mutex);
    while (!call->done)
        (void)pthread_cond_wait(&call->changed, &call->mutex);
    (void)pthread_mutex_unlock(&call->mutex);
    (void)pthread_cond_destroy(&call->changed);
    (void)pthread_mutex_destroy(&call->mutex);
}

void on_worker(struct workers *workers, unsigned index, void (*fn)(struct worker *, void *),
               void *arg)
{
    struct call call = {.fn = fn, .arg = arg};

    make(workers, index, &call);
}

void until_on_worker(struct workers *workers, unsigned index, bool (*fn)(struct worker *, void *),
                     void *arg)
{
    int64_t end_ns = clock_mono_ns(clock_system()) + 60 * NS_PER_S;

    for (;;) {
        struct call call = {.question = fn, .arg = arg};

        make(workers, index, &call);
        if (call.answer)
            return;
        CHECK(clock_mono_ns(clock_system()) < end_ns);
        (void)sched_yield();
    }
}

static int64_t standing(struct clock *clock)
{
    return NS_PER_S;
}

struct clock *clock_that_stands(void)
{
    static struct clock clock = {standing, standing};

    return &clock;
}

struct workers *idle_workers(unsigned count, struct clock *clock)
{
    struct worker_options options = {.count = count, .poll_max_ns = 20 * NS_PER_US, .clock = clock};
    struct workers *workers;

    CHECK(workers_start(&options, &workers) == OK);
    return workers;
}
