#include "controlplane/domain/resource.h"

#include <string.h>

#include "api/base/check.h"

#define T struct resource
static const struct field resource_fields[] = {
    {"id", STRING_AT(T, id), FIELD_READ_ONLY},
    {"kind", STRING_AT(T, kind), FIELD_READ_ONLY},
    {"name", STRING_AT(T, name), FIELD_READ_ONLY},
    {"display_name", STRING_AT(T, display_name), FIELD_READ_ONLY},
    {"description", STRING_AT(T, description), FIELD_READ_ONLY},
    {"labels", STRING_MAP_AT(T, labels), FIELD_READ_ONLY},
    {"created_at", TIME_AT(T, created_at), FIELD_READ_ONLY | FIELD_MS},
    {"created_by", STRING_AT(T, created_by), FIELD_READ_ONLY},
    {"updated_at", TIME_AT(T, updated_at), FIELD_READ_ONLY | FIELD_MS},
    {"version", INT_AT(T, version), FIELD_READ_ONLY},
    {"state", STRING_AT(T, state), FIELD_READ_ONLY},
    {"conditions", JSON_AT(T, conditions), FIELD_READ_ONLY | FIELD_NULL},
};
#undef T
const struct shape resource_shape = SHAPE(struct resource, resource_fields);

#define T struct resource_settings
/* clang-format off */
#define COMMON_FIELDS                                                                              \
    {"display_name", STRING_AT(T, display_name), FIELD_OMIT_EMPTY, .max = 200,                     \
     .valid = rule_display_name, .rule = "text without control characters"},                       \
    {"description", STRING_AT(T, description), FIELD_OMIT_EMPTY, .max = 2000,                      \
     .valid = rule_description, .rule = "text without control characters other than line ends"},   \
    {"labels", STRING_MAP_AT(T, labels), FIELD_OMIT_EMPTY, .max = RESOURCE_LABELS_MAX,             \
     .valid = rule_label_key, .rule = "a name of up to 63 letters, digits, '-', '_', '.', '/'"}
/* clang-format on */

static const struct field settings_fields[] = {
    {"name", STRING_AT(T, name), FIELD_REQUIRED, .min = 1, .max = RESOURCE_NAME_MAX,
     .valid = rule_name, .rule = "lower case letters, digits and '-', not at the ends"},
    COMMON_FIELDS,
};
static const struct field user_settings_fields[] = {
    {"name", STRING_AT(T, name), FIELD_REQUIRED, .min = 1, .max = 255, .valid = rule_nats_name,
     .rule = "text without blanks, '.', '*', '>', '/', '\\'"},
    COMMON_FIELDS,
};
static const struct field common_fields[] = {
    COMMON_FIELDS,
};
#undef T
const struct shape resource_settings_shape = SHAPE(struct resource_settings, settings_fields);
const struct shape resource_user_settings_shape =
    SHAPE(struct resource_settings, user_settings_fields);
const struct shape resource_nameless_settings_shape =
    SHAPE(struct resource_settings, common_fields);

struct resource_settings resource_settings_of(const struct resource *resource)
{
    return (struct resource_settings){resource->name, resource->display_name, resource->description,
                                      resource->labels};
}

json_t *resource_labels(const struct resource_settings *settings, struct arena *arena)
{
    json_t *object = json_object();

    for (size_t i = 0; i < settings->labels.count; i++)
        CHECK(json_object_set_new(object, settings->labels.items[i].key,
                                  json_string(settings->labels.items[i].value)) == 0);
    shape_own(arena, object);
    return object;
}

/* Milliseconds and a counter of 16 bits that begins anywhere in its lower half: above the last. */
static uint64_t next_stamp(const struct work *work)
{
    uint64_t ms = (uint64_t)(work_now(work) / NS_PER_MS);
    uint64_t wanted = ms << 16 | random_below(work->tools->random, 1 << 15);
    uint64_t last = atomic_load(work->tools->last_id), next;

    do
        next = wanted > last ? wanted : last + 1;
    while (!atomic_compare_exchange_weak(work->tools->last_id, &last, next));
    return next;
}

/* A ULID: 48 bits of milliseconds, 16 of a counter, 64 random ones, in Crockford's base32. */
const char *resource_id_new(const struct work *work, const char *prefix)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t stamp = next_stamp(work), ms = stamp >> 16;
    unsigned char random[10] = {(unsigned char)(stamp >> 8), (unsigned char)stamp};
    char text[27];
    unsigned bits = 0, value = 0;
    size_t out = 10;

    for (int i = 9; i >= 0; i--, ms >>= 5)
        text[i] = digits[ms & 31];
    random_fill(work->tools->random, random + 2, sizeof(random) - 2);
    for (size_t i = 0; i < sizeof(random); i++) {
        value = value << 8 | random[i];
        for (bits += 8; bits >= 5; bits -= 5)
            text[out++] = digits[value >> (bits - 5) & 31];
    }
    CHECK(out == 26);
    text[out] = '\0';
    return arena_printf(work->arena, "%s_%s", prefix, text);
}

bool resource_id_valid(const char *prefix, const char *text)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) == 0 && text[len] == '_' && strlen(text + len + 1) == 26 &&
           strspn(text + len + 1, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == 26;
}

const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

enum result resource_conflict(struct work *work, const struct resource *resource)
{
    work->refusal->conflict_resource = resource->id;
    work->refusal->conflict_version = resource->version;
    return refusal_set(work->refusal, REFUSAL_version_conflict,
                       "The %s has changed since it was read.", resource->kind);
}
