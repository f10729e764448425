/*
 * How a worker lives: started with all its parts made, so that mail can be sent to it at once;
 * turns until told to stop; turns until the connections are closed; then some turns more in step
 * with the others, in which nobody reads, so that mail that was under way arrives; then on_stop,
 * and what that left to be done.
 *
 * A turn is one reclaim section.  Everything posted in it is pushed before it ends.
 */
#include "dataplane/core/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/core/loop.h"
#include "dataplane/core/machine.h"
#include "dataplane/core/mailbox.h"
#include "dataplane/core/shared.h"

enum {
    INBOX_CHUNKS = 64,               /* run in one turn; the rest in the next */
    STOP_TURNS = 4,                  /* in step with the others, when stopping */
    STOP_SLEEP_MS = 5,               /* while connections close */
    DRAIN_WORK = LOOP_TURN_WORK / 2, /* the rest of a turn is for what is ready */
    LAST_ROUNDS = 16,                /* for what on_stop left */
    OTHER_READERS = 16,              /* threads that are no workers and look at shared structures */
    RECLAIM_MS = 5,                  /* the longest sleep while something retired waits */
    HELD_MS = 1,                     /* the longest sleep while connections are held */
};

#define LOOK_AT_MEMORY_NS NS_PER_MS
#define LOOK_AT_MEMORY_BYTES (256 << 10) /* more than at the last look */

/* A worker's mail, on both ways. */
struct outbox {
    struct chunk *open[WORKERS_MAX]; /* not yet pushed, for each destination */
    uint64_t used;                   /* a bit for each of those that are there */
    uint64_t backlogs;               /* a bit for each destination that has too much */
    struct chunk *inbox, **inbox_last;
    bool draining;
};

struct workers {
    struct worker_options options;
    unsigned count;
    struct reclaim *reclaim;
    atomic_bool stopping;
    atomic_bool short_of_memory;
    pthread_mutex_t gate; /* held by who starts the threads until all are there */
    bool abandoned;       /* they could not all be started */
    pthread_barrier_t started, step;
    struct {
        pthread_t thread;
        struct worker worker;
        _Alignas(64) struct mailbox mailbox;
    } at[];
};

static _Thread_local struct worker *current;

bool worker_is_mine(const struct worker *worker)
{
    return worker == current;
}

struct worker *worker_current(void)
{
    return current;
}

/* --- mail ------------------------------------------------------------------------------------ */

static struct mailbox *mailbox_of(struct workers *workers, unsigned index)
{
    return &workers->at[index].mailbox;
}

static void push(struct worker *from, unsigned to)
{
    struct outbox *outbox = from->outbox;
    struct chunk *chunk = outbox->open[to];
    struct mailbox *mailbox = mailbox_of(from->all, to);

    outbox->open[to] = NULL;
    outbox->used &= ~(UINT64_C(1) << to);
    pool_disown(from->pool, chunk);
    mailbox_push(mailbox, chunk);
    reclaim_rouse(from->all->at[to].worker.reader);
    if (mailbox_wake(mailbox))
        loop_count(&from->loop->wakeups_sent, 1);
    if (mailbox_bytes(mailbox) > MAILBOX_HIGH)
        outbox->backlogs |= UINT64_C(1) << to;
}

void *worker_post(struct worker *from, unsigned to, mail_fn fn, size_t len)
{
    struct outbox *outbox = from->outbox;
    struct chunk *chunk = outbox->open[to];
    size_t size = mail_chunk_size(len);

    CHECK(from == current && to < from->all->count);
    if (chunk != NULL) {
        void *body = mail_add(chunk, fn, len);

        if (body != NULL)
            return body;
        push(from, to);
    }
    chunk = pool_take(from->pool, size < MAIL_CHUNK ? MAIL_CHUNK : size);
    mail_begin(chunk);
    outbox->open[to] = chunk;
    outbox->used |= UINT64_C(1) << to;
    return mail_add(chunk, fn, len);
}

void worker_weigh(struct worker *from, unsigned to, size_t bytes)
{
    CHECK(from->outbox->open[to] != NULL);
    mail_head(from->outbox->open[to])->weight += bytes;
    if (mail_head(from->outbox->open[to])->weight > MAIL_WEIGHT_MAX)
        push(from, to);
}

void worker_publish(struct worker *worker)
{
    while (worker->outbox->used != 0)
        push(worker, (unsigned)__builtin_ctzll(worker->outbox->used));
}

void workers_post(struct workers *workers, unsigned to, mail_fn fn, const void *body, size_t len)
{
    struct chunk *chunk = chunk_new(mail_chunk_size(len));
    struct mailbox *mailbox = mailbox_of(workers, to);

    CHECK(to < workers->count);
    mail_begin(chunk);
    if (len > 0)
        memcpy(mail_add(chunk, fn, len), body, len);
    else
        (void)mail_add(chunk, fn, 0);
    mailbox_push(mailbox, chunk);
    reclaim_rouse(workers->at[to].worker.reader);
    (void)mailbox_wake(mailbox);
}

static void take_mail(struct worker *worker)
{
    struct outbox *outbox = worker->outbox;
    struct chunk *chunk = mailbox_take(worker->mailbox);

    for (; chunk != NULL; chunk = chunk->next) {
        pool_adopt(worker->pool, chunk);
        *outbox->inbox_last = chunk;
        outbox->inbox_last = &chunk->next;
    }
}

static void run_chunk(struct worker *worker, struct chunk *chunk)
{
    size_t weight = mail_head(chunk)->weight;
    struct mail *mail;

    loop_count(&worker->loop->mails, mail_head(chunk)->count);
    loop_count(&worker->loop->mail_bytes, weight);
    while ((mail = mail_next(chunk)) != NULL)
        mail->fn(worker, mail + 1, mail->len);
    mailbox_done(worker->mailbox, weight);
    pool_put(worker->pool, chunk);
}

/* Until so much work is done.  True when nothing is left of what was there. */
static bool drain(struct worker *worker, unsigned chunks_max, uint32_t work_max)
{
    struct outbox *outbox = worker->outbox;

    CHECK(!outbox->draining);
    outbox->draining = true;
    take_mail(worker);
    while (outbox->inbox != NULL && chunks_max-- > 0 && worker->work.done < work_max) {
        struct chunk *chunk = outbox->inbox;

        outbox->inbox = chunk->next;
        if (outbox->inbox == NULL)
            outbox->inbox_last = &outbox->inbox;
        run_chunk(worker, chunk);
    }
    outbox->draining = false;
    return outbox->inbox == NULL;
}

void worker_drain(struct worker *worker)
{
    if (worker->outbox->inbox == NULL && mailbox_empty(worker->mailbox))
        return;
    (void)drain(worker, UINT32_MAX, UINT32_MAX);
}

bool worker_feeds_backlog(const struct worker *worker)
{
    struct outbox *outbox = worker->outbox;

    for (uint64_t rest = outbox->backlogs; rest != 0; rest &= rest - 1) {
        unsigned to = (unsigned)__builtin_ctzll(rest);

        if (mailbox_bytes(mailbox_of(worker->all, to)) < MAILBOX_LOW)
            outbox->backlogs &= ~(UINT64_C(1) << to);
    }
    return outbox->backlogs != 0 ||
           atomic_load_explicit(&worker->all->short_of_memory, memory_order_relaxed);
}

/* --- the loop -------------------------------------------------------------------------------- */

enum result worker_watch(struct worker *worker, struct loop_io *io, uint32_t interest)
{
    return loop_watch(worker->loop, io, interest);
}

void worker_rewatch(struct worker *worker, struct loop_io *io, uint32_t interest)
{
    loop_rewatch(worker->loop, io, interest);
}

void worker_unwatch(struct worker *worker, struct loop_io *io)
{
    loop_unwatch(worker->loop, io);
}

void worker_ready(struct worker *worker, struct loop_io *io)
{
    list_remove(&io->ready);
    list_push(&worker->loop->ready, &io->ready);
}

void worker_hold(struct worker *worker, struct loop_io *io)
{
    list_remove(&io->ready);
    list_push(&worker->loop->held, &io->ready);
}

void worker_defer(struct worker *worker, struct deferred *deferred,
                  void (*fn)(struct deferred *deferred))
{
    deferred->fn = fn;
    if (!list_linked(&deferred->link))
        list_push(&worker->loop->deferred, &deferred->link);
}

void worker_dirty(struct worker *worker, struct flushable *flushable)
{
    if (!list_linked(&flushable->link))
        list_push(&worker->loop->dirty, &flushable->link);
}

size_t worker_quantum(const struct worker *worker)
{
    return worker->loop->quantum;
}

unsigned worker_load(const struct worker *worker)
{
    struct loop *loop = worker->loop;
    int64_t at_ns = atomic_load_explicit(&loop->load_at_ns, memory_order_relaxed);

    /* A sleeper keeps no books. */
    if (mailbox_asleep(worker->mailbox) && clock_mono_ns(loop->clock) - at_ns > NS_PER_S)
        return 0;
    return atomic_load_explicit(&loop->load, memory_order_relaxed);
}

void worker_figures(const struct worker *worker, struct worker_figures *out)
{
    struct loop *loop = worker->loop;

    out->turns = atomic_load_explicit(&loop->turns, memory_order_relaxed);
    out->sleeps = atomic_load_explicit(&loop->sleeps, memory_order_relaxed);
    out->wakeups_sent = atomic_load_explicit(&loop->wakeups_sent, memory_order_relaxed);
    out->mails = atomic_load_explicit(&loop->mails, memory_order_relaxed);
    out->mail_bytes = atomic_load_explicit(&loop->mail_bytes, memory_order_relaxed);
    out->buffer_bytes = atomic_load_explicit(&loop->buffer_bytes, memory_order_relaxed);
    out->longest_turn_ns = atomic_load_explicit(&loop->longest_turn_ns, memory_order_relaxed);
}

/* --- a worker's life ------------------------------------------------------------------------- */

static int sleep_ms(struct worker *worker, int64_t now_ns)
{
    int ms = timers_sleep_ms(&worker->timers, now_ns);

    if (reclaim_waiting(worker->reader) > 0 && (ms < 0 || ms > RECLAIM_MS))
        ms = RECLAIM_MS;
    if (!list_empty(&worker->loop->held) && (ms < 0 || ms > HELD_MS))
        ms = HELD_MS;
    return ms;
}

static bool may_sleep(struct worker *worker)
{
    return mailbox_empty(worker->mailbox) && !atomic_load(&worker->all->stopping) &&
           reclaim_offline(worker->reader) && mailbox_sleep(worker->mailbox);
}

static void wait_for_work(struct worker *worker)
{
    struct loop *loop = worker->loop;
    int64_t now_ns;
    int ms;

    if (loop_busy(loop) || worker->outbox->inbox != NULL || !mailbox_empty(worker->mailbox)) {
        loop_look(loop);
        return;
    }
    if (loop_poll(loop, worker->mailbox))
        return;
    now_ns = clock_mono_ns(loop->clock);
    ms = sleep_ms(worker, now_ns);
    if (ms == 0) {
        loop_look(loop);
        return;
    }
    mailbox_doze(worker->mailbox);
    reclaim_leaving(worker->reader);
    if (may_sleep(worker))
        loop_sleep(loop, now_ns, ms);
    mailbox_awake(worker->mailbox);
}

static void take_clock(struct worker *worker)
{
    worker->now_ns = loop_begin(worker->loop);
    worker->wall_ns = clock_wall_ns(worker->loop->clock);
    worker->turn++;
    worker->work = (struct loop_work){.until = LOOP_LONE_WORK};
}

/* What is posted leaves before what is flushed: see PING in the header. */
static void finish_turn(struct worker *worker)
{
    worker_publish(worker);
    loop_flush(worker->loop);
    loop_run_deferred(worker->loop);
    worker_publish(worker);
}

/* Says what is in this worker's buffers, and now and then looks at the sum. */
static void watch_memory(struct worker *worker)
{
    struct workers *workers = worker->all;
    struct loop *loop = worker->loop;
    int64_t max = (int64_t)workers->options.memory_max, sum = 0;
    int64_t mine = (int64_t)pool_taken(worker->pool) + (int64_t)mailbox_bytes(worker->mailbox) +
                   shared_balance();

    atomic_store_explicit(&loop->buffer_bytes, mine, memory_order_relaxed);
    if (worker->now_ns - loop->memory_looked_ns < LOOK_AT_MEMORY_NS &&
        mine - loop->memory_looked_bytes < LOOK_AT_MEMORY_BYTES)
        return;
    loop->memory_looked_ns = worker->now_ns;
    loop->memory_looked_bytes = mine;
    for (unsigned i = 0; i < workers->count; i++)
        sum +=
            atomic_load_explicit(&workers->at[i].worker.loop->buffer_bytes, memory_order_relaxed);
    if (sum > max)
        atomic_store_explicit(&workers->short_of_memory, true, memory_order_relaxed);
    else if (sum < max / 4 * 3 &&
             atomic_load_explicit(&workers->short_of_memory, memory_order_relaxed))
        atomic_store_explicit(&workers->short_of_memory, false, memory_order_relaxed);
    if (workers->options.on_short != NULL &&
        atomic_load_explicit(&workers->short_of_memory, memory_order_relaxed))
        workers->options.on_short(worker, workers->options.arg);
}

/* Does anybody wait for the rest of this turn, as far as is known?  One may be the wake-up. */
static bool others_wait(const struct loop *loop)
{
    return loop->event_count > 1 || !list_empty(&loop->ready);
}

static void turn(struct worker *worker)
{
    bool drained;

    reclaim_enter(worker->reader);
    take_clock(worker);
    drained = drain(worker, INBOX_CHUNKS, others_wait(worker->loop) ? DRAIN_WORK : LOOP_LONE_WORK);
    if (!list_empty(&worker->loop->held) && !worker_feeds_backlog(worker))
        loop_release(worker->loop);
    loop_dispatch(worker->loop, &worker->work);
    timers_run(&worker->timers, worker->now_ns);
    finish_turn(worker);
    watch_memory(worker);
    reclaim_leave(worker->reader, drained);
}

static void begin(struct worker *worker)
{
    const struct worker_options *options = &worker->all->options;
    char name[16];

    current = worker;
    (void)snprintf(name, sizeof name, "worker-%u", worker->index);
    (void)pthread_setname_np(pthread_self(), name);
    reclaim_enter(worker->reader);
    take_clock(worker);
    if (options->on_start != NULL)
        options->on_start(worker, options->arg);
    finish_turn(worker);
    reclaim_leave(worker->reader, false);
}

/* Turns until all connections are closed, but not for ever. */
static void close_all(struct worker *worker)
{
    const struct worker_options *options = &worker->all->options;
    int64_t until_ns = clock_mono_ns(worker->loop->clock) + WORKER_CLOSING_NS;

    reclaim_enter(worker->reader);
    take_clock(worker);
    if (options->on_closing != NULL)
        options->on_closing(worker, options->arg);
    finish_turn(worker);
    reclaim_leave(worker->reader, false);
    while (atomic_load_explicit(&worker->conns, memory_order_relaxed) > 0 &&
           worker->now_ns < until_ns) {
        loop_sleep(worker->loop, clock_mono_ns(worker->loop->clock),
                   loop_busy(worker->loop) ? 0 : STOP_SLEEP_MS);
        turn(worker);
    }
}

static void end(struct worker *worker)
{
    const struct worker_options *options = &worker->all->options;

    close_all(worker);
    (void)pthread_barrier_wait(&worker->all->step);
    /* Nobody reads any more, so what is under way comes to rest. */
    for (int i = 0; i < STOP_TURNS; i++) {
        reclaim_enter(worker->reader);
        take_clock(worker);
        (void)drain(worker, UINT32_MAX, UINT32_MAX);
        finish_turn(worker);
        reclaim_leave(worker->reader, true);
        (void)pthread_barrier_wait(&worker->all->step);
    }
    reclaim_enter(worker->reader);
    if (options->on_stop != NULL)
        options->on_stop(worker, options->arg);
    for (int i = 0; i < LAST_ROUNDS && loop_busy(worker->loop); i++)
        finish_turn(worker);
    reclaim_leave(worker->reader, true);
    (void)reclaim_offline(worker->reader);
    current = NULL;
}

static void *run(void *arg)
{
    struct worker *worker = arg;
    struct workers *workers = worker->all;

    (void)pthread_mutex_lock(&workers->gate);
    (void)pthread_mutex_unlock(&workers->gate);
    if (workers->abandoned)
        return NULL;
    begin(worker);
    (void)pthread_barrier_wait(&workers->started);
    /* Acquire: what was written before workers_stop is seen by on_closing and on_stop. */
    while (!atomic_load_explicit(&workers->stopping, memory_order_acquire)) {
        wait_for_work(worker);
        turn(worker);
    }
    end(worker);
    return NULL;
}

static bool make(struct workers *workers, unsigned index)
{
    struct worker *worker = &workers->at[index].worker;

    worker->index = index;
    worker->all = workers;
    worker->loop = loop_new(workers->options.clock, workers->options.poll_max_ns);
    if (worker->loop == NULL)
        return false;
    worker->mailbox = &workers->at[index].mailbox;
    mailbox_init(worker->mailbox, worker->loop->wake_fd);
    worker->outbox = mem_alloc(sizeof *worker->outbox);
    worker->outbox->inbox_last = &worker->outbox->inbox;
    worker->pool = pool_new();
    worker->reader = reclaim_reader_new(workers->reclaim);
    /* Not zeroed, so not touched before it is used. */
    worker->input = mem_realloc(NULL, WORKER_INPUT);
    worker->scrap = mem_realloc(NULL, 64 << 10);
    random_seed(&worker->random, random_u64(random_system()));
    timers_init(&worker->timers, clock_mono_ns(workers->options.clock));
    return true;
}

static void unmake(struct worker *worker)
{
    struct chunk *chunk;

    if (worker->loop == NULL)
        return;
    mailbox_fini(worker->mailbox);
    while ((chunk = worker->outbox->inbox) != NULL) {
        worker->outbox->inbox = chunk->next;
        chunk_free(chunk);
    }
    mem_free(worker->outbox);
    pool_free(worker->pool);
    mem_free(worker->input);
    mem_free(worker->scrap);
    loop_free(worker->loop);
}

static void unmake_all(struct workers *workers)
{
    reclaim_free(workers->reclaim);
    for (unsigned i = 0; i < workers->count; i++)
        unmake(&workers->at[i].worker);
    (void)pthread_mutex_destroy(&workers->gate);
    (void)pthread_barrier_destroy(&workers->step);
    (void)pthread_barrier_destroy(&workers->started);
    mem_free(workers);
}

/* Signals are the main thread's. */
static int start_threads(struct workers *workers)
{
    sigset_t all, before;
    unsigned count = 0;
    int error = 0;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    (void)pthread_mutex_lock(&workers->gate);
    while (count < workers->count && error == 0) {
        error = pthread_create(&workers->at[count].thread, NULL, run, &workers->at[count].worker);
        count += error == 0;
    }
    workers->abandoned = error != 0;
    (void)pthread_mutex_unlock(&workers->gate);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (unsigned i = 0; error != 0 && i < count; i++)
        (void)pthread_join(workers->at[i].thread, NULL);
    return error;
}

enum result workers_start(const struct worker_options *options, struct workers **out)
{
    unsigned count = options->count != 0 ? options->count : machine_cores();
    struct workers *workers;
    int error = 0;

    if (count > WORKERS_MAX)
        count = WORKERS_MAX;
    workers = mem_alloc_aligned(64, sizeof *workers + count * sizeof workers->at[0]);
    workers->options = *options;
    if (workers->options.clock == NULL)
        workers->options.clock = clock_system();
    if (workers->options.memory_max == 0)
        workers->options.memory_max = machine_memory() / 2;
    if (workers->options.memory_max > INT64_MAX)
        workers->options.memory_max = INT64_MAX;
    workers->count = count;
    workers->reclaim = reclaim_new(count + OTHER_READERS);
    (void)pthread_mutex_init(&workers->gate, NULL);
    (void)pthread_barrier_init(&workers->step, NULL, count);
    (void)pthread_barrier_init(&workers->started, NULL, count + 1);
    for (unsigned i = 0; i < count && error == 0; i++)
        error = make(workers, i) ? 0 : errno;
    if (error == 0)
        error = start_threads(workers);
    if (error != 0) {
        unmake_all(workers);
        errno = error;
        return ERR_IO;
    }
    (void)pthread_barrier_wait(&workers->started);
    *out = workers;
    return OK;
}

void workers_stop(struct workers *workers)
{
    if (workers == NULL)
        return;
    /* Sequentially consistent: before the look at who sleeps. */
    atomic_store(&workers->stopping, true);
    for (unsigned i = 0; i < workers->count; i++)
        (void)mailbox_wake(mailbox_of(workers, i));
    for (unsigned i = 0; i < workers->count; i++)
        (void)pthread_join(workers->at[i].thread, NULL);
    unmake_all(workers);
}

unsigned workers_count(const struct workers *workers)
{
    return workers->count;
}

struct worker *workers_at(struct workers *workers, unsigned index)
{
    CHECK(index < workers->count);
    return &workers->at[index].worker;
}

struct reclaim *workers_reclaim(struct workers *workers)
{
    return workers->reclaim;
}
