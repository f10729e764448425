/*
 * auth_rules: what claims permit, as rules; and telling whether a scope has changed.
 *
 * Ownership  lists lie in the arena given; their strings stay where they are.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include "api/base/arena.h"
#include "api/nats/claims.h"
#include "dataplane/account/permission.h"

/* Claims' permissions as rules. */
void auth_permission_rules(const struct claims_permissions *permissions, struct arena *arena,
                           struct permission_rules *out);
/* Of a scope, so that a changed one can be told; 0 for NULL.  Only within this process. */
uint64_t auth_scope_hash(const struct claims_user_limits *scope);
/* Do they say anything at all? */
bool auth_permissions_empty(const struct claims_permissions *permissions);
