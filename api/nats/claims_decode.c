#include <stdio.h>
#include <string.h>

#include "api/base/slice.h"
#include "api/nats/claims.h"
#include "api/nats/claims_shape.h"

/* Puts the place of a part in front of a place within it. */
static enum result within(enum result rc, struct shape_error *error, const char *place)
{
    char pointer[SHAPE_PATH_MAX];

    if (rc == OK || error == NULL)
        return rc;
    memcpy(pointer, error->pointer, sizeof(pointer));
    snprintf(error->pointer, sizeof(error->pointer), "%.*s%.*s", 60, place, 190, pointer);
    return rc;
}

static enum result refuse(enum result rc, struct shape_error *error, const char *place,
                          const char *message)
{
    if (error != NULL) {
        *error = (struct shape_error){0};
        snprintf(error->pointer, sizeof(error->pointer), "%s", place);
        snprintf(error->message, sizeof(error->message), "%s", message);
    }
    return rc;
}

/* "src": "a,b" -> ["a", "b"]. */
static void list_sources(json_t *user)
{
    json_t *src = json_object_get(user, "src"), *list;
    struct slice rest, part;

    if (!json_is_string(src))
        return;
    list = json_array();
    rest = slice_make(json_string_value(src), json_string_length(src));
    while (slice_cut(&rest, ',', &part)) {
        part = slice_trim(part);
        if (part.len > 0)
            json_array_append_new(list, json_stringn(part.data, part.len));
    }
    json_object_set_new(user, "src", list);
}

static void unlimited_if_absent(json_t *object, const char *name)
{
    if (json_object_get(object, name) == NULL)
        json_object_set_new(object, name, json_integer(CLAIMS_UNLIMITED));
}

/* Of a user: a limit that is not there is none, where elsewhere it is 0. */
static void limits_if_absent(json_t *user)
{
    unlimited_if_absent(user, "subs");
    unlimited_if_absent(user, "data");
    unlimited_if_absent(user, "payload");
}

static enum result decode_scoped_key(const json_t *in, struct arena *arena,
                                     struct claims_signing_key *out, struct shape_error *error)
{
    json_t *template = json_object_get(in, "template");
    struct claims_scoped_key_wire wire;
    enum result rc;

    list_sources(template);
    limits_if_absent(template);
    rc = shape_decode(&claims_scoped_key_shape, in, SHAPE_LENIENT, arena, &wire, error);
    if (rc != OK)
        return rc;
    if (strcmp(wire.kind, CLAIMS_SCOPE_KIND) != 0)
        return refuse(ERR_UNSUPPORTED, error, "/kind", "is not a kind of scope");
    *out = wire.key;
    if (out->template == NULL) {
        out->template = arena_alloc(arena, sizeof(*out->template));
        claims_user_defaults(out->template);
    }
    return OK;
}

static enum result decode_signing_keys(const json_t *in, struct arena *arena,
                                       struct account_claims *out, struct shape_error *error)
{
    size_t count = json_array_size(in);

    if (in == NULL || json_is_null(in))
        return OK;
    if (!json_is_array(in))
        return refuse(ERR_SYNTAX, error, "", "must be a list");
    out->signing_keys.items = arena_alloc_array(arena, count, sizeof(*out->signing_keys.items));
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(in, i);
        struct claims_signing_key *key = &out->signing_keys.items[i];
        enum result rc = OK;

        if (json_is_string(entry))
            key->key = arena_strdup(arena, json_string_value(entry));
        else
            rc = decode_scoped_key(entry, arena, key, error);
        if (rc != OK)
            return rc;
    }
    out->signing_keys.count = count;
    return OK;
}

static enum result decode_mapping(const char *subject, const json_t *in, struct arena *arena,
                                  struct claims_mapping *out, struct shape_error *error)
{
    size_t count = json_array_size(in);

    if (!json_is_array(in))
        return refuse(ERR_SYNTAX, error, "", "must be a list of destinations");
    out->subject = arena_strdup(arena, subject);
    out->items = arena_alloc_array(arena, count, sizeof(*out->items));
    for (size_t i = 0; i < count; i++) {
        enum result rc = shape_decode(&claims_destination_shape, json_array_get(in, i),
                                      SHAPE_LENIENT, arena, &out->items[i], error);

        if (rc != OK)
            return rc;
    }
    out->count = count;
    return OK;
}

static enum result decode_mappings(json_t *in, struct arena *arena, struct account_claims *out,
                                   struct shape_error *error)
{
    const char *subject;
    json_t *list;

    if (in == NULL || json_is_null(in))
        return OK;
    if (!json_is_object(in))
        return refuse(ERR_SYNTAX, error, "", "must be an object");
    out->mappings.items =
        arena_alloc_array(arena, json_object_size(in), sizeof(*out->mappings.items));
    json_object_foreach(in, subject, list)
    {
        enum result rc =
            decode_mapping(subject, list, arena, &out->mappings.items[out->mappings.count], error);

        if (rc != OK)
            return rc;
        out->mappings.count++;
    }
    return OK;
}

static enum result decode_tiers(json_t *in, struct arena *arena, struct claims_account_limits *out,
                                struct shape_error *error)
{
    const char *name;
    json_t *limits;

    if (in == NULL || json_is_null(in))
        return OK;
    if (!json_is_object(in))
        return refuse(ERR_SYNTAX, error, "/tiered_limits", "must be an object");
    out->tiers.items = arena_alloc_array(arena, json_object_size(in), sizeof(*out->tiers.items));
    json_object_foreach(in, name, limits)
    {
        struct claims_js_tier *tier = &out->tiers.items[out->tiers.count];
        enum result rc = shape_decode(&claims_js_limits_shape, limits, SHAPE_LENIENT, arena,
                                      &tier->limits, error);

        if (rc != OK)
            return within(rc, error, "/tiered_limits");
        tier->name = arena_strdup(arena, name);
        out->tiers.count++;
    }
    if (out->tiers.count > 0)
        out->js = (struct claims_js_limits){0}; /* as the reference server */
    return OK;
}

static enum result decode_limits(json_t *in, struct arena *arena, struct claims_account_limits *out,
                                 struct shape_error *error)
{
    struct claims_limits_wire wire = {0};
    enum result rc;

    if (in == NULL || json_is_null(in))
        return OK; /* none of anything */
    rc = shape_decode(&claims_limits_shape, in, SHAPE_LENIENT, arena, &wire, error);
    if (rc == OK)
        rc = decode_tiers(wire.tiers, arena, &wire.limits, error);
    if (rc == OK)
        *out = wire.limits;
    return rc;
}

/* "sampling": "headers" -> 0. */
static void number_sampling(json_t *exports)
{
    for (size_t i = 0; i < json_array_size(exports); i++) {
        json_t *latency = json_object_get(json_array_get(exports, i), "service_latency");
        const char *word = json_string_value(json_object_get(latency, "sampling"));

        if (word != NULL && strcmp(word, CLAIMS_SAMPLING_HEADERS) == 0)
            json_object_set_new(latency, "sampling", json_integer(0));
    }
}

static enum result decode_account(json_t *nats, struct arena *arena, struct account_claims *out,
                                  struct shape_error *error)
{
    struct claims_account_wire wire;
    enum result rc;

    number_sampling(json_object_get(nats, "exports"));
    rc = shape_decode(&claims_account_shape, nats, SHAPE_LENIENT, arena, &wire, error);
    if (rc != OK)
        return rc;
    *out = wire.claims;
    claims_sort_revocations(&out->revocations);
    rc = within(decode_limits(wire.limits, arena, &out->limits, error), error, "/limits");
    if (rc == OK)
        rc = within(decode_signing_keys(wire.signing_keys, arena, out, error), error,
                    "/signing_keys");
    if (rc == OK)
        rc = within(decode_mappings(wire.mappings, arena, out, error), error, "/mappings");
    return rc;
}

static enum result decode_body(json_t *nats, struct arena *arena, struct claims *out,
                               struct shape_error *error)
{
    const struct shape *shape = claims_types[out->type].shape;
    void *body;

    switch (out->type) {
    case CLAIMS_ACCOUNT:
        out->account = arena_alloc(arena, sizeof(*out->account));
        return decode_account(nats, arena, out->account, error);
    case CLAIMS_USER:
        list_sources(nats);
        break;
    case CLAIMS_OPERATOR:
    case CLAIMS_ACTIVATION:
        break;
    default:
        return OK; /* all of it is kept in rest */
    }
    body = arena_alloc(arena, shape->size);
    out->user = body; /* any of the union */
    return shape_decode(shape, nats, SHAPE_LENIENT, arena, body, error);
}

static bool knows(const struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];

        if (field->kind == KIND_FLATTEN ? knows(field->type, name) : strcmp(field->name, name) == 0)
            return true;
    }
    return false;
}

/* What neither the type nor the ending knows. */
static void keep_rest(json_t *nats, struct arena *arena, struct claims *out)
{
    const char *name;
    json_t *value;

    json_object_foreach(nats, name, value)
    {
        if (knows(claims_types[out->type].shape, name) || knows(&claims_ending_shape, name))
            continue;
        if (out->rest == NULL) {
            out->rest = json_object();
            shape_own(arena, out->rest);
        }
        json_object_set(out->rest, name, value);
    }
}

/* Version 1 -> 2: type and tags move, an activation's type was its kind, a user had no subs. */
static void migrate(const struct claims_payload_wire *wire, json_t *nats)
{
    if (json_is_string(json_object_get(nats, "type")))
        json_object_set(nats, "kind", json_object_get(nats, "type"));
    json_object_set_new(nats, "type", json_string(wire->type));
    json_object_set_new(nats, "version", json_integer(1));
    if (strcmp(wire->type, claims_types[CLAIMS_USER].name) == 0)
        limits_if_absent(nats);
}

static enum claims_type type_of(const char *name)
{
    for (int i = CLAIMS_OPERATOR; i < CLAIMS_TYPES; i++) {
        if (name != NULL && strcmp(claims_types[i].name, name) == 0)
            return (enum claims_type)i;
    }
    return CLAIMS_GENERIC;
}

enum result claims_decode(json_t *payload, struct arena *arena, struct claims *out,
                          struct shape_error *error)
{
    struct claims_payload_wire wire;
    struct claims ending;
    enum result rc;

    rc = shape_decode(&claims_payload_shape, payload, SHAPE_LENIENT, arena, &wire, error);
    if (rc != OK)
        return rc;
    *out = wire.claims;
    if (!json_is_object(wire.nats))
        return refuse(ERR_SYNTAX, error, "/nats", "must be an object");
    if (wire.type != NULL)
        migrate(&wire, wire.nats);
    rc = shape_decode(&claims_ending_shape, wire.nats, SHAPE_LENIENT, arena, &ending, error);
    if (rc != OK)
        return within(rc, error, "/nats");
    out->type = type_of(ending.type_name);
    if (ending.version < (out->type != CLAIMS_GENERIC) || ending.version > CLAIMS_VERSION)
        return refuse(ERR_UNSUPPORTED, error, "/nats/version", "is not a version that is known");
    out->version = ending.version;
    out->tags = ending.tags.count > 0 ? ending.tags : wire.tags;
    out->type_name = ending.type_name;
    rc = decode_body(wire.nats, arena, out, error);
    if (rc == OK)
        keep_rest(wire.nats, arena, out);
    return within(rc, error, "/nats");
}
