/*
 * timers: deadlines, on a hierarchical wheel (1 ms ticks, 256 + 3 x 64 slots).
 *
 * Arming and cancelling are O(1); nothing is armed for each message: a timer that guards
 * activity looks when it fires whether it is really due, and arms itself for the rest.
 *
 * Ownership  a timer is embedded in its owner; {0} is an idle one.  Cancel before freeing.
 * Thread     the loop's.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/list.h"

struct timer {
    struct list link; /* in its slot */
    int64_t due_ns;   /* monotonic */
    void (*fn)(struct timer *timer);
};

enum { TIMER_SLOTS = 256 + 3 * 64 };

struct timers {
    struct list slots[TIMER_SLOTS];
    uint64_t used[TIMER_SLOTS / 64]; /* a bit for each slot; may be set for an empty one */
    int64_t tick;                    /* the last millisecond that was run */
    unsigned count;
};

void timers_init(struct timers *timers, int64_t now_ns);
/* Armed already: moved. */
void timer_arm(struct timers *timers, struct timer *timer, int64_t due_ns,
               void (*fn)(struct timer *timer));
void timer_cancel(struct timers *timers, struct timer *timer);
bool timer_armed(const struct timer *timer);
/* Runs what is due; a callback may arm and cancel any timer. */
void timers_run(struct timers *timers, int64_t now_ns);
/* How long may be slept: milliseconds, rounded up; -1 for ever. */
int timers_sleep_ms(struct timers *timers, int64_t now_ns);
