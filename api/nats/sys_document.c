#include "api/nats/sys_document.h"

#include <string.h>

#include "api/base/slice.h"

enum { SYS_MALFORMED = 400 };

#define T struct sys_server
static const struct field server_fields[] = {
    {"name", STRING_AT(T, name)},
    {"host", STRING_AT(T, host)},
    {"id", STRING_AT(T, id)},
    {"cluster", STRING_AT(T, cluster), FIELD_OMIT_EMPTY},
    {"domain", STRING_AT(T, domain), FIELD_OMIT_EMPTY},
    {"ver", STRING_AT(T, ver)},
    {"tags", STRINGS_AT(T, tags), FIELD_OMIT_EMPTY},
    {"metadata", STRING_MAP_AT(T, metadata), FIELD_OMIT_EMPTY},
    {"jetstream", BOOL_AT(T, jetstream)},
    {"flags", INT_AT(T, flags)},
    {"seq", INT_AT(T, seq)},
    {"time", TIME_AT(T, time)},
};
#undef T
const struct shape sys_server_shape = SHAPE(struct sys_server, server_fields);

#define T struct sys_client
static const struct field client_fields[] = {
    {"start", TIME_AT(T, start), FIELD_OMIT_EMPTY},
    {"host", STRING_AT(T, host), FIELD_OMIT_EMPTY},
    {"id", INT_AT(T, id), FIELD_OMIT_EMPTY},
    {"acc", STRING_AT(T, acc), FIELD_OMIT_EMPTY},
    {"svc", STRING_AT(T, svc), FIELD_OMIT_EMPTY},
    {"user", STRING_AT(T, user), FIELD_OMIT_EMPTY},
    {"name", STRING_AT(T, name), FIELD_OMIT_EMPTY},
    {"lang", STRING_AT(T, lang), FIELD_OMIT_EMPTY},
    {"ver", STRING_AT(T, ver), FIELD_OMIT_EMPTY},
    {"rtt", DURATION_AT(T, rtt_ns), FIELD_OMIT_EMPTY},
    {"server", STRING_AT(T, server), FIELD_OMIT_EMPTY},
    {"cluster", STRING_AT(T, cluster), FIELD_OMIT_EMPTY},
    {"alts", STRINGS_AT(T, alts), FIELD_OMIT_EMPTY},
    {"stop", TIME_AT(T, stop), FIELD_OMIT_EMPTY},
    {"jwt", STRING_AT(T, jwt), FIELD_OMIT_EMPTY},
    {"issuer_key", STRING_AT(T, issuer_key), FIELD_OMIT_EMPTY},
    {"name_tag", STRING_AT(T, name_tag), FIELD_OMIT_EMPTY},
    {"tags", STRINGS_AT(T, tags), FIELD_OMIT_EMPTY},
    {"kind", STRING_AT(T, kind), FIELD_OMIT_EMPTY},
    {"client_type", STRING_AT(T, client_type), FIELD_OMIT_EMPTY},
    {"client_id", STRING_AT(T, client_id), FIELD_OMIT_EMPTY},
    {"nonce", STRING_AT(T, nonce), FIELD_OMIT_EMPTY},
    {"reply", STRING_AT(T, reply), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape sys_client_shape = SHAPE(struct sys_client, client_fields);

#define T struct sys_count
static const struct field count_fields[] = {
    {"msgs", INT_AT(T, msgs)},
    {"bytes", INT_AT(T, bytes)},
};
#undef T
const struct shape sys_count_shape = SHAPE(struct sys_count, count_fields);

#define T struct sys_data_stats
static const struct field data_stats_fields[] = {
    {"msgs", INT_AT(T, msgs)},
    {"bytes", INT_AT(T, bytes)},
    {"gateways", OBJECT_AT(T, gateways), FIELD_OMIT_EMPTY, .type = &sys_count_shape},
    {"routes", OBJECT_AT(T, routes), FIELD_OMIT_EMPTY, .type = &sys_count_shape},
    {"leafs", OBJECT_AT(T, leafs), FIELD_OMIT_EMPTY, .type = &sys_count_shape},
};
#undef T
const struct shape sys_data_stats_shape = SHAPE(struct sys_data_stats, data_stats_fields);

#define T struct sys_event
static const struct field event_fields[] = {
    {"type", STRING_AT(T, type)},
    {"id", STRING_AT(T, id)},
    {"timestamp", TIME_AT(T, timestamp)},
};
#undef T
const struct shape sys_event_shape = SHAPE(struct sys_event, event_fields);

#define T struct sys_connect
static const struct field connect_fields[] = {
    {"", FLATTEN_AT(T, event), .type = &sys_event_shape},
    {"server", STRUCT_AT(T, server), .type = &sys_server_shape},
    {"client", STRUCT_AT(T, client), .type = &sys_client_shape},
};
#undef T
const struct shape sys_connect_shape = SHAPE(struct sys_connect, connect_fields);

#define T struct sys_disconnect
static const struct field disconnect_fields[] = {
    {"", FLATTEN_AT(T, event), .type = &sys_event_shape},
    {"server", STRUCT_AT(T, server), .type = &sys_server_shape},
    {"client", STRUCT_AT(T, client), .type = &sys_client_shape},
    {"sent", STRUCT_AT(T, sent), .type = &sys_data_stats_shape},
    {"received", STRUCT_AT(T, received), .type = &sys_data_stats_shape},
    {"reason", STRING_AT(T, reason)},
};
#undef T
const struct shape sys_disconnect_shape = SHAPE(struct sys_disconnect, disconnect_fields);

#define T struct sys_account_stat
static const struct field account_stat_fields[] = {
    {"acc", STRING_AT(T, acc)},
    {"name", STRING_AT(T, name)},
    {"conns", INT_AT(T, conns)},
    {"leafnodes", INT_AT(T, leafnodes)},
    {"total_conns", INT_AT(T, total_conns)},
    {"num_subscriptions", INT_AT(T, num_subscriptions)},
    {"sent", STRUCT_AT(T, sent), .type = &sys_data_stats_shape},
    {"received", STRUCT_AT(T, received), .type = &sys_data_stats_shape},
    {"slow_consumers", INT_AT(T, slow_consumers)},
};
#undef T
const struct shape sys_account_stat_shape = SHAPE(struct sys_account_stat, account_stat_fields);

#define T struct sys_account_conns
static const struct field account_conns_fields[] = {
    {"", FLATTEN_AT(T, event), .type = &sys_event_shape},
    {"server", STRUCT_AT(T, server), .type = &sys_server_shape},
    {"", FLATTEN_AT(T, stat), .type = &sys_account_stat_shape},
};
#undef T
const struct shape sys_account_conns_shape = SHAPE(struct sys_account_conns, account_conns_fields);

#define T struct sys_kind_counts
static const struct field kind_counts_fields[] = {
    {"clients", INT_AT(T, clients)},
    {"routes", INT_AT(T, routes)},
    {"gateways", INT_AT(T, gateways)},
    {"leafs", INT_AT(T, leafs)},
};
#undef T
const struct shape sys_kind_counts_shape = SHAPE(struct sys_kind_counts, kind_counts_fields);

#define T struct sys_server_stats
static const struct field server_stats_fields[] = {
    {"start", TIME_AT(T, start)},
    {"mem", INT_AT(T, mem)},
    {"cores", INT_AT(T, cores)},
    {"cpu", REAL_AT(T, cpu)},
    {"connections", INT_AT(T, connections)},
    {"total_connections", INT_AT(T, total_connections)},
    {"active_accounts", INT_AT(T, active_accounts)},
    {"subscriptions", INT_AT(T, subscriptions)},
    {"sent", STRUCT_AT(T, sent), .type = &sys_data_stats_shape},
    {"sent_to_clients", STRUCT_AT(T, sent_to_clients), .type = &sys_data_stats_shape},
    {"received", STRUCT_AT(T, received), .type = &sys_data_stats_shape},
    {"received_from_clients", STRUCT_AT(T, received_from_clients), .type = &sys_data_stats_shape},
    {"slow_consumers", INT_AT(T, slow_consumers)},
    {"slow_consumer_stats", OBJECT_AT(T, slow_consumer_stats), FIELD_OMIT_EMPTY,
     .type = &sys_kind_counts_shape},
    {"stale_connections", INT_AT(T, stale_connections), FIELD_OMIT_EMPTY},
    {"stale_connection_stats", OBJECT_AT(T, stale_connection_stats), FIELD_OMIT_EMPTY,
     .type = &sys_kind_counts_shape},
    {"stalled_clients", INT_AT(T, stalled_clients), FIELD_OMIT_EMPTY},
    {"active_servers", INT_AT(T, active_servers), FIELD_OMIT_EMPTY},
    {"gomemlimit", INT_AT(T, gomemlimit), FIELD_OMIT_EMPTY},
    {"gomaxprocs", INT_AT(T, gomaxprocs), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape sys_server_stats_shape = SHAPE(struct sys_server_stats, server_stats_fields);

#define T struct sys_statsz
static const struct field statsz_fields[] = {
    {"server", STRUCT_AT(T, server), .type = &sys_server_shape},
    {"statsz", STRUCT_AT(T, statsz), .type = &sys_server_stats_shape},
};
#undef T
const struct shape sys_statsz_shape = SHAPE(struct sys_statsz, statsz_fields);

#define T struct sys_idz
static const struct field idz_fields[] = {
    {"name", STRING_AT(T, name)},
    {"host", STRING_AT(T, host)},
    {"id", STRING_AT(T, id)},
};
#undef T
const struct shape sys_idz_shape = SHAPE(struct sys_idz, idz_fields);

#define T struct sys_error
static const struct field error_fields[] = {
    {"account", STRING_AT(T, account), FIELD_OMIT_EMPTY},
    {"code", INT_AT(T, code)},
    {"err_code", INT_AT(T, err_code), FIELD_OMIT_EMPTY},
    {"description", STRING_AT(T, description), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape sys_error_shape = SHAPE(struct sys_error, error_fields);

#define T struct sys_reply
static const struct field reply_fields[] = {
    {"server", STRUCT_AT(T, server), .type = &sys_server_shape},
    {"data", JSON_AT(T, data), FIELD_OMIT_EMPTY},
    {"error", OBJECT_AT(T, error), FIELD_OMIT_EMPTY, .type = &sys_error_shape},
};
#undef T
const struct shape sys_reply_shape = SHAPE(struct sys_reply, reply_fields);

#define T struct sys_claims_status
static const struct field claims_status_fields[] = {
    {"account", STRING_AT(T, account), FIELD_OMIT_EMPTY},
    {"code", INT_AT(T, code), FIELD_OMIT_EMPTY},
    {"message", STRING_AT(T, message), FIELD_OMIT_EMPTY},
    {"applied", BOOL_AT(T, applied), FIELD_OMIT_EMPTY},
    {"jti", STRING_AT(T, jti), FIELD_OMIT_EMPTY},
    {"iat", INT_AT(T, iat), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape sys_claims_status_shape = SHAPE(struct sys_claims_status, claims_status_fields);

#define T struct sys_claims_reply
static const struct field claims_reply_fields[] = {
    {"server", STRUCT_AT(T, server), .type = &sys_server_shape},
    {"data", OBJECT_AT(T, data), FIELD_OMIT_EMPTY, .type = &sys_claims_status_shape},
    {"error", OBJECT_AT(T, error), FIELD_OMIT_EMPTY, .type = &sys_error_shape},
};
#undef T
const struct shape sys_claims_reply_shape = SHAPE(struct sys_claims_reply, claims_reply_fields);

#define T struct sys_claims_list
static const struct field claims_list_fields[] = {
    {"server", STRUCT_AT(T, server), .type = &sys_server_shape},
    {"data", STRINGS_AT(T, data), FIELD_OMIT_EMPTY},
    {"error", OBJECT_AT(T, error), FIELD_OMIT_EMPTY, .type = &sys_error_shape},
};
#undef T
const struct shape sys_claims_list_shape = SHAPE(struct sys_claims_list, claims_list_fields);

#define T struct sys_filter
static const struct field filter_fields[] = {
    {"server_name", STRING_AT(T, server_name), FIELD_OMIT_EMPTY},
    {"cluster", STRING_AT(T, cluster), FIELD_OMIT_EMPTY},
    {"host", STRING_AT(T, host), FIELD_OMIT_EMPTY},
    {"exact_match", BOOL_AT(T, exact_match), FIELD_OMIT_EMPTY},
    {"tags", STRINGS_AT(T, tags), FIELD_OMIT_EMPTY},
    {"domain", STRING_AT(T, domain), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape sys_filter_shape = SHAPE(struct sys_filter, filter_fields);

#define T struct sys_kick
static const struct field kick_fields[] = {
    {"cid", INT_AT(T, cid)},
};
#undef T
const struct shape sys_kick_shape = SHAPE(struct sys_kick, kick_fields);

#define T struct sys_conns_request
static const struct field conns_request_fields[] = {
    {"acc", STRING_AT(T, acc)},
};
#undef T
const struct shape sys_conns_request_shape = SHAPE(struct sys_conns_request, conns_request_fields);

#define T struct sys_subjects
static const struct field subjects_fields[] = {
    {"allow", STRINGS_AT(T, allow), FIELD_OMIT_EMPTY},
    {"deny", STRINGS_AT(T, deny), FIELD_OMIT_EMPTY},
};
#undef T
static const struct shape sys_subjects_shape = SHAPE(struct sys_subjects, subjects_fields);

#define T struct sys_responses
static const struct field responses_fields[] = {
    {"max", INT_AT(T, max)},
    {"ttl", DURATION_AT(T, ttl_ns)},
};
#undef T
static const struct shape sys_responses_shape = SHAPE(struct sys_responses, responses_fields);

#define T struct sys_permissions
static const struct field permissions_fields[] = {
    {"publish", STRUCT_AT(T, publish), .type = &sys_subjects_shape},
    {"subscribe", STRUCT_AT(T, subscribe), .type = &sys_subjects_shape},
    {"responses", OBJECT_AT(T, responses), FIELD_OMIT_EMPTY, .type = &sys_responses_shape},
};
#undef T
static const struct shape sys_permissions_shape = SHAPE(struct sys_permissions, permissions_fields);

#define T struct sys_user_info
static const struct field user_info_fields[] = {
    {"user", STRING_AT(T, user)},
    {"account", STRING_AT(T, account)},
    {"account_name", STRING_AT(T, account_name), FIELD_OMIT_EMPTY},
    {"user_name", STRING_AT(T, user_name), FIELD_OMIT_EMPTY},
    {"permissions", OBJECT_AT(T, permissions), FIELD_OMIT_EMPTY, .type = &sys_permissions_shape},
    {"expires", DURATION_AT(T, expires_ns), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape sys_user_info_shape = SHAPE(struct sys_user_info, user_info_fields);

static char *reply_text(const struct sys_server *server, json_t *data,
                        const struct sys_error *error)
{
    struct sys_error copy;
    struct sys_reply reply = {.server = *server, .data = data};

    if (error != NULL) {
        copy = *error;
        reply.error = &copy;
    }
    return shape_encode_text(&sys_reply_shape, &reply);
}

char *sys_reply_text(const struct sys_server *server, const struct shape *shape, const void *data)
{
    json_t *tree = shape_encode(shape, data);
    char *text = reply_text(server, tree, NULL);

    json_decref(tree);
    return text;
}

char *sys_error_text(const struct sys_server *server, const struct sys_error *error)
{
    return reply_text(server, error->code == SYS_MALFORMED ? NULL : json_null(), error);
}

/* Nothing asked for is everything; otherwise a part of the text, or exactly the text. */
static bool wanted(const char *asked, const char *is, bool exact)
{
    if (!slice_given(asked))
        return true;
    if (is == NULL)
        return false;
    return exact ? strcmp(asked, is) == 0 : strstr(is, asked) != NULL;
}

static bool has_tag(const struct strings *tags, const char *tag)
{
    for (size_t i = 0; i < tags->count; i++) {
        if (slice_equal_nocase(slice_of(tags->items[i]), slice_of(tag)))
            return true;
    }
    return false;
}

bool sys_filter_match(const struct sys_filter *filter, const struct sys_server *server)
{
    for (size_t i = 0; i < filter->tags.count; i++) {
        if (!has_tag(&server->tags, filter->tags.items[i]))
            return false;
    }
    return wanted(filter->server_name, server->name, filter->exact_match) &&
           wanted(filter->cluster, server->cluster, filter->exact_match) &&
           wanted(filter->host, server->host, filter->exact_match) &&
           wanted(filter->domain, server->domain, true);
}
