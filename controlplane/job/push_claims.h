/*
 * push_claims: outbox -> nodes, until they have it.
 *
 * A pass claims what is due (a lease on each row), pushes outside of any transaction, and records
 * what each node said.  Before publishing, the issuer must be trusted by every node that is not
 * retired; else the account is blocked and nothing is sent (PSH-02).  A node that did not answer
 * or refused is tried again with backoff and jitter, for as long as it exists.
 *
 * Ownership  none.
 * Thread     one for each process; several processes share the work row by row.
 * Errors     as the database's; what nodes say is no error.
 */
#pragma once

#include "api/base/histogram.h"
#include "controlplane/job/job.h"

struct push_figures {
    uint64_t ok, failed;       /* answers of nodes */
    struct histogram duration; /* from a change until every node has it */
    struct histogram revoked;  /* the same of changes that took somebody's access away */
};
void push_figures_init(struct push_figures *figures);

/* *more: there may be more that is due already. */
enum result push_claims_pass(const struct job_context *context, struct push_figures *figures,
                             bool *more) MUST_CHECK;

/* Backoff after so many attempts: 1 s doubling to 60 s, with jitter. */
int64_t push_backoff_ms(int64_t attempts, struct random *random);
