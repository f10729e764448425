/*
 * node: the registry of nodes, and what each is known to hold of each account.
 *
 * A node is known by (system, name); its server id is new at each start, which opens a new
 * incarnation.  Jobs report what they saw (node_seen, node_facts_set, ...), and record for each
 * node and account what was stored and applied (sync_record); what the API shows is computed
 * from these rows.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusal illegal_state; ERR_NOT_FOUND.
 */
#pragma once

#include "controlplane/domain/lifecycle.h"
#include "controlplane/domain/resource.h"

struct node {
    struct resource resource; /* state: joining, ready, suspect, lost, lame_duck, retired */
    const char *system_id, *server_id, *cluster, *server_version;
    bool own; /* berth-broker */
    int64_t started_at;
    const char *resolver_kind;
    bool jetstream;
    struct strings tags, trusted_keys;
    const char *operator_jti;
    int64_t trust_read_at, accounts_stored, store_limit, max_payload;
    bool allow_delete;
    int64_t clock_skew_ms, last_seen_at;
    const char *config_digest;
};
extern const struct shape node_shape;
extern const struct lifecycle node_lifecycle;

enum result node_by_ref(struct work *work, const char *system_id, const char *ref,
                        struct node *out) MUST_CHECK; /* id, name or server id */
enum result node_list(struct work *work, const char *system_id, const struct list_query *query,
                      struct db_rows *out) MUST_CHECK;
/* All of a system that are not retired: whom a push must reach. */
enum result node_expected(struct work *work, const char *system_id, struct db_rows *out) MUST_CHECK;
/* It will not return: nothing waits for it any longer. */
enum result node_retire(struct work *work, const struct node *node, struct node *out) MUST_CHECK;

/* What a heartbeat, IDZ or VARZ told. */
struct node_report {
    const char *system_id, *name, *server_id, *cluster, *server_version;
    bool own, jetstream;
    int64_t started_at;
    struct strings tags;
    int64_t max_payload, clock_skew_ms;
};
/* *fresh: this server id was not known before (a new node, or a restart). */
enum result node_seen(struct work *work, const struct node_report *report, struct node *out,
                      bool *fresh) MUST_CHECK;

struct node_facts {
    struct strings trusted_keys;
    const char *operator_jti, *resolver_kind, *config_digest;
    bool allow_delete;
    int64_t store_limit;
};
/* From VARZ; a changed trust calls operator_keys_promote. */
enum result node_facts_set(struct work *work, const char *node_id,
                           const struct node_facts *facts) MUST_CHECK;
enum result node_stored_count(struct work *work, const char *node_id,
                              int64_t accounts_stored) MUST_CHECK;
/* SHUTDOWN or LAMEDUCK was heard: ends the incarnation or marks it. */
enum result node_leaving(struct work *work, const char *server_id, bool shutdown) MUST_CHECK;
/* ready -> suspect after 30 s without a heartbeat, -> lost after 5 min.  How many moved. */
enum result node_age(struct work *work, const char *system_id, int64_t *moved) MUST_CHECK;

/* One node, one account: what an answer or a comparison showed. */
enum sync_outcome {
    SYNC_STORED,     /* acknowledged; whether it is applied is not known yet */
    SYNC_APPLIED,    /* in force */
    SYNC_INCOMPLETE, /* in force but for some imports (error_text: which); counts as reached */
    SYNC_NOT_LOADED, /* stored, and no client has asked for the account yet */
    SYNC_SKIPPED,    /* the node does not keep this account (memory resolver, not loaded) */
    SYNC_FAILED,     /* error_class says why; retried */
    SYNC_MISSING,    /* found not to hold it; no answer is SYNC_FAILED, class no_answer */
};
struct sync_record {
    const char *node_id, *account_id, *server_id;
    int64_t revision; /* that was pushed or found; 0 with SYNC_MISSING */
    const char *jti;
    enum sync_outcome outcome;
    const char *error_class, *error_text; /* store_full, signer_policy, invalid, io, ... */
    int64_t retry_at;                     /* 0: no retry */
};
/* Rows never go back to an older revision by a late answer; what a process said that has been
 * replaced meanwhile is left out. */
enum result sync_record(struct work *work, const struct sync_record *record) MUST_CHECK;
/* What was found in a node's store: accounts that it holds at these revisions. */
struct sync_held {
    const char *account_id, *jti;
    int64_t revision;
};
enum result sync_held(struct work *work, const char *node_id, const char *server_id,
                      const struct sync_held *held, size_t count) MUST_CHECK;
/* All rows of a node are in doubt: it came back with another server id or an empty disk. */
enum result sync_forget_node(struct work *work, const char *node_id) MUST_CHECK;
/* sync.state blocked with this reason; "" unblocks. */
enum result sync_block(struct work *work, const char *account_id, const char *reason) MUST_CHECK;
/* A newer token by another hand was found; "" clears it.  *changed: it was not known before. */
enum result sync_foreign(struct work *work, const char *account_id, const char *jti,
                         bool *changed) MUST_CHECK;
/* Every node of the system was looked at, and only these accounts are still another hand's.
 * *changed: some are no longer. */
enum result sync_foreign_over(struct work *work, const char *system_id, const struct strings *still,
                              bool *changed) MUST_CHECK;

struct sync_node {
    const char *node, *node_id, *server_id, *node_state;
    const char *stored;  /* current, behind, never */
    const char *applied; /* current, incomplete, behind, not_loaded, never */
    int64_t stored_revision, applied_revision, stored_at, applied_at;
    const char *error_class, *error_text;
    json_t *error; /* the same for the API; NULL: none */
    int64_t attempts, next_retry_at;
};
struct sync {
    /* pending, pushing, stored, incomplete, applied, degraded, blocked, foreign_writer */
    const char *state;
    int64_t revision; /* desired */
    const char *jti, *claims_hash, *blocked;
    int64_t iat, nodes_total, nodes_stored, nodes_applied;
    int64_t last_full_check_at;
    struct sync_nodes {
        struct sync_node *items;
        size_t count;
    } nodes;
};
extern const struct shape sync_shape; /* to JSON */
enum result sync_of_account(struct work *work, const char *account_id, struct sync *out) MUST_CHECK;
/* True once every node that is not retired has `revision` or later: `applied` (or incomplete)
 * where the node can tell, else stored and not loaded. */
enum result sync_reached(struct work *work, const char *account_id, int64_t revision,
                         bool *out) MUST_CHECK;
/* The same for many at once; the ids of those that have. */
struct sync_wanted {
    const char *account_id;
    int64_t revision;
};
enum result sync_reached_all(struct work *work, const struct sync_wanted *wanted, size_t count,
                             struct strings *out) MUST_CHECK;
