/*
 * operation: work that outlives its request, step by step.
 *
 * A job claims an open operation (a lease, as with the outbox), does its first step that is not
 * finished, records it, and goes on.  Steps are idempotent: whoever dies in one, another repeats
 * it.  operation_step_data is the place for what a step must remember.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     ERR_CONFLICT: the lease was lost; ERR_STATE: not allowed in this state.
 */
#pragma once

#include "controlplane/domain/lifecycle.h"
#include "controlplane/domain/resource.h"

struct operation_step {
    int64_t ordinal;
    const char *name;
    const char *state; /* pending, running, succeeded, failed, skipped */
    int64_t attempts;
    const char *detail; /* for humans */
    json_t *data;       /* for the step itself */
    int64_t started_at, finished_at;
};
extern const struct shape operation_step_shape;

struct operation {
    struct resource resource; /* state: pending, running, succeeded, failed, canceled */
    const char *type;         /* "account.delete" */
    const char *team_id, *account_id;
    const char *resource_kind, *resource_id;
    struct operation_steps {
        struct operation_step *items;
        size_t count;
    } steps;
    json_t *input, *result;
    const char *error_code, *error_detail; /* "" unless failed */
    json_t *error;                         /* the same for the API; NULL: none */
    int64_t steps_done, steps_total;
    bool cancelable;
    int64_t finished_at;
    int64_t lease_epoch;
};
extern const struct shape operation_shape; /* to JSON */
extern const struct lifecycle operation_lifecycle;
extern const struct shape operation_row_shape; /* from rows */

/* ACCOUNT_DELETE_STEPS are the steps of section 6.6 that exist; the first is done at once. */
#define OPERATION_ACCOUNT_DELETE "account.delete"
#define STEP_SUSPEND "suspend"                 /* push conn 0, leaf 0; wait until stored */
#define STEP_PURGE_JETSTREAM "purge_jetstream" /* only nodes with JetStream */
#define STEP_TOMBSTONE "tombstone"             /* make and push it */
#define STEP_AWAIT_STORED "await_stored"       /* every node that is not retired */
#define STEP_REMOVE "remove"                   /* CLAIMS.DELETE where allow_delete */
#define STEP_VERIFY "verify"                   /* LIST twice, one sync interval apart */
#define STEP_FINISH "finish"                   /* destroy keys, close */

struct operation_new {
    const char *type, *team_id, *account_id, *resource_kind, *resource_id, *resource_name;
    const char *const *steps; /* NULL-terminated */
    json_t *input;            /* borrowed */
};
/* Sets WAKE_OPERATION.  ERR_EXISTS if the same is open already. */
enum result operation_start(struct work *work, const struct operation_new *new,
                            struct operation *out) MUST_CHECK;

enum result operation_by_id(struct work *work, const char *id, struct operation *out) MUST_CHECK;
struct operation_query {
    struct list_query list;
    const char *resource; /* NULL: any */
};
enum result operation_list(struct work *work, const struct operation_query *query,
                           struct db_rows *out) MUST_CHECK;
enum result operation_cancel(struct work *work, const char *id, struct operation *out) MUST_CHECK;

/* For the job. */
enum result operation_claim(struct work *work, int64_t lease_s, struct operation *out) MUST_CHECK;
enum result operation_renew(struct work *work, const struct operation *operation,
                            int64_t lease_s) MUST_CHECK;
/* Gives the lease back; due again after delay_ms.  detail: what the step waits for; NULL: as it
 * was. */
enum result operation_pause(struct work *work, const struct operation *operation, int64_t ordinal,
                            const char *detail, int64_t delay_ms) MUST_CHECK;
/* state running raises attempts; data NULL leaves it as it is. */
enum result operation_step_set(struct work *work, const struct operation *operation,
                               int64_t ordinal, const char *state, const char *detail,
                               json_t *data) MUST_CHECK;
/* succeeded (error_code NULL) or failed; writes the audit event. */
enum result operation_finish(struct work *work, const struct operation *operation, json_t *result,
                             const char *error_code, const char *error_detail) MUST_CHECK;
/* Milliseconds until the next one is due, -1 if there is none. */
enum result operation_next_ms(struct work *work, int64_t *out) MUST_CHECK;
