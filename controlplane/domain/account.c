/*
 * A change of an account, in one transaction:
 *
 *   1. lock      the account's row: writers of one account wait for one another
 *   2. change    rows of the account, its keys, roles, revocations, limits
 *   3. build     claims from those rows (account_claims.c)
 *   4. sign      with the operator's active key; a higher iat than ever before
 *   5. store     revision, JWT, the account's newest revision
 *   6. outbox    the nodes hear of it, or none of it happened
 *
 * Claims that come out as they were end after 3.
 */
#include "controlplane/domain/account.h"

#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/account_claims.h"
#include "controlplane/domain/authz.h"
#include "controlplane/domain/operator.h"
#include "controlplane/domain/outbox.h"
#include "controlplane/domain/secret.h"
#include "controlplane/domain/team.h"

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
    {"team_id", STRING_AT(T, team_id), FIELD_OMIT_EMPTY | FIELD_FIXED, .max = 64},
    {"system_id", STRING_AT(T, system_id), FIELD_OMIT_EMPTY | FIELD_FIXED, .max = 64},
    {"plan_id", STRING_AT(T, plan_id), FIELD_OMIT_EMPTY, .max = 64},
    {"protection", BOOL_AT(T, protection)},
    {"tags", STRINGS_AT(T, tags), FIELD_OMIT_EMPTY, .max = TAGS_MAX, .valid = rule_tag,
     .rule = "text without blanks"},
    {"info_url", STRING_AT(T, info_url), FIELD_OMIT_EMPTY, .max = 512, .valid = rule_http_url,
     .rule = "an http or https address"},
    {"default_permissions", STRUCT_AT(T, default_permissions), FIELD_OMIT_EMPTY,
     .type = &permissions_shape},
};
#undef T
/* clang-format on */
const struct shape account_settings_shape = SHAPE(struct account_settings, account_settings_fields);

/* LIF-01: what may be done in which state; '|' between states. */
static const struct {
    const char *action, *from, *to;
} moves[] = {
    {"change", "|active|suspended|", NULL},
    {"suspend", "|active|", "suspended"},
    {"resume", "|suspended|", "active"},
    {"delete", "|active|suspended|failed|", "deleting"},
    {"tombstone", "|deleting|purging|", "purging"},
    {"await", "|purging|tombstoned|", "tombstoned"},
    {"finish", "|tombstoned|deleted|", "deleted"},
};

static bool allowed(const char *action, const char *state, const char **to)
{
    char needle[32];

    snprintf(needle, sizeof(needle), "|%s|", state);
    for (size_t i = 0; i < COUNT_OF(moves); i++) {
        if (strcmp(moves[i].action, action) == 0) {
            if (to != NULL)
                *to = moves[i].to;
            return strstr(moves[i].from, needle) != NULL;
        }
    }
    CHECK_UNREACHABLE("an action without a row");
}

/* The refusal illegal_state names the state and what it allows. */
enum result account_may(struct work *work, const struct account *account, const char *action)
{
    const char *state = account->resource.state;
    char text[128] = "";

    if (allowed(action, state, NULL))
        return OK;
    for (size_t i = 0; i < 4; i++) {
        if (allowed(moves[i].action, state, NULL))
            snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", moves[i].action);
    }
    return refusal_set(work->refusal, REFUSAL_illegal_state, "The account is %s, which allows:%s.",
                       state, text[0] != '\0' ? text : " nothing");
}

static enum result set_state(struct work *work, const struct account *account, const char *action,
                             const char *reason)
{
    const char *to = NULL;
    enum result rc = account_may(work, account, action);

    if (rc != OK)
        return rc;
    CHECK(allowed(action, account->resource.state, &to) && to != NULL);
    return db_exec(work->db, SQL_account_set_state,
                   DB_ARGS(db_text(account->resource.id), db_text(to), db_text(or_empty(reason))));
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

    return db_all(work->db, SQL_account_list,
                  DB_ARGS(LIST_ARGS(&query->list), db_text(all ? query->team_id : who->team_id),
                          db_text(query->system_id), db_text(query->plan_id),
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
    *out = resource_json(work->arena, json_object());
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

struct facts {
    bool jetstream_enabled;
    struct strings jetstream_tiers;
    const char *operator_id;
};
static const struct field facts_fields[] = {
    {"jetstream_enabled", BOOL_AT(struct facts, jetstream_enabled)},
    {"jetstream_tiers", STRINGS_AT(struct facts, jetstream_tiers)},
    {"operator_id", STRING_AT(struct facts, operator_id)},
};
static const struct shape facts_shape = SHAPE(struct facts, facts_fields);

static enum result system_facts(struct work *work, const char *system_id, struct facts *out)
{
    return db_one(work->db, SQL_account_claims_facts, DB_ARGS(db_text(system_id)), &facts_shape,
                  work->arena, out);
}

enum result account_effective(struct work *work, const struct account *account,
                              struct effective_limits *out)
{
    struct facts facts;
    struct plan plan;
    enum result rc = system_facts(work, account->system_id, &facts);

    if (rc == OK)
        rc = plan_version_any(work, account->plan_id, account->plan_version, &plan);
    if (rc == OK)
        limits_effective(&plan, &account->overrides, facts.jetstream_enabled, out);
    return rc;
}

/* Strictly above every one before (JWT-01). */
static int64_t next_iat(const struct work *work, const struct account *account)
{
    int64_t now = work_now(work) / NS_PER_S;

    return now > account->iat ? now : account->iat + 1;
}

static enum result sign(struct work *work, const struct account *account, struct claims *claims,
                        struct issued *issued)
{
    char signer[NKEY_PUBLIC_MAX];
    struct vault_secret seed = {0};
    struct facts facts;
    enum result rc = system_facts(work, account->system_id, &facts);

    if (rc == OK)
        rc = operator_signer(work, facts.operator_id, signer, &seed);
    if (rc != OK)
        return rc;
    claims->iat = next_iat(work, account);
    rc = issuer_sign(&seed, claims, work->arena, issued);
    vault_secret_wipe(&seed);
    if (rc == ERR_LIMIT)
        return refusal_set(work->refusal, REFUSAL_jwt_too_large,
                           "The account's claims are larger than nodes accept.");
    if (rc == ERR_INVALID)
        return refusal_field(work->refusal, "/", "invalid", "%s", issued->why);
    return rc;
}

static enum result store_revision(struct work *work, const struct account *account,
                                  const struct claims *claims, const struct issued *issued,
                                  const char *reason)
{
    const char *id = account->resource.id;
    int64_t revision = account->revision + 1;
    json_t *record = resource_json(work->arena, issuer_claims_json(claims));
    enum result rc;

    rc =
        db_exec(work->db, SQL_account_revision_insert,
                DB_ARGS(db_text(id), db_integer(revision), db_text(account->team_id),
                        db_text(issued->jti), db_integer(claims->iat), db_text(issued->claims_hash),
                        db_json(record), db_text(reason), db_text(or_empty(work->who->name))));
    if (rc == OK)
        rc = db_exec(work->db, SQL_account_jwt_retire, DB_ARGS(db_text(id)));
    if (rc == OK)
        rc = db_exec(work->db, SQL_account_jwt_insert,
                     DB_ARGS(db_text(id), db_integer(revision), db_text(account->team_id),
                             db_text(issued->jwt)));
    if (rc == OK)
        rc = db_exec(work->db, SQL_account_set_revision,
                     DB_ARGS(db_text(id), db_integer(revision), db_text(issued->jti),
                             db_integer(claims->iat), db_text(issued->claims_hash),
                             db_integer((int64_t)strlen(issued->jwt))));
    return rc == OK ? outbox_add(work, id, revision) : rc;
}

static enum result issue(struct work *work, const struct account *account, struct claims *claims,
                         const char *reason, int64_t *revision)
{
    struct issued issued;
    enum result rc = sign(work, account, claims, &issued);

    if (rc == OK)
        rc = store_revision(work, account, claims, &issued, reason);
    if (rc == OK)
        *revision = account->revision + 1;
    return rc;
}

enum result account_changed(struct work *work, const char *account_id, const char *reason,
                            int64_t *revision)
{
    struct account account;
    struct claims claims;
    enum result rc = account_by_ref(work, account_id, &account);

    if (rc == OK)
        rc = account_claims_build(work, &account, &claims);
    if (rc != OK)
        return rc;
    if (account.revision > 0 &&
        strcmp(issuer_claims_hash(&claims, work->arena), account.claims_hash) == 0) {
        *revision = account.revision;
        return OK;
    }
    return issue(work, &account, &claims, reason, revision);
}

struct id_row {
    const char *account_id;
};
static const struct field id_row_fields[] = {
    {"account_id", STRING_AT(struct id_row, account_id)},
};
static const struct shape id_row_shape = SHAPE(struct id_row, id_row_fields);

static enum result resign_one(struct work *work, const char *id)
{
    struct account account;
    struct claims claims;
    int64_t revision;
    enum result rc = account_lock(work, id, 0, &account);

    if (rc != OK)
        return rc;
    if (allowed("change", account.resource.state, NULL) ||
        strcmp(account.resource.state, "deleting") == 0)
        rc = account_claims_build(work, &account, &claims);
    else
        account_claims_tombstone(work, &account, &claims);
    return rc == OK ? issue(work, &account, &claims, "operator key changed", &revision) : rc;
}

enum result account_resign(struct work *work, const char *system_id, const char *after,
                           int64_t limit, const char **last, int64_t *count)
{
    struct db_rows rows;
    enum result rc =
        db_all(work->db, SQL_account_resign_list,
               DB_ARGS(db_text(system_id), db_text(or_empty(after)), db_integer(limit)),
               &id_row_shape, work->arena, &rows);

    for (size_t i = 0; rc == OK && i < rows.count; i++)
        rc = resign_one(work, ((const struct id_row *)rows.items)[i].account_id);
    if (rc != OK)
        return rc;
    *count = (int64_t)rows.count;
    *last = rows.count > 0 ? ((const struct id_row *)rows.items)[rows.count - 1].account_id : NULL;
    return OK;
}

/*
 * Changes.
 */

static enum result choose_team(struct work *work, const struct account_settings *settings,
                               struct team *team)
{
    const char *ref = settings->team_id != NULL ? settings->team_id : work->who->team_id;
    enum result rc;

    if (ref == NULL)
        return refusal_field(work->refusal, "/team_id", "required", "is required");
    rc = team_by_ref(work, ref, team);
    if (rc == ERR_NOT_FOUND)
        return refusal_field(work->refusal, "/team_id", "not_found", "there is no such team");
    return rc;
}

static enum result choose_system(struct work *work, const char *ref, const char **id)
{
    struct nats_system system;
    enum result rc;

    if (ref == NULL) {
        rc = nats_system_only(work, id);
        if (rc == ERR_NOT_FOUND)
            return refusal_field(work->refusal, "/system_id", "required",
                                 "there is not exactly one system: name it");
        return rc;
    }
    rc = nats_system_by_ref(work, ref, &system);
    if (rc == ERR_NOT_FOUND)
        return refusal_field(work->refusal, "/system_id", "not_found", "there is no such system");
    if (rc == OK)
        *id = system.resource.id;
    return rc;
}

/* A tenant's accounts have the team's plan; only the operator gives another one. */
static enum result choose_plan(struct work *work, const struct team *team, const char *ref,
                               struct plan *plan)
{
    enum result rc = plan_by_ref(work, ref != NULL ? ref : team->plan_id, 0, plan);

    if (rc == ERR_NOT_FOUND)
        return refusal_field(work->refusal, "/plan_id", "not_found", "there is no such plan");
    if (rc == OK && !principal_is_operator(work->who) &&
        strcmp(plan->resource.id, team->plan_id) != 0)
        return refusal_set(work->refusal, REFUSAL_plan_forbids,
                           "Only the operator gives an account another plan than the team's.");
    return rc;
}

/* Under the team's row lock, so that two at once do not both find room. */
static enum result check_account_quota(struct work *work, const struct team *team)
{
    const char *locked;
    struct plan plan;
    int64_t count = 0;
    enum result rc = db_get_text(work->db, SQL_team_lock, DB_ARGS(db_text(team->resource.id)),
                                 work->arena, &locked);

    if (rc == OK)
        rc = plan_by_ref(work, team->plan_id, 0, &plan);
    if (rc == OK)
        rc = db_get_int(work->db, SQL_account_count, DB_ARGS(db_text(team->resource.id)), &count);
    if (rc == OK && plan.limits.accounts.set && plan.limits.accounts.value >= 0 &&
        count >= plan.limits.accounts.value)
        return refusal_set(work->refusal, REFUSAL_quota_exceeded,
                           "The plan allows %lld accounts for a team.",
                           (long long)plan.limits.accounts.value);
    return rc;
}

static enum result name_taken(struct work *work, enum result rc)
{
    if (rc == ERR_EXISTS)
        return refusal_set(work->refusal, REFUSAL_name_taken,
                           "Another account of the team has this name.");
    return rc;
}

/* Under a strict operator nodes accept users of signing keys only: every account begins with one.
 */
static enum result insert_signing_key(struct work *work, const char *account_id,
                                      const char *team_id)
{
    char public_key[NKEY_PUBLIC_MAX];
    struct vault_secret seed = {0};
    const char *secret_id;
    enum result rc;

    issuer_new_key(work->tools->random, NKEY_ACCOUNT, public_key, &seed);
    rc = secret_put(work, team_id, account_id, "account_signing", &seed, &secret_id);
    vault_secret_wipe(&seed);
    if (rc != OK)
        return rc;
    return db_exec(work->db, SQL_signing_key_insert,
                   DB_ARGS(db_text(resource_id_new(work, "skey")), db_text("default"), db_text(""),
                           db_text(""), db_text("{}"), db_text(or_empty(work->who->name)),
                           db_text(team_id), db_text(account_id), db_text(public_key),
                           db_text("managed"), db_text(NULL), db_text(secret_id)));
}

static enum result insert(struct work *work, const struct account_settings *settings,
                          const char *id, const char *team_id, const char *system_id,
                          const struct plan *plan)
{
    const struct resource_settings *head = &settings->settings;
    char public_key[NKEY_PUBLIC_MAX];
    struct vault_secret seed = {0};
    const char *secret_id;
    enum result rc;

    issuer_new_key(work->tools->random, NKEY_ACCOUNT, public_key, &seed);
    rc = secret_put(work, team_id, id, "account_identity", &seed, &secret_id);
    vault_secret_wipe(&seed);
    if (rc != OK)
        return rc;
    return db_exec(
        work->db, SQL_account_insert,
        DB_ARGS(db_text(id), db_text(head->name), db_text(or_empty(head->display_name)),
                db_text(or_empty(head->description)), db_json(resource_labels(head, work->arena)),
                db_text(or_empty(work->who->name)), db_text(team_id), db_text(system_id),
                db_bool(false), db_text(public_key), db_text(secret_id), db_text(plan->resource.id),
                db_integer(plan->plan_version), db_bool(settings->protection),
                db_strings(&settings->tags), db_text(or_empty(settings->info_url)),
                db_json(permissions_json(&settings->default_permissions, work->arena))));
}

enum result account_create(struct work *work, const struct account_settings *settings,
                           struct account *out)
{
    const char *id = resource_id_new(work, "acc"), *system_id;
    struct team team;
    struct plan plan;
    int64_t revision;
    enum result rc;

    if (!principal_is_operator(work->who) && !work->who->all_accounts)
        return refusal_set(work->refusal, REFUSAL_forbidden,
                           "This token is bound to accounts and cannot create others.");
    rc = choose_team(work, settings, &team);
    if (rc == OK)
        rc = choose_system(work, settings->system_id, &system_id);
    if (rc == OK)
        rc = choose_plan(work, &team, settings->plan_id, &plan);
    if (rc == OK)
        rc = check_account_quota(work, &team);
    if (rc == OK)
        rc = insert(work, settings, id, team.resource.id, system_id, &plan);
    if (rc == OK)
        rc = insert_signing_key(work, id, team.resource.id);
    if (rc == OK)
        rc = account_changed(work, id, "created", &revision);
    if (rc != OK)
        return name_taken(work, rc);
    return account_by_ref(work, id, out);
}

/* The plan keeps its version unless another plan is named. */
static enum result update_plan(struct work *work, const struct account *old, const char *ref,
                               const char **id, int64_t *version)
{
    struct team team;
    struct plan plan;
    enum result rc;

    *id = old->plan_id;
    *version = old->plan_version;
    if (ref == NULL || strcmp(ref, old->plan_id) == 0)
        return OK;
    rc = team_by_ref(work, old->team_id, &team);
    if (rc == OK)
        rc = choose_plan(work, &team, ref, &plan);
    if (rc == OK) {
        *id = plan.resource.id;
        *version = plan.plan_version;
    }
    return rc;
}

enum result account_update(struct work *work, const struct account *old,
                           const struct account_settings *settings, struct account *out)
{
    struct account_settings before = account_settings_of(old);
    const char *fixed = shape_fixed_change(&account_settings_shape, &before, settings);
    const struct resource_settings *head = &settings->settings;
    const char *plan_id;
    int64_t plan_version, revision;
    enum result rc = account_may(work, old, "change");

    if (rc == OK && fixed != NULL)
        return refusal_field(work->refusal, arena_printf(work->arena, "/%s", fixed), "fixed",
                             "cannot be changed");
    if (rc == OK)
        rc = update_plan(work, old, settings->plan_id, &plan_id, &plan_version);
    if (rc == OK)
        rc = db_exec(
            work->db, SQL_account_update,
            DB_ARGS(db_text(old->resource.id), db_text(head->name),
                    db_text(or_empty(head->display_name)), db_text(or_empty(head->description)),
                    db_json(resource_labels(head, work->arena)), db_text(plan_id),
                    db_integer(plan_version), db_bool(settings->protection),
                    db_strings(&settings->tags), db_text(or_empty(settings->info_url)),
                    db_json(permissions_json(&settings->default_permissions, work->arena))));
    if (rc == OK)
        rc = account_changed(work, old->resource.id, "changed", &revision);
    if (rc != OK)
        return name_taken(work, rc);
    return account_by_ref(work, old->resource.id, out);
}

/* Every user's JWT issued so far is refused. */
static enum result revoke_everybody(struct work *work, const struct account *account,
                                    const char *reason)
{
    int64_t now = work_now(work) / NS_PER_S * NS_PER_S;
    enum result rc =
        db_exec(work->db, SQL_revocation_put,
                DB_ARGS(db_text(resource_id_new(work, "rev")), db_text(or_empty(work->who->name)),
                        db_text(account->team_id), db_text(account->resource.id), db_text("*"),
                        db_time(now), db_text(or_empty(reason))));

    if (rc == OK)
        rc = db_exec(work->db, SQL_credential_revoke_key,
                     DB_ARGS(db_text(account->resource.id), db_text("*"), db_time(now)));
    return rc;
}

enum result account_suspend(struct work *work, const struct account *old, const char *reason,
                            bool revoke_users, struct account *out)
{
    int64_t revision;
    enum result rc = set_state(work, old, "suspend", reason);

    if (rc == OK && revoke_users)
        rc = revoke_everybody(work, old, reason);
    if (rc == OK)
        rc = account_changed(work, old->resource.id, "suspended", &revision);
    return rc == OK ? account_by_ref(work, old->resource.id, out) : rc;
}

enum result account_resume(struct work *work, const struct account *old, struct account *out)
{
    int64_t revision;
    enum result rc = set_state(work, old, "resume", "");

    if (rc == OK)
        rc = account_changed(work, old->resource.id, "resumed", &revision);
    return rc == OK ? account_by_ref(work, old->resource.id, out) : rc;
}

/*
 * Limits.
 */

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
                           enum limit_name name)
{
    static const char *const sources[] = {"plan", "override", "system"};
    const struct limit_kind *kind = limit_kind(name);
    int64_t value = limit_at((struct limits *)&effective->limits, name)->value;
    int64_t in_use = used_of(used, name);
    json_t *entry = json_object();

    json_object_set_new(entry, "value",
                        kind->flag ? json_boolean(value != 0) : json_integer(value));
    json_object_set_new(entry, "source", json_string(sources[effective->source[name]]));
    json_object_set_new(entry, "enforced_by", json_string(kind->enforced_by));
    json_object_set_new(entry, "scope", json_string(kind->scope));
    json_object_set_new(entry, "used", in_use >= 0 ? json_integer(in_use) : json_null());
    json_object_set_new(entry, "reserved", json_null());
    return entry;
}

enum result account_limits(struct work *work, const struct account *account, json_t **out)
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
                            limit_entry(&effective, &used, (enum limit_name)i));
    if (effective.limits.tiers.count > 0) {
        struct limits only = {.tiers = effective.limits.tiers};

        tiers = shape_encode(&limits_shape, &only);
        json_object_update(tree, tiers);
        json_decref(tiers);
    }
    *out = resource_json(work->arena, tree);
    return OK;
}

/* AUZ-04: a team may lower what it has; raise only what the plan names, up to its max. */
static enum result check_tenant(struct work *work, const struct plan *plan,
                                const struct limits *overrides)
{
    if (principal_is_operator(work->who))
        return OK;
    if (overrides->tiers.count > 0)
        return refusal_set(work->refusal, REFUSAL_plan_forbids, "Only the operator sets tiers.");
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        enum limit_name name = (enum limit_name)i;
        struct optional_int value = *limit_at((struct limits *)overrides, name);
        struct optional_int own = *limit_at((struct limits *)&plan->limits, name);
        int64_t base = own.set ? own.value : limit_kind(name)->fallback;
        bool named = false;

        if (!value.set || !limit_looser(name, value.value, base))
            continue;
        for (size_t j = 0; j < plan->allowed_overrides.count; j++)
            named = named || strcmp(plan->allowed_overrides.items[j], limit_kind(name)->name) == 0;
        if (!named || !limit_at((struct limits *)&plan->max, name)->set)
            return refusal_set(work->refusal, REFUSAL_plan_forbids,
                               "The plan does not let the team raise %s.", limit_kind(name)->name);
    }
    return OK;
}

static enum result check_use(struct work *work, const struct account *old,
                             const struct limits *overrides)
{
    struct used used;
    enum result rc = load_used(work, old, &used);

    for (size_t i = 0; rc == OK && i < LIMIT_COUNT; i++) {
        struct optional_int value = *limit_at((struct limits *)overrides, (enum limit_name)i);
        int64_t in_use = used_of(&used, (enum limit_name)i);

        if (value.set && value.value >= 0 && in_use > value.value)
            return refusal_set(
                work->refusal, REFUSAL_over_quota, "%s: %lld in use, the new limit is %lld.",
                limit_kind((enum limit_name)i)->name, (long long)in_use, (long long)value.value);
    }
    return rc;
}

static enum result check_tiers(struct work *work, const struct account *old,
                               const struct limits *overrides)
{
    struct facts facts;
    enum result rc = system_facts(work, old->system_id, &facts);

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
    struct plan plan;
    const char *set_id;
    int64_t revision;
    enum result rc = account_may(work, old, "change");

    if (rc == OK)
        rc = plan_version_any(work, old->plan_id, old->plan_version, &plan);
    if (rc == OK)
        rc = limits_check(work, "", overrides);
    if (rc == OK)
        rc = check_tenant(work, &plan, overrides);
    if (rc == OK)
        rc = limits_within(work, overrides, &plan.max);
    if (rc == OK)
        rc = check_tiers(work, old, overrides);
    if (rc == OK && !allow_over_quota)
        rc = check_use(work, old, overrides);
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

/*
 * Deleting.
 */

enum result account_delete(struct work *work, const struct account *old, struct operation *out)
{
    static const char *const steps[] = {
        STEP_SUSPEND, STEP_PURGE_JETSTREAM, STEP_TOMBSTONE, STEP_AWAIT_STORED,
        STEP_REMOVE,  STEP_VERIFY,          STEP_FINISH,    NULL};
    const struct operation_new new = {
        .type = OPERATION_ACCOUNT_DELETE,
        .team_id = old->team_id,
        .account_id = old->resource.id,
        .resource_kind = "account",
        .resource_id = old->resource.id,
        .resource_name = old->resource.name,
        .steps = steps,
    };
    int64_t revision;
    enum result rc;

    if (old->is_system || old->protection)
        return refusal_set(work->refusal, REFUSAL_protected,
                           old->is_system ? "The system account cannot be deleted."
                                          : "The account is protected against deletion.");
    rc = set_state(work, old, "delete", "");
    if (rc == OK)
        rc = account_changed(work, old->resource.id, "deleting", &revision);
    return rc == OK ? operation_start(work, &new, out) : rc;
}

enum result account_delete_tombstone(struct work *work, const char *account_id, int64_t *revision)
{
    struct account account;
    struct claims claims;
    enum result rc = account_lock(work, account_id, 0, &account);

    if (rc != OK)
        return rc;
    if (strcmp(account.resource.state, "purging") == 0) { /* done before, and not remembered */
        *revision = account.revision;
        return OK;
    }
    rc = set_state(work, &account, "tombstone", "");
    account_claims_tombstone(work, &account, &claims);
    if (rc == OK)
        rc = issue(work, &account, &claims, "tombstone", revision);
    if (rc == OK)
        rc = db_exec(work->db, SQL_account_tombstone_insert, DB_ARGS(db_text(account_id)));
    return rc;
}

enum result account_delete_tombstoned(struct work *work, const char *account_id)
{
    struct account account;
    enum result rc = account_lock(work, account_id, 0, &account);

    return rc == OK ? set_state(work, &account, "await", "") : rc;
}

enum result account_delete_finish(struct work *work, const char *account_id, bool removed)
{
    struct account account;
    enum result rc = account_lock(work, account_id, 0, &account);

    if (rc == OK && removed)
        rc = set_state(work, &account, "finish", "");
    if (rc == OK && removed)
        rc = db_exec(work->db, SQL_account_tombstone_removed, DB_ARGS(db_text(account_id)));
    if (rc == OK)
        rc = db_exec(work->db, SQL_account_end_users, DB_ARGS(db_text(account_id)));
    return rc == OK ? secret_destroy(work, account_id) : rc;
}
