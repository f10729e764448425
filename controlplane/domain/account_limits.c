#include "controlplane/domain/account_limits.h"

#include <string.h>

#include "controlplane/domain/account_issue.h"
#include "controlplane/domain/authz.h"

struct used {
    int64_t connections, leaf_connections, subscriptions, users, credentials, accounts, tokens;
    int64_t monthly_bytes;
};
#define T struct used
static const struct field used_fields[] = {
    {"connections", INT_AT(T, connections)},
    {"leaf_connections", INT_AT(T, leaf_connections)},
    {"subscriptions", INT_AT(T, subscriptions)},
    {"users", INT_AT(T, users)},
    {"credentials", INT_AT(T, credentials)},
    {"accounts", INT_AT(T, accounts)},
    {"tokens", INT_AT(T, tokens)},
    {"monthly_bytes", INT_AT(T, monthly_bytes)},
};
#undef T
static const struct shape used_shape = SHAPE(struct used, used_fields);

static enum result load_used(struct work *work, const struct account *account, struct used *out)
{
    return db_one(work->db, SQL_account_used,
                  DB_ARGS(db_text(account->resource.id), db_text(account->team_id)), &used_shape,
                  work->arena, out);
}

/* What is in use of a quota; -1: nobody counts that. */
static int64_t used_of(const struct used *used, enum limit_name name)
{
    switch (name) {
    case LIMIT_connections:
        return used->connections;
    case LIMIT_leaf_connections:
        return used->leaf_connections;
    case LIMIT_subscriptions_total:
        return used->subscriptions;
    case LIMIT_users:
        return used->users;
    case LIMIT_credentials:
        return used->credentials;
    case LIMIT_accounts:
        return used->accounts;
    case LIMIT_tokens:
        return used->tokens;
    case LIMIT_monthly_bytes_soft:
    case LIMIT_monthly_bytes_hard:
        return used->monthly_bytes;
    default:
        return -1;
    }
}

static json_t *limit_entry(const struct effective_limits *effective, const struct used *used,
                           enum limit_name name, const char *called)
{
    static const char *const sources[] = {"plan", "override", "system"};
    const struct limit_kind *kind = limit_kind(name);
    int64_t value = limit_at((struct limits *)&effective->limits, name)->value;
    int64_t in_use = used_of(used, name);
    json_t *entry = json_object();

    json_object_set_new(entry, called, kind->flag ? json_boolean(value != 0) : json_integer(value));
    json_object_set_new(entry, "source", json_string(sources[effective->source[name]]));
    json_object_set_new(entry, "enforced_by", json_string(kind->enforced_by));
    json_object_set_new(entry, "scope", json_string(kind->scope));
    json_object_set_new(entry, "used", in_use >= 0 ? json_integer(in_use) : json_null());
    json_object_set_new(entry, "reserved", in_use >= 0 ? json_integer(0) : json_null());
    return entry;
}

enum result account_limits(struct work *work, const struct account *account, const char *called,
                           json_t **out)
{
    struct effective_limits effective;
    struct used used;
    json_t *tree, *tiers;
    enum result rc = account_effective(work, account, &effective);

    if (rc == OK)
        rc = load_used(work, account, &used);
    if (rc != OK)
        return rc;
    tree = json_object();
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        json_object_set_new(tree, limit_kind((enum limit_name)i)->name,
                            limit_entry(&effective, &used, (enum limit_name)i, called));
    if (effective.limits.tiers.count > 0) {
        struct limits only = {.tiers = effective.limits.tiers};

        tiers = shape_encode(&limits_shape, &only);
        json_object_update(tree, tiers);
        json_decref(tiers);
    }
    *out = shape_own(work->arena, tree);
    return OK;
}

static bool same_tiers(const struct limits *a, const struct limits *b)
{
    const struct limits of_a = {.tiers = a->tiers}, of_b = {.tiers = b->tiers};
    json_t *left = shape_encode(&limits_shape, &of_a), *right = shape_encode(&limits_shape, &of_b);
    bool same = json_equal(left, right);

    json_decref(left);
    json_decref(right);
    return same;
}

/* AUZ-04: a team may lower what it has; raise only what the plan names, up to its max.  What stands
 * there already may stay: the operator may have given more. */
static enum result check_tenant(struct work *work, const struct plan *plan,
                                const struct limits *present, const struct limits *overrides)
{
    if (principal_is_operator(work->who))
        return OK;
    if (overrides->tiers.count > 0 && !same_tiers(present, overrides))
        return refusal_set(work->refusal, REFUSAL_plan_forbids, "Only the operator sets tiers.");
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        enum limit_name name = (enum limit_name)i;
        struct optional_int value = *limit_at((struct limits *)overrides, name);
        struct optional_int own = *limit_at((struct limits *)&plan->limits, name);
        struct optional_int old = *limit_at((struct limits *)present, name);
        int64_t base = own.set ? own.value : limit_kind(name)->fallback;
        bool named = false;

        if (!value.set || !limit_looser(name, value.value, base) ||
            (old.set && old.value == value.value))
            continue;
        for (size_t j = 0; j < plan->allowed_overrides.count; j++)
            named = named || strcmp(plan->allowed_overrides.items[j], limit_kind(name)->name) == 0;
        if (!named || !limit_at((struct limits *)&plan->max, name)->set)
            return refusal_set(work->refusal, REFUSAL_plan_forbids,
                               "The plan does not let the team raise %s.", limit_kind(name)->name);
    }
    return OK;
}

/* Of how many accounts and tokens there may be the team's plan decides. */
static bool is_lowered(const struct effective_limits *before, const struct effective_limits *after,
                       enum limit_name name)
{
    bool of_team = name == LIMIT_accounts || name == LIMIT_tokens;

    return limit_looser(name, limit_at((struct limits *)&before->limits, name)->value,
                        limit_at((struct limits *)&after->limits, name)->value) &&
           (!of_team || after->source[name] == LIMIT_FROM_OVERRIDE);
}

enum result account_limits_check_use(struct work *work, const struct account *before,
                                     const struct account *after)
{
    struct effective_limits old, new;
    struct used used;
    enum result rc = account_effective(work, before, &old);

    if (rc == OK)
        rc = account_effective(work, after, &new);
    if (rc == OK)
        rc = load_used(work, before, &used);
    if (rc != OK)
        return rc;
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        const char *name = limit_kind((enum limit_name)i)->name;
        int64_t limit = limit_at(&new.limits, (enum limit_name)i)->value;
        int64_t in_use = used_of(&used, (enum limit_name)i);

        if (limit < 0 || in_use <= limit || !is_lowered(&old, &new, (enum limit_name)i))
            continue;
        rc = refusal_set(work->refusal, REFUSAL_over_quota,
                         "%s: %lld in use, the new limit is %lld; errors has all that is over.",
                         name, (long long)in_use, (long long)limit);
        (void)refusal_limit(work->refusal, arena_printf(work->arena, "/%s", name), "over_quota",
                            limit, in_use);
    }
    return rc;
}

static enum result check_tiers(struct work *work, const struct account *old,
                               const struct limits *overrides)
{
    struct account_facts facts;
    enum result rc = account_system_facts(work, old->system_id, &facts);

    for (size_t i = 0; rc == OK && i < overrides->tiers.count; i++) {
        bool offered = false;

        for (size_t j = 0; j < facts.jetstream_tiers.count; j++)
            offered = offered ||
                      strcmp(facts.jetstream_tiers.items[j], overrides->tiers.items[i].tier) == 0;
        if (!offered)
            rc = refusal_field(work->refusal, arena_printf(work->arena, "/tiers/%zu/tier", i),
                               "not_offered", "the system does not offer this tier");
    }
    return rc;
}

enum result account_set_limits(struct work *work, const struct account *old,
                               const struct limits *overrides, bool allow_over_quota,
                               struct account *out)
{
    struct account after = *old;
    struct plan plan;
    const char *set_id;
    int64_t revision;
    enum result rc = account_may(work, old, "change");

    if (rc == OK)
        rc = plan_version_any(work, old->plan_id, old->plan_version, &plan);
    if (rc == OK)
        rc = limits_check(work, "", overrides);
    if (rc == OK)
        rc = check_tenant(work, &plan, &old->overrides, overrides);
    if (rc == OK)
        rc = limits_within(work, overrides, &plan.max);
    if (rc == OK)
        rc = check_tiers(work, old, overrides);
    after.overrides = *overrides;
    if (rc == OK && !allow_over_quota)
        rc = account_limits_check_use(work, old, &after);
    if (rc == OK)
        rc = limits_store(work, old->team_id, overrides, &set_id);
    if (rc == OK)
        rc = db_exec(work->db, SQL_account_set_overrides,
                     DB_ARGS(db_text(old->resource.id), db_text(set_id)));
    if (rc == OK && old->override_set_id != NULL)
        rc = db_exec(work->db, SQL_limit_set_delete, DB_ARGS(db_text(old->override_set_id)));
    if (rc == OK)
        rc = account_changed(work, old->resource.id, "limits changed", &revision);
    return rc == OK ? account_by_ref(work, old->resource.id, out) : rc;
}
