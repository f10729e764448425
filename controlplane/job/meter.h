/*
 * meter: statistics -> usage.
 *
 * Every 10 s each system is asked for the counters of all its accounts (STATZ, unused ones too),
 * under a lease, so that replicas share the work; two collectors at once do no harm, because a
 * sample is written once (usage.h).  Who finds another's lease comes back when it expires, if that
 * is sooner: a holder that lives renews it long before.  The counters that nodes publish by
 * themselves ($SYS.ACCOUNT.*.SERVER.CONNS) are samples too, earlier ones; so are the last words of
 * a node that is shut down.
 *
 * Ownership  none.
 * Thread     one for the passes; meter_event: the job that reads events.
 * Errors     as the database's.
 */
#pragma once

#include "controlplane/job/job.h"

enum { METER_EVERY_MS = 10000 };

struct meter_figures {
    uint64_t samples, rows;
};

/* *next_ms: until the next one is due. */
enum result meter_pass(const struct job_context *context, struct meter_figures *figures,
                       int64_t *next_ms) MUST_CHECK;

/* The counters of this node, now: before something is taken from it. */
enum result meter_node(struct job_call *call, struct system_link *link,
                       const struct node *node) MUST_CHECK;

/* EVENT_CONNS, inside the caller's transaction. */
enum result meter_event(struct job_call *call, const struct node_event *event) MUST_CHECK;
