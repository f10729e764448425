/*
 * reconcile: what nodes hold against what they should.
 *
 * Every 60 s (and when asked) each node lists its account ids; what is missing is recorded and
 * due again in the outbox.  Every 10 min, and after any node came, the contents are compared by
 * digest (PACK); on a difference the accounts that differ are pushed again.  An account that we
 * deleted and a node still has gets its tombstone again; one that is not ours is left alone and
 * counted; a newer token that we never issued raises foreign_writer and is left to a person.  That
 * ends when no node holds such a token any longer: seen by a comparison of all nodes, or because
 * every node took our token when it was pushed (push_claims.h).
 *
 * What a comparison found to be as it should is recorded as stored; whatever a node is not known
 * to hold after a pass has a row in the outbox.
 *
 * Every step may be repeated, killed, or done by another replica.
 *
 * What is found is counted when it appears, not again while it stays: what is missing or differs
 * has a row in the outbox meanwhile, a foreign writer is known to the database, and accounts that
 * are not ours are remembered (unmanaged.h).
 *
 * Ownership  the figures are the caller's; unmanaged_fini ends what they remember.
 * Thread     one; a lease for each system.
 * Errors     as the database's; a node that does not answer is no error.
 */
#pragma once

#include "controlplane/job/job.h"
#include "controlplane/job/unmanaged.h"

enum { RECONCILE_EVERY_MS = 60000, COMPARE_EVERY_MS = 600000 };

struct reconcile_figures {
    uint64_t missing, differing, foreign; /* how often each appeared on a node */
    struct unmanaged unmanaged;
    int64_t last_success_at; /* Unix ns */
};

/* compare: look at the contents too.  *complete: every node that is ready could be looked at. */
enum result reconcile_pass(const struct job_context *context, bool compare,
                           struct reconcile_figures *figures, bool *complete) MUST_CHECK;
