/*
 * loop_io: what a loop calls back: descriptors, what is left for the end of a turn.
 *
 * Ownership  embedded in what they belong to, which takes them out of the loop before it ends.
 * Thread     the worker's whose loop it is.
 * Errors     none.
 */
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

#include "api/base/list.h"

enum {
    LOOP_QUANTUM = 128 << 10,   /* bytes read from one connection in one turn */
    LOOP_TURN_WORK = 128 << 10, /* deliveries in one turn: some milliseconds */
    LOOP_LONE_WORK = 512 << 10, /* when nobody else is ready: fewer and larger flushes */
};

/*
 * What was done in this turn, in deliveries to one taker: some tens of nanoseconds each.  Bytes do
 * not tell: a message of a few bytes may go to ten thousand takers.
 */
struct loop_work {
    uint32_t done;
    uint32_t until; /* the io that is called back stops there */
};

/* Something with a file descriptor. */
struct loop_io {
    int fd;
    uint32_t interest; /* EPOLLIN | EPOLLOUT as registered */
    uint32_t events;   /* those it is ready for; 0: EPOLLIN */
    void (*on_event)(struct loop_io *io, uint32_t events);
    struct list ready; /* linked while there is more to do without a new event, or held */
};

/* Something to run at the end of this turn, after the flush. */
struct deferred {
    struct list link;
    void (*fn)(struct deferred *deferred);
};

/* Something to flush at the end of this turn. */
struct flushable {
    struct list link;
    void (*flush)(struct flushable *flushable);
};
