#include "dataplane/monitor/absent.h"

struct js_api {
    int64_t level, total, errors;
};
#define T struct js_api
static const struct field js_api_fields[] = {
    {"level", INT_AT(T, level)},
    {"total", INT_AT(T, total)},
    {"errors", INT_AT(T, errors)},
};
#undef T
static const struct shape js_api_shape = SHAPE(struct js_api, js_api_fields);

struct js_config {
    int64_t max_memory, max_storage;
};
#define T struct js_config
static const struct field js_config_fields[] = {
    {"max_memory", INT_AT(T, max_memory)},
    {"max_storage", INT_AT(T, max_storage)},
};
#undef T
static const struct shape js_config_shape = SHAPE(struct js_config, js_config_fields);

struct jsz {
    int64_t memory, storage, reserved_memory, reserved_storage, accounts, ha_assets;
    struct js_api api;
    const char *server_id;
    int64_t now;
    bool disabled;
    struct js_config config;
    int64_t streams, consumers, messages, bytes, total;
};
#define T struct jsz
static const struct field jsz_fields[] = {
    {"memory", INT_AT(T, memory)},
    {"storage", INT_AT(T, storage)},
    {"reserved_memory", INT_AT(T, reserved_memory)},
    {"reserved_storage", INT_AT(T, reserved_storage)},
    {"accounts", INT_AT(T, accounts)},
    {"ha_assets", INT_AT(T, ha_assets)},
    {"api", STRUCT_AT(T, api), .type = &js_api_shape},
    {"server_id", STRING_AT(T, server_id)},
    {"now", TIME_AT(T, now)},
    {"disabled", BOOL_AT(T, disabled)},
    {"config", STRUCT_AT(T, config), .type = &js_config_shape},
    {"streams", INT_AT(T, streams)},
    {"consumers", INT_AT(T, consumers)},
    {"messages", INT_AT(T, messages)},
    {"bytes", INT_AT(T, bytes)},
    {"total", INT_AT(T, total)},
};
#undef T
static const struct shape jsz_shape = SHAPE(struct jsz, jsz_fields);

static void finish_jsz(struct report_call *call)
{
    struct jsz *out = arena_alloc(&call->arena, sizeof(*out));

    out->server_id = call->monitor->facts.server_id;
    out->now = monitor_now(call->monitor);
    out->disabled = true;
    call->document = out;
}

/* Routes, gateways and leaf nodes: where they would stand. */
struct absent {
    const char *server_id, *server_name;
    int64_t now, count;
    struct strings none;         /* [] */
    struct int_map none_by_name; /* {} */
};
#define T struct absent
static const struct field routez_fields[] = {
    {"server_id", STRING_AT(T, server_id)},
    {"server_name", STRING_AT(T, server_name)},
    {"now", TIME_AT(T, now)},
    {"num_routes", INT_AT(T, count)},
    {"routes", STRINGS_AT(T, none)},
};
static const struct field gatewayz_fields[] = {
    {"server_id", STRING_AT(T, server_id)},
    {"now", TIME_AT(T, now)},
    {"outbound_gateways", INT_MAP_AT(T, none_by_name)},
    {"inbound_gateways", INT_MAP_AT(T, none_by_name)},
};
static const struct field leafz_fields[] = {
    {"server_id", STRING_AT(T, server_id)},
    {"now", TIME_AT(T, now)},
    {"leafnodes", INT_AT(T, count)},
    {"leafs", STRINGS_AT(T, none)},
};
#undef T
static const struct shape routez_shape = SHAPE(struct absent, routez_fields);
static const struct shape gatewayz_shape = SHAPE(struct absent, gatewayz_fields);
static const struct shape leafz_shape = SHAPE(struct absent, leafz_fields);

static void finish_absent(struct report_call *call)
{
    struct absent *out = arena_alloc(&call->arena, sizeof(*out));

    out->server_id = call->monitor->facts.server_id;
    out->server_name = call->monitor->facts.server_name;
    out->now = monitor_now(call->monitor);
    call->document = out;
}

/* clang-format off */
const struct report jsz_report = {
    .name = "JSZ", .options = &sys_filter_shape, .document_shape = &jsz_shape,
    .finish = finish_jsz,
};
const struct report routez_report = {
    .name = "ROUTEZ", .options = &sys_filter_shape, .document_shape = &routez_shape,
    .finish = finish_absent,
};
const struct report gatewayz_report = {
    .name = "GATEWAYZ", .options = &sys_filter_shape, .document_shape = &gatewayz_shape,
    .finish = finish_absent,
};
const struct report leafz_report = {
    .name = "LEAFZ", .options = &sys_filter_shape, .document_shape = &leafz_shape,
    .finish = finish_absent,
};
/* clang-format on */
