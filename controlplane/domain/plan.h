/*
 * plan: plans, their versions, overrides: the effective limits.
 *
 * One list of quotas (LIMITS) makes the struct, the shape, the columns and the table that says
 * who enforces what.  -1 is unlimited, 0 none, not set "ask the next source".
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals name_taken, in_use, validation_failed, plan_forbids.
 */
#pragma once

#include "controlplane/domain/resource.h"

/* clang-format off */
/* name, is it a yes or no, enforced by, scope, what a plan has that does not say */
#define LIMITS(X)                                                                \
    X(connections,                  false, "node", "account", -1)                \
    X(leaf_connections,             false, "node", "account", 0)                 \
    X(subscriptions_per_connection, false, "node", "connection", -1)             \
    X(max_payload,                  false, "node", "message", -1)                \
    X(data,                         false, "none", "account", -1)                \
    X(imports,                      false, "control_plane", "account", -1)       \
    X(exports,                      false, "control_plane", "account", -1)       \
    X(wildcard_exports,             true,  "control_plane", "account", 1)        \
    X(disallow_bearer,              true,  "node", "account", 1)                 \
    X(js_memory,                    false, "node", "account", 0)                 \
    X(js_disk,                      false, "node", "account", 0)                 \
    X(js_streams,                   false, "node", "account", 0)                 \
    X(js_consumers_per_stream,      false, "node", "stream", 0)                  \
    X(js_max_ack_pending,           false, "node", "consumer", -1)               \
    X(js_memory_max_stream_bytes,   false, "node", "stream", 0)                  \
    X(js_disk_max_stream_bytes,     false, "node", "stream", 0)                  \
    X(js_max_bytes_required,        true,  "node", "stream", 0)                  \
    X(subscriptions_total,          false, "none", "account", -1)                \
    X(msgs_per_second,              false, "none", "account", -1)                \
    X(bytes_per_second,             false, "none", "account", -1)                \
    X(monthly_bytes_soft,           false, "none", "account", -1)                \
    X(monthly_bytes_hard,           false, "none", "account", -1)                \
    X(credential_ttl_max_s,         false, "control_plane", "user", 31536000)    \
    X(accounts,                     false, "control_plane", "team", -1)          \
    X(users,                        false, "control_plane", "account", -1)       \
    X(credentials,                  false, "control_plane", "account", -1)       \
    X(tokens,                       false, "control_plane", "team", -1)

/* Of one replica tier; the same words as the flat ones. */
#define TIER_LIMITS(X)                                                           \
    X(js_memory) X(js_disk) X(js_streams) X(js_consumers_per_stream)             \
    X(js_max_ack_pending) X(js_memory_max_stream_bytes)                          \
    X(js_disk_max_stream_bytes)
/* clang-format on */

enum limit_name {
#define X(name, flag, enforced_by, scope, fallback) LIMIT_##name,
    LIMITS(X)
#undef X
        LIMIT_COUNT
};

struct tier_limits {
    const char *tier; /* "R1" ... "R5" */
#define X(name) int64_t name;
    TIER_LIMITS(X)
#undef X
    bool js_max_bytes_required;
};

struct limits {
#define X(name, flag, enforced_by, scope, fallback) struct optional_int name;
    LIMITS(X)
#undef X
    struct tier_list {
        struct tier_limits *items;
        size_t count;
    } tiers; /* exclusive with the flat js_... */
};
extern const struct shape limits_shape;

struct limit_kind {
    const char *name;
    bool flag;
    const char *enforced_by, *scope;
    int64_t fallback;
};
const struct limit_kind *limit_kind(enum limit_name name);
struct optional_int *limit_at(struct limits *limits, enum limit_name name);

struct plan {
    struct resource resource; /* state: draft, published, retired */
    bool is_default;
    int64_t plan_version;
    struct limits limits, max;
    struct strings allowed_overrides; /* names of limits that a team's admin may lower or raise */
    int64_t account_count;
};
extern const struct shape plan_shape;

struct plan_settings {
    struct resource_settings settings;
    bool is_default;
    struct limits limits, max;
    struct strings allowed_overrides;
};
extern const struct shape plan_settings_shape;

struct plan_settings plan_settings_of(const struct plan *plan);
/* version 0: the current one.  It and plan_list fill account_count, the next three do not. */
enum result plan_by_ref(struct work *work, const char *ref, int64_t version,
                        struct plan *out) MUST_CHECK;
enum result plan_terms(struct work *work, const char *ref, struct plan *out) MUST_CHECK;
/* Of an account that has it, whatever became of the plan. */
enum result plan_version_any(struct work *work, const char *id, int64_t version,
                             struct plan *out) MUST_CHECK;
enum result plan_default(struct work *work, struct plan *out) MUST_CHECK;
enum result plan_list(struct work *work, const struct list_query *query,
                      struct db_rows *out) MUST_CHECK;
enum result plan_create(struct work *work, const struct plan_settings *settings,
                        struct plan *out) MUST_CHECK;
/* Changed limits make a new version; accounts keep theirs until they are moved. */
enum result plan_update(struct work *work, const struct plan *old,
                        const struct plan_settings *settings, struct plan *out) MUST_CHECK;
enum result plan_delete(struct work *work, const struct plan *plan) MUST_CHECK;

enum limit_source { LIMIT_FROM_PLAN, LIMIT_FROM_OVERRIDE, LIMIT_FROM_SYSTEM };
struct effective_limits {
    struct limits limits; /* all set */
    enum limit_source source[LIMIT_COUNT];
};
/* jetstream false: a system without it gives none, whatever the plan says. */
void limits_effective(const struct plan *plan, const struct limits *overrides, bool jetstream,
                      struct effective_limits *out);

enum result limits_store(struct work *work, const char *team_id, const struct limits *limits,
                         const char **id) MUST_CHECK;

/* What the shape cannot say; pointer: where the limits stand in the body. */
enum result limits_check(struct work *work, const char *pointer,
                         const struct limits *limits) MUST_CHECK;
/* None beyond max, where that says something. */
enum result limits_within(struct work *work, const struct limits *limits,
                          const struct limits *max) MUST_CHECK;
bool limit_looser(enum limit_name name, int64_t a, int64_t b);

/* Room for one more?  quota_exceeded where as many as `most` are there; less than 0: no limit.
 * Says "ALLOWED 5 THINGS." */
enum result plan_room(struct work *work, enum statement count, const char *owner_id, int64_t most,
                      const char *allowed, const char *things) MUST_CHECK;
