#include "api/nats/sys_monitor.h"

/* A member that is always {}. */
static const struct shape nothing_shape = {0};
#define NOTHING KIND_STRUCT, 0, .type = &nothing_shape

#define T struct sys_sublist_stats
static const struct field sublist_stats_fields[] = {
    {"num_subscriptions", INT_AT(T, num_subscriptions)},
    {"num_cache", INT_AT(T, num_cache)},
    {"num_inserts", INT_AT(T, num_inserts)},
    {"num_removes", INT_AT(T, num_removes)},
    {"num_matches", INT_AT(T, num_matches)},
    {"cache_hit_rate", REAL_AT(T, cache_hit_rate)},
    {"max_fanout", INT_AT(T, max_fanout)},
    {"avg_fanout", REAL_AT(T, avg_fanout)},
};
#undef T
const struct shape sys_sublist_stats_shape = SHAPE(struct sys_sublist_stats, sublist_stats_fields);

#define T struct sys_varz
static const struct field varz_fields[] = {
    {"server_id", STRING_AT(T, server_id)},
    {"server_name", STRING_AT(T, server_name)},
    {"version", STRING_AT(T, version)},
    {"proto", INT_AT(T, proto)},
    {"git_commit", STRING_AT(T, git_commit), FIELD_OMIT_EMPTY},
    {"go", STRING_AT(T, go)},
    {"host", STRING_AT(T, host)},
    {"port", INT_AT(T, port)},
    {"auth_required", BOOL_AT(T, auth_required), FIELD_OMIT_EMPTY},
    {"tls_required", BOOL_AT(T, tls_required), FIELD_OMIT_EMPTY},
    {"tls_verify", BOOL_AT(T, tls_verify), FIELD_OMIT_EMPTY},
    {"ip", STRING_AT(T, ip), FIELD_OMIT_EMPTY},
    {"connect_urls", STRINGS_AT(T, connect_urls), FIELD_OMIT_EMPTY},
    {"max_connections", INT_AT(T, max_connections)},
    {"max_subscriptions", INT_AT(T, max_subscriptions), FIELD_OMIT_EMPTY},
    {"ping_interval", DURATION_AT(T, ping_interval_ns)},
    {"ping_max", INT_AT(T, ping_max)},
    {"http_host", STRING_AT(T, http_host)},
    {"http_port", INT_AT(T, http_port)},
    {"http_base_path", STRING_AT(T, http_base_path)},
    {"https_port", INT_AT(T, https_port)},
    {"auth_timeout", REAL_AT(T, auth_timeout)},
    {"max_control_line", INT_AT(T, max_control_line)},
    {"max_payload", INT_AT(T, max_payload)},
    {"max_pending", INT_AT(T, max_pending)},
    {"cluster", NOTHING},
    {"gateway", NOTHING},
    {"leaf", NOTHING},
    {"mqtt", NOTHING},
    {"websocket", NOTHING},
    {"jetstream", NOTHING},
    {"tls_timeout", REAL_AT(T, tls_timeout)},
    {"write_deadline", DURATION_AT(T, write_deadline_ns)},
    {"start", TIME_AT(T, start)},
    {"now", TIME_AT(T, now)},
    {"uptime", STRING_AT(T, uptime)},
    {"mem", INT_AT(T, mem)},
    {"cores", INT_AT(T, cores)},
    {"gomaxprocs", INT_AT(T, gomaxprocs)},
    {"gomemlimit", INT_AT(T, gomemlimit), FIELD_OMIT_EMPTY},
    {"cpu", REAL_AT(T, cpu)},
    {"connections", INT_AT(T, connections)},
    {"total_connections", INT_AT(T, total_connections)},
    {"routes", INT_AT(T, routes)},
    {"remotes", INT_AT(T, remotes)},
    {"leafnodes", INT_AT(T, leafnodes)},
    {"in_msgs", INT_AT(T, in_msgs)},
    {"in_bytes", INT_AT(T, in_bytes)},
    {"in_client_msgs", INT_AT(T, in_client_msgs)},
    {"in_client_bytes", INT_AT(T, in_client_bytes)},
    {"out_msgs", INT_AT(T, out_msgs)},
    {"out_bytes", INT_AT(T, out_bytes)},
    {"out_client_msgs", INT_AT(T, out_client_msgs)},
    {"out_client_bytes", INT_AT(T, out_client_bytes)},
    {"slow_consumers", INT_AT(T, slow_consumers)},
    {"stale_connections", INT_AT(T, stale_connections)},
    {"stalled_clients", INT_AT(T, stalled_clients)},
    {"subscriptions", INT_AT(T, subscriptions)},
    {"http_req_stats", INT_MAP_AT(T, http_req_stats)},
    {"config_load_time", TIME_AT(T, config_load_time)},
    {"config_digest", STRING_AT(T, config_digest)},
    {"tags", STRINGS_AT(T, tags), FIELD_OMIT_EMPTY},
    {"metadata", STRING_MAP_AT(T, metadata), FIELD_OMIT_EMPTY},
    {"trusted_operators_jwt", STRINGS_AT(T, trusted_operators_jwt), FIELD_OMIT_EMPTY},
    {"trusted_operators_claim", JSON_AT(T, trusted_operators_claim), FIELD_OMIT_EMPTY},
    {"system_account", STRING_AT(T, system_account), FIELD_OMIT_EMPTY},
    {"slow_consumer_stats", STRUCT_AT(T, slow_consumer_stats), .type = &sys_kind_counts_shape},
    {"stale_connection_stats", STRUCT_AT(T, stale_connection_stats),
     .type = &sys_kind_counts_shape},
};
#undef T
const struct shape sys_varz_shape = SHAPE(struct sys_varz, varz_fields);

#define T struct sys_sub_detail
static const struct field sub_detail_fields[] = {
    {"account", STRING_AT(T, account), FIELD_OMIT_EMPTY},
    {"account_tag", STRING_AT(T, account_tag), FIELD_OMIT_EMPTY},
    {"subject", STRING_AT(T, subject)},
    {"qgroup", STRING_AT(T, qgroup), FIELD_OMIT_EMPTY},
    {"sid", STRING_AT(T, sid)},
    {"msgs", INT_AT(T, msgs)},
    {"max", INT_AT(T, max), FIELD_OMIT_EMPTY},
    {"cid", INT_AT(T, cid)},
};
#undef T
const struct shape sys_sub_detail_shape = SHAPE(struct sys_sub_detail, sub_detail_fields);

#define T struct sys_conn
static const struct field conn_fields[] = {
    {"cid", INT_AT(T, cid)},
    {"kind", STRING_AT(T, kind), FIELD_OMIT_EMPTY},
    {"type", STRING_AT(T, type), FIELD_OMIT_EMPTY},
    {"ip", STRING_AT(T, ip)},
    {"port", INT_AT(T, port)},
    {"start", TIME_AT(T, start)},
    {"last_activity", TIME_AT(T, last_activity)},
    {"stop", TIME_AT(T, stop), FIELD_OMIT_EMPTY},
    {"reason", STRING_AT(T, reason), FIELD_OMIT_EMPTY},
    {"rtt", STRING_AT(T, rtt), FIELD_OMIT_EMPTY},
    {"uptime", STRING_AT(T, uptime)},
    {"idle", STRING_AT(T, idle)},
    {"pending_bytes", INT_AT(T, pending_bytes)},
    {"in_msgs", INT_AT(T, in_msgs)},
    {"out_msgs", INT_AT(T, out_msgs)},
    {"in_bytes", INT_AT(T, in_bytes)},
    {"out_bytes", INT_AT(T, out_bytes)},
    {"stalls", INT_AT(T, stalls), FIELD_OMIT_EMPTY},
    {"subscriptions", INT_AT(T, subscriptions)},
    {"name", STRING_AT(T, name), FIELD_OMIT_EMPTY},
    {"lang", STRING_AT(T, lang), FIELD_OMIT_EMPTY},
    {"version", STRING_AT(T, version), FIELD_OMIT_EMPTY},
    {"tls_version", STRING_AT(T, tls_version), FIELD_OMIT_EMPTY},
    {"tls_cipher_suite", STRING_AT(T, tls_cipher_suite), FIELD_OMIT_EMPTY},
    {"authorized_user", STRING_AT(T, authorized_user), FIELD_OMIT_EMPTY},
    {"account", STRING_AT(T, account), FIELD_OMIT_EMPTY},
    {"subscriptions_list", STRINGS_AT(T, subscriptions_list), FIELD_OMIT_EMPTY},
    {"subscriptions_list_detail", OBJECTS_AT(T, subscriptions_list_detail), FIELD_OMIT_EMPTY,
     .type = &sys_sub_detail_shape},
    {"jwt", STRING_AT(T, jwt), FIELD_OMIT_EMPTY},
    {"issuer_key", STRING_AT(T, issuer_key), FIELD_OMIT_EMPTY},
    {"name_tag", STRING_AT(T, name_tag), FIELD_OMIT_EMPTY},
    {"tags", STRINGS_AT(T, tags), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape sys_conn_shape = SHAPE(struct sys_conn, conn_fields);

#define T struct sys_connz
static const struct field connz_fields[] = {
    {"server_id", STRING_AT(T, server_id)},
    {"now", TIME_AT(T, now)},
    {"num_connections", INT_AT(T, num_connections)},
    {"total", INT_AT(T, total)},
    {"offset", INT_AT(T, offset)},
    {"limit", INT_AT(T, limit)},
    {"connections", OBJECTS_AT(T, connections), .type = &sys_conn_shape},
};
#undef T
const struct shape sys_connz_shape = SHAPE(struct sys_connz, connz_fields);

#define T struct sys_connz_options
static const struct field connz_options_fields[] = {
    {"sort", STRING_AT(T, sort), FIELD_OMIT_EMPTY},
    {"auth", BOOL_AT(T, auth), FIELD_OMIT_EMPTY},
    {"subscriptions", BOOL_AT(T, subscriptions), FIELD_OMIT_EMPTY},
    {"subscriptions_detail", BOOL_AT(T, subscriptions_detail), FIELD_OMIT_EMPTY},
    {"offset", INT_AT(T, offset), FIELD_OMIT_EMPTY},
    {"limit", INT_AT(T, limit), FIELD_OMIT_EMPTY},
    {"cid", INT_AT(T, cid), FIELD_OMIT_EMPTY, .min = 0, .max = INT64_MAX},
    {"mqtt_client", STRING_AT(T, mqtt_client), FIELD_OMIT_EMPTY},
    {"state", INT_AT(T, state), FIELD_OMIT_EMPTY},
    {"user", STRING_AT(T, user), FIELD_OMIT_EMPTY},
    {"acc", STRING_AT(T, acc), FIELD_OMIT_EMPTY},
    {"filter_subject", STRING_AT(T, filter_subject), FIELD_OMIT_EMPTY},
    {"", FLATTEN_AT(T, filter), .type = &sys_filter_shape},
};
#undef T
const struct shape sys_connz_options_shape = SHAPE(struct sys_connz_options, connz_options_fields);

#define T struct sys_subsz
static const struct field subsz_fields[] = {
    {"server_id", STRING_AT(T, server_id)},
    {"now", TIME_AT(T, now)},
    {"", FLATTEN_AT(T, stats), .type = &sys_sublist_stats_shape},
    {"total", INT_AT(T, total)},
    {"offset", INT_AT(T, offset)},
    {"limit", INT_AT(T, limit)},
    {"subscriptions_list", OBJECTS_AT(T, subscriptions_list), FIELD_OMIT_EMPTY,
     .type = &sys_sub_detail_shape},
};
#undef T
const struct shape sys_subsz_shape = SHAPE(struct sys_subsz, subsz_fields);

#define T struct sys_subsz_options
static const struct field subsz_options_fields[] = {
    {"offset", INT_AT(T, offset), FIELD_OMIT_EMPTY},
    {"limit", INT_AT(T, limit), FIELD_OMIT_EMPTY},
    {"subscriptions", BOOL_AT(T, subscriptions), FIELD_OMIT_EMPTY},
    {"account", STRING_AT(T, account), FIELD_OMIT_EMPTY},
    {"test", STRING_AT(T, test), FIELD_OMIT_EMPTY},
    {"", FLATTEN_AT(T, filter), .type = &sys_filter_shape},
};
#undef T
const struct shape sys_subsz_options_shape = SHAPE(struct sys_subsz_options, subsz_options_fields);

#define T struct sys_validation_issue
static const struct field validation_issue_fields[] = {
    {"description", STRING_AT(T, description)},
    {"blocking", BOOL_AT(T, blocking)},
    {"time_check", BOOL_AT(T, time_check)},
};
#undef T
static const struct shape sys_validation_issue_shape =
    SHAPE(struct sys_validation_issue, validation_issue_fields);

#define T struct sys_account_info
static const struct field account_info_fields[] = {
    {"account_name", STRING_AT(T, account_name)},
    {"update_time", TIME_AT(T, update_time)},
    {"is_system", BOOL_AT(T, is_system), FIELD_OMIT_EMPTY},
    {"expired", BOOL_AT(T, expired)},
    {"complete", BOOL_AT(T, complete)},
    {"jetstream_enabled", BOOL_AT(T, jetstream_enabled)},
    {"leafnode_connections", INT_AT(T, leafnode_connections)},
    {"client_connections", INT_AT(T, client_connections)},
    {"subscriptions", INT_AT(T, subscriptions)},
    {"mappings", JSON_AT(T, mappings), FIELD_OMIT_EMPTY},
    {"exports", JSON_AT(T, exports), FIELD_OMIT_EMPTY},
    {"imports", JSON_AT(T, imports), FIELD_OMIT_EMPTY},
    {"jwt", STRING_AT(T, jwt), FIELD_OMIT_EMPTY},
    {"issuer_key", STRING_AT(T, issuer_key), FIELD_OMIT_EMPTY},
    {"name_tag", STRING_AT(T, name_tag), FIELD_OMIT_EMPTY},
    {"tags", STRINGS_AT(T, tags), FIELD_OMIT_EMPTY},
    {"decoded_jwt", JSON_AT(T, decoded_jwt), FIELD_OMIT_EMPTY},
    {"validation_result_jwt", OBJECTS_AT(T, validation_result_jwt), FIELD_OMIT_EMPTY,
     .type = &sys_validation_issue_shape},
    {"revoked_user", JSON_AT(T, revoked_user), FIELD_OMIT_EMPTY},
    {"sublist_stats", OBJECT_AT(T, sublist_stats), FIELD_OMIT_EMPTY,
     .type = &sys_sublist_stats_shape},
};
#undef T
const struct shape sys_account_info_shape = SHAPE(struct sys_account_info, account_info_fields);

#define T struct sys_accountz
static const struct field accountz_fields[] = {
    {"server_id", STRING_AT(T, server_id)},
    {"now", TIME_AT(T, now)},
    {"system_account", STRING_AT(T, system_account), FIELD_OMIT_EMPTY},
    {"accounts", STRINGS_AT(T, accounts), FIELD_OMIT_EMPTY},
    {"account_detail", OBJECT_AT(T, account_detail), FIELD_OMIT_EMPTY,
     .type = &sys_account_info_shape},
};
#undef T
const struct shape sys_accountz_shape = SHAPE(struct sys_accountz, accountz_fields);

#define T struct sys_accountz_options
static const struct field accountz_options_fields[] = {
    {"account", STRING_AT(T, account), FIELD_OMIT_EMPTY},
    {"", FLATTEN_AT(T, filter), .type = &sys_filter_shape},
};
#undef T
const struct shape sys_accountz_options_shape =
    SHAPE(struct sys_accountz_options, accountz_options_fields);

#define T struct sys_account_statz
static const struct field account_statz_fields[] = {
    {"server_id", STRING_AT(T, server_id)},
    {"now", TIME_AT(T, now)},
    {"account_statz", OBJECTS_AT(T, account_statz), .type = &sys_account_stat_shape},
};
#undef T
const struct shape sys_account_statz_shape = SHAPE(struct sys_account_statz, account_statz_fields);

#define T struct sys_account_statz_options
static const struct field account_statz_options_fields[] = {
    {"accounts", STRINGS_AT(T, accounts), FIELD_OMIT_EMPTY},
    {"include_unused", BOOL_AT(T, include_unused), FIELD_OMIT_EMPTY},
    {"", FLATTEN_AT(T, filter), .type = &sys_filter_shape},
};
#undef T
const struct shape sys_account_statz_options_shape =
    SHAPE(struct sys_account_statz_options, account_statz_options_fields);

#define T struct sys_healthz_error
static const struct field healthz_error_fields[] = {
    {"type", STRING_AT(T, type)},
    {"error", STRING_AT(T, error)},
};
#undef T
static const struct shape healthz_error_shape =
    SHAPE(struct sys_healthz_error, healthz_error_fields);

#define T struct sys_healthz
static const struct field healthz_fields[] = {
    {"status", STRING_AT(T, status)},
    {"status_code", INT_AT(T, status_code), FIELD_OMIT_EMPTY},
    {"error", STRING_AT(T, error), FIELD_OMIT_EMPTY},
    {"errors", OBJECTS_AT(T, errors), FIELD_OMIT_EMPTY, .type = &healthz_error_shape},
};
#undef T
const struct shape sys_healthz_shape = SHAPE(struct sys_healthz, healthz_fields);

#define T struct sys_healthz_options
static const struct field healthz_options_fields[] = {
    {"js-enabled", BOOL_AT(T, js_enabled), FIELD_OMIT_EMPTY},
    {"js-enabled-only", BOOL_AT(T, js_enabled_only), FIELD_OMIT_EMPTY},
    {"js-server-only", BOOL_AT(T, js_server_only), FIELD_OMIT_EMPTY},
    {"js-meta-only", BOOL_AT(T, js_meta_only), FIELD_OMIT_EMPTY},
    {"account", STRING_AT(T, account), FIELD_OMIT_EMPTY},
    {"stream", STRING_AT(T, stream), FIELD_OMIT_EMPTY},
    {"consumer", STRING_AT(T, consumer), FIELD_OMIT_EMPTY},
    {"details", BOOL_AT(T, details), FIELD_OMIT_EMPTY},
    {"", FLATTEN_AT(T, filter), .type = &sys_filter_shape},
};
#undef T
const struct shape sys_healthz_options_shape =
    SHAPE(struct sys_healthz_options, healthz_options_fields);
