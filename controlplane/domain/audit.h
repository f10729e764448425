/*
 * audit: who did what, in the transaction that did it.
 *
 * Every mutation writes one event in its own transaction; a refused one is written apart by the
 * router.  before and after hold no secret: keys by their public form, tokens by their id, what is
 * shown once by its fingerprint.
 *
 * Ownership  borrowed for the call.
 * Thread     the work's.
 * Errors     the database's.
 */
#pragma once

#include "controlplane/domain/resource.h"

enum audit_outcome { AUDIT_SUCCESS, AUDIT_DENIED, AUDIT_FAILED, AUDIT_PARTIAL };

struct audit_note {
    const char *action; /* "account.create" */
    const char *resource_kind, *resource_id, *resource_name;
    const char *team_id, *account_id;
    enum audit_outcome outcome;
    const char *reason;
    json_t *before, *after; /* borrowed; NULL: none */
    int64_t revision;       /* 0: none */
    const char *operation_id;
    const char *on_behalf_of; /* the name of who asked for it; NULL: he did it himself */
};

/* Of a long user agent the beginning is kept. */
enum result audit_add(struct work *work, const struct audit_note *note) MUST_CHECK;

struct audit_event {
    const char *id, *kind;
    int64_t time;
    const char *actor_type, *actor_id, *actor_name, *via_token, *on_behalf_of;
    const char *source_ip, *user_agent, *request_id;
    const char *action, *resource_kind, *resource_id, *resource_name, *team_id, *account_id;
    const char *outcome, *reason;
    json_t *before, *after;
    struct optional_int revision;
    const char *operation_id;
};
extern const struct shape audit_event_shape; /* to JSON */

struct audit_query {
    struct list_query list; /* newest first; after: an event's id */
    const char *team_id, *account_id, *actor, *action, *resource, *outcome;
};
/* A resource as the events that the principal may see keep it. */
struct audit_state {
    const char *resource_id;
    int64_t version; /* in: the one wanted; out: the nearest that is known */
    json_t *state;   /* out */
};
/* Looks at its newest AUDIT_STATE_EVENTS events only.  ERR_NOT_FOUND: they know none. */
enum result audit_state_near(struct work *work, struct audit_state *state) MUST_CHECK;

/* Of the rows that the work's principal may see. */
enum result audit_list(struct work *work, const struct audit_query *query,
                       struct db_rows *out) MUST_CHECK;
