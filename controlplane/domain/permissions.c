#include "controlplane/domain/permissions.h"

#include <string.h>

enum { LIST_MAX = 1000, TIMES_MAX = 64 };

static const char literal_rule[] = "a subject, or a subject and a queue group";
static const char template_rule[] = "a subject, or a subject and a queue group; {{...}} allowed";

/* clang-format off */
#define T struct permission_list
static const struct field list_fields[] = {
    {"allow", STRINGS_AT(T, allow), FIELD_OMIT_EMPTY, .max = LIST_MAX, .valid = rule_queue_subject,
     .rule = literal_rule},
    {"deny", STRINGS_AT(T, deny), FIELD_OMIT_EMPTY, .max = LIST_MAX, .valid = rule_queue_subject,
     .rule = literal_rule},
};
static const struct field template_list_fields[] = {
    {"allow", STRINGS_AT(T, allow), FIELD_OMIT_EMPTY, .max = LIST_MAX,
     .valid = rule_template_subject, .rule = template_rule},
    {"deny", STRINGS_AT(T, deny), FIELD_OMIT_EMPTY, .max = LIST_MAX,
     .valid = rule_template_subject, .rule = template_rule},
};
static const struct shape list_shape = SHAPE(T, list_fields);
static const struct shape template_list_shape = SHAPE(T, template_list_fields);
#undef T

#define T struct response_permission
static const struct field response_fields[] = {
    {"max", INT_AT(T, max), .min = -1, .max = INT64_MAX},
    {"ttl_ns", INT_AT(T, ttl_ns), .min = 0, .max = INT64_MAX},
};
static const struct shape response_shape = SHAPE(T, response_fields);
#undef T

#define T struct permissions
static const struct field permissions_fields[] = {
    {"pub", STRUCT_AT(T, pub), FIELD_OMIT_EMPTY, .type = &list_shape},
    {"sub", STRUCT_AT(T, sub), FIELD_OMIT_EMPTY, .type = &list_shape},
    {"resp", OBJECT_AT(T, resp), FIELD_OMIT_EMPTY, .type = &response_shape},
};
static const struct field permissions_template_fields[] = {
    {"pub", STRUCT_AT(T, pub), FIELD_OMIT_EMPTY, .type = &template_list_shape},
    {"sub", STRUCT_AT(T, sub), FIELD_OMIT_EMPTY, .type = &template_list_shape},
    {"resp", OBJECT_AT(T, resp), FIELD_OMIT_EMPTY, .type = &response_shape},
};
const struct shape permissions_shape = SHAPE(T, permissions_fields);
const struct shape permissions_template_shape = SHAPE(T, permissions_template_fields);
#undef T

#define T struct time_range
static const struct field time_range_fields[] = {
    {"start", STRING_AT(T, start), FIELD_REQUIRED, .valid = rule_time_of_day, .rule = "HH:MM:SS"},
    {"end", STRING_AT(T, end), FIELD_REQUIRED, .valid = rule_time_of_day, .rule = "HH:MM:SS"},
};
const struct shape time_range_shape = SHAPE(T, time_range_fields);
#undef T

#define T struct user_rules
#define BESIDES_PERMISSIONS                                                                        \
    {"subs", OPTIONAL_AT(T, subs), FIELD_OMIT_EMPTY, .min = -1, .max = INT64_MAX},                 \
    {"payload", OPTIONAL_AT(T, payload), FIELD_OMIT_EMPTY, .min = -1, .max = INT64_MAX},           \
    {"bearer", BOOL_AT(T, bearer)},                                                                \
    {"connection_types", STRINGS_AT(T, connection_types), FIELD_OMIT_EMPTY, .max = 7,              \
     .valid = rule_connection_type, .rule = "a connection type such as STANDARD or WEBSOCKET"},    \
    {"src", STRINGS_AT(T, src), FIELD_OMIT_EMPTY, .max = LIST_MAX, .valid = rule_cidr,             \
     .rule = "an address and its prefix length, such as 10.0.0.0/8"},                              \
    {"times", OBJECTS_AT(T, times), FIELD_OMIT_EMPTY, .max = TIMES_MAX,                            \
     .type = &time_range_shape},                                                                   \
    {"times_location", STRING_AT(T, times_location), FIELD_OMIT_EMPTY, .max = 64,                  \
     .valid = rule_time_zone, .rule = "a time zone such as Europe/Berlin"}
static const struct field user_rules_fields[] = {
    {"permissions", STRUCT_AT(T, permissions), FIELD_OMIT_EMPTY, .type = &permissions_shape},
    BESIDES_PERMISSIONS,
};
static const struct field user_rules_template_fields[] = {
    {"permissions", STRUCT_AT(T, permissions), FIELD_OMIT_EMPTY,
     .type = &permissions_template_shape},
    BESIDES_PERMISSIONS,
};
const struct shape user_rules_shape = SHAPE(T, user_rules_fields);
const struct shape user_rules_template_shape = SHAPE(T, user_rules_template_fields);
#undef BESIDES_PERMISSIONS
#undef T
/* clang-format on */

static enum result check_no_queue(struct work *work, const char *pointer,
                                  const struct strings *list)
{
    enum result rc = OK;

    for (size_t i = 0; i < list->count; i++) {
        if (strchr(list->items[i], ' ') != NULL)
            rc = refusal_field(work->refusal, arena_printf(work->arena, "%s/%zu", pointer, i),
                               "invalid", "a queue group can only be subscribed to");
    }
    return rc;
}

enum result user_rules_check(struct work *work, const struct user_rules *rules)
{
    enum result rc = check_no_queue(work, "/permissions/pub/allow", &rules->permissions.pub.allow);
    enum result other = check_no_queue(work, "/permissions/pub/deny", &rules->permissions.pub.deny);

    if (rc == OK)
        rc = other;
    for (size_t i = 0; i < rules->times.count; i++) {
        if (strcmp(rules->times.items[i].start, rules->times.items[i].end) == 0)
            rc = refusal_field(work->refusal, arena_printf(work->arena, "/times/%zu", i), "empty",
                               "start and end are the same");
    }
    if (or_empty(rules->times_location)[0] != '\0' && rules->times.count == 0)
        rc = refusal_field(work->refusal, "/times_location", "without_times",
                           "a time zone needs times");
    return rc;
}

bool user_rules_empty(const struct user_rules *rules)
{
    const struct permissions *p = &rules->permissions;

    return p->pub.allow.count == 0 && p->pub.deny.count == 0 && p->sub.allow.count == 0 &&
           p->sub.deny.count == 0 && p->resp == NULL &&
           (!rules->subs.set || rules->subs.value == -1) &&
           (!rules->payload.set || rules->payload.value == -1) && !rules->bearer &&
           rules->connection_types.count == 0 && rules->src.count == 0 && rules->times.count == 0;
}

void permissions_claims(const struct permissions *permissions, struct claims_permissions *out,
                        struct arena *arena)
{
    *out = (struct claims_permissions){
        .pub = {permissions->pub.allow, permissions->pub.deny},
        .sub = {permissions->sub.allow, permissions->sub.deny},
    };
    if (permissions->resp != NULL) {
        out->resp = arena_alloc(arena, sizeof(*out->resp));
        out->resp->max = permissions->resp->max;
        out->resp->ttl_ns = permissions->resp->ttl_ns;
    }
}

void user_rules_claims(const struct user_rules *rules, struct claims_user_limits *out,
                       struct arena *arena)
{
    claims_user_defaults(out);
    permissions_claims(&rules->permissions, &out->permissions, arena);
    out->src = rules->src;
    out->times_location = or_empty(rules->times_location)[0] != '\0' ? rules->times_location : NULL;
    out->bearer_token = rules->bearer;
    out->allowed_connection_types = rules->connection_types;
    if (rules->subs.set)
        out->nats.subs = rules->subs.value;
    if (rules->payload.set)
        out->nats.payload = rules->payload.value;
    out->times.count = rules->times.count;
    out->times.items = arena_alloc_array(arena, rules->times.count + 1, sizeof(*out->times.items));
    for (size_t i = 0; i < rules->times.count; i++) {
        out->times.items[i].start = rules->times.items[i].start;
        out->times.items[i].end = rules->times.items[i].end;
    }
}

json_t *permissions_json(const struct permissions *permissions, struct arena *arena)
{
    return shape_own(arena, shape_encode(&permissions_template_shape, permissions));
}

json_t *time_ranges_json(const struct time_ranges *times, struct arena *arena)
{
    json_t *list = json_array();

    for (size_t i = 0; i < times->count; i++)
        json_array_append_new(list, shape_encode(&time_range_shape, &times->items[i]));
    return shape_own(arena, list);
}
