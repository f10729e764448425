#include "api/nats/claims_shape.h"

const char *const claims_export_types[] = {"unknown", "stream", "service", NULL};

#define T struct claims_subjects
static const struct field subjects_fields[] = {
    {"allow", STRINGS_AT(T, allow), FIELD_OMIT_EMPTY},
    {"deny", STRINGS_AT(T, deny), FIELD_OMIT_EMPTY},
};
#undef T
static const struct shape subjects_shape = SHAPE(struct claims_subjects, subjects_fields);

#define T struct claims_response
static const struct field response_fields[] = {
    {"max", INT_AT(T, max)},
    {"ttl", DURATION_AT(T, ttl_ns)},
};
#undef T
static const struct shape response_shape = SHAPE(struct claims_response, response_fields);

#define T struct claims_permissions
static const struct field permissions_fields[] = {
    {"pub", STRUCT_AT(T, pub), .type = &subjects_shape},
    {"sub", STRUCT_AT(T, sub), .type = &subjects_shape},
    {"resp", OBJECT_AT(T, resp), FIELD_OMIT_EMPTY, .type = &response_shape},
};
#undef T
const struct shape claims_permissions_shape = SHAPE(struct claims_permissions, permissions_fields);

#define T struct claims_time_range
static const struct field time_range_fields[] = {
    {"start", STRING_AT(T, start), FIELD_OMIT_EMPTY},
    {"end", STRING_AT(T, end), FIELD_OMIT_EMPTY},
};
#undef T
static const struct shape time_range_shape = SHAPE(struct claims_time_range, time_range_fields);

/* Of a user: what is 0 is left out, as a user of a scoped key must. */
#define T struct claims_user_limits
static const struct field user_limits_fields[] = {
    {"pub", STRUCT_AT(T, permissions.pub), .type = &subjects_shape},
    {"sub", STRUCT_AT(T, permissions.sub), .type = &subjects_shape},
    {"resp", OBJECT_AT(T, permissions.resp), FIELD_OMIT_EMPTY, .type = &response_shape},
    {"src", STRINGS_AT(T, src), FIELD_OMIT_EMPTY},
    {"times", OBJECTS_AT(T, times), FIELD_OMIT_EMPTY, .type = &time_range_shape},
    {"times_location", STRING_AT(T, times_location), FIELD_OMIT_EMPTY},
    {"subs", INT_AT(T, nats.subs), FIELD_OMIT_EMPTY},
    {"data", INT_AT(T, nats.data), FIELD_OMIT_EMPTY},
    {"payload", INT_AT(T, nats.payload), FIELD_OMIT_EMPTY},
    {"bearer_token", BOOL_AT(T, bearer_token), FIELD_OMIT_EMPTY},
    {"proxy_required", BOOL_AT(T, proxy_required), FIELD_OMIT_EMPTY},
    {"allowed_connection_types", STRINGS_AT(T, allowed_connection_types), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape claims_user_limits_shape = SHAPE(struct claims_user_limits, user_limits_fields);

#define T struct user_claims
static const struct field user_fields[] = {
    {"", FLATTEN_AT(T, limits), .type = &claims_user_limits_shape},
    {"issuer_account", STRING_AT(T, issuer_account), FIELD_OMIT_EMPTY},
};
#undef T
static const struct shape claims_user_shape = SHAPE(struct user_claims, user_fields);

#define T struct operator_claims
static const struct field operator_fields[] = {
    {"signing_keys", STRINGS_AT(T, signing_keys), FIELD_OMIT_EMPTY},
    {"account_server_url", STRING_AT(T, account_server_url), FIELD_OMIT_EMPTY},
    {"operator_service_urls", STRINGS_AT(T, operator_service_urls), FIELD_OMIT_EMPTY},
    {"system_account", STRING_AT(T, system_account), FIELD_OMIT_EMPTY},
    {"assert_server_version", STRING_AT(T, assert_server_version), FIELD_OMIT_EMPTY},
    {"strict_signing_key_usage", BOOL_AT(T, strict_signing_key_usage), FIELD_OMIT_EMPTY},
};
#undef T
static const struct shape claims_operator_shape = SHAPE(struct operator_claims, operator_fields);

#define T struct activation_claims
static const struct field activation_fields[] = {
    {"subject", STRING_AT(T, subject), FIELD_OMIT_EMPTY},
    {"kind", ENUM_AT(T, kind), FIELD_OMIT_EMPTY, .type = claims_export_types},
    {"issuer_account", STRING_AT(T, issuer_account), FIELD_OMIT_EMPTY},
};
#undef T
static const struct shape claims_activation_shape =
    SHAPE(struct activation_claims, activation_fields);

#define T struct claims_latency
static const struct field latency_fields[] = {
    {"sampling", INT_AT(T, sampling)},
    {"results", STRING_AT(T, results)},
};
#undef T
static const struct shape latency_shape = SHAPE(struct claims_latency, latency_fields);

#define T struct claims_export
static const struct field export_fields[] = {
    {"name", STRING_AT(T, name), FIELD_OMIT_EMPTY},
    {"subject", STRING_AT(T, subject), FIELD_OMIT_EMPTY},
    {"type", ENUM_AT(T, type), FIELD_OMIT_EMPTY, .type = claims_export_types},
    {"token_req", BOOL_AT(T, token_req), FIELD_OMIT_EMPTY},
    {"revocations", INT_MAP_AT(T, revocations), FIELD_OMIT_EMPTY},
    {"response_type", STRING_AT(T, response_type), FIELD_OMIT_EMPTY},
    {"response_threshold", DURATION_AT(T, response_threshold_ns), FIELD_OMIT_EMPTY},
    {"service_latency", OBJECT_AT(T, service_latency), FIELD_OMIT_EMPTY, .type = &latency_shape},
    {"account_token_position", INT_AT(T, account_token_position), FIELD_OMIT_EMPTY},
    {"advertise", BOOL_AT(T, advertise), FIELD_OMIT_EMPTY},
    {"allow_trace", BOOL_AT(T, allow_trace), FIELD_OMIT_EMPTY},
    {"description", STRING_AT(T, description), FIELD_OMIT_EMPTY},
    {"info_url", STRING_AT(T, info_url), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape claims_export_shape = SHAPE(struct claims_export, export_fields);

#define T struct claims_import
static const struct field import_fields[] = {
    {"name", STRING_AT(T, name), FIELD_OMIT_EMPTY},
    {"subject", STRING_AT(T, subject), FIELD_OMIT_EMPTY},
    {"account", STRING_AT(T, account), FIELD_OMIT_EMPTY},
    {"token", STRING_AT(T, token), FIELD_OMIT_EMPTY},
    {"to", STRING_AT(T, to), FIELD_OMIT_EMPTY},
    {"local_subject", STRING_AT(T, local_subject), FIELD_OMIT_EMPTY},
    {"type", ENUM_AT(T, type), FIELD_OMIT_EMPTY, .type = claims_export_types},
    {"share", BOOL_AT(T, share), FIELD_OMIT_EMPTY},
    {"allow_trace", BOOL_AT(T, allow_trace), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape claims_import_shape = SHAPE(struct claims_import, import_fields);

#define T struct claims_js_limits
static const struct field js_limits_fields[] = {
    {"mem_storage", INT_AT(T, mem_storage)},
    {"disk_storage", INT_AT(T, disk_storage)},
    {"streams", INT_AT(T, streams)},
    {"consumer", INT_AT(T, consumer)},
    {"max_ack_pending", INT_AT(T, max_ack_pending)},
    {"mem_max_stream_bytes", INT_AT(T, mem_max_stream_bytes)},
    {"disk_max_stream_bytes", INT_AT(T, disk_max_stream_bytes)},
    {"max_bytes_required", BOOL_AT(T, max_bytes_required)},
};
#undef T
const struct shape claims_js_limits_shape = SHAPE(struct claims_js_limits, js_limits_fields);

/* Every limit is written: what is absent is read as none. */
#define T struct claims_limits_wire
#define LIMITS_ROWS                                                                                \
    {"subs", INT_AT(T, limits.nats.subs)}, {"data", INT_AT(T, limits.nats.data)},                  \
        {"payload", INT_AT(T, limits.nats.payload)}, {"imports", INT_AT(T, limits.imports)},       \
        {"exports", INT_AT(T, limits.exports)}, {"wildcards", BOOL_AT(T, limits.wildcards)},       \
        {"disallow_bearer", BOOL_AT(T, limits.disallow_bearer)}, {"conn", INT_AT(T, limits.conn)}, \
    {                                                                                              \
        "leaf", INT_AT(T, limits.leaf)                                                             \
    }
static const struct field limits_fields[] = {
    LIMITS_ROWS,
    {"", FLATTEN_AT(T, limits.js), .type = &claims_js_limits_shape},
    {"tiered_limits", JSON_AT(T, tiers), FIELD_OMIT_EMPTY},
};
/* Limits of JetStream are written flat or in tiers, never both. */
static const struct field tiered_limits_fields[] = {
    LIMITS_ROWS,
    {"tiered_limits", JSON_AT(T, tiers), FIELD_OMIT_EMPTY},
};
#undef LIMITS_ROWS
#undef T
const struct shape claims_limits_shape = SHAPE(struct claims_limits_wire, limits_fields);
const struct shape claims_tiered_limits_shape =
    SHAPE(struct claims_limits_wire, tiered_limits_fields);

#define T struct claims_scoped_key_wire
static const struct field scoped_key_fields[] = {
    {"kind", STRING_AT(T, kind), FIELD_REQUIRED},
    {"key", STRING_AT(T, key.key), FIELD_REQUIRED},
    {"role", STRING_AT(T, key.role), FIELD_OMIT_EMPTY},
    {"template", OBJECT_AT(T, key.template), .type = &claims_user_limits_shape},
    {"description", STRING_AT(T, key.description), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape claims_scoped_key_shape =
    SHAPE(struct claims_scoped_key_wire, scoped_key_fields);

#define T struct claims_mapping_destination
static const struct field destination_fields[] = {
    {"subject", STRING_AT(T, subject)},
    {"weight", INT_AT(T, weight), FIELD_OMIT_EMPTY},
    {"cluster", STRING_AT(T, cluster), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape claims_destination_shape =
    SHAPE(struct claims_mapping_destination, destination_fields);

#define T struct claims_authorization
static const struct field authorization_fields[] = {
    {"auth_users", STRINGS_AT(T, auth_users), FIELD_OMIT_EMPTY},
    {"allowed_accounts", STRINGS_AT(T, allowed_accounts), FIELD_OMIT_EMPTY},
    {"xkey", STRING_AT(T, xkey), FIELD_OMIT_EMPTY},
};
#undef T
static const struct shape authorization_shape =
    SHAPE(struct claims_authorization, authorization_fields);

#define T struct claims_trace
static const struct field trace_fields[] = {
    {"dest", STRING_AT(T, dest), FIELD_OMIT_EMPTY},
    {"sampling", INT_AT(T, sampling), FIELD_OMIT_EMPTY},
};
#undef T
static const struct shape trace_shape = SHAPE(struct claims_trace, trace_fields);

#define T struct claims_account_wire
static const struct field account_fields[] = {
    {"imports", OBJECTS_AT(T, claims.imports), FIELD_OMIT_EMPTY, .type = &claims_import_shape},
    {"exports", OBJECTS_AT(T, claims.exports), FIELD_OMIT_EMPTY, .type = &claims_export_shape},
    {"limits", JSON_AT(T, limits), FIELD_OMIT_EMPTY},
    {"signing_keys", JSON_AT(T, signing_keys), FIELD_OMIT_EMPTY},
    {"revocations", INT_MAP_AT(T, claims.revocations), FIELD_OMIT_EMPTY},
    {"default_permissions", STRUCT_AT(T, claims.default_permissions),
     .type = &claims_permissions_shape},
    {"mappings", JSON_AT(T, mappings), FIELD_OMIT_EMPTY},
    {"authorization", STRUCT_AT(T, claims.authorization), FIELD_OMIT_EMPTY,
     .type = &authorization_shape},
    {"trace", OBJECT_AT(T, claims.trace), FIELD_OMIT_EMPTY, .type = &trace_shape},
    {"cluster_traffic", STRING_AT(T, claims.cluster_traffic), FIELD_OMIT_EMPTY},
    {"description", STRING_AT(T, claims.description), FIELD_OMIT_EMPTY},
    {"info_url", STRING_AT(T, claims.info_url), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape claims_account_shape = SHAPE(struct claims_account_wire, account_fields);

#define T struct claims_payload_wire
static const struct field payload_fields[] = {
    {"aud", STRING_AT(T, claims.aud), FIELD_OMIT_EMPTY},
    {"exp", INT_AT(T, claims.exp), FIELD_OMIT_EMPTY},
    {"jti", STRING_AT(T, claims.jti), FIELD_OMIT_EMPTY},
    {"iat", INT_AT(T, claims.iat), FIELD_OMIT_EMPTY},
    {"iss", STRING_AT(T, claims.iss), FIELD_OMIT_EMPTY},
    {"name", STRING_AT(T, claims.name), FIELD_OMIT_EMPTY},
    {"nbf", INT_AT(T, claims.nbf), FIELD_OMIT_EMPTY},
    {"sub", STRING_AT(T, claims.sub), FIELD_OMIT_EMPTY},
    {"nats", JSON_AT(T, nats), FIELD_OMIT_EMPTY},
    {"type", STRING_AT(T, type), FIELD_WRITE_ONLY},
    {"tags", STRINGS_AT(T, tags), FIELD_WRITE_ONLY},
};
#undef T
const struct shape claims_payload_shape = SHAPE(struct claims_payload_wire, payload_fields);

/* The end of "nats". */
#define T struct claims
static const struct field ending_fields[] = {
    {"tags", STRINGS_AT(T, tags), FIELD_OMIT_EMPTY},
    {"type", STRING_AT(T, type_name), FIELD_OMIT_EMPTY},
    {"version", INT_AT(T, version), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape claims_ending_shape = SHAPE(struct claims, ending_fields);
static const struct shape nothing_shape = {0};

const struct claims_type_spec claims_types[CLAIMS_TYPES] = {
    [CLAIMS_GENERIC] = {NULL, &nothing_shape},
    [CLAIMS_OPERATOR] = {"operator", &claims_operator_shape},
    [CLAIMS_ACCOUNT] = {"account", &claims_account_shape},
    [CLAIMS_USER] = {"user", &claims_user_shape},
    [CLAIMS_ACTIVATION] = {"activation", &claims_activation_shape},
};
