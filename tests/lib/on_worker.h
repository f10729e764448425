/*
 * on_worker: running a function on a worker's thread, and waiting until it is done.
 *
 * Ownership  the argument is the caller's.
 * Thread     a thread that is no worker.
 * Errors     none.
 */
#pragma once

#include "dataplane/core/worker.h"

/* As mail: inside a turn. */
void on_worker(struct workers *workers, unsigned index, void (*fn)(struct worker *, void *),
               void *arg);

/* Asks again and again, a turn at a time, until fn says true; fails the test after 10 s. */
void until_on_worker(struct workers *workers, unsigned index, bool (*fn)(struct worker *, void *),
                     void *arg);

/* count workers that do nothing by themselves; on that clock, NULL: the machine's. */
struct workers *idle_workers(unsigned count, struct clock *clock);

/* Always the same time: no timer ever fires. */
struct clock *clock_that_stands(void);
