/*
 * account_issue: claims anew, signed, stored and on their way to the nodes.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals jwt_too_large, signer_unavailable, validation_failed.
 */
#pragma once

#include "api/nats/claims.h"
#include "controlplane/domain/account.h"

/*
 * Something in the account's claims may have changed: build, sign, store, outbox.  The caller
 * holds the row's lock (account_lock or an UPDATE of it).  *revision: the newest one.
 */
enum result account_changed(struct work *work, const char *account_id, const char *reason,
                            int64_t *revision) MUST_CHECK;
/* All accounts of a system, in pages, after another operator key became active. */
/* These claims whatever they are: a tombstone. */
enum result account_issue(struct work *work, const struct account *account, struct claims *claims,
                          const char *reason, int64_t *revision) MUST_CHECK;
enum result account_resign(struct work *work, const char *system_id, const char *after,
                           int64_t limit, const char **last, int64_t *count) MUST_CHECK;
