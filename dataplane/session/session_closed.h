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

#include "api/base/lock.h"
#include "dataplane/session/session.h"

struct session_closed_entry;

struct session_closed {
    struct lock lock;
    struct session_closed_entry **entries; /* [max] */
    unsigned max, first, count;
    size_t bytes;
};

void session_closed_init(struct session_closed *closed, unsigned max);
void session_closed_fini(struct session_closed *closed);
void session_closed_add(struct session_closed *closed, const struct session_snapshot *snapshot);
void session_closed_walk(struct session_closed *closed,
                         bool (*fn)(const struct session_snapshot *snapshot, void *arg), void *arg);
