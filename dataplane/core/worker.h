/*
 * worker: a thread, its loop, its mailbox, its pools.
 *
 * W workers, each one thread with one epoll.  A connection belongs to one worker; only that
 * worker touches it.  The order of a turn:
 *
 *     epoll_wait (256 events) -> take the clock -> drain the mailbox -> ready connections, each
 *     within its quantum -> due timers -> publish outgoing mail -> flush dirty connections ->
 *     run what was deferred -> leave the reclaim section
 *
 * A turn is bounded in bytes and in work (worker_charge), so in time; leftovers go on a ready list,
 * come first in the next turn, and that one does not sleep.  After a turn that did work the worker
 * polls for a bounded time before it sleeps (option), so that request-reply does not pay for waking
 * a halted core.
 *
 * Mail.  worker_post reserves room for a record in a private chunk for the destination (16 KiB;
 * a larger record gets a chunk of its own).  Chunks are pushed when full and at the end of the
 * turn: one atomic exchange for a chunk.  A sleeper is woken once.  Records of one sender
 * arrive in order.  Posting to oneself works like posting to another.
 *
 * Backlog.  The bytes waiting in each mailbox are counted; beyond MAILBOX_HIGH the workers that
 * feed it stop *reading* connections (worker_feeds_backlog), never draining or flushing, until
 * it is below MAILBOX_LOW: so no circle of waiting can form.  What a record only refers to, and the
 * work it makes, is counted by worker_weigh.
 *
 * Memory.  What is in buffers (chunks, mail, shared bytes) is summed over all workers; beyond
 * memory_max nobody reads, as with a backlog, until it is below three quarters of it; on_short may
 * help with that.
 *
 * Stopping.  on_closing runs on every worker: it closes the connections.  Turns go on until none
 * is left (at most WORKER_CLOSING_NS), then in step with the others until mail has come to rest.
 * After the last turn on_stop runs: it frees what is on the worker.
 *
 * Ownership  workers own what is on them; `part` belongs to the layers above.
 * Thread     a worker's functions: on that worker, unless they say "any".
 * Errors     workers_start: ERR_IO when a thread or an epoll cannot be made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/clock.h"
#include "api/base/list.h"
#include "api/base/random.h"
#include "api/base/result.h"
#include "dataplane/core/loop_io.h"
#include "dataplane/core/pool.h"
#include "dataplane/core/reclaim.h"
#include "dataplane/core/timers.h"

enum {
    WORKERS_MAX = 64,
    WORKER_INPUT = 256 << 10, /* the receive buffer that all connections of a worker share */
    MAIL_CHUNK = 16 << 10,
    MAILBOX_HIGH = 8 << 20,
    MAILBOX_LOW = 2 << 20,
    MAIL_WEIGHT_MAX = 256 << 10, /* of a chunk that waits for the end of the turn */
};
#define WORKER_CLOSING_NS (300 * NS_PER_MS)

/* State that a layer above keeps for each worker; who uses which is listed here. */
enum worker_part {
    WORKER_PART_DELIVER, /* account/deliver.c: match cache, counters */
    WORKER_PART_SESSION, /* session/session_table.c: the sessions of this worker */
    WORKER_PART_SYSTEM,  /* monitor/system.c: what accounts ask too often */
    WORKER_PARTS
};

struct workers;
struct outbox;
struct mailbox;

struct worker {
    unsigned index; /* 0 .. count-1 */
    struct workers *all;
    int64_t now_ns;  /* monotonic, read once a turn */
    int64_t wall_ns; /* Unix time, read once a turn */
    struct timers timers;
    struct pool *pool;
    struct reclaim_reader *reader;
    struct random_seeded random; /* for choices like queue members; not for secrets */
    char *input;                 /* WORKER_INPUT bytes */
    char *scrap;                 /* 64 KiB for what goes nowhere */
    uint64_t turn;               /* the number of this turn */
    struct loop_work work;       /* of this turn */
    _Atomic int conns;           /* open here; anybody may look */
    void *part[WORKER_PARTS];
    struct loop *loop;       /* worker.c's own */
    struct mailbox *mailbox; /* worker.c's own */
    struct outbox *outbox;   /* worker.c's own: a private chunk for each destination */
};

struct worker_options {
    unsigned count;      /* 0: usable cores (affinity and cgroup quota) */
    int64_t poll_max_ns; /* adaptive polling before sleep; 0: never */
    size_t memory_max;   /* bytes in buffers; 0: half of what the process may use */
    struct clock *clock;
    /* On the worker's thread, any may be NULL: before its first turn; in a turn, when told to
       stop; after its last turn. */
    void (*on_start)(struct worker *worker, void *arg);
    void (*on_closing)(struct worker *worker, void *arg);
    void (*on_stop)(struct worker *worker, void *arg);
    /* Memory is short: again and again until it no longer is; in a turn.  May be NULL. */
    void (*on_short)(struct worker *worker, void *arg);
    void *arg;
};

enum result workers_start(const struct worker_options *options, struct workers **out) MUST_CHECK;
/* See Stopping; the threads are joined, what was retired is freed, then all the rest. */
void workers_stop(struct workers *workers);
unsigned workers_count(const struct workers *workers);
struct worker *workers_at(struct workers *workers, unsigned index);
struct reclaim *workers_reclaim(struct workers *workers);

/* Is the caller running on this worker?  any thread */
bool worker_is_mine(const struct worker *worker);
/* The worker of this thread, or NULL.  any thread */
struct worker *worker_current(void);

/* --- mail ------------------------------------------------------------------------------------ */

typedef void (*mail_fn)(struct worker *worker, void *body, size_t len);

/*
 * Reserves `len` bytes (aligned to 16) of a record for worker `to`; the caller fills them before
 * it does anything else: posting or writing to a conn may push them.  fn runs there with them.
 */
void *worker_post(struct worker *from, unsigned to, mail_fn fn, size_t len);

/* From a thread that is no worker (or from any): body is copied.  any thread */
void workers_post(struct workers *workers, unsigned to, mail_fn fn, const void *body, size_t len);

/* The record posted last to that worker weighs `bytes` more: in memory, or in work. */
void worker_weigh(struct worker *from, unsigned to, size_t bytes);

/*
 * Runs what is in the mailbox now, bounded by one sweep; cheap when it is empty (one load).
 * For a PING: what was published before somebody else's PONG must be in our output first.
 * Not from inside a mail_fn.
 */
void worker_drain(struct worker *worker);

/* Pushes the private chunks now rather than at the end of the turn. */
void worker_publish(struct worker *worker);

/* Does this worker feed a mailbox that is too full, or is memory short?  Then it reads nothing. */
bool worker_feeds_backlog(const struct worker *worker);
/* on_event(io, EPOLLIN) when it no longer does; the caller stops watching for input. */
void worker_hold(struct worker *worker, struct loop_io *io);

/* --- the loop -------------------------------------------------------------------------------- */

enum result worker_watch(struct worker *worker, struct loop_io *io, uint32_t interest) MUST_CHECK;
/* Interest 0: no event at all, not even that the peer is gone. */
void worker_rewatch(struct worker *worker, struct loop_io *io, uint32_t interest);
/* Out of every list of the worker. */
void worker_unwatch(struct worker *worker, struct loop_io *io);
/* on_event(io, EPOLLIN) again next turn without waiting for the kernel. */
void worker_ready(struct worker *worker, struct loop_io *io);
void worker_defer(struct worker *worker, struct deferred *deferred,
                  void (*fn)(struct deferred *deferred));
void worker_dirty(struct worker *worker, struct flushable *flushable);
/* Bytes that a connection may read in this turn: less when many are ready. */
size_t worker_quantum(const struct worker *worker);

/* What was just done, or is about to be, costs as much as so many deliveries to one taker. */
static inline void worker_charge(struct worker *worker, uint32_t deliveries)
{
    worker->work.done += deliveries;
}

/* Has the connection that is read now done its share of work for this turn? */
static inline bool worker_tired(const struct worker *worker)
{
    return worker->work.done >= worker->work.until;
}

/* The share of the last second or so that this worker was busy, in 1/1000.  any thread */
unsigned worker_load(const struct worker *worker);

/* Figures for statistics.  any thread; each is read by itself */
struct worker_figures {
    uint64_t turns, sleeps, wakeups_sent, mails, mail_bytes;
    int64_t longest_turn_ns;
    int64_t buffer_bytes; /* this worker's part; may be negative, the sum is not */
};
void worker_figures(const struct worker *worker, struct worker_figures *out);
