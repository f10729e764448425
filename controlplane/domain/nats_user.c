#include "controlplane/domain/nats_user.h"

#include <string.h>

#include "controlplane/domain/account_issue.h"
#include "controlplane/domain/authz.h"
#include "controlplane/domain/outbox.h"
#include "controlplane/domain/permission_warnings.h"
#include "controlplane/domain/revocation.h"

enum { DEFAULT_TTL_S = 90 * 86400, TAGS_MAX = 64 };

/* clang-format off */
#define T struct nats_user
#define SHOWN                                                                                      \
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},                                      \
    {"account_id", STRING_AT(T, account_id)},                                                      \
    {"public_key", STRING_AT(T, public_key), FIELD_NULL},                                          \
    {"role_id", STRING_AT(T, role_id), FIELD_NULL},                                                \
    {"role_name", STRING_AT(T, role_name), FIELD_NULL},                                            \
    {NULL, FLATTEN_AT(T, rules), .type = &user_rules_shape},                                       \
    {"tags", STRINGS_AT(T, tags)},                                                                 \
    {"default_ttl_s", OPTIONAL_AT(T, default_ttl_s)}
static const struct field nats_user_fields[] = {
    SHOWN,
};
static const struct field nats_user_row_fields[] = {
    SHOWN,
    {"team_id", STRING_AT(T, team_id)},
};
#undef SHOWN
#undef T
const struct shape nats_user_shape = SHAPE(struct nats_user, nats_user_fields);
static const struct shape nats_user_row_shape = SHAPE(struct nats_user, nats_user_row_fields);

#define T struct nats_user_settings
static const struct field nats_user_settings_fields[] = {
    {NULL, FLATTEN_AT(T, settings), .type = &resource_user_settings_shape},
    {"public_key", STRING_AT(T, public_key), FIELD_OMIT_EMPTY | FIELD_NULL, .valid = rule_user_key,
     .rule = "a user's public key"},
    {"role_id", STRING_AT(T, role_id), FIELD_OMIT_EMPTY | FIELD_NULL, .max = 64},
    {NULL, FLATTEN_AT(T, rules), .type = &user_rules_shape},
    {"tags", STRINGS_AT(T, tags), FIELD_OMIT_EMPTY, .max = TAGS_MAX, .valid = rule_tag,
     .rule = "text without blanks"},
    {"default_ttl_s", OPTIONAL_AT(T, default_ttl_s), FIELD_OMIT_EMPTY, .min = -1,
     .max = INT64_C(3155760000)},
    {"disabled", BOOL_AT(T, disabled)},
};
#undef T
/* clang-format on */
const struct shape nats_user_settings_shape =
    SHAPE(struct nats_user_settings, nats_user_settings_fields);

static bool is_disabled(const struct nats_user *user)
{
    return strcmp(user->resource.state, "disabled") == 0;
}

struct nats_user_settings nats_user_settings_of(const struct nats_user *user)
{
    return (struct nats_user_settings){
        .settings = resource_settings_of(&user->resource),
        .public_key = user->public_key,
        .role_id = user->role_id,
        .rules = user->rules,
        .tags = user->tags,
        .default_ttl_s = user->default_ttl_s,
        .disabled = is_disabled(user),
    };
}

enum result nats_user_by_ref(struct work *work, const char *account_id, const char *ref,
                             struct nats_user *out)
{
    return db_one(work->db, SQL_user_by_ref, DB_ARGS(db_text(account_id), db_text(ref)),
                  &nats_user_row_shape, work->arena, out);
}

enum result nats_user_by_name(struct work *work, const char *account_id, const char *name,
                              struct nats_user *out)
{
    return db_one(work->db, SQL_user_by_name, DB_ARGS(db_text(account_id), db_text(name)),
                  &nats_user_row_shape, work->arena, out);
}

enum result nats_user_list(struct work *work, const char *account_id,
                           const struct list_query *query, const char *role_id, struct db_rows *out)
{
    return db_all(work->db, SQL_user_list,
                  DB_ARGS(LIST_ARGS(query), db_text(account_id), db_text(role_id)),
                  &nats_user_row_shape, work->arena, out);
}

static enum result taken(struct work *work, enum result rc)
{
    if (rc == ERR_EXISTS)
        return refusal_set(work->refusal, REFUSAL_name_taken,
                           "Another user of the account has this name or key.");
    return rc;
}

/* A scoped user takes everything from its role (VAL-09); bearer only where the account allows. */
static enum result check(struct work *work, const struct account *account,
                         const struct nats_user_settings *settings, const char **role_id)
{
    struct effective_limits effective;
    struct scoped_role role = {0};
    const struct user_rules *rules = &settings->rules;
    enum result rc = user_rules_check(work, rules);

    *role_id = NULL;
    if (rc == OK && settings->role_id != NULL) {
        rc = scoped_role_by_ref(work, account->resource.id, settings->role_id, &role);
        if (rc == ERR_NOT_FOUND)
            return refusal_field(work->refusal, "/role_id", "not_found", "there is no such role");
        if (rc == OK && !user_rules_empty(rules))
            return refusal_field(work->refusal, "/role_id", "exclusive",
                                 "a user with a role has no permissions or limits of its own");
        *role_id = role.resource.id;
    }
    if (rc == OK)
        rc = account_effective(work, account, &effective);
    if (rc == OK && (rules->bearer || role.rules.bearer) &&
        effective.limits.disallow_bearer.value != 0)
        return refusal_field(work->refusal, "/bearer", "not_allowed",
                             "the account does not allow bearer tokens");
    return rc;
}

static enum result check_quota(struct work *work, const struct account *account)
{
    struct effective_limits effective;
    enum result rc = account_effective(work, account, &effective);

    if (rc == OK)
        rc = plan_room(work, SQL_user_count, account->resource.id, effective.limits.users.value,
                       "The account is allowed", "users");
    return rc;
}

/* From state to default_ttl_s, as both statements have them. */
enum { VALUES_COUNT = 13 };
static void settings_values(struct work *work, const struct nats_user_settings *settings,
                            const char *role_id, struct db_value out[VALUES_COUNT])
{
    const struct user_rules *rules = &settings->rules;

    out[0] = db_text(settings->disabled ? "disabled" : "active");
    out[1] = db_text(settings->public_key);
    out[2] = db_text(role_id);
    out[3] = db_json(permissions_json(&rules->permissions, work->arena));
    out[4] = db_integer(rules->subs.set ? rules->subs.value : -1);
    out[5] = db_integer(rules->payload.set ? rules->payload.value : -1);
    out[6] = db_bool(rules->bearer);
    out[7] = db_strings(&rules->connection_types);
    out[8] = db_strings(&rules->src);
    out[9] = db_json(time_ranges_json(&rules->times, work->arena));
    out[10] = db_text(or_empty(rules->times_location));
    out[11] = db_strings(&settings->tags);
    out[12] =
        db_integer(settings->default_ttl_s.set ? settings->default_ttl_s.value : DEFAULT_TTL_S);
}

enum result nats_user_create(struct work *work, const struct account *account,
                             const struct nats_user_settings *settings, struct nats_user *out)
{
    const struct resource_settings *head = &settings->settings;
    const char *id = resource_id_new(work, "usr"), *role_id;
    struct db_value values[8 + VALUES_COUNT];
    enum result rc = account_may(work, account, "change");

    if (rc == OK)
        rc = check(work, account, settings, &role_id);
    if (rc == OK)
        rc = check_quota(work, account);
    if (rc != OK)
        return rc;
    values[0] = db_text(id);
    values[1] = db_text(head->name);
    values[2] = db_text(or_empty(head->display_name));
    values[3] = db_text(or_empty(head->description));
    values[4] = db_json(resource_labels(head, work->arena));
    values[5] = db_text(or_empty(work->who->name));
    values[6] = db_text(account->team_id);
    values[7] = db_text(account->resource.id);
    settings_values(work, settings, role_id, &values[8]);
    rc = db_exec(work->db, SQL_user_insert,
                 (struct db_args){values, sizeof(values) / sizeof(values[0])});
    if (rc == OK)
        rc = permission_warnings_put(work, SQL_user_set_conditions, id,
                                     &settings->rules.permissions, NULL);
    if (rc != OK)
        return taken(work, rc);
    return nats_user_by_ref(work, account->resource.id, id, out);
}

struct key_text {
    const char *text;
};
static const struct field key_text_fields[] = {
    {"text", STRING_AT(struct key_text, text)},
};
static const struct shape key_text_shape = SHAPE(struct key_text, key_text_fields);

/* REV-12: all its keys, up to now; then the claims follow. */
static enum result revoke_keys(struct work *work, const struct account *account,
                               const struct nats_user *user, const char *reason)
{
    const struct revocation_settings settings = {.reason = reason};
    struct revocation revocation;
    struct db_rows keys;
    int64_t revision;
    enum result rc = db_all(work->db, SQL_user_live_keys, DB_ARGS(db_text(user->resource.id)),
                            &key_text_shape, work->arena, &keys);

    for (size_t i = 0; rc == OK && i < keys.count; i++)
        rc = revocation_put(work, account, ((const struct key_text *)keys.items)[i].text, &settings,
                            &revocation);
    if (rc == OK)
        rc = db_exec(work->db, SQL_user_revoke_credentials, DB_ARGS(db_text(user->resource.id)));
    return rc == OK ? account_changed(work, user->account_id, reason, &revision) : rc;
}

enum result nats_user_update(struct work *work, const struct account *account,
                             const struct nats_user *old, const struct nats_user_settings *settings,
                             struct nats_user *out)
{
    const struct resource_settings *head = &settings->settings;
    struct db_value values[5 + VALUES_COUNT];
    const char *role_id;
    enum result rc = account_may(work, account, "change");

    if (rc == OK)
        rc = check(work, account, settings, &role_id);
    if (rc == OK && settings->disabled && !is_disabled(old))
        rc = revoke_keys(work, account, old, REASON_USER_DISABLED);
    if (rc != OK)
        return rc;
    values[0] = db_text(old->resource.id);
    values[1] = db_text(head->name);
    values[2] = db_text(or_empty(head->display_name));
    values[3] = db_text(or_empty(head->description));
    values[4] = db_json(resource_labels(head, work->arena));
    settings_values(work, settings, role_id, &values[5]);
    rc = db_exec(work->db, SQL_user_update,
                 (struct db_args){values, sizeof(values) / sizeof(values[0])});
    if (rc == OK)
        rc = permission_warnings_put(work, SQL_user_set_conditions, old->resource.id,
                                     &settings->rules.permissions, old->resource.conditions);
    if (rc != OK)
        return taken(work, rc);
    return nats_user_by_ref(work, old->account_id, old->resource.id, out);
}

enum result nats_user_delete(struct work *work, const struct account *account,
                             const struct nats_user *user)
{
    enum result rc = revoke_keys(work, account, user, REASON_USER_DELETED);

    return rc == OK ? db_exec(work->db, SQL_user_delete, DB_ARGS(db_text(user->resource.id))) : rc;
}
