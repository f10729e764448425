/*
 * Jobs stand in lines: one for each source and lane.  A key leads to a lane, different keys may
 * share one, and of a lane at most one job runs.  Whoever is free asks the sources in turn, and of
 * a source the lines in turn, for the first whose lane is idle; at most as many lines as there are
 * threads are passed over.
 */
#include "dataplane/core/blocking.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/map.h"
#include "api/base/mem.h"

enum { THREADS_MAX = 64, LANES = 256, NO_LANE = LANES };

struct line {
    struct list link; /* in its source */
    unsigned lane;
    struct list jobs;
};

struct source {
    struct map_link link; /* in sources */
    struct list turn;     /* in turns */
    struct source_key key;
    struct list lines; /* none is empty; the next in turn comes first */
    size_t count;
};

struct blocking {
    struct workers *workers; /* borrowed */
    pthread_mutex_t mutex;   /* guards what follows; held for moments only */
    pthread_cond_t wanted;
    struct source own; /* jobs without a source */
    bool own_was_last;
    struct map sources; /* all that have jobs */
    struct list turns;  /* the same; the next in turn comes first */
    bool busy[LANES];
    size_t count; /* jobs that wait */
    bool stopping;
    unsigned threads; /* 0 once they were joined */
    pthread_t ids[THREADS_MAX];
};

static unsigned lane_of(uint64_t key)
{
    /* Multiplied, so that keys that differ in high bits only do not meet. */
    return key != 0 ? (unsigned)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 56) : NO_LANE;
}

static void source_init(struct source *source, const struct source_key *key)
{
    source->key = *key;
    list_init(&source->lines);
}

static struct source *source_of(struct blocking *blocking, const struct source_key *key)
{
    struct map_link *link = map_find(&blocking->sources, source_key_slice(key));
    struct source *source;

    if (source_key_none(key))
        return &blocking->own;
    if (link != NULL)
        return map_entry(link, struct source, link);
    source = mem_alloc(sizeof *source);
    source_init(source, key);
    CHECK(map_insert(&blocking->sources, &source->link, source_key_slice(&source->key)));
    list_push(&blocking->turns, &source->turn);
    return source;
}

static struct line *line_of(struct source *source, unsigned lane)
{
    struct line *line;

    list_each(&source->lines, link, after)
    {
        line = list_entry(link, struct line, link);
        if (line->lane == lane)
            return line;
    }
    line = mem_alloc(sizeof *line);
    line->lane = lane;
    list_init(&line->jobs);
    list_push(&source->lines, &line->link);
    return line;
}

/* The next of a source whose lane is idle; NULL: none. */
static struct blocking_job *take(struct blocking *blocking, struct source *source)
{
    list_each(&source->lines, link, after)
    {
        struct line *line = list_entry(link, struct line, link);
        struct list *job;

        if (line->lane != NO_LANE && blocking->busy[line->lane])
            continue;
        if (line->lane != NO_LANE)
            blocking->busy[line->lane] = true;
        job = list_pop(&line->jobs);
        list_remove(&line->link);
        if (list_empty(&line->jobs))
            mem_free(line);
        else
            list_push(&source->lines, &line->link);
        source->count--;
        blocking->count--;
        return list_entry(job, struct blocking_job, link);
    }
    return NULL;
}

static struct blocking_job *take_in_turn(struct blocking *blocking)
{
    list_each(&blocking->turns, turn, after)
    {
        struct source *source = list_entry(turn, struct source, turn);
        struct blocking_job *job = take(blocking, source);

        if (job == NULL)
            continue;
        list_remove(&source->turn);
        if (source->count > 0) {
            list_push(&blocking->turns, &source->turn);
        } else {
            map_remove(&blocking->sources, &source->link);
            mem_free(source);
        }
        return job;
    }
    return NULL;
}

static struct blocking_job *next_job(struct blocking *blocking)
{
    struct blocking_job *job = NULL;

    if (!blocking->own_was_last)
        job = take(blocking, &blocking->own);
    blocking->own_was_last = job != NULL;
    if (job == NULL)
        job = take_in_turn(blocking);
    if (job == NULL) {
        job = take(blocking, &blocking->own);
        blocking->own_was_last = job != NULL;
    }
    return job;
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
    struct blocking_job *job;

    (void)pthread_setname_np(pthread_self(), "blocking");
    (void)pthread_mutex_lock(&blocking->mutex);
    for (;;) {
        unsigned lane;

        while ((job = next_job(blocking)) == NULL && !blocking->stopping)
            (void)pthread_cond_wait(&blocking->wanted, &blocking->mutex);
        if (job == NULL)
            break;
        lane = lane_of(job->key);
        (void)pthread_mutex_unlock(&blocking->mutex);
        job->run(job);
        /* From here on the job is its owner's again. */
        workers_post(blocking->workers, job->worker, done_on_worker, &job, sizeof job);
        (void)pthread_mutex_lock(&blocking->mutex);
        if (lane != NO_LANE)
            blocking->busy[lane] = false; /* this thread takes what may run now */
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
    source_init(&blocking->own, &(struct source_key){{0}});
    list_init(&blocking->turns);
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
    map_fini(&blocking->sources);
    (void)pthread_cond_destroy(&blocking->wanted);
    (void)pthread_mutex_destroy(&blocking->mutex);
    mem_free(blocking);
}

enum result blocking_submit(struct blocking *blocking, struct blocking_job *job)
{
    enum result rc = ERR_LIMIT;
    struct source *source;

    (void)pthread_mutex_lock(&blocking->mutex);
    if (blocking->stopping) {
        rc = ERR_CLOSED;
    } else if (blocking->count < BLOCKING_QUEUE_MAX) {
        source = source_of(blocking, &job->source);
        if (source == &blocking->own || source->count < BLOCKING_SOURCE_MAX) {
            rc = OK;
            blocking->count++;
            source->count++;
            job->link = (struct list){0};
            list_push(&line_of(source, lane_of(job->key))->jobs, &job->link);
            (void)pthread_cond_signal(&blocking->wanted);
        }
    }
    (void)pthread_mutex_unlock(&blocking->mutex);
    return rc;
}
