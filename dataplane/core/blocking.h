/*
 * blocking: helper threads for calls that would block a worker.
 *
 * Password hashing, signatures, files, DNS.  Jobs with the same key run one after the other, those
 * of the same source in the order they came (account claims); others in parallel.
 *
 * Sources take turns, one job each; within a source its keys take turns.  So a job waits for one
 * of every other source at most, and a flood of log-ins from one address for itself.  The server's
 * own jobs, which have no source, come every second turn.
 *
 * Ownership  a job is embedded in its owner and belongs to the pool until `done`.
 * Thread     submit: any.  run: a helper.  done: on worker `worker`, in a turn.
 * Errors     blocking_submit: ERR_LIMIT when BLOCKING_QUEUE_MAX jobs wait, or BLOCKING_SOURCE_MAX
 *            of its source, ERR_CLOSED when it was stopped; the job was not taken.
 */
#pragma once

#include <stdint.h>

#include "api/base/list.h"
#include "api/base/result.h"
#include "api/base/source.h"
#include "dataplane/core/worker.h"

enum { BLOCKING_QUEUE_MAX = 65536, BLOCKING_SOURCE_MAX = BLOCKING_QUEUE_MAX / 4 };

struct blocking;

struct blocking_job {
    void (*run)(struct blocking_job *job);                         /* on a helper thread */
    void (*done)(struct blocking_job *job, struct worker *worker); /* back on a worker */
    unsigned worker;                                               /* where `done` runs */
    uint64_t key;             /* 0: none; else one after the other with others of the same key */
    struct source_key source; /* none: the server's own */
    struct list link;
};

struct blocking *blocking_new(unsigned threads, struct workers *workers);
/* Waits for running jobs; jobs that wait are run too, new ones are not taken any more. */
void blocking_stop(struct blocking *blocking);
/* Stops it, if nobody has yet; nobody submits any more. */
void blocking_free(struct blocking *blocking);
enum result blocking_submit(struct blocking *blocking, struct blocking_job *job) MUST_CHECK;
