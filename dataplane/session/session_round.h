/*
 * session_round: a visit to every worker, one after the other.
 *
 * So results need no lock: each visit happens after the one before.
 *
 * Ownership  embedded in its owner, which lives until done.
 * Thread     session_round_start: any; visit: each worker in turn; done: worker `home`.
 * Errors     none.
 */
#pragma once

#include "dataplane/core/worker.h"

struct session_round {
    void (*visit)(struct session_round *round, struct worker *worker);
    void (*done)(struct session_round *round, struct worker *worker);
    unsigned home;
    unsigned next; /* session_round_start sets it */
};
/* any thread */
void session_round_start(struct workers *workers, struct session_round *round);
