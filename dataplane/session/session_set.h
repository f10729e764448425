/*
 * session_set: the sessions of one worker; the table of them all.  For the files of this folder.
 *
 * Ownership  a set owns nothing but its links; session_table.c makes and frees it.
 * Thread     its worker's; figures are written there and read by any.
 * Errors     none.
 */
#pragma once

#include <stdatomic.h>

#include "api/base/arena.h"
#include "api/base/list.h"
#include "api/base/map.h"
#include "dataplane/session/session_options.h"

struct session_closed;
struct leaving;

struct session_set {
    struct session_table *table;
    struct worker *worker;
    struct list sessions; /* oldest first; not those that are closing */
    struct map by_cid;
    bool stopping;      /* who comes now is closed at once */
    struct list ending; /* closing; freed when conn and subscriptions are gone */

    /* Written here (counter_add), read by any. */
    _Alignas(64) _Atomic uint64_t in_msgs;
    _Atomic uint64_t in_bytes, out_msgs, out_bytes;
    _Atomic uint64_t subscriptions;
    _Atomic uint64_t slow_consumers, stale_connections;
    _Atomic uint64_t sessions_here; /* for placement */

    /* Leaving: lame duck. */
    struct timer leave;
    int64_t leave_step_ns;
    unsigned leave_batch;
};

struct session_table {
    struct session_options options;
    struct arena arena; /* texts of options */
    struct session_parts parts;
    struct session_set *sets[WORKERS_MAX];
    unsigned count; /* of workers */
    _Atomic uint64_t next_cid;
    _Atomic int64_t connections;
    _Atomic uint64_t total_connections;
    _Atomic uint32_t next_worker; /* spread */
    _Atomic bool relieving;       /* session_relieve.c: a look is under way */
    struct session_closed *closed;
    struct account *global;  /* $G, a reference */
    struct leaving *leaving; /* session_leave.c's; NULL: not a lame duck */
};

static inline struct session_set *session_set_of(const struct worker *worker)
{
    return worker->part[WORKER_PART_SESSION];
}

static inline const struct session_options *session_options(const struct session *session)
{
    return &session->set->table->options;
}

void session_set_add(struct session_set *set, struct session *session);
void session_set_remove(struct session_set *set, struct session *session);
/* Oldest first; false ends the walk; fn may close the session. */
void session_set_walk(struct session_set *set, bool (*fn)(struct session *session, void *arg),
                      void *arg);
struct session *session_set_find(const struct session_set *set, uint64_t cid);
