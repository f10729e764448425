#include "controlplane/domain/operator.h"

#include <sodium.h>
#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/authz.h"
#include "controlplane/domain/secret.h"

enum { URLS_MAX = 64, TAGS_MAX = 64, JWT_TEXT_MAX = 64 << 10 };

/* clang-format off */
#define T struct operator
static const struct field operator_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"public_key", STRING_AT(T, public_key)},
    {"strict_signing_keys", BOOL_AT(T, strict_signing_keys)},
    {"assert_server_version", STRING_AT(T, assert_server_version)},
    {"account_server_url", STRING_AT(T, account_server_url)},
    {"operator_service_urls", STRINGS_AT(T, operator_service_urls)},
    {"tags", STRINGS_AT(T, tags)},
    {"active_signing_key_id", STRING_AT(T, active_signing_key_id), FIELD_NULL},
    {"jwt_id", STRING_AT(T, jwt_id)},
    {"seed", STRING_AT(T, seed), FIELD_OMIT_EMPTY | FIELD_SECRET},
};
static const struct field operator_row_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"public_key", STRING_AT(T, public_key)},
    {"strict_signing_keys", BOOL_AT(T, strict_signing_keys)},
    {"assert_server_version", STRING_AT(T, assert_server_version)},
    {"account_server_url", STRING_AT(T, account_server_url)},
    {"operator_service_urls", STRINGS_AT(T, operator_service_urls)},
    {"tags", STRINGS_AT(T, tags)},
    {"active_signing_key_id", STRING_AT(T, active_signing_key_id)},
    {"jwt", STRING_AT(T, jwt)},
    {"jwt_id", STRING_AT(T, jwt_id)},
};
#undef T
const struct shape operator_shape = SHAPE(struct operator, operator_fields);
static const struct shape operator_row_shape = SHAPE(struct operator, operator_row_fields);

#define T struct operator_settings
static const struct field operator_settings_fields[] = {
    {NULL, FLATTEN_AT(T, settings), .type = &resource_settings_shape},
    {"jwt", STRING_AT(T, jwt), FIELD_WRITE_ONLY, .max = JWT_TEXT_MAX},
    {"strict_signing_keys", BOOL_AT(T, strict_signing_keys)},
    {"assert_server_version", STRING_AT(T, assert_server_version), FIELD_OMIT_EMPTY, .max = 32},
    {"account_server_url", STRING_AT(T, account_server_url), FIELD_OMIT_EMPTY, .max = 512,
     .valid = rule_http_url, .rule = "an http or https address"},
    {"operator_service_urls", STRINGS_AT(T, operator_service_urls), FIELD_OMIT_EMPTY,
     .max = URLS_MAX, .valid = rule_node_url, .rule = "an address such as nats://host:4222"},
    {"tags", STRINGS_AT(T, tags), FIELD_OMIT_EMPTY, .max = TAGS_MAX, .valid = rule_tag,
     .rule = "text without blanks"},
    {"signing_seed", STRING_AT(T, signing_seed), FIELD_WRITE_ONLY | FIELD_SECRET, .max = 64},
};
#undef T
const struct shape operator_settings_shape =
    SHAPE(struct operator_settings, operator_settings_fields);

#define T struct operator_key
static const struct field operator_key_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"operator_id", STRING_AT(T, operator_id)},
    {"public_key", STRING_AT(T, public_key)},
};
#undef T
/* clang-format on */
const struct shape operator_key_shape = SHAPE(struct operator_key, operator_key_fields);

struct operator_settings operator_settings_of(const struct operator* operator)
{
    return (struct operator_settings){
        .settings = resource_settings_of(&operator->resource),
        .strict_signing_keys = operator->strict_signing_keys,
        .assert_server_version = operator->assert_server_version,
        .account_server_url = operator->account_server_url,
        .operator_service_urls = operator->operator_service_urls,
        .tags = operator->tags,
    };
}

enum result operator_by_ref(struct work *work, const char *ref, struct operator* out)
{
    return db_one(work->db, SQL_operator_by_ref, DB_ARGS(db_text(ref)), &operator_row_shape,
                  work->arena, out);
}

enum result operator_list(struct work *work, const struct list_query *query, struct db_rows *out)
{
    return db_all(work->db, SQL_operator_list, DB_ARGS(LIST_ARGS(query)), &operator_row_shape,
                  work->arena, out);
}

/*
 * Tokens made elsewhere.
 */

static bool names_key(const struct operator_claims *claims, const char *key)
{
    for (size_t i = 0; i < claims->signing_keys.count; i++) {
        if (strcmp(claims->signing_keys.items[i], key) == 0)
            return true;
    }
    return false;
}

/* An operator JWT that signed itself (or by a key it names) and makes sense. */
static enum result read_jwt(struct work *work, const char *jwt, struct claims *claims)
{
    struct claims_issues issues;
    const struct claims_issue *issue;
    struct shape_error error = {0};

    if (jwt_decode(slice_trim(slice_of(jwt)), work->arena, claims, &error) != OK)
        return refusal_field(work->refusal, "/jwt", "invalid", "is not a verified JWT: %s",
                             error.message);
    if (claims->type != CLAIMS_OPERATOR)
        return refusal_field(work->refusal, "/jwt", "invalid", "is not an operator's");
    if (strcmp(claims->iss, claims->sub) != 0 && !names_key(claims->operator, claims->iss))
        return refusal_field(work->refusal, "/jwt", "invalid",
                             "was signed neither by the operator nor by a key it names");
    claims_validate(claims, work_now(work) / NS_PER_S, work->arena, &issues);
    issue = claims_blocking(&issues, true);
    if (issue != NULL)
        return refusal_field(work->refusal, "/jwt", "invalid", "%s", issue->text);
    return OK;
}

/* What the token says goes before what the body says. */
static void take_claims(struct operator_settings *settings, const struct claims *claims)
{
    settings->strict_signing_keys = claims->operator->strict_signing_key_usage;
    settings->assert_server_version = claims->operator->assert_server_version;
    settings->account_server_url = claims->operator->account_server_url;
    settings->operator_service_urls = claims->operator->operator_service_urls;
    settings->tags = claims->tags;
}

/*
 * Creation.
 */

struct new_operator {
    const char *id;
    char public_key[NKEY_PUBLIC_MAX], signing_key[NKEY_PUBLIC_MAX];
    struct vault_secret seed, signing_seed; /* of the operator: only when made here */
    bool has_signing_key;
    const char *jwt, *jti;
};

/* Identity and a signing key, made here; the identity's seed goes out with the answer. */
static enum result make_operator(struct work *work, const struct operator_settings *settings,
                                 struct new_operator *new)
{
    const char *keys[1] = {new->signing_key};
    struct operator_claims operator= {
        .signing_keys = {keys, 1},
        .account_server_url = settings->account_server_url,
        .operator_service_urls = settings->operator_service_urls,
        .assert_server_version = settings->assert_server_version,
        .strict_signing_key_usage = settings->strict_signing_keys,
    };
    struct claims claims = {.iat = work_now(work) / NS_PER_S,
                            .name = settings->settings.name,
                            .sub = new->public_key,
                            .type = CLAIMS_OPERATOR,
                            .version = CLAIMS_VERSION,
                            .tags = settings->tags,
                            .operator= & operator, };
    struct issued issued;
    enum result rc;

    issuer_new_key(work->tools->random, NKEY_OPERATOR, new->public_key, &new->seed);
    issuer_new_key(work->tools->random, NKEY_OPERATOR, new->signing_key, &new->signing_seed);
    new->has_signing_key = true;
    rc = issuer_sign(work->tools->vault, &new->seed, &claims, work->arena, &issued);
    if (rc == ERR_INVALID)
        return refusal_field(work->refusal, "/", "invalid", "%s", issued.why);
    new->jwt = issued.jwt;
    new->jti = issued.jti;
    return rc;
}

/* From a JWT made elsewhere, perhaps with the seed of a signing key that it names. */
static enum result import_operator(struct work *work, struct operator_settings *settings,
                                   struct new_operator *new)
{
    struct claims claims;
    enum result rc = read_jwt(work, settings->jwt, &claims);

    if (rc != OK)
        return rc;
    take_claims(settings, &claims);
    memcpy(new->public_key, claims.sub, NKEY_PUBLIC_MAX);
    new->jwt = arena_copy(work->arena, slice_trim(slice_of(settings->jwt)));
    new->jti = claims.jti;
    if (settings->signing_seed == NULL)
        return OK;
    if (strlen(settings->signing_seed) != NKEY_SEED_LEN)
        return refusal_field(work->refusal, "/signing_seed", "invalid", "is not a seed");
    vault_secret_set(&new->signing_seed, slice_of(settings->signing_seed));
    rc = issuer_public_key(&new->signing_seed, NKEY_OPERATOR, new->signing_key);
    if (rc != OK || !names_key(claims.operator, new->signing_key))
        return refusal_field(work->refusal, "/signing_seed", "invalid",
                             "is not of a signing key that the JWT names");
    new->has_signing_key = true;
    return OK;
}

static enum result insert_key(struct work *work, const char *operator_id,
                              const struct resource_settings *settings, const char *state,
                              const char *public_key, const struct vault_secret *seed,
                              const char **id)
{
    const char *secret_id;
    enum result rc = secret_put(work, NULL, operator_id, "operator_signing", seed, &secret_id);

    *id = resource_id_new(work, "skey");
    if (rc == OK)
        rc = db_exec(work->db, SQL_operator_key_insert,
                     DB_ARGS(db_text(*id), db_text(settings->name),
                             db_text(or_empty(settings->display_name)),
                             db_text(or_empty(settings->description)),
                             db_json(resource_labels(settings, work->arena)),
                             db_text(work->who->name), db_text(operator_id), db_text(state),
                             db_text(public_key), db_text(secret_id)));
    return rc;
}

static enum result store(struct work *work, const struct operator_settings *settings,
                         const struct new_operator *new)
{
    const struct resource_settings *head = &settings->settings;
    const struct resource_settings key = {.name = "first"};
    const char *key_id;
    enum result rc =
        db_exec(work->db, SQL_operator_insert,
                DB_ARGS(db_text(new->id), db_text(head->name),
                        db_text(or_empty(head->display_name)), db_text(or_empty(head->description)),
                        db_json(resource_labels(head, work->arena)), db_text(work->who->name),
                        db_text(new->public_key), db_bool(settings->strict_signing_keys),
                        db_text(or_empty(settings->assert_server_version)),
                        db_text(or_empty(settings->account_server_url)),
                        db_strings(&settings->operator_service_urls), db_strings(&settings->tags),
                        db_text(new->jwt), db_text(new->jti)));

    if (rc == OK && new->has_signing_key)
        rc = insert_key(work, new->id, &key, "active", new->signing_key, &new->signing_seed,
                        &key_id);
    if (rc == ERR_EXISTS)
        return refusal_set(work->refusal, REFUSAL_name_taken,
                           "Another operator has this name or key.");
    return rc;
}

enum result operator_create(struct work *work, const struct operator_settings *settings,
                            struct operator* out)
{
    struct operator_settings given = *settings;
    struct new_operator new = {.id = resource_id_new(work, "opr")};
    enum result rc =
        given.jwt != NULL ? import_operator(work, &given, &new) : make_operator(work, &given, &new);

    if (rc == OK)
        rc = store(work, &given, &new);
    if (rc == OK)
        rc = operator_by_ref(work, new.id, out);
    if (rc == OK && new.seed.data != NULL)
        out->seed = secret_show(work, &new.seed);
    vault_secret_wipe(&new.seed);
    vault_secret_wipe(&new.signing_seed);
    return rc;
}

/*
 * Changes.
 */

/* A new JWT must go on naming the key that signs now. */
static enum result check_upload(struct work *work, const struct operator* old,
                                const struct claims *claims)
{
    struct operator_key active;
    enum result rc;

    if (strcmp(claims->sub, old->public_key) != 0)
        return refusal_field(work->refusal, "/jwt", "invalid", "is another operator's");
    if (old->active_signing_key_id == NULL)
        return OK;
    rc = operator_key_by_ref(work, old->resource.id, old->active_signing_key_id, &active);
    if (rc == OK && !names_key(claims->operator, active.public_key))
        return refusal_field(work->refusal, "/jwt", "invalid",
                             "does not name the active signing key %s", active.public_key);
    return rc;
}

/* What stands in the JWT changes with the JWT only. */
static enum result check_no_upload(struct work *work, const struct operator* old,
                                   const struct operator_settings *settings)
{
    struct operator_settings before = operator_settings_of(old);
    json_t *a, *b;
    bool same;

    before.settings = settings->settings;
    a = shape_encode(&operator_settings_shape, &before);
    b = shape_encode(&operator_settings_shape, settings);
    same = json_equal(a, b) != 0;
    json_decref(a);
    json_decref(b);
    if (!same)
        return refusal_field(work->refusal, "/jwt", "required",
                             "this change needs a new operator JWT, signed with the seed");
    return OK;
}

enum result operator_update(struct work *work, const struct operator* old,
                            const struct operator_settings *settings, struct operator* out)
{
    struct operator_settings given = *settings;
    const struct resource_settings *head = &given.settings;
    struct claims claims = {.jti = old->jwt_id};
    const char *jwt = old->jwt;
    enum result rc;

    if (given.jwt != NULL) {
        rc = read_jwt(work, given.jwt, &claims);
        if (rc == OK)
            rc = check_upload(work, old, &claims);
        if (rc != OK)
            return rc;
        take_claims(&given, &claims);
        jwt = arena_copy(work->arena, slice_trim(slice_of(given.jwt)));
        work->wake |= WAKE_TRUST;
    } else {
        rc = check_no_upload(work, old, &given);
        if (rc != OK)
            return rc;
    }
    rc = db_change(
        work->db, SQL_operator_update,
        DB_ARGS(db_text(old->resource.id), db_integer(old->resource.version), db_text(head->name),
                db_text(or_empty(head->display_name)), db_text(or_empty(head->description)),
                db_json(resource_labels(head, work->arena)), db_bool(given.strict_signing_keys),
                db_text(or_empty(given.assert_server_version)),
                db_text(or_empty(given.account_server_url)),
                db_strings(&given.operator_service_urls), db_strings(&given.tags), db_text(jwt),
                db_text(claims.jti)));
    if (rc == ERR_NOT_FOUND)
        return resource_conflict(work, &old->resource);
    if (rc == ERR_EXISTS)
        return refusal_set(work->refusal, REFUSAL_name_taken, "Another operator has this name.");
    return rc == OK ? operator_by_ref(work, old->resource.id, out) : rc;
}

/*
 * Signing keys.
 */

enum result operator_key_list(struct work *work, const char *operator_id,
                              const struct list_query *query, struct db_rows *out)
{
    return db_all(work->db, SQL_operator_key_list, DB_ARGS(LIST_ARGS(query), db_text(operator_id)),
                  &operator_key_shape, work->arena, out);
}

enum result operator_key_by_ref(struct work *work, const char *operator_id, const char *ref,
                                struct operator_key *out)
{
    return db_one(work->db, SQL_operator_key_by_ref, DB_ARGS(db_text(operator_id), db_text(ref)),
                  &operator_key_shape, work->arena, out);
}

enum result operator_key_create(struct work *work, const char *operator_id,
                                const struct resource_settings *settings, struct operator_key *out)
{
    char public_key[NKEY_PUBLIC_MAX];
    struct vault_secret seed = {0};
    const char *id;
    enum result rc;

    issuer_new_key(work->tools->random, NKEY_OPERATOR, public_key, &seed);
    rc = insert_key(work, operator_id, settings, "staged", public_key, &seed, &id);
    vault_secret_wipe(&seed);
    return rc == OK ? operator_key_by_ref(work, operator_id, id, out) : rc;
}

static const struct life_move operator_key_moves[] = {
    {"promote", "|staged|", "trusted", false}, /* every node trusts it */
    {"activate", "|staged|trusted|", "active", true},
    {"relieve", "|active|", "retiring", false}, /* another one is activated */
    {"retire", "|staged|trusted|retiring|compromised|", "retired", true},
};
const struct lifecycle operator_key_lifecycle = {
    "key", "|staged|trusted|active|retiring|retired|compromised|", operator_key_moves,
    COUNT_OF(operator_key_moves)};

static enum result move_key(struct work *work, const struct operator_key *key, const char *action,
                            struct operator_key *out)
{
    const char *to;
    enum result rc;

    CHECK(lifecycle_allows(&operator_key_lifecycle, action, key->resource.state, &to));
    rc = db_change(work->db, SQL_operator_key_move,
                   DB_ARGS(db_text(key->resource.id), db_text(key->resource.state), db_text(to)));

    if (rc == ERR_NOT_FOUND)
        return resource_conflict(work, &key->resource);
    return rc == OK ? operator_key_by_ref(work, key->operator_id, key->resource.id, out) : rc;
}

/* The uploaded JWT names it, and so does what every node has read. */
static enum result check_trusted(struct work *work, const struct operator_key *key)
{
    struct operator operator;
    struct claims claims;
    const char *distrusted = NULL;
    enum result rc = operator_by_ref(work, key->operator_id, &operator);

    if (rc == OK)
        rc = read_jwt(work, operator.jwt, &claims);
    if (rc == OK && !names_key(claims.operator, key->public_key))
        return refusal_set(work->refusal, REFUSAL_signer_not_trusted_by_node,
                           "The operator's JWT does not name this key: sign a new one that does "
                           "and upload it.");
    if (rc == OK)
        rc = db_get_text(work->db, SQL_operator_key_distrusted,
                         DB_ARGS(db_text(key->operator_id), db_text(key->public_key)), work->arena,
                         &distrusted);
    if (rc == OK && distrusted != NULL)
        return refusal_set(work->refusal, REFUSAL_signer_not_trusted_by_node,
                           "These nodes do not trust the key: %s.", distrusted);
    return rc;
}

enum result operator_key_activate(struct work *work, const struct operator_key *key,
                                  struct operator_key *out)
{
    enum result rc = lifecycle_may(work, &operator_key_lifecycle, "activate", key->resource.state);

    if (rc == OK)
        rc = check_trusted(work, key);
    if (rc == OK)
        rc = db_exec(work->db, SQL_operator_key_relieve,
                     DB_ARGS(db_text(key->operator_id),
                             db_strings(lifecycle_from(work, &operator_key_lifecycle, "relieve"))));
    return rc == OK ? move_key(work, key, "activate", out) : rc;
}

enum result operator_key_retire(struct work *work, const struct operator_key *key,
                                struct operator_key *out)
{
    int64_t users;
    enum result rc;

    if (strcmp(key->resource.state, "active") == 0)
        return refusal_set(work->refusal, REFUSAL_illegal_state,
                           "The key is active: activate another one first.");
    rc = lifecycle_may(work, &operator_key_lifecycle, "retire", key->resource.state);
    if (rc == OK)
        rc =
            db_get_int(work->db, SQL_operator_key_users, DB_ARGS(db_text(key->public_key)), &users);
    if (rc == OK && users > 0)
        return refusal_set(work->refusal, REFUSAL_in_use, "%lld accounts are signed by this key.",
                           (long long)users);
    return rc == OK ? move_key(work, key, "retire", out) : rc;
}

enum result operator_keys_promote(struct work *work, const char *operator_id)
{
    return db_exec(work->db, SQL_operator_keys_promote,
                   DB_ARGS(db_text(operator_id),
                           db_strings(lifecycle_from(work, &operator_key_lifecycle, "promote"))));
}

struct signer {
    const char *public_key, *secret_id;
};
static const struct field signer_fields[] = {
    {"public_key", STRING_AT(struct signer, public_key)},
    {"secret_id", STRING_AT(struct signer, secret_id)},
};
static const struct shape signer_shape = SHAPE(struct signer, signer_fields);

/* Tenants may not read the operator's row: the wall is lifted for these two look-ups. */
enum result operator_signer(struct work *work, const char *operator_id,
                            char public_key[NKEY_PUBLIC_MAX], struct vault_secret *seed)
{
    struct signer signer;
    enum result rc = db_as_service(work->db);

    if (rc == OK)
        rc = db_one(work->db, SQL_operator_signer, DB_ARGS(db_text(operator_id)), &signer_shape,
                    work->arena, &signer);
    if (rc == ERR_NOT_FOUND)
        return refusal_set(work->refusal, REFUSAL_signer_unavailable,
                           "The operator has no active signing key here.");
    if (rc == OK)
        rc = secret_get(work, signer.secret_id, seed);
    if (rc != OK)
        return rc;
    memcpy(public_key, signer.public_key, NKEY_PUBLIC_MAX);
    rc = db_as_tenant(work->db);
    if (rc != OK)
        vault_secret_wipe(seed);
    return rc;
}

#define T struct operator_trust
static const struct field operator_trust_fields[] = {
    {"node", STRING_AT(T, node)},
    {"node_id", STRING_AT(T, node_id)},
    {"system_id", STRING_AT(T, system_id)},
    {"trusted", STRING_AT(T, trusted)},
    {"operator_jti", STRING_AT(T, operator_jti)},
    {"read_at", TIME_AT(T, trust_read_at), FIELD_NULL | FIELD_MS},
};
#undef T
const struct shape operator_trust_shape = SHAPE(struct operator_trust, operator_trust_fields);

enum result operator_trust(struct work *work, const struct operator_key *key, struct db_rows *out)
{
    return db_all(work->db, SQL_operator_trust,
                  DB_ARGS(db_text(key->operator_id), db_text(key->public_key)),
                  &operator_trust_shape, work->arena, out);
}
