/*
 * crew: workers that route, for tests: run a function on one, wait until all mail has arrived.
 *
 * Ownership  the crew's account and workers are its own.
 * Thread     the test's main thread.
 * Errors     none; what goes wrong stops the test.
 */
#pragma once

#include "dataplane/account/account.h"
#include "dataplane/account/deliver.h"

struct crew {
    struct workers *workers;
    struct account *account;
    struct deliver_options options;
};

void crew_start(struct crew *crew, unsigned workers);
/* Every subscription was removed. */
void crew_stop(struct crew *crew);

/* Runs fn on that worker and waits until it returned. */
void crew_run(struct crew *crew, unsigned worker, void (*fn)(struct worker *worker, void *arg),
              void *arg);
/* What was published so far is delivered, also what was sent on. */
void crew_settle(struct crew *crew);
