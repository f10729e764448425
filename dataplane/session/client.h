/*
 * client: the verbs of a client, and how messages reach its subscriptions.
 *
 * Ownership  the session's.
 * Thread     the session's worker.
 * Errors     answered to the peer.
 */
#pragma once

#include "dataplane/session/session.h"

extern const struct session_kind client_kind;
