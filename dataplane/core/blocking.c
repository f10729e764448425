/*
 * One queue, in order of arrival, and lanes for jobs with a key: at most one job of a lane is in
 * the queue or running, the others wait in the lane.  Different keys may share a lane.
 */
#include "dataplane/core/blocking.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"

enum { THREADS_MAX = 64, LANES = 256 };

struct lane {
    bool busy;
    struct list waiting;
};

struct blocking {
    struct workers *workers; /* borrowed */
    pthread_mutex_t mutex;   /* guards what follows; held for moments only */
    pthread_cond_t wanted;
    struct list ready; /* may run */
    struct lane lanes[LANES];
    size_t count; /* ready and waiting */
    bool stopping;
    unsigned threads; /* 0 once they were joined */
    pthread_t ids[THREADS_MAX];
};

static struct lane *lane_of(struct blocking *blocking, uint64_t key)
{
    /* Multiplied, so that keys that differ in high bits only do not meet. */
    return &blocking->lanes[(key * UINT64_C(0x9e3779b97f4a7c15)) >> 56];
}

/* The job is done: the next of its lane may run. */
static void follow(struct blocking *blocking, uint64_t key)
{
    struct lane *lane = lane_of(blocking, key);
    struct list *next;

    if (key == 0)
        return;
    next = list_pop(&lane->waiting);
    lane->busy = next != NULL;
    if (next == NULL)
        return;
    list_push(&blocking->ready, next);
    (void)pthread_cond_signal(&blocking->wanted);
}

static void done_on_worker(struct worker *worker, void *body, size_t len)
{
    struct blocking_job *job;

    CHECK(len == sizeof job);
    memcpy(&job, body, len);
    job->done(job, worker);
}

static void *help(void *arg)
{
    struct blocking *blocking = arg;
    struct list *link;

    (void)pthread_setname_np(pthread_self(), "blocking");
    (void)pthread_mutex_lock(&blocking->mutex);
    for (;;) {
        struct blocking_job *job;
        uint64_t key;

        while ((link = list_pop(&blocking->ready)) == NULL && !blocking->stopping)
            (void)pthread_cond_wait(&blocking->wanted, &blocking->mutex);
        if (link == NULL)
            break;
        job = list_entry(link, struct blocking_job, link);
        key = job->key;
        blocking->count--;
        (void)pthread_mutex_unlock(&blocking->mutex);
        job->run(job);
        /* From here on the job is its owner's again. */
        workers_post(blocking->workers, job->worker, done_on_worker, &job, sizeof job);
        (void)pthread_mutex_lock(&blocking->mutex);
        follow(blocking, key);
    }
    (void)pthread_mutex_unlock(&blocking->mutex);
    return NULL;
}

struct blocking *blocking_new(unsigned threads, struct workers *workers)
{
    struct blocking *blocking = mem_alloc(sizeof *blocking);
    sigset_t all, before;

    CHECK(threads > 0 && threads <= THREADS_MAX);
    blocking->workers = workers;
    blocking->threads = threads;
    list_init(&blocking->ready);
    for (int i = 0; i < LANES; i++)
        list_init(&blocking->lanes[i].waiting);
    (void)pthread_mutex_init(&blocking->mutex, NULL);
    (void)pthread_cond_init(&blocking->wanted, NULL);
    /* Signals are the main thread's. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < threads; i++)
        CHECK(pthread_create(&blocking->ids[i], NULL, help, blocking) == 0);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return blocking;
}

void blocking_stop(struct blocking *blocking)
{
    (void)pthread_mutex_lock(&blocking->mutex);
    blocking->stopping = true;
    (void)pthread_cond_broadcast(&blocking->wanted);
    (void)pthread_mutex_unlock(&blocking->mutex);
    for (unsigned i = 0; i < blocking->threads; i++)
        (void)pthread_join(blocking->ids[i], NULL);
    blocking->threads = 0;
    CHECK(blocking->count == 0);
}

void blocking_free(struct blocking *blocking)
{
    if (blocking == NULL)
        return;
    blocking_stop(blocking);
    (void)pthread_cond_destroy(&blocking->wanted);
    (void)pthread_mutex_destroy(&blocking->mutex);
    mem_free(blocking);
}

enum result blocking_submit(struct blocking *blocking, struct blocking_job *job)
{
    struct lane *lane = lane_of(blocking, job->key);
    enum result rc = ERR_LIMIT;

    (void)pthread_mutex_lock(&blocking->mutex);
    if (blocking->stopping) {
        rc = ERR_CLOSED;
    } else if (blocking->count < BLOCKING_QUEUE_MAX) {
        rc = OK;
        blocking->count++;
        job->link = (struct list){0};
        if (job->key != 0 && lane->busy) {
            list_push(&lane->waiting, &job->link);
        } else {
            lane->busy = job->key != 0 || lane->busy;
            list_push(&blocking->ready, &job->link);
            (void)pthread_cond_signal(&blocking->wanted);
        }
    }
    (void)pthread_mutex_unlock(&blocking->mutex);
    return rc;
}
