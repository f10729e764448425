/*
 * session_terms: what its account's terms mean for a session: limits, permissions, deadlines.
 *
 * Ownership  the session's.
 * Thread     the session's worker.
 * Errors     told to the peer.
 */
#pragma once

#include "dataplane/session/session.h"

/* In force from now on; before the former one is retired. */
void session_use_permission(struct session *session, const struct permission *permission);
/* Smallest of user's, account's and node's; the deadlines of user and account. */
void session_apply_limits(struct session *session);
/* They have changed: closed, or with new limits and permissions. */
void session_apply_terms(struct session *session);
/* They changed while it was on its way in, where session_table_apply did not find it. */
void session_catch_up(struct session *session);
