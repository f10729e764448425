#include "controlplane/domain/team.h"

#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/authz.h"
#include "controlplane/domain/plan.h"

const char *const member_role_words[] = {"admin", "viewer", NULL};
enum { MEMBER_ADMIN, MEMBER_ACCOUNTS_MAX = 1000 };

/* clang-format off */
#define T struct team
static const struct field team_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"plan_id", STRING_AT(T, plan_id)},
    {"account_count", INT_AT(T, account_count)},
};
#undef T
const struct shape team_shape = SHAPE(struct team, team_fields);

#define T struct team_settings
static const struct field team_settings_fields[] = {
    {NULL, FLATTEN_AT(T, settings), .type = &resource_settings_shape},
    {"plan_id", STRING_AT(T, plan_id), FIELD_OMIT_EMPTY, .max = 64},
    {"allow_over_quota", BOOL_AT(T, allow_over_quota), FIELD_WRITE_ONLY},
};
#undef T
const struct shape team_settings_shape = SHAPE(struct team_settings, team_settings_fields);

#define T struct member
static const struct field member_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"team_id", STRING_AT(T, team_id)},
    {"role", ENUM_AT(T, role), .type = member_role_words},
    {"accounts", STRINGS_AT(T, accounts)},
};
#undef T
const struct shape member_shape = SHAPE(struct member, member_fields);

#define T struct member_settings
static const struct field member_settings_fields[] = {
    {"name", STRING_AT(T, settings.name), FIELD_REQUIRED, .min = 1, .max = 255,
     .valid = rule_member_name, .rule = "a name without blanks, such as a mail address"},
    {NULL, FLATTEN_AT(T, settings), .type = &resource_nameless_settings_shape},
    {"role", ENUM_AT(T, role), FIELD_REQUIRED, .type = member_role_words},
    {"accounts", STRINGS_AT(T, accounts), FIELD_OMIT_EMPTY, .max = MEMBER_ACCOUNTS_MAX},
};
#undef T
/* clang-format on */
const struct shape member_settings_shape = SHAPE(struct member_settings, member_settings_fields);

struct team_settings team_settings_of(const struct team *team)
{
    return (struct team_settings){resource_settings_of(&team->resource), team->plan_id};
}

enum result team_by_ref(struct work *work, const char *ref, struct team *out)
{
    return db_one(work->db, SQL_team_by_id, DB_ARGS(db_text(ref)), &team_shape, work->arena, out);
}

enum result team_list(struct work *work, const struct list_query *query, struct db_rows *out)
{
    const char *own = principal_is_operator(work->who) ? NULL : work->who->team_id;

    return db_all(work->db, SQL_team_list, DB_ARGS(LIST_ARGS(query), db_text(own)), &team_shape,
                  work->arena, out);
}

/* What concerns the whole team, or others' accounts, is not for who is bound to some. */
static enum result check_bounds(struct work *work, const struct strings *accounts, const char *what)
{
    if (principal_covers(work->who, accounts))
        return OK;
    return refusal_set(work->refusal, REFUSAL_forbidden,
                       "You are bound to some accounts of the team: %s.", what);
}

static enum result taken(struct work *work, enum result rc, const char *kind)
{
    if (rc == ERR_EXISTS)
        return refusal_set(work->refusal, REFUSAL_name_taken, "Another %s has this name.", kind);
    return rc;
}

/* The plan that is named, or the default one; its id. */
static enum result find_plan(struct work *work, const char *ref, const char **id)
{
    struct plan plan;
    enum result rc = ref != NULL ? plan_terms(work, ref, &plan) : plan_default(work, &plan);

    if (rc == ERR_NOT_FOUND)
        return refusal_field(work->refusal, "/plan_id", "not_found",
                             ref != NULL
                                 ? "there is no such plan"
                                 : "there is no default plan: name one, or make one the default");
    if (rc == OK)
        *id = plan.resource.id;
    return rc;
}

enum result team_create(struct work *work, const struct team_settings *settings, struct team *out)
{
    const struct resource_settings *head = &settings->settings;
    const char *id = resource_id_new(work, "tea"), *plan_id;
    enum result rc = find_plan(work, settings->plan_id, &plan_id);

    if (rc == OK)
        rc =
            db_exec(work->db, SQL_team_insert,
                    DB_ARGS(db_text(id), db_text(head->name), db_text(or_empty(head->display_name)),
                            db_text(or_empty(head->description)),
                            db_json(resource_labels(head, work->arena)), db_text(work->who->name),
                            db_text(plan_id)));
    if (rc != OK)
        return taken(work, rc, "team");
    return team_by_ref(work, id, out);
}

/* QUO-33, for what the team's plan counts. */
static enum result check_use(struct work *work, const struct team *old, const char *plan_id)
{
    static const struct {
        enum limit_name name;
        enum statement count;
    } counted[] = {{LIMIT_accounts, SQL_account_count}, {LIMIT_tokens, SQL_token_count}};
    struct plan before, after;
    enum result rc = plan_by_ref(work, old->plan_id, 0, &before), refused = OK;

    if (rc == OK)
        rc = plan_by_ref(work, plan_id, 0, &after);
    for (size_t i = 0; rc == OK && i < COUNT_OF(counted); i++) {
        const char *name = limit_kind(counted[i].name)->name;
        struct optional_int had = *limit_at(&before.limits, counted[i].name);
        struct optional_int limit = *limit_at(&after.limits, counted[i].name);
        int64_t in_use = 0;

        rc = db_get_int(work->db, counted[i].count, DB_ARGS(db_text(old->resource.id)), &in_use);
        if (rc != OK || !limit.set || limit.value < 0 || in_use <= limit.value ||
            !limit_looser(counted[i].name, had.set ? had.value : -1, limit.value))
            continue;
        refused =
            refusal_set(work->refusal, REFUSAL_over_quota,
                        "%s: %lld in use, the new limit is %lld; errors has all that is over.",
                        name, (long long)in_use, (long long)limit.value);
        (void)refusal_limit(work->refusal, arena_printf(work->arena, "/%s", name), "over_quota",
                            limit.value, in_use);
    }
    return rc != OK ? rc : refused;
}

enum result team_update(struct work *work, const struct team *old,
                        const struct team_settings *settings, struct team *out)
{
    const struct resource_settings *head = &settings->settings;
    const struct strings whole = {0};
    const char *plan_id;
    enum result rc = check_bounds(work, &whole, "the team itself is not yours to change");

    if (rc == OK)
        rc = find_plan(work, settings->plan_id, &plan_id);
    if (rc == OK && strcmp(plan_id, old->plan_id) != 0 && !principal_is_operator(work->who))
        return refusal_set(work->refusal, REFUSAL_plan_forbids,
                           "Only the operator gives a team another plan.");
    if (rc == OK && strcmp(plan_id, old->plan_id) != 0 && !settings->allow_over_quota)
        rc = check_use(work, old, plan_id);
    if (rc == OK)
        rc = db_change(work->db, SQL_team_update,
                       DB_ARGS(db_text(old->resource.id), db_integer(old->resource.version),
                               db_text(head->name), db_text(or_empty(head->display_name)),
                               db_text(or_empty(head->description)),
                               db_json(resource_labels(head, work->arena)), db_text(plan_id)));
    if (rc == ERR_NOT_FOUND)
        return resource_conflict(work, &old->resource);
    if (rc != OK)
        return taken(work, rc, "team");
    return team_by_ref(work, old->resource.id, out);
}

enum result team_delete(struct work *work, const struct team *team)
{
    const char *id;
    enum result rc =
        db_get_text(work->db, SQL_team_lock, DB_ARGS(db_text(team->resource.id)), work->arena, &id);

    if (rc == OK)
        rc = db_change(work->db, SQL_team_delete, DB_ARGS(db_text(id)));
    if (rc == ERR_NOT_FOUND)
        return refusal_set(work->refusal, REFUSAL_in_use,
                           "The team has accounts: delete them first.");
    if (rc == OK)
        rc = db_exec(work->db, SQL_token_revoke_team, DB_ARGS(db_text(id)));
    if (rc == OK)
        rc = db_exec(work->db, SQL_member_remove_of_team, DB_ARGS(db_text(id)));
    return rc;
}

struct member_settings member_settings_of(const struct member *member)
{
    return (struct member_settings){resource_settings_of(&member->resource), member->role,
                                    member->accounts};
}

enum result member_by_id(struct work *work, const char *team_id, const char *id, struct member *out)
{
    return db_one(work->db, SQL_member_by_id, DB_ARGS(db_text(team_id), db_text(id)), &member_shape,
                  work->arena, out);
}

enum result member_list(struct work *work, const char *team_id, const struct list_query *query,
                        struct db_rows *out)
{
    return db_all(work->db, SQL_member_list, DB_ARGS(LIST_ARGS(query), db_text(team_id)),
                  &member_shape, work->arena, out);
}

static const char beyond[] = "a member must be bound to accounts that you may see yourself";

/* No accounts: the whole team. */
static struct db_value account_list(const struct strings *accounts)
{
    return db_strings(accounts->count > 0 ? accounts : NULL);
}

enum result member_create(struct work *work, const char *team_id,
                          const struct member_settings *settings, struct member *out)
{
    const struct resource_settings *head = &settings->settings;
    const char *id = resource_id_new(work, "mem");
    enum result rc = check_bounds(work, &settings->accounts, beyond);

    if (rc == OK)
        rc = db_exec(
            work->db, SQL_member_insert,
            DB_ARGS(db_text(id), db_text(team_id), db_text(head->name),
                    db_text(or_empty(head->display_name)), db_text(or_empty(head->description)),
                    db_json(resource_labels(head, work->arena)), db_text(work->who->name),
                    db_text(member_role_words[settings->role]), account_list(&settings->accounts)));
    if (rc != OK)
        return taken(work, rc, "member");
    return member_by_id(work, team_id, id, out);
}

/* Somebody who may do everything in the team must be left. */
static enum result keep_an_admin(struct work *work, const struct member *old)
{
    const char *locked;
    int64_t others;
    enum result rc;

    if (old->role != MEMBER_ADMIN || old->accounts.count > 0)
        return OK;
    /* So that two admins do not leave at the same time. */
    rc = db_get_text(work->db, SQL_team_lock, DB_ARGS(db_text(old->team_id)), work->arena, &locked);
    if (rc == OK)
        rc = db_get_int(work->db, SQL_member_other_admins,
                        DB_ARGS(db_text(old->team_id), db_text(old->resource.id)), &others);
    if (rc == OK && others == 0)
        return refusal_set(work->refusal, REFUSAL_illegal_state,
                           "This is the team's last admin: make somebody else one first.");
    return rc;
}

enum result member_update(struct work *work, const struct member *old,
                          const struct member_settings *settings, struct member *out)
{
    const struct resource_settings *head = &settings->settings;
    enum result rc = check_bounds(work, &old->accounts, beyond);

    if (rc == OK)
        rc = check_bounds(work, &settings->accounts, beyond);
    if (rc == OK && (settings->role != MEMBER_ADMIN || settings->accounts.count > 0))
        rc = keep_an_admin(work, old);
    if (rc == OK)
        rc = db_change(work->db, SQL_member_update,
                       DB_ARGS(db_text(old->resource.id), db_integer(old->resource.version),
                               db_text(head->name), db_text(or_empty(head->display_name)),
                               db_text(or_empty(head->description)),
                               db_json(resource_labels(head, work->arena)),
                               db_text(member_role_words[settings->role]),
                               account_list(&settings->accounts)));
    if (rc == ERR_NOT_FOUND)
        return resource_conflict(work, &old->resource);
    if (rc != OK)
        return taken(work, rc, "member");
    return member_by_id(work, old->team_id, old->resource.id, out);
}

enum result member_remove(struct work *work, const struct member *member)
{
    enum result rc = check_bounds(work, &member->accounts, beyond);

    if (rc == OK)
        rc = keep_an_admin(work, member);
    if (rc == OK)
        rc = db_change(work->db, SQL_member_remove, DB_ARGS(db_text(member->resource.id)));
    if (rc == OK)
        rc = db_exec(work->db, SQL_token_revoke_member, DB_ARGS(db_text(member->resource.id)));
    return rc;
}
