/*
 * sys_monitor: the documents of monitoring, over HTTP and as `data` of answers on $SYS.REQ.
 *
 * Ownership  decoded documents live in the arena given.
 * Thread     any.
 * Errors     as shape_decode.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/base/shape.h"
#include "api/nats/sys_document.h"

/* cluster, gateway, leaf, mqtt, websocket and jetstream are written as {}: not configured. */
struct sys_varz {
    const char *server_id, *server_name, *version;
    int64_t proto;
    const char *git_commit, *go, *host;
    int64_t port;
    bool auth_required, tls_required, tls_verify;
    const char *ip;
    struct strings connect_urls;
    int64_t max_connections, max_subscriptions, ping_interval_ns, ping_max;
    const char *http_host;
    int64_t http_port;
    const char *http_base_path;
    int64_t https_port;
    double auth_timeout; /* seconds */
    int64_t max_control_line, max_payload, max_pending;
    double tls_timeout;
    int64_t write_deadline_ns;
    int64_t start, now;
    const char *uptime;
    int64_t mem, cores, gomaxprocs, gomemlimit;
    double cpu;
    int64_t connections, total_connections, routes, remotes, leafnodes;
    int64_t in_msgs, in_bytes, in_client_msgs, in_client_bytes;
    int64_t out_msgs, out_bytes, out_client_msgs, out_client_bytes;
    int64_t slow_consumers, stale_connections, stalled_clients, subscriptions;
    struct int_map http_req_stats;
    int64_t config_load_time;
    const char *config_digest;
    struct strings tags;
    struct string_map metadata;
    struct strings trusted_operators_jwt;
    json_t *trusted_operators_claim; /* a list of decoded operator claims */
    const char *system_account;
    struct sys_kind_counts slow_consumer_stats;
    struct sys_kind_counts stale_connection_stats;
};
extern const struct shape sys_varz_shape;

struct sys_sub_detail {
    const char *account, *account_tag, *subject, *qgroup, *sid;
    int64_t msgs, max, cid;
};
extern const struct shape sys_sub_detail_shape;
struct sys_sub_details {
    struct sys_sub_detail *items;
    size_t count;
};

struct sys_conn {
    int64_t cid;
    const char *kind, *type, *ip;
    int64_t port;
    int64_t start, last_activity, stop;
    const char *reason, *rtt, *uptime, *idle;
    int64_t pending_bytes, in_msgs, out_msgs, in_bytes, out_bytes, stalls, subscriptions;
    const char *name, *lang, *version;
    const char *tls_version, *tls_cipher_suite;
    const char *authorized_user, *account;
    struct strings subscriptions_list;
    struct sys_sub_details subscriptions_list_detail;
    const char *jwt, *issuer_key, *name_tag;
    struct strings tags;
};
extern const struct shape sys_conn_shape;

struct sys_connz {
    const char *server_id;
    int64_t now;
    int64_t num_connections, total, offset, limit;
    struct {
        struct sys_conn *items;
        size_t count;
    } connections;
};
extern const struct shape sys_connz_shape;

enum sys_conn_state { SYS_CONN_OPEN, SYS_CONN_CLOSED, SYS_CONN_ALL };

struct sys_connz_options {
    const char *sort; /* "cid", "start", "subs", "pending", "msgs_to", ... */
    bool auth, subscriptions, subscriptions_detail;
    int64_t offset, limit, cid;
    const char *mqtt_client;
    int64_t state; /* enum sys_conn_state */
    const char *user, *acc, *filter_subject;
    struct sys_filter filter;
};
extern const struct shape sys_connz_options_shape;

struct sys_sublist_stats {
    int64_t num_subscriptions, num_cache, num_inserts, num_removes, num_matches;
    double cache_hit_rate;
    int64_t max_fanout;
    double avg_fanout;
};
extern const struct shape sys_sublist_stats_shape;

struct sys_subsz {
    const char *server_id;
    int64_t now;
    struct sys_sublist_stats stats;
    int64_t total, offset, limit;
    struct sys_sub_details subscriptions_list;
};
extern const struct shape sys_subsz_shape;

struct sys_subsz_options {
    int64_t offset, limit;
    bool subscriptions;
    const char *account, *test;
    struct sys_filter filter;
};
extern const struct shape sys_subsz_options_shape;

struct sys_validation_issue {
    const char *description;
    bool blocking, time_check;
};

struct sys_account_info {
    const char *account_name;
    int64_t update_time;
    bool is_system, expired, complete, jetstream_enabled;
    int64_t leafnode_connections, client_connections, subscriptions;
    json_t *mappings, *exports, *imports; /* as in the claims */
    const char *jwt, *issuer_key, *name_tag;
    struct strings tags;
    json_t *decoded_jwt; /* claims_encode */
    struct {
        struct sys_validation_issue *items;
        size_t count;
    } validation_result_jwt;
    json_t *revoked_user; /* key -> RFC 3339 */
    struct sys_sublist_stats *sublist_stats;
};
extern const struct shape sys_account_info_shape;

struct sys_accountz {
    const char *server_id;
    int64_t now;
    const char *system_account;
    struct strings accounts;
    struct sys_account_info *account_detail;
};
extern const struct shape sys_accountz_shape;

struct sys_accountz_options {
    const char *account;
    struct sys_filter filter;
};
extern const struct shape sys_accountz_options_shape;

/* ACCSTATZ, $SYS.REQ.ACCOUNT.PING.STATZ, $SYS.REQ.ACCOUNT.<account>.STATZ */
struct sys_account_statz {
    const char *server_id;
    int64_t now;
    struct {
        struct sys_account_stat *items;
        size_t count;
    } account_statz;
};
extern const struct shape sys_account_statz_shape;

struct sys_account_statz_options {
    struct strings accounts;
    bool include_unused;
    struct sys_filter filter;
};
extern const struct shape sys_account_statz_options_shape;

struct sys_healthz_error {
    const char *type, *error;
};
struct sys_healthz_errors {
    struct sys_healthz_error *items;
    size_t count;
};
struct sys_healthz {
    const char *status; /* "ok" */
    int64_t status_code;
    const char *error;
    struct sys_healthz_errors errors; /* instead of error, if details were asked for */
};
extern const struct shape sys_healthz_shape;

struct sys_healthz_options {
    bool js_enabled, js_enabled_only, js_server_only, js_meta_only;
    const char *account, *stream, *consumer;
    bool details;
    struct sys_filter filter;
};
extern const struct shape sys_healthz_options_shape;
