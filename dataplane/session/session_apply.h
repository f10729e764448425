/*
 * session_apply: a live session follows its account's terms.
 *
 * Ownership  the session's.
 * Thread     the session's worker.
 * Errors     told to the peer.
 */
#pragma once

#include "dataplane/session/session.h"

/* Closed, or with new limits and permissions. */
void session_apply_terms(struct session *session);
/* In force from now on; before the former one is retired. */
void session_use_permission(struct session *session, const struct permission *permission);
