/*
 * session_closed: the sessions that ended lately, as /connz shows them.
 *
 * A ring: at most `max` of them and SESSION_CLOSED_BYTES; the oldest give way.
 *
 * Ownership  each entry is one block with its texts.
 * Thread     any; a lock inside.
 * Errors     none.
 */
#pragma once

#include "dataplane/session/session_view.h"

enum { SESSION_CLOSED_BYTES = 32 << 20 };

struct session_closed;

struct session_closed *session_closed_new(unsigned max);
void session_closed_free(struct session_closed *closed);
void session_closed_add(struct session_closed *closed, const struct session_snapshot *snapshot);
void session_closed_walk(struct session_closed *closed,
                         bool (*fn)(const struct session_snapshot *snapshot, void *arg), void *arg);
