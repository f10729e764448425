/*
 * nats_system: NATS systems: sets of nodes under one operator, with one system account.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals name_taken, in_use, validation_failed, illegal_state.
 */
#pragma once

#include "controlplane/domain/node.h"
#include "controlplane/domain/resource.h"

struct nats_jetstream {
    bool enabled;
    const char *domain;
    struct strings tiers; /* that accounts may be given */
};

struct nats_system {
    struct resource resource; /* state: enrolling, ready, degraded, unreachable, released */
    const char *operator_id;
    struct strings urls;        /* where we connect: one of each node */
    struct strings public_urls; /* where clients connect */
    int resolver_kind;          /* full, memory */
    int node_kind;              /* stock, own, mixed */
    struct nats_jetstream jetstream;
    struct int_map capacity;
    int64_t accounts_expected, sync_interval_s;
    const char *system_account_id, *system_account_key;
    bool allow_delete; /* of all its nodes */
    int64_t nodes_total, nodes_ready;
    int64_t last_reconcile_at, last_compare_at;
};
extern const struct shape nats_system_shape;

struct nats_system_settings {
    struct resource_settings settings;
    const char *operator_id; /* NULL: the only one */
    struct strings urls, public_urls;
    int resolver_kind, node_kind;
    struct nats_jetstream jetstream;
    struct int_map capacity;
    int64_t accounts_expected, sync_interval_s;
};
extern const struct shape nats_system_settings_shape;

struct nats_system_settings nats_system_settings_of(const struct nats_system *system);
enum result nats_system_by_ref(struct work *work, const char *ref,
                               struct nats_system *out) MUST_CHECK;
enum result nats_system_list(struct work *work, const struct list_query *query,
                             struct db_rows *out) MUST_CHECK;
/* The one system there is; ERR_NOT_FOUND when there is none, or several. */
enum result nats_system_only(struct work *work, const char **id) MUST_CHECK;
/* The ids of an operator's systems. */
enum result nats_system_of_operator(struct work *work, const char *operator_id,
                                    struct strings *out) MUST_CHECK;
/* Makes the system account too. */
enum result nats_system_create(struct work *work, const struct nats_system_settings *settings,
                               struct nats_system *out) MUST_CHECK;
enum result nats_system_update(struct work *work, const struct nats_system *old,
                               const struct nats_system_settings *settings,
                               struct nats_system *out) MUST_CHECK;
enum result nats_system_delete(struct work *work, const struct nats_system *system) MUST_CHECK;

struct server_config {
    const char *server_name, *listen, *store_dir;
    int64_t port, http_port;
};
/* SYS-03: a whole configuration file. */
enum result nats_system_server_config(struct work *work, const struct nats_system *system,
                                      const struct server_config *config,
                                      const char **text) MUST_CHECK;

/* A user of the system account for ourselves: a JWT of ttl_s for this public user key. */
enum result nats_system_connect_jwt(struct work *work, const char *system_id,
                                    const char *user_public_key, int64_t ttl_s,
                                    const char **jwt) MUST_CHECK;
/* A request to forget these accounts (CLAIMS.DELETE), signed by the operator's active key. */
enum result nats_system_delete_request(struct work *work, const char *system_id,
                                       const struct strings *account_keys,
                                       const char **jwt) MUST_CHECK;

/* POST :reconcile; sets WAKE_RECONCILE. */
enum result nats_system_want_reconcile(struct work *work, const char *system_id) MUST_CHECK;
/* A pass over a system has ended: LIST (compare false) or contents (compare true). */
enum result nats_system_reconciled(struct work *work, const char *system_id,
                                   bool compare) MUST_CHECK;
/* From the states of its nodes. */
enum result nats_system_refresh_state(struct work *work, const char *system_id) MUST_CHECK;

/* What a system should hold, and what it should not hold any longer (state deleted): for the
 * reconciler, in pages by account id. */
struct desired_account {
    const char *account_id, *public_key, *jti, *jwt, *state;
    int64_t revision, iat;
    bool tombstone;
    bool is_system; /* the nodes have it preloaded: never pushed */
    bool pending;   /* has a row in the outbox */
};
extern const struct shape desired_account_shape;
enum result nats_system_desired(struct work *work, const char *system_id, const char *after,
                                int64_t limit, struct db_rows *out) MUST_CHECK;
/* Those of the keys that are accounts of ours, in whatever state and system. */
enum result nats_system_known_keys(struct work *work, const struct strings *keys,
                                   struct strings *out) MUST_CHECK;
/* GET .../sync: totals by state, nodes behind, last passes. */
enum result nats_system_sync(struct work *work, const struct nats_system *system,
                             json_t **out) MUST_CHECK;
