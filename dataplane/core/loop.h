/*
 * loop: epoll, deferred work, and how a worker waits.
 *
 * The parts of a turn that know nothing of mail.  Level-triggered; an io whose interest is 0 is
 * taken out of the epoll, because a hang-up would be reported for ever.
 *
 * Waiting.  With nothing to do, the loop first polls for a bounded time if that has paid off
 * lately, then sleeps.  Polling begins again after some sleeps that were so short that polling
 * would have caught them; it ends at the first poll that fails, and pauses when the thread is
 * pushed off its core by others, who then have better use for it.
 *
 * Ownership  what is linked belongs to others.
 * Thread     its worker's.
 * Errors     loop_new: NULL, with errno.
 */
#pragma once

#include "api/base/clock.h"
#include "api/base/result.h"
#include "dataplane/core/loop_io.h"
#include "dataplane/core/mailbox.h"

enum {
    LOOP_EVENTS = 256,
    LOOP_TURN_BYTES = 512 << 10,
    LOOP_QUANTUM_MIN = 8 << 10,
    LOOP_WORK_MIN = 1 << 10, /* of one io, however many are ready */
};

struct loop {
    int epoll, wake_fd;
    struct clock *clock;
    struct list ready, held, dirty, deferred;
    size_t quantum;

    int64_t poll_max_ns, poll_ns; /* the most allowed; now, 0: straight to sleep */
    unsigned short_sleeps;        /* in a row */
    unsigned looks;               /* sleeps since the last look at being pushed off */
    long pushed_off;              /* at that look */
    int64_t no_poll_until_ns;

    int64_t slept_ns;      /* from then on the present wait slept; 0: it did not */
    int64_t turn_began_ns; /* the clock after the last wait */
    int64_t window_began_ns, window_busy_ns;
    _Atomic unsigned load;
    _Atomic int64_t load_at_ns;
    _Atomic uint64_t turns, sleeps, wakeups_sent, mails, mail_bytes;
    _Atomic int64_t longest_turn_ns;
    _Atomic int64_t buffer_bytes;
    int64_t memory_looked_ns, memory_looked_bytes; /* when the sum was taken last, and at what */

    int event_count;
    struct epoll_event events[LOOP_EVENTS];
};

struct loop *loop_new(struct clock *clock, int64_t poll_max_ns);
void loop_free(struct loop *loop);

/* Is there something to do without waiting? */
bool loop_busy(const struct loop *loop);
/* Takes what the kernel has, without sleeping. */
void loop_look(struct loop *loop);
/* Polls if that pays; true when something came: an event, or mail. */
bool loop_poll(struct loop *loop, struct mailbox *mailbox);
/* At most timeout_ms from now_ns on; -1: for ever. */
void loop_sleep(struct loop *loop, int64_t now_ns, int timeout_ms);
/* The wait is over: takes the clock, keeps the books; the time. */
int64_t loop_begin(struct loop *loop);

/*
 * Runs what is ready, then what loop_look, poll or sleep found; what is left when LOOP_TURN_WORK is
 * done here comes first in the next turn.  Who is ready alone may do LOOP_LONE_WORK.
 */
void loop_dispatch(struct loop *loop, struct loop_work *work);
/* Those held become ready. */
void loop_release(struct loop *loop);
void loop_flush(struct loop *loop);
void loop_run_deferred(struct loop *loop);

enum result loop_watch(struct loop *loop, struct loop_io *io, uint32_t interest) MUST_CHECK;
void loop_rewatch(struct loop *loop, struct loop_io *io, uint32_t interest);
void loop_unwatch(struct loop *loop, struct loop_io *io);

/* A counter with one writer. */
static inline void loop_count(_Atomic uint64_t *counter, uint64_t more)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, now + more, memory_order_relaxed);
}
