#include "controlplane/domain/signing_key.h"

#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/account_issue.h"
#include "controlplane/domain/authz.h"
#include "controlplane/domain/node.h"
#include "controlplane/domain/permission_warnings.h"
#include "controlplane/domain/secret.h"

const char *const custody_words[] = {"managed", "customer", NULL};
enum { CUSTODY_MANAGED };

/* clang-format off */
#define T struct signing_key
#define SHOWN                                                                                      \
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},                                      \
    {"account_id", STRING_AT(T, account_id)},                                                      \
    {"public_key", STRING_AT(T, public_key)},                                                      \
    {"custody", ENUM_AT(T, custody), .type = custody_words},                                       \
    {"role_id", STRING_AT(T, role_id), FIELD_NULL},                                                \
    {"role_name", STRING_AT(T, role_name), FIELD_NULL},                                            \
    {"live_credentials", INT_AT(T, live_credentials)}
static const struct field signing_key_fields[] = {
    SHOWN,
};
static const struct field signing_key_row_fields[] = {
    SHOWN,
    {"team_id", STRING_AT(T, team_id)},
    {"secret_id", STRING_AT(T, secret_id)},
};
#undef SHOWN
#undef T
const struct shape signing_key_shape = SHAPE(struct signing_key, signing_key_fields);
static const struct shape signing_key_row_shape =
    SHAPE(struct signing_key, signing_key_row_fields);

#define T struct signing_key_settings
static const struct field signing_key_settings_fields[] = {
    {NULL, FLATTEN_AT(T, settings), .type = &resource_settings_shape},
    {"custody", ENUM_AT(T, custody), .type = custody_words},
    {"public_key", STRING_AT(T, public_key), FIELD_OMIT_EMPTY, .valid = rule_account_key,
     .rule = "an account's public key"},
    {"role_id", STRING_AT(T, role_id), FIELD_OMIT_EMPTY | FIELD_NULL, .max = 64},
};
#undef T
const struct shape signing_key_settings_shape =
    SHAPE(struct signing_key_settings, signing_key_settings_fields);

#define T struct scoped_role
static const struct field scoped_role_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"account_id", STRING_AT(T, account_id)},
    {NULL, FLATTEN_AT(T, rules), .type = &user_rules_template_shape},
    {"user_count", INT_AT(T, user_count)},
};
static const struct field scoped_role_row_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"account_id", STRING_AT(T, account_id)},
    {NULL, FLATTEN_AT(T, rules), .type = &user_rules_template_shape},
    {"user_count", INT_AT(T, user_count)},
    {"team_id", STRING_AT(T, team_id)},
};
#undef T
const struct shape scoped_role_shape = SHAPE(struct scoped_role, scoped_role_fields);
static const struct shape scoped_role_row_shape =
    SHAPE(struct scoped_role, scoped_role_row_fields);

#define T struct scoped_role_settings
static const struct field scoped_role_settings_fields[] = {
    {NULL, FLATTEN_AT(T, settings), .type = &resource_settings_shape},
    {NULL, FLATTEN_AT(T, rules), .type = &user_rules_template_shape},
};
#undef T
/* clang-format on */
const struct shape scoped_role_settings_shape =
    SHAPE(struct scoped_role_settings, scoped_role_settings_fields);

static const struct life_move signing_key_moves[] = {
    {"retire", "|active|retiring|", "retired", true},
    {"end", "|active|retiring|compromised|", "retired", false}, /* with its account */
};
const struct lifecycle signing_key_lifecycle = {"signing key",
                                                "|active|retiring|retired|compromised|",
                                                signing_key_moves, COUNT_OF(signing_key_moves)};

static struct db_value states_to_retire(const struct work *work)
{
    return db_strings(lifecycle_from(work, &signing_key_lifecycle, "retire"));
}

static enum result taken(struct work *work, enum result rc, const char *kind)
{
    if (rc == ERR_EXISTS)
        return refusal_set(work->refusal, REFUSAL_name_taken, "Another %s has this name or key.",
                           kind);
    return rc;
}

static enum result changed(struct work *work, const char *account_id, const char *reason)
{
    int64_t revision;

    return account_changed(work, account_id, reason, &revision);
}

/*
 * Keys.
 */

enum result signing_key_by_ref(struct work *work, const char *account_id, const char *ref,
                               struct signing_key *out)
{
    return db_one(work->db, SQL_signing_key_by_ref, DB_ARGS(db_text(account_id), db_text(ref)),
                  &signing_key_row_shape, work->arena, out);
}

enum result signing_key_list(struct work *work, const char *account_id,
                             const struct list_query *query, struct db_rows *out)
{
    return db_all(work->db, SQL_signing_key_list, DB_ARGS(LIST_ARGS(query), db_text(account_id)),
                  &signing_key_row_shape, work->arena, out);
}

/* secret_id stays NULL for a customer's key. */
static enum result make_key(struct work *work, const struct account *account,
                            const struct signing_key_settings *settings,
                            char public_key[NKEY_PUBLIC_MAX], const char **secret_id)
{
    *secret_id = NULL;
    if (settings->custody != CUSTODY_MANAGED) {
        if (settings->public_key == NULL)
            return refusal_field(work->refusal, "/public_key", "required",
                                 "a customer's key needs its public part");
        if (strcmp(settings->public_key, account->public_key) == 0)
            return refusal_field(work->refusal, "/public_key", "invalid",
                                 "is the account's own key");
        memcpy(public_key, settings->public_key, NKEY_PUBLIC_MAX);
        return OK;
    }
    if (settings->public_key != NULL)
        return refusal_field(work->refusal, "/public_key", "not_allowed",
                             "a managed key is made here");
    return secret_new_key(work, account->team_id, account->resource.id, "account_signing",
                          public_key, secret_id);
}

static enum result insert_key(struct work *work, const struct account *account,
                              const struct signing_key_settings *settings, const char *role_id,
                              const char **id)
{
    const struct resource_settings *head = &settings->settings;
    char public_key[NKEY_PUBLIC_MAX];
    const char *secret_id;
    enum result rc = make_key(work, account, settings, public_key, &secret_id);

    *id = resource_id_new(work, "skey");
    if (rc != OK)
        return rc;
    return db_exec(
        work->db, SQL_signing_key_insert,
        DB_ARGS(db_text(*id), db_text(head->name), db_text(or_empty(head->display_name)),
                db_text(or_empty(head->description)), db_json(resource_labels(head, work->arena)),
                db_text(or_empty(work->who->name)), db_text(account->team_id),
                db_text(account->resource.id), db_text(public_key),
                db_text(custody_words[settings->custody]), db_text(role_id), db_text(secret_id)));
}

/* Whoever holds a customer's key issues credentials with it, so he must be allowed to. */
static enum result may_sign(struct work *work, const struct account *account)
{
    const struct authz_target target = {account->team_id, account->resource.id};

    if (authz_check(work->who, "credential:issue", &target) == VERDICT_ALLOW)
        return OK;
    return refusal_set(
        work->refusal, REFUSAL_forbidden,
        "A customer's key signs users by itself: to add one needs credential:issue.");
}

enum result signing_key_create(struct work *work, const struct account *account,
                               const struct signing_key_settings *settings, struct signing_key *out)
{
    struct scoped_role role = {0};
    const char *id;
    enum result rc = account_may(work, account, "change");

    if (rc == OK && settings->custody != CUSTODY_MANAGED)
        rc = may_sign(work, account);
    if (rc == OK && settings->role_id != NULL) {
        rc = scoped_role_by_ref(work, account->resource.id, settings->role_id, &role);
        if (rc == ERR_NOT_FOUND)
            return refusal_field(work->refusal, "/role_id", "not_found", "there is no such role");
    }
    if (rc == OK)
        rc = insert_key(work, account, settings, role.resource.id, &id);
    if (rc == OK)
        rc = changed(work, account->resource.id, "signing key added");
    if (rc != OK)
        return taken(work, rc, "signing key");
    return signing_key_by_ref(work, account->resource.id, id, out);
}

enum result signing_key_ask(struct work *work, const struct account *account,
                            const struct signing_key *key, struct signing_key_asked *out)
{
    struct db_rows rows;
    enum result rc = node_expected(work, account->system_id, &rows);

    if (rc != OK)
        return rc;
    *out = (struct signing_key_asked){
        .system_id = account->system_id,
        .account_key = account->public_key,
        .public_key = key->public_key,
        .server_ids = {.items = arena_alloc_array(work->arena, rows.count + 1, sizeof(char *)),
                       .count = rows.count},
    };
    for (size_t i = 0; i < rows.count; i++)
        out->server_ids.items[i] = ((const struct node *)rows.items)[i].server_id;
    return OK;
}

static enum result refuse_unconfirmed(struct work *work, const struct signing_key *key,
                                      const struct signing_key_clients *clients)
{
    const char *silent =
        clients->silent > 0
            ? arena_printf(work->arena, " %lld of the system's nodes did not say who is connected.",
                           (long long)clients->silent)
            : "";

    return refusal_set(work->refusal, REFUSAL_in_use,
                       "Connected with credentials of this key: %lld. Living credentials issued "
                       "by it: %lld. Both end with it.%s To go on, repeat with "
                       "confirm_clients=%lld.",
                       (long long)clients->connected, (long long)key->live_credentials, silent,
                       (long long)clients->connected);
}

enum result signing_key_delete(struct work *work, const struct signing_key *key,
                               const struct signing_key_clients *clients, int64_t confirm)
{
    bool unused = clients->connected == 0 && clients->silent == 0 && key->live_credentials == 0;
    enum result rc;

    if (confirm < 0 ? !unused : confirm != clients->connected)
        return refuse_unconfirmed(work, key, clients);
    rc = db_exec(work->db, SQL_signing_key_retire,
                 DB_ARGS(db_text(key->resource.id), states_to_retire(work)));
    if (rc == OK)
        rc = db_exec(work->db, SQL_signing_key_orphan, DB_ARGS(db_text(key->resource.id)));
    return rc == OK ? changed(work, key->account_id, "signing key removed") : rc;
}

enum result signing_key_for(struct work *work, const struct account *account, const char *role_id,
                            struct signing_key *out, struct vault_secret *seed)
{
    enum result rc = db_one(work->db, SQL_signing_key_for,
                            DB_ARGS(db_text(account->resource.id), db_text(role_id)),
                            &signing_key_row_shape, work->arena, out);

    if (rc == ERR_NOT_FOUND)
        return refusal_set(work->refusal, REFUSAL_illegal_state,
                           "The %s has no managed signing key: make one, or let the customer sign.",
                           role_id != NULL ? "role" : "account");
    return rc == OK ? secret_get(work, out->secret_id, seed) : rc;
}

/*
 * Roles.
 */

struct scoped_role_settings scoped_role_settings_of(const struct scoped_role *role)
{
    return (struct scoped_role_settings){resource_settings_of(&role->resource), role->rules};
}

enum result scoped_role_by_ref(struct work *work, const char *account_id, const char *ref,
                               struct scoped_role *out)
{
    return db_one(work->db, SQL_role_by_ref, DB_ARGS(db_text(account_id), db_text(ref)),
                  &scoped_role_row_shape, work->arena, out);
}

enum result scoped_role_list(struct work *work, const char *account_id,
                             const struct list_query *query, struct db_rows *out)
{
    return db_all(work->db, SQL_role_list, DB_ARGS(LIST_ARGS(query), db_text(account_id)),
                  &scoped_role_row_shape, work->arena, out);
}

/* From permissions to times_location, as both statements have them. */
enum { RULES_COUNT = 8 };
static void rules_values(struct work *work, const struct user_rules *rules,
                         struct db_value out[RULES_COUNT])
{
    out[0] = db_json(permissions_json(&rules->permissions, work->arena));
    out[1] = db_integer(rules->subs.set ? rules->subs.value : -1);
    out[2] = db_integer(rules->payload.set ? rules->payload.value : -1);
    out[3] = db_bool(rules->bearer);
    out[4] = db_strings(&rules->connection_types);
    out[5] = db_strings(&rules->src);
    out[6] = db_json(time_ranges_json(&rules->times, work->arena));
    out[7] = db_text(or_empty(rules->times_location));
}

static enum result insert_role(struct work *work, const struct account *account,
                               const struct scoped_role_settings *settings, const char *id)
{
    const struct resource_settings *head = &settings->settings;
    struct db_value values[8 + RULES_COUNT] = {
        db_text(id),
        db_text(head->name),
        db_text(or_empty(head->display_name)),
        db_text(or_empty(head->description)),
        db_json(resource_labels(head, work->arena)),
        db_text(or_empty(work->who->name)),
        db_text(account->team_id),
        db_text(account->resource.id),
    };

    rules_values(work, &settings->rules, &values[8]);
    return db_exec(work->db, SQL_role_insert,
                   (struct db_args){values, sizeof(values) / sizeof(values[0])});
}

enum result scoped_role_create(struct work *work, const struct account *account,
                               const struct scoped_role_settings *settings, struct scoped_role *out)
{
    const char *id = resource_id_new(work, "rol"), *key_id;
    struct signing_key_settings key = {
        .settings = {.name = arena_printf(work->arena, "%.50s-key", settings->settings.name)},
        .custody = CUSTODY_MANAGED,
    };
    enum result rc = account_may(work, account, "change");

    if (rc == OK)
        rc = user_rules_check(work, &settings->rules);
    if (rc == OK)
        rc = insert_role(work, account, settings, id);
    if (rc == OK)
        rc = permission_warnings_put(work, SQL_role_set_conditions, id,
                                     &settings->rules.permissions, NULL);
    if (rc == OK)
        rc = insert_key(work, account, &key, id, &key_id);
    if (rc == OK)
        rc = changed(work, account->resource.id, "role added");
    if (rc != OK)
        return taken(work, rc, "role");
    return scoped_role_by_ref(work, account->resource.id, id, out);
}

enum result scoped_role_update(struct work *work, const struct scoped_role *old,
                               const struct scoped_role_settings *settings, struct scoped_role *out)
{
    const struct resource_settings *head = &settings->settings;
    struct db_value values[5 + RULES_COUNT] = {
        db_text(old->resource.id),
        db_text(head->name),
        db_text(or_empty(head->display_name)),
        db_text(or_empty(head->description)),
        db_json(resource_labels(head, work->arena)),
    };
    enum result rc = user_rules_check(work, &settings->rules);

    rules_values(work, &settings->rules, &values[5]);
    if (rc == OK)
        rc = db_exec(work->db, SQL_role_update,
                     (struct db_args){values, sizeof(values) / sizeof(values[0])});
    if (rc == OK)
        rc = permission_warnings_put(work, SQL_role_set_conditions, old->resource.id,
                                     &settings->rules.permissions, old->resource.conditions);
    if (rc == OK)
        rc = changed(work, old->account_id, "role changed");
    if (rc != OK)
        return taken(work, rc, "role");
    return scoped_role_by_ref(work, old->account_id, old->resource.id, out);
}

enum result scoped_role_delete(struct work *work, const struct scoped_role *role)
{
    struct db_args args = DB_ARGS(db_text(role->resource.id));
    enum result rc;

    if (role->user_count > 0)
        return refusal_set(work->refusal, REFUSAL_in_use, "%lld users have this role.",
                           (long long)role->user_count);
    rc = db_exec(work->db, SQL_role_delete, args);
    if (rc == OK)
        rc = db_exec(work->db, SQL_signing_key_orphan_of_role, args);
    if (rc == OK)
        rc = db_exec(work->db, SQL_signing_key_retire_of_role,
                     DB_ARGS(db_text(role->resource.id), states_to_retire(work)));
    return rc == OK ? changed(work, role->account_id, "role removed") : rc;
}
