/*
 * account_delete: the end of an account, step by step.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals protected, illegal_state.
 */
#pragma once

#include "controlplane/domain/account.h"

/* Starts the delete operation; once more for an account that stayed tombstoned, because a node did
 * not let accounts be deleted. */
enum result account_delete(struct work *work, const struct account *old,
                           struct operation *out) MUST_CHECK;

/* Steps of the delete operation (see operation.h), for the job; each may be repeated. */
enum result account_delete_tombstone(struct work *work, const char *account_id,
                                     int64_t *revision) MUST_CHECK; /* -> purging */
enum result account_delete_tombstoned(struct work *work,
                                      const char *account_id) MUST_CHECK; /* all nodes have it */
/* removed: CLAIMS.DELETE was verified; keys are destroyed, state deleted (or stays tombstoned). */
enum result account_delete_finish(struct work *work, const char *account_id,
                                  bool removed) MUST_CHECK;
