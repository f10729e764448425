#include "controlplane/domain/account.h"

#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/authz.h"
#include "controlplane/domain/outbox.h"

enum { TAGS_MAX = 64 };

/* clang-format off */
#define T struct account_sync
static const struct field account_sync_fields[] = {
    {"state", STRING_AT(T, state)},
    {"revision", INT_AT(T, revision)},
    {"nodes_ok", INT_AT(T, nodes_ok)},
    {"nodes_total", INT_AT(T, nodes_total)},
};
static const struct shape account_sync_shape = SHAPE(T, account_sync_fields);
#undef T

#define T struct account
#define SHOWN                                                                                      \
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},                                      \
    {"team_id", STRING_AT(T, team_id), FIELD_NULL},                                                \
    {"system_id", STRING_AT(T, system_id)},                                                        \
    {"public_key", STRING_AT(T, public_key)},                                                      \
    {"state_reason", STRING_AT(T, state_reason), FIELD_OMIT_EMPTY},                                \
    {"suspended_by", STRING_AT(T, suspended_by), FIELD_OMIT_EMPTY},                                \
    {"plan_id", STRING_AT(T, plan_id), FIELD_NULL},                                                \
    {"plan_version", INT_AT(T, plan_version)},                                                     \
    {"protection", BOOL_AT(T, protection)},                                                        \
    {"tags", STRINGS_AT(T, tags)},                                                                 \
    {"info_url", STRING_AT(T, info_url)},                                                          \
    {"connect_urls", STRINGS_AT(T, connect_urls)},                                                 \
    {"default_permissions", STRUCT_AT(T, default_permissions), .type = &permissions_shape},        \
    {"overrides", STRUCT_AT(T, overrides), .type = &limits_shape},                                 \
    {"sync", STRUCT_AT(T, sync), .type = &account_sync_shape},                                     \
    {"revision", INT_AT(T, revision)},                                                             \
    {"jwt_size", INT_AT(T, jwt_size)}
static const struct field account_fields[] = {
    SHOWN,
    {"effective_limits", JSON_AT(T, effective_limits), FIELD_OMIT_EMPTY},
};
static const struct field account_row_fields[] = {
    SHOWN,
    {"is_system", BOOL_AT(T, is_system)},
    {"jti", STRING_AT(T, jti)},
    {"iat", INT_AT(T, iat)},
    {"claims_hash", STRING_AT(T, claims_hash)},
    {"override_set_id", STRING_AT(T, override_set_id)},
    {"secret_id", STRING_AT(T, secret_id)},
};
#undef SHOWN
#undef T
const struct shape account_shape = SHAPE(struct account, account_fields);
static const struct shape account_row_shape = SHAPE(struct account, account_row_fields);

#define T struct account_settings
static const struct field account_settings_fields[] = {
    {NULL, FLATTEN_AT(T, settings), .type = &resource_settings_shape},
    {"team_id", STRING_AT(T, team_id), FIELD_OMIT_EMPTY | FIELD_NULL | FIELD_FIXED, .max = 64},
    {"system_id", STRING_AT(T, system_id), FIELD_OMIT_EMPTY | FIELD_FIXED, .max = 64},
    {"plan_id", STRING_AT(T, plan_id), FIELD_OMIT_EMPTY | FIELD_NULL, .max = 64},
    {"protection", BOOL_AT(T, protection)},
    {"tags", STRINGS_AT(T, tags), FIELD_OMIT_EMPTY, .max = TAGS_MAX, .valid = rule_tag,
     .rule = "text without blanks"},
    {"info_url", STRING_AT(T, info_url), FIELD_OMIT_EMPTY, .max = 512, .valid = rule_http_url,
     .rule = "an http or https address"},
    {"default_permissions", STRUCT_AT(T, default_permissions), FIELD_OMIT_EMPTY,
     .type = &permissions_shape},
    {"allow_over_quota", BOOL_AT(T, allow_over_quota), FIELD_WRITE_ONLY},
};
#undef T
/* clang-format on */
const struct shape account_settings_shape = SHAPE(struct account_settings, account_settings_fields);

/* The last ones are the steps of a deletion: a job makes them, and may make them again. */
static const struct life_move account_moves[] = {
    {"change", "|active|suspended|", NULL, true},
    {"suspend", "|active|", "suspended", true},
    {"take_over", "|suspended|", "suspended", false},
    {"resume", "|suspended|", "active", true},
    {"delete", "|active|suspended|failed|", "deleting", true},
    {"tombstone", "|deleting|purging|", "purging", false},
    {"await", "|purging|tombstoned|", "tombstoned", false},
    {"finish", "|tombstoned|deleted|", "deleted", false},
};
const struct lifecycle account_lifecycle = {
    "account", "|creating|active|suspended|deleting|purging|tombstoned|deleted|failed|",
    account_moves, COUNT_OF(account_moves)};

bool account_allows(const char *action, const char *state, const char **to)
{
    return lifecycle_allows(&account_lifecycle, action, state, to);
}

enum result account_may(struct work *work, const struct account *account, const char *action)
{
    return lifecycle_may(work, &account_lifecycle, action, account->resource.state);
}

static const char *suspended_by(const struct principal *who, const char *state)
{
    if (strcmp(state, "suspended") != 0)
        return "";
    return principal_is_operator(who) ? SUSPENDED_BY_OPERATOR : SUSPENDED_BY_TEAM;
}

enum result account_move(struct work *work, const struct account *account, const char *action,
                         const char *reason)
{
    const char *to = NULL;
    enum result rc = account_may(work, account, action);

    if (rc != OK)
        return rc;
    CHECK(account_allows(action, account->resource.state, &to) && to != NULL);
    return db_exec(work->db, SQL_account_set_state,
                   DB_ARGS(db_text(account->resource.id), db_text(to), db_text(or_empty(reason)),
                           db_text(suspended_by(work->who, to))));
}

/*
 * Reading.
 */

struct account_settings account_settings_of(const struct account *account)
{
    return (struct account_settings){
        .settings = resource_settings_of(&account->resource),
        .team_id = account->team_id,
        .system_id = account->system_id,
        .plan_id = account->plan_id,
        .protection = account->protection,
        .tags = account->tags,
        .info_url = account->info_url,
        .default_permissions = account->default_permissions,
    };
}

enum result account_by_ref(struct work *work, const char *ref, struct account *out)
{
    return db_one(work->db, SQL_account_by_ref, DB_ARGS(db_text(ref)), &account_row_shape,
                  work->arena, out);
}

enum result account_by_name(struct work *work, const char *team_id, const char *name,
                            struct account *out)
{
    return db_one(work->db, SQL_account_by_name, DB_ARGS(db_text(team_id), db_text(name)),
                  &account_row_shape, work->arena, out);
}

enum result account_list(struct work *work, const struct account_query *query, struct db_rows *out)
{
    const struct principal *who = work->who;
    bool all = principal_is_operator(who);
    const char *team_id = all ? query->team_id : who->team_id;
    bool by_label = team_id != NULL && json_object_size(query->list.labels) > 0;

    return db_all(work->db, by_label ? SQL_account_label_list : SQL_account_list,
                  DB_ARGS(LIST_ARGS(&query->list), db_text(team_id), db_text(query->system_id),
                          db_text(query->plan_id),
                          db_strings(all || who->all_accounts ? NULL : &who->accounts)),
                  &account_row_shape, work->arena, out);
}

enum result account_lock(struct work *work, const char *account_id, int64_t version,
                         struct account *out)
{
    const char *id;
    enum result rc =
        db_get_text(work->db, SQL_account_lock, DB_ARGS(db_text(account_id)), work->arena, &id);

    if (rc == OK)
        rc = account_by_ref(work, id, out);
    if (rc == OK && version != 0 && out->resource.version != version)
        return resource_conflict(work, &out->resource);
    return rc;
}

enum result account_jwt(struct work *work, const struct account *account, const char **jwt)
{
    return db_get_text(work->db, SQL_account_jwt, DB_ARGS(db_text(account->resource.id)),
                       work->arena, jwt);
}

enum result account_issued(struct work *work, const char *account_id, const char *jwt, bool *out)
{
    int64_t count = 0;
    enum result rc = db_get_int(work->db, SQL_account_issued,
                                DB_ARGS(db_text(account_id), db_text(jwt)), &count);

    *out = count > 0;
    return rc;
}

enum result account_claims_view(struct work *work, const struct account *account, json_t **out)
{
    const char *text;
    json_t *claims;
    enum result rc = db_get_text(
        work->db, SQL_account_claims,
        DB_ARGS(db_text(account->resource.id), db_integer(account->revision)), work->arena, &text);

    if (rc != OK)
        return rc;
    claims = json_loads(text, 0, NULL);
    if (claims == NULL)
        return ERR_CORRUPT;
    *out = shape_own(work->arena, json_object());
    json_object_set_new(*out, "revision", json_integer(account->revision));
    json_object_set_new(*out, "jwt_size", json_integer(account->jwt_size));
    json_object_set_new(*out, "claims", claims);
    return OK;
}

enum result account_push(struct work *work, const struct account *account)
{
    return outbox_poke(work, account->resource.id);
}

/*
 * Claims.
 */

static const struct field facts_fields[] = {
    {"jetstream_enabled", BOOL_AT(struct account_facts, jetstream_enabled)},
    {"jetstream_tiers", STRINGS_AT(struct account_facts, jetstream_tiers)},
    {"operator_id", STRING_AT(struct account_facts, operator_id)},
};
static const struct shape facts_shape = SHAPE(struct account_facts, facts_fields);

enum result account_system_facts(struct work *work, const char *system_id,
                                 struct account_facts *out)
{
    return db_one(work->db, SQL_account_claims_facts, DB_ARGS(db_text(system_id)), &facts_shape,
                  work->arena, out);
}

enum result account_effective(struct work *work, const struct account *account,
                              struct effective_limits *out)
{
    struct account_facts facts;
    struct plan plan;
    enum result rc = account_system_facts(work, account->system_id, &facts);

    if (rc == OK)
        rc = plan_version_any(work, account->plan_id, account->plan_version, &plan);
    if (rc == OK)
        limits_effective(&plan, &account->overrides, facts.jetstream_enabled, out);
    return rc;
}
