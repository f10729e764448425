#include "controlplane/domain/plan.h"

#include <stddef.h>
#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/authz.h"

static const struct limit_kind kinds[LIMIT_COUNT] = {
#define X(name, flag, enforced_by, scope, fallback) \
    [LIMIT_##name] = {#name, flag, enforced_by, scope, fallback},
    LIMITS(X)
#undef X
};

static const size_t offsets[LIMIT_COUNT] = {
#define X(name, flag, enforced_by, scope, fallback) [LIMIT_##name] = offsetof(struct limits, name),
    LIMITS(X)
#undef X
};

/* clang-format off */
#define T struct tier_limits
static const struct field tier_fields[] = {
    {"tier", STRING_AT(T, tier), FIELD_REQUIRED, .valid = rule_tier, .rule = "one of R1 to R5"},
#define X(name) {#name, INT_AT(T, name), FIELD_REQUIRED, .min = -1, .max = INT64_MAX},
    TIER_LIMITS(X)
#undef X
    {"js_max_bytes_required", BOOL_AT(T, js_max_bytes_required)},
};
#undef T
static const struct shape tier_shape = SHAPE(struct tier_limits, tier_fields);

#define T struct limits
#define NUMBER_false(name)                                                                         \
    {#name, OPTIONAL_AT(T, name), FIELD_OMIT_EMPTY, .min = -1, .max = INT64_MAX},
#define NUMBER_true(name)  {#name, FLAG_AT(T, name), FIELD_OMIT_EMPTY},
static const struct field limits_fields[] = {
#define X(name, flag, enforced_by, scope, fallback) NUMBER_##flag(name)
    LIMITS(X)
#undef X
    {"tiers", OBJECTS_AT(T, tiers), FIELD_OMIT_EMPTY, .max = 5, .type = &tier_shape},
};
#undef T
/* clang-format on */
const struct shape limits_shape = SHAPE(struct limits, limits_fields);

static bool rule_limit_name(const char *text)
{
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        if (strcmp(kinds[i].name, text) == 0)
            return true;
    }
    return false;
}

/* clang-format off */
#define T struct plan
static const struct field plan_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"default", BOOL_AT(T, is_default)},
    {"plan_version", INT_AT(T, plan_version)},
    {"limits", STRUCT_AT(T, limits), .type = &limits_shape},
    {"max", STRUCT_AT(T, max), .type = &limits_shape},
    {"allowed_overrides", STRINGS_AT(T, allowed_overrides)},
    {"account_count", INT_AT(T, account_count)},
};
#undef T
const struct shape plan_shape = SHAPE(struct plan, plan_fields);

#define T struct plan_settings
static const struct field plan_settings_fields[] = {
    {NULL, FLATTEN_AT(T, settings), .type = &resource_settings_shape},
    {"default", BOOL_AT(T, is_default)},
    {"limits", STRUCT_AT(T, limits), FIELD_OMIT_EMPTY, .type = &limits_shape},
    {"max", STRUCT_AT(T, max), FIELD_OMIT_EMPTY, .type = &limits_shape},
    {"allowed_overrides", STRINGS_AT(T, allowed_overrides), FIELD_OMIT_EMPTY, .max = LIMIT_COUNT,
     .valid = rule_limit_name, .rule = "the name of a limit"},
};
#undef T
/* clang-format on */
const struct shape plan_settings_shape = SHAPE(struct plan_settings, plan_settings_fields);

const struct limit_kind *limit_kind(enum limit_name name)
{
    CHECK(name < LIMIT_COUNT);
    return &kinds[name];
}

struct optional_int *limit_at(struct limits *limits, enum limit_name name)
{
    CHECK(name < LIMIT_COUNT);
    return (struct optional_int *)(void *)((char *)limits + offsets[name]);
}

static struct optional_int limit_of(const struct limits *limits, enum limit_name name)
{
    return *limit_at((struct limits *)limits, name);
}

/* Is a more generous than b?  Of the yes-or-no ones only wildcard_exports gives by saying yes. */
bool limit_looser(enum limit_name name, int64_t a, int64_t b)
{
    if (kinds[name].flag)
        return name == LIMIT_wildcard_exports ? a > b : a < b;
    if (a == b)
        return false;
    return a == -1 || (b != -1 && a > b);
}

static bool is_flat_jetstream(enum limit_name name)
{
    return strncmp(kinds[name].name, "js_", 3) == 0;
}

enum result limits_check(struct work *work, const char *pointer, const struct limits *limits)
{
    enum result rc = OK;

    if (limits->data.set && limits->data.value != -1)
        rc = refusal_field(work->refusal, arena_printf(work->arena, "%s/data", pointer),
                           "not_enforced", "no node enforces it: only -1 is possible");
    for (size_t i = 0; limits->tiers.count > 0 && i < LIMIT_COUNT; i++) {
        struct optional_int value = limit_of(limits, (enum limit_name)i);

        if (is_flat_jetstream((enum limit_name)i) && value.set && value.value != 0)
            rc = refusal_field(work->refusal,
                               arena_printf(work->arena, "%s/%s", pointer, kinds[i].name),
                               "exclusive", "flat JetStream limits and tiers exclude one another");
    }
    for (size_t i = 0; i < limits->tiers.count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(limits->tiers.items[i].tier, limits->tiers.items[j].tier) == 0)
                rc = refusal_field(work->refusal,
                                   arena_printf(work->arena, "%s/tiers/%zu/tier", pointer, i),
                                   "twice", "the tier stands in the list twice");
        }
    }
    return rc;
}

enum result limits_within(struct work *work, const struct limits *limits, const struct limits *max)
{
    enum result rc = OK;

    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        struct optional_int value = limit_of(limits, (enum limit_name)i);
        struct optional_int most = limit_of(max, (enum limit_name)i);

        if (value.set && most.set && limit_looser((enum limit_name)i, value.value, most.value))
            rc = refusal_limit(work->refusal, arena_printf(work->arena, "/%s", kinds[i].name),
                               "above_plan_maximum", most.value, value.value);
    }
    return rc;
}

void limits_effective(const struct plan *plan, const struct limits *overrides, bool jetstream,
                      struct effective_limits *out)
{
    static const struct limits none;
    const struct limits *given = overrides != NULL ? overrides : &none;

    *out = (struct effective_limits){0};
    out->limits.tiers = given->tiers.count > 0 ? given->tiers : plan->limits.tiers;
    if (!jetstream)
        out->limits.tiers.count = 0;
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        enum limit_name name = (enum limit_name)i;
        struct optional_int value = limit_of(&plan->limits, name), over = limit_of(given, name);

        if (!value.set)
            value = (struct optional_int){true, kinds[i].fallback};
        out->source[i] = LIMIT_FROM_PLAN;
        if (over.set) {
            value = over;
            out->source[i] = LIMIT_FROM_OVERRIDE;
        }
        if (is_flat_jetstream(name) && (!jetstream || out->limits.tiers.count > 0)) {
            value.value = 0;
            out->source[i] = jetstream ? LIMIT_FROM_PLAN : LIMIT_FROM_SYSTEM;
        }
        *limit_at(&out->limits, name) = value;
    }
}

/*
 * Storing.
 */

static struct db_value as_value(enum limit_name name, const struct limits *limits)
{
    struct optional_int value = limit_of(limits, name);

    return kinds[name].flag ? db_flag(value) : db_optional(value);
}

enum result limits_store(struct work *work, const char *team_id, const struct limits *limits,
                         const char **id)
{
    struct db_value values[LIMIT_COUNT + 2];
    enum result rc;

    *id = resource_id_new(work, "lim");
    values[0] = db_text(*id);
    values[1] = db_text(team_id);
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        values[i + 2] = as_value((enum limit_name)i, limits);
    rc = db_exec(work->db, SQL_limit_set_insert, (struct db_args){values, COUNT_OF(values)});
    for (size_t i = 0; rc == OK && i < limits->tiers.count; i++) {
        const struct tier_limits *tier = &limits->tiers.items[i];

        rc = db_exec(work->db, SQL_limit_tier_insert,
                     DB_ARGS(db_text(*id), db_text(tier->tier), db_integer(tier->js_memory),
                             db_integer(tier->js_disk), db_integer(tier->js_streams),
                             db_integer(tier->js_consumers_per_stream),
                             db_integer(tier->js_max_ack_pending),
                             db_integer(tier->js_memory_max_stream_bytes),
                             db_integer(tier->js_disk_max_stream_bytes),
                             db_bool(tier->js_max_bytes_required)));
    }
    return rc;
}

/*
 * Plans.
 */

/* From a row: is_default is called so there. */
struct plan_row {
    struct plan plan;
    bool is_default;
};
static const struct field plan_row_fields[] = {
    {NULL, FLATTEN_AT(struct plan_row, plan), .type = &plan_shape},
    {"is_default", BOOL_AT(struct plan_row, is_default)},
};
static const struct shape plan_row_shape = SHAPE(struct plan_row, plan_row_fields);

static enum result one(struct work *work, enum statement statement, struct db_args args,
                       struct plan *out)
{
    struct plan_row row;
    enum result rc = db_one(work->db, statement, args, &plan_row_shape, work->arena, &row);

    if (rc != OK)
        return rc;
    *out = row.plan;
    out->is_default = row.is_default;
    return OK;
}

struct plan_settings plan_settings_of(const struct plan *plan)
{
    return (struct plan_settings){resource_settings_of(&plan->resource), plan->is_default,
                                  plan->limits, plan->max, plan->allowed_overrides};
}

enum result plan_by_ref(struct work *work, const char *ref, int64_t version, struct plan *out)
{
    return one(work, SQL_plan_by_ref, DB_ARGS(db_text(ref), db_integer(version)), out);
}

enum result plan_terms(struct work *work, const char *ref, struct plan *out)
{
    return one(work, SQL_plan_terms_by_ref, DB_ARGS(db_text(ref)), out);
}

enum result plan_version_any(struct work *work, const char *id, int64_t version, struct plan *out)
{
    return one(work, SQL_plan_version_any, DB_ARGS(db_text(id), db_integer(version)), out);
}

enum result plan_default(struct work *work, struct plan *out)
{
    return one(work, SQL_plan_default, DB_NO_ARGS, out);
}

enum result plan_list(struct work *work, const struct list_query *query, struct db_rows *out)
{
    struct db_rows rows;
    struct plan *plans;
    enum result rc = db_all(work->db, SQL_plan_list, DB_ARGS(LIST_ARGS(query)), &plan_row_shape,
                            work->arena, &rows);

    if (rc != OK)
        return rc;
    plans = arena_alloc_array(work->arena, rows.count + 1, sizeof(*plans));
    for (size_t i = 0; i < rows.count; i++) {
        const struct plan_row *row = (const struct plan_row *)rows.items + i;

        plans[i] = row->plan;
        plans[i].is_default = row->is_default;
    }
    *out = (struct db_rows){plans, rows.count};
    return OK;
}

static enum result check(struct work *work, const struct plan_settings *settings)
{
    enum result rc = limits_check(work, "/limits", &settings->limits);

    if (rc == OK)
        rc = limits_check(work, "/max", &settings->max);
    if (rc == OK)
        rc = limits_within(work, &settings->limits, &settings->max);
    return rc;
}

static enum result add_version(struct work *work, const char *id, int64_t version,
                               const struct plan_settings *settings)
{
    const char *limits, *max;
    enum result rc = limits_store(work, NULL, &settings->limits, &limits);

    if (rc == OK)
        rc = limits_store(work, NULL, &settings->max, &max);
    if (rc == OK)
        rc = db_exec(work->db, SQL_plan_version_insert,
                     DB_ARGS(db_text(id), db_integer(version), db_text(limits), db_text(max),
                             db_strings(&settings->allowed_overrides), db_text(work->who->name)));
    return rc;
}

static enum result taken(struct work *work, enum result rc)
{
    if (rc == ERR_EXISTS)
        return refusal_set(work->refusal, REFUSAL_name_taken, "Another plan has this name.");
    return rc;
}

enum result plan_create(struct work *work, const struct plan_settings *settings, struct plan *out)
{
    const struct resource_settings *head = &settings->settings;
    const char *id = resource_id_new(work, "pln");
    enum result rc = check(work, settings);

    if (rc == OK && settings->is_default)
        rc = db_exec(work->db, SQL_plan_clear_default, DB_ARGS(db_text(id)));
    if (rc == OK)
        rc =
            db_exec(work->db, SQL_plan_insert,
                    DB_ARGS(db_text(id), db_text(head->name), db_text(or_empty(head->display_name)),
                            db_text(or_empty(head->description)),
                            db_json(resource_labels(head, work->arena)), db_text(work->who->name),
                            db_bool(settings->is_default)));
    if (rc == OK)
        rc = add_version(work, id, 1, settings);
    if (rc != OK)
        return taken(work, rc);
    return plan_by_ref(work, id, 0, out);
}

static bool same_limits(const struct plan *old, const struct plan_settings *settings)
{
    struct plan_settings before = plan_settings_of(old), after = *settings;
    json_t *a, *b;
    bool equal;

    before.settings = after.settings;
    before.is_default = after.is_default;
    a = shape_encode(&plan_settings_shape, &before);
    b = shape_encode(&plan_settings_shape, &after);
    equal = json_equal(a, b) != 0;
    json_decref(a);
    json_decref(b);
    return equal;
}

enum result plan_update(struct work *work, const struct plan *old,
                        const struct plan_settings *settings, struct plan *out)
{
    const struct resource_settings *head = &settings->settings;
    int64_t version = old->plan_version + (same_limits(old, settings) ? 0 : 1);
    enum result rc = check(work, settings);

    if (rc == OK && settings->is_default)
        rc = db_exec(work->db, SQL_plan_clear_default, DB_ARGS(db_text(old->resource.id)));
    if (rc == OK)
        rc = db_change(work->db, SQL_plan_update,
                       DB_ARGS(db_text(old->resource.id), db_integer(old->resource.version),
                               db_text(head->name), db_text(or_empty(head->display_name)),
                               db_text(or_empty(head->description)),
                               db_json(resource_labels(head, work->arena)),
                               db_bool(settings->is_default), db_integer(version)));
    if (rc == ERR_NOT_FOUND)
        return resource_conflict(work, &old->resource);
    if (rc == OK && version != old->plan_version)
        rc = add_version(work, old->resource.id, version, settings);
    if (rc != OK)
        return taken(work, rc);
    return plan_by_ref(work, old->resource.id, 0, out);
}

enum result plan_delete(struct work *work, const struct plan *plan)
{
    enum result rc = db_change(work->db, SQL_plan_delete, DB_ARGS(db_text(plan->resource.id)));

    if (rc == ERR_NOT_FOUND)
        return refusal_set(work->refusal, REFUSAL_in_use, "Accounts or teams have this plan.");
    return rc;
}

enum result plan_room(struct work *work, enum statement count, const char *owner_id, int64_t most,
                      const char *allowed, const char *things)
{
    int64_t there;
    enum result rc;

    if (most < 0)
        return OK;
    rc = db_get_int(work->db, count, DB_ARGS(db_text(owner_id)), &there);
    if (rc == OK && there >= most)
        return refusal_set(work->refusal, REFUSAL_quota_exceeded, "%s %lld %s.", allowed,
                           (long long)most, things);
    return rc;
}
