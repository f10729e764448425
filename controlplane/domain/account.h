/*
 * account: accounts as they are: their rows, their states, what they may use.
 *
 * What changes them stands beside: account_life (create to resume), account_limits,
 * account_delete; all of these end in account_issue, which makes new claims known.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals illegal_state, version_conflict; ERR_NOT_FOUND.
 */
#pragma once

#include "controlplane/domain/lifecycle.h"
#include "controlplane/domain/nats_system.h"
#include "controlplane/domain/operation.h"
#include "controlplane/domain/permissions.h"
#include "controlplane/domain/plan.h"

#define SUSPENDED_BY_OPERATOR "operator"
#define SUSPENDED_BY_TEAM "team"

struct account_sync {
    const char *state;
    int64_t revision, nodes_ok, nodes_total;
};

struct account {
    struct resource resource; /* state: active, suspended, deleting, purging, tombstoned, ... */
    const char *team_id, *system_id, *public_key, *state_reason;
    const char *suspended_by; /* SUSPENDED_BY_...; "" when it is not suspended */
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
    json_t *effective_limits;                /* GET of one account: account_limits.h */
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
    bool allow_over_quota; /* a plan that gives less than what is in use */
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

extern const struct lifecycle account_lifecycle;
/* The refusal names what the state allows. */
enum result account_may(struct work *work, const struct account *account,
                        const char *action) MUST_CHECK;
/* *to (may be NULL): the state that it leads to. */
bool account_allows(const char *action, const char *state, const char **to);
enum result account_move(struct work *work, const struct account *account, const char *action,
                         const char *reason) MUST_CHECK;

/* What its system gives and asks. */
struct account_facts {
    bool jetstream_enabled;
    struct strings jetstream_tiers;
    const char *operator_id;
};
enum result account_system_facts(struct work *work, const char *system_id,
                                 struct account_facts *out) MUST_CHECK;
enum result account_effective(struct work *work, const struct account *account,
                              struct effective_limits *out) MUST_CHECK;

/* Is this one of the tokens that we issued for the account, at any time? */
enum result account_issued(struct work *work, const char *account_id, const char *jwt,
                           bool *out) MUST_CHECK;
enum result account_jwt(struct work *work, const struct account *account,
                        const char **jwt) MUST_CHECK;
/* The claims of the newest revision, decoded, with the size of their JWT. */
enum result account_claims_view(struct work *work, const struct account *account,
                                json_t **out) MUST_CHECK;
/* POST A:push: the newest revision is due again on every node. */
enum result account_push(struct work *work, const struct account *account) MUST_CHECK;
