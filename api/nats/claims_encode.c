#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/slice.h"
#include "api/nats/claims.h"
#include "api/nats/claims_shape.h"

static int compare_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static int compare_names(const void *a, const void *b)
{
    return compare_text(*(const char *const *)a, *(const char *const *)b);
}

static int compare_int_pairs(const void *a, const void *b)
{
    return compare_text(((const struct int_pair *)a)->key, ((const struct int_pair *)b)->key);
}

static int compare_keys(const void *a, const void *b)
{
    return compare_text(((const struct claims_signing_key *)a)->key,
                        ((const struct claims_signing_key *)b)->key);
}

static int compare_tiers(const void *a, const void *b)
{
    return compare_text(((const struct claims_js_tier *)a)->name,
                        ((const struct claims_js_tier *)b)->name);
}

static int compare_mappings(const void *a, const void *b)
{
    return compare_text(((const struct claims_mapping *)a)->subject,
                        ((const struct claims_mapping *)b)->subject);
}

static int compare_exports(const void *a, const void *b)
{
    const struct claims_export *x = a, *y = b;
    int order = compare_text(x->subject, y->subject);

    if (order == 0)
        order = x->type - y->type;
    return order != 0 ? order : compare_text(x->name, y->name);
}

static int compare_imports(const void *a, const void *b)
{
    const struct claims_import *x = a, *y = b;
    int order = compare_text(x->subject, y->subject);

    if (order == 0)
        order = compare_text(x->account, y->account);
    if (order == 0)
        order = compare_text(x->local_subject, y->local_subject);
    if (order == 0)
        order = compare_text(x->to, y->to);
    return order != 0 ? order : x->type - y->type;
}

/* A sorted copy in the arena; NULL for none. */
static void *sorted(struct arena *arena, const void *items, size_t count, size_t size,
                    int (*compare)(const void *, const void *))
{
    void *copy;

    if (count == 0)
        return NULL;
    copy = arena_alloc_array(arena, count, size);
    memcpy(copy, items, count * size);
    qsort(copy, count, size, compare);
    return copy;
}

#define SORTED(arena, list, compare) \
    sorted((arena), (list).items, (list).count, sizeof((list).items[0]), (compare))

static json_t *encode_limits(const struct claims_account_limits *limits, struct arena *arena)
{
    struct claims_limits_wire wire = {.limits = *limits};
    struct claims_js_tier *tiers = SORTED(arena, limits->tiers, compare_tiers);
    json_t *tree;

    if (limits->tiers.count == 0)
        return shape_encode(&claims_limits_shape, &wire);
    wire.tiers = json_object();
    for (size_t i = 0; i < limits->tiers.count; i++)
        json_object_set_new(wire.tiers, tiers[i].name,
                            shape_encode(&claims_js_limits_shape, &tiers[i].limits));
    tree = shape_encode(&claims_tiered_limits_shape, &wire);
    json_decref(wire.tiers);
    return tree;
}

static json_t *encode_signing_keys(const struct account_claims *account, struct arena *arena)
{
    struct claims_signing_key *keys = SORTED(arena, account->signing_keys, compare_keys);
    json_t *list;

    if (account->signing_keys.count == 0)
        return NULL;
    list = json_array();
    for (size_t i = 0; i < account->signing_keys.count; i++) {
        struct claims_scoped_key_wire wire = {.kind = CLAIMS_SCOPE_KIND, .key = keys[i]};

        if (keys[i].template == NULL)
            json_array_append_new(list, json_string(keys[i].key));
        else
            json_array_append_new(list, shape_encode(&claims_scoped_key_shape, &wire));
    }
    return list;
}

static json_t *encode_mappings(const struct account_claims *account, struct arena *arena)
{
    struct claims_mapping *mappings = SORTED(arena, account->mappings, compare_mappings);
    json_t *object;

    if (account->mappings.count == 0)
        return NULL;
    object = json_object();
    for (size_t i = 0; i < account->mappings.count; i++) {
        json_t *list = json_array();

        for (size_t j = 0; j < mappings[i].count; j++)
            json_array_append_new(list,
                                  shape_encode(&claims_destination_shape, &mappings[i].items[j]));
        json_object_set_new(object, mappings[i].subject, list);
    }
    return object;
}

/* 0 -> "headers". */
static void word_sampling(json_t *exports)
{
    for (size_t i = 0; i < json_array_size(exports); i++) {
        json_t *latency = json_object_get(json_array_get(exports, i), "service_latency");

        if (latency != NULL && json_integer_value(json_object_get(latency, "sampling")) == 0)
            json_object_set_new(latency, "sampling", json_string(CLAIMS_SAMPLING_HEADERS));
    }
}

static json_t *encode_account(const struct account_claims *account, struct arena *arena)
{
    struct claims_account_wire wire = {.claims = *account};
    struct account_claims *claims = &wire.claims;
    json_t *tree;

    claims->imports.items = SORTED(arena, account->imports, compare_imports);
    claims->exports.items = SORTED(arena, account->exports, compare_exports);
    claims->revocations.items = SORTED(arena, account->revocations, compare_int_pairs);
    for (size_t i = 0; i < claims->exports.count; i++)
        claims->exports.items[i].revocations.items =
            SORTED(arena, claims->exports.items[i].revocations, compare_int_pairs);
    wire.limits = encode_limits(&account->limits, arena);
    wire.signing_keys = encode_signing_keys(account, arena);
    wire.mappings = encode_mappings(account, arena);
    tree = shape_encode(&claims_account_shape, &wire);
    word_sampling(json_object_get(tree, "exports"));
    json_decref(wire.limits);
    json_decref(wire.signing_keys);
    json_decref(wire.mappings);
    return tree;
}

/* Trimmed, lower case, each once, in the given order. */
static struct strings clean_tags(const struct strings *tags, struct arena *arena)
{
    struct strings out = {0};

    out.items = arena_alloc_array(arena, tags->count + 1, sizeof(out.items[0]));
    for (size_t i = 0; i < tags->count; i++) {
        char *tag = arena_copy(arena, slice_trim(slice_of(tags->items[i])));
        bool known = *tag == '\0';

        for (char *at = tag; *at != '\0'; at++)
            *at = (char)tolower((unsigned char)*at);
        for (size_t j = 0; j < out.count; j++)
            known |= strcmp(out.items[j], tag) == 0;
        if (!known)
            out.items[out.count++] = tag;
    }
    return out;
}

static void add_rest(json_t *nats, const struct claims *claims, struct arena *arena)
{
    size_t count = json_object_size(claims->rest), i = 0;
    const char **names = arena_alloc_array(arena, count + 1, sizeof(names[0]));
    const char *name;
    json_t *value;

    if (count == 0)
        return;
    json_object_foreach(claims->rest, name, value) names[i++] = name;
    qsort(names, count, sizeof(names[0]), compare_names);
    for (i = 0; i < count; i++)
        json_object_set(nats, names[i], json_object_get(claims->rest, names[i]));
}

static json_t *encode_body(const struct claims *claims, struct arena *arena)
{
    struct claims ending = {.version = CLAIMS_VERSION};
    json_t *nats, *end;

    if (claims->type == CLAIMS_ACCOUNT)
        nats = encode_account(claims->account, arena);
    else
        nats = shape_encode(claims_types[claims->type].shape, claims->user); /* any of the union */
    add_rest(nats, claims, arena);
    ending.tags = clean_tags(&claims->tags, arena);
    ending.type_name =
        claims->type == CLAIMS_GENERIC ? claims->type_name : claims_types[claims->type].name;
    end = shape_encode(&claims_ending_shape, &ending);
    CHECK(json_object_update(nats, end) == 0);
    json_decref(end);
    return nats;
}

json_t *claims_encode_body(const struct claims *claims)
{
    struct arena arena = {0};
    json_t *nats = encode_body(claims, &arena);

    arena_fini(&arena);
    return nats;
}

json_t *claims_encode(const struct claims *claims)
{
    struct claims_payload_wire wire = {.claims = *claims};
    json_t *tree;

    CHECK(claims->type < CLAIMS_TYPES);
    CHECK(claims->type == CLAIMS_GENERIC || claims->user != NULL);
    wire.nats = claims_encode_body(claims);
    tree = shape_encode(&claims_payload_shape, &wire);
    json_decref(wire.nats);
    return tree;
}
