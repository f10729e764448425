/*
 * account: accounts: states, claims, sync.
 *
 * Every change that reaches the claims goes through account_changed: under the row's lock it
 * builds the claims anew from the database, signs them with a higher iat, stores revision and
 * JWT, and adds the outbox row, all in the caller's transaction.  Claims that come out equal
 * make no new revision.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals name_taken, illegal_state, quota_exceeded, plan_forbids, protected,
 *            version_conflict, validation_failed, jwt_too_large.
 */
#pragma once

#include "controlplane/domain/nats_system.h"
#include "controlplane/domain/operation.h"
#include "controlplane/domain/permissions.h"
#include "controlplane/domain/plan.h"

struct account_sync {
    const char *state;
    int64_t revision, nodes_ok, nodes_total;
};

struct account {
    struct resource resource; /* state: active, suspended, deleting, purging, tombstoned, ... */
    const char *team_id, *system_id, *public_key, *state_reason;
    const char *plan_id;
    int64_t plan_version;
    bool protection, is_system;
    struct strings tags;
    const char *info_url;
    struct strings connect_urls; /* of its system, for clients */
    struct permissions default_permissions;
    struct limits overrides;
    struct account_sync sync;
    int64_t revision, iat, jwt_size;
    const char *jti, *claims_hash;
    const char *override_set_id, *secret_id; /* not in the JSON */
    json_t *effective_limits;                /* GET of one account: as A/limits */
};
extern const struct shape account_shape;

struct account_settings {
    struct resource_settings settings;
    const char *team_id;   /* NULL: the caller's; fixed */
    const char *system_id; /* NULL: the only one; fixed */
    const char *plan_id;   /* NULL: the team's */
    bool protection;
    struct strings tags;
    const char *info_url;
    struct permissions default_permissions;
};
extern const struct shape account_settings_shape;

struct account_settings account_settings_of(const struct account *account);
/* ref: id or public key; also deleted ones that still have a row. */
enum result account_by_ref(struct work *work, const char *ref, struct account *out) MUST_CHECK;
enum result account_by_name(struct work *work, const char *team_id, const char *name,
                            struct account *out) MUST_CHECK;
struct account_query {
    struct list_query list;
    const char *team_id, *system_id, *plan_id;
};
enum result account_list(struct work *work, const struct account_query *query,
                         struct db_rows *out) MUST_CHECK;
/* Takes the account's row lock and reads it again; version 0: any (If-Match: *). */
enum result account_lock(struct work *work, const char *account_id, int64_t version,
                         struct account *out) MUST_CHECK;

/* LIF-01: may this be done in the account's state?  The refusal names what may. */
enum result account_may(struct work *work, const struct account *account,
                        const char *action) MUST_CHECK;

enum result account_create(struct work *work, const struct account_settings *settings,
                           struct account *out) MUST_CHECK;
enum result account_update(struct work *work, const struct account *old,
                           const struct account_settings *settings, struct account *out) MUST_CHECK;
enum result account_suspend(struct work *work, const struct account *old, const char *reason,
                            bool revoke_users, struct account *out) MUST_CHECK;
enum result account_resume(struct work *work, const struct account *old,
                           struct account *out) MUST_CHECK;
/* Starts the delete operation. */
enum result account_delete(struct work *work, const struct account *old,
                           struct operation *out) MUST_CHECK;

/* A/limits: each quota with value, source, enforced_by, scope, used. */
enum result account_limits(struct work *work, const struct account *account,
                           json_t **out) MUST_CHECK;
enum result account_set_limits(struct work *work, const struct account *old,
                               const struct limits *overrides, bool allow_over_quota,
                               struct account *out) MUST_CHECK;
enum result account_effective(struct work *work, const struct account *account,
                              struct effective_limits *out) MUST_CHECK;

enum result account_jwt(struct work *work, const struct account *account,
                        const char **jwt) MUST_CHECK;
/* The claims of the newest revision, decoded, with the size of their JWT. */
enum result account_claims_view(struct work *work, const struct account *account,
                                json_t **out) MUST_CHECK;
/* POST A:push: the newest revision is due again on every node. */
enum result account_push(struct work *work, const struct account *account) MUST_CHECK;

/*
 * Something in the account's claims may have changed: build, sign, store, outbox.  The caller
 * holds the row's lock (account_lock or an UPDATE of it).  *revision: the newest one.
 */
enum result account_changed(struct work *work, const char *account_id, const char *reason,
                            int64_t *revision) MUST_CHECK;
/* All accounts of a system, in pages, after another operator key became active. */
enum result account_resign(struct work *work, const char *system_id, const char *after,
                           int64_t limit, const char **last, int64_t *count) MUST_CHECK;

/* Steps of the delete operation (see operation.h), for the job; each may be repeated. */
enum result account_delete_tombstone(struct work *work, const char *account_id,
                                     int64_t *revision) MUST_CHECK; /* -> purging */
enum result account_delete_tombstoned(struct work *work,
                                      const char *account_id) MUST_CHECK; /* all nodes have it */
/* removed: CLAIMS.DELETE was verified; keys are destroyed, state deleted (or stays tombstoned). */
enum result account_delete_finish(struct work *work, const char *account_id,
                                  bool removed) MUST_CHECK;
