/*
 * permission_warnings: what is allowed as it was written, but is probably not what was meant.
 *
 * VAL-10: '>' among what is allowed; requests without the inbox that answers come to; JetStream
 * consumers without the subjects of their acknowledgements.  Nothing is refused: each stands as a
 * condition of the user, role or account, until the permissions are others.
 *
 * Ownership  trees in the work's arena.
 * Thread     the work's.
 * Errors     the database's.
 */
#pragma once

#include "controlplane/domain/permissions.h"

/* The conditions of these permissions: an empty list when there is nothing to say.  old: those
 * that stand now (NULL: none), for the times of what has not changed. */
json_t *permission_warnings(struct work *work, const struct permissions *permissions,
                            const json_t *old);

/* Writes them, if they are others than old, by a statement that takes an id and the list. */
enum result permission_warnings_put(struct work *work, enum statement statement, const char *id,
                                    const struct permissions *permissions,
                                    const json_t *old) MUST_CHECK;
