#include "controlplane/domain/nats_system.h"

#include <inttypes.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "controlplane/domain/authz.h"
#include "controlplane/domain/operator.h"
#include "controlplane/domain/secret.h"

enum { URLS_MAX = 128, ACCOUNTS_EXPECTED = 1000, SYNC_INTERVAL_S = 60, STORE_LIMIT_MIN = 1000 };

const char *const resolver_kind_words[] = {"full", "memory", NULL};
const char *const node_kind_words[] = {"mixed", "stock", "own", NULL};
enum { RESOLVER_FULL };

static const char url_rule[] = "an address such as nats://host:4222";

/* As it is shown: "" where there is none.  It stands between quotes in a node's configuration. */
static bool is_domain(const char *text)
{
    return text[0] == '\0' || (rule_nats_name(text) && strchr(text, '"') == NULL);
}

/* clang-format off */
#define T struct nats_jetstream
static const struct field jetstream_fields[] = {
    {"enabled", BOOL_AT(T, enabled)},
    {"domain", STRING_AT(T, domain)},
    {"tiers", STRINGS_AT(T, tiers)},
};
static const struct field jetstream_settings_fields[] = {
    {"enabled", BOOL_AT(T, enabled)},
    {"domain", STRING_AT(T, domain), FIELD_OMIT_EMPTY, .max = 255, .valid = is_domain,
     .rule = "empty, or a name without blanks, quotes, '.', '*', '>'"},
    {"tiers", STRINGS_AT(T, tiers), FIELD_OMIT_EMPTY, .max = 5, .valid = rule_tier,
     .rule = "one of R1 to R5"},
};
static const struct shape jetstream_shape = SHAPE(T, jetstream_fields);
static const struct shape jetstream_settings_shape = SHAPE(T, jetstream_settings_fields);
#undef T

#define T struct nats_system
static const struct field nats_system_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"operator_id", STRING_AT(T, operator_id)},
    {"urls", STRINGS_AT(T, urls)},
    {"public_urls", STRINGS_AT(T, public_urls)},
    {"resolver_kind", ENUM_AT(T, resolver_kind), .type = resolver_kind_words},
    {"node_kind", ENUM_AT(T, node_kind), .type = node_kind_words},
    {"jetstream", STRUCT_AT(T, jetstream), .type = &jetstream_shape},
    {"capacity", INT_MAP_AT(T, capacity)},
    {"accounts_expected", INT_AT(T, accounts_expected)},
    {"sync_interval_s", INT_AT(T, sync_interval_s)},
    {"system_account_id", STRING_AT(T, system_account_id)},
    {"system_account_key", STRING_AT(T, system_account_key)},
    {"allow_delete", BOOL_AT(T, allow_delete)},
    {"nodes_total", INT_AT(T, nodes_total)},
    {"nodes_ready", INT_AT(T, nodes_ready)},
    {"last_reconcile_at", TIME_AT(T, last_reconcile_at), FIELD_NULL | FIELD_MS},
    {"last_compare_at", TIME_AT(T, last_compare_at), FIELD_NULL | FIELD_MS},
};
#undef T
const struct shape nats_system_shape = SHAPE(struct nats_system, nats_system_fields);

#define T struct nats_system_settings
static const struct field nats_system_settings_fields[] = {
    {NULL, FLATTEN_AT(T, settings), .type = &resource_settings_shape},
    {"operator_id", STRING_AT(T, operator_id), FIELD_OMIT_EMPTY | FIELD_FIXED, .max = 64},
    {"urls", STRINGS_AT(T, urls), FIELD_OMIT_EMPTY, .max = URLS_MAX, .valid = rule_node_url,
     .rule = url_rule},
    {"public_urls", STRINGS_AT(T, public_urls), FIELD_OMIT_EMPTY, .max = URLS_MAX,
     .valid = rule_node_url, .rule = url_rule},
    {"resolver_kind", ENUM_AT(T, resolver_kind), .type = resolver_kind_words},
    {"node_kind", ENUM_AT(T, node_kind), .type = node_kind_words},
    {"jetstream", STRUCT_AT(T, jetstream), FIELD_NULL, .type = &jetstream_settings_shape},
    {"capacity", INT_MAP_AT(T, capacity), FIELD_OMIT_EMPTY, .max = 64, .valid = rule_label_key,
     .rule = "a name"},
    {"accounts_expected", INT_AT(T, accounts_expected), FIELD_OMIT_EMPTY, .min = 1,
     .max = 10000000},
    {"sync_interval_s", INT_AT(T, sync_interval_s), FIELD_OMIT_EMPTY, .min = 1, .max = 86400},
};
#undef T
const struct shape nats_system_settings_shape =
    SHAPE(struct nats_system_settings, nats_system_settings_fields);

#define T struct desired_account
static const struct field desired_account_fields[] = {
    {"account_id", STRING_AT(T, account_id)},
    {"public_key", STRING_AT(T, public_key)},
    {"jti", STRING_AT(T, jti)},
    {"jwt", STRING_AT(T, jwt)},
    {"state", STRING_AT(T, state)},
    {"revision", INT_AT(T, revision)},
    {"iat", INT_AT(T, iat)},
    {"tombstone", BOOL_AT(T, tombstone)},
    {"is_system", BOOL_AT(T, is_system)},
    {"pending", BOOL_AT(T, pending)},
};
#undef T
/* clang-format on */
const struct shape desired_account_shape = SHAPE(struct desired_account, desired_account_fields);

struct nats_system_settings nats_system_settings_of(const struct nats_system *system)
{
    return (struct nats_system_settings){
        .settings = resource_settings_of(&system->resource),
        .operator_id = system->operator_id,
        .urls = system->urls,
        .public_urls = system->public_urls,
        .resolver_kind = system->resolver_kind,
        .node_kind = system->node_kind,
        .jetstream = system->jetstream,
        .capacity = system->capacity,
        .accounts_expected = system->accounts_expected,
        .sync_interval_s = system->sync_interval_s,
    };
}

enum result nats_system_by_ref(struct work *work, const char *ref, struct nats_system *out)
{
    return db_one(work->db, SQL_system_by_ref, DB_ARGS(db_text(ref)), &nats_system_shape,
                  work->arena, out);
}

enum result nats_system_list(struct work *work, const struct list_query *query, struct db_rows *out)
{
    return db_all(work->db, SQL_system_list, DB_ARGS(LIST_ARGS(query)), &nats_system_shape,
                  work->arena, out);
}

enum result nats_system_only(struct work *work, const char **id)
{
    return db_get_text(work->db, SQL_system_only, DB_NO_ARGS, work->arena, id);
}

struct id_row {
    const char *system_id;
};
static const struct field id_row_fields[] = {
    {"system_id", STRING_AT(struct id_row, system_id)},
};
static const struct shape id_row_shape = SHAPE(struct id_row, id_row_fields);

enum result nats_system_of_operator(struct work *work, const char *operator_id, struct strings *out)
{
    struct db_rows rows;
    enum result rc = db_all(work->db, SQL_system_of_operator, DB_ARGS(db_text(operator_id)),
                            &id_row_shape, work->arena, &rows);

    if (rc != OK)
        return rc;
    out->items = arena_alloc_array(work->arena, rows.count + 1, sizeof(out->items[0]));
    out->count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        out->items[i] = ((const struct id_row *)rows.items)[i].system_id;
    return OK;
}

/*
 * Creation: the system and its system account.
 */

static enum result find_operator(struct work *work, const char *ref, const char **id)
{
    struct operator operator;
    enum result rc;

    if (ref == NULL) {
        rc = db_get_text(work->db, SQL_system_only_operator, DB_NO_ARGS, work->arena, id);
        if (rc == ERR_NOT_FOUND)
            return refusal_field(work->refusal, "/operator_id", "required",
                                 "there is not exactly one operator: name it");
        return rc;
    }
    rc = operator_by_ref(work, ref, &operator);
    if (rc == ERR_NOT_FOUND)
        return refusal_field(work->refusal, "/operator_id", "not_found",
                             "there is no such operator");
    if (rc == OK)
        *id = operator.resource.id;
    return rc;
}

/* Signs the system account's claims: all is allowed, nothing changes later.  Users are signed by
 * its signing key: under a strict operator nodes accept no others. */
static enum result sign_system_account(struct work *work, const char *operator_id,
                                       const char *account_key, const char *signing_key,
                                       int64_t iat, struct issued *issued, json_t **record)
{
    char signer[NKEY_PUBLIC_MAX];
    struct claims_signing_key key = {.key = signing_key};
    struct account_claims account = {0};
    struct claims claims = {.iat = iat,
                            .name = "SYS",
                            .sub = account_key,
                            .type = CLAIMS_ACCOUNT,
                            .version = CLAIMS_VERSION,
                            .account = &account};
    struct vault_secret seed = {0};
    enum result rc = operator_signer(work, operator_id, signer, &seed);

    if (rc != OK)
        return rc;
    claims_account_defaults(&account);
    account.signing_keys.items = &key;
    account.signing_keys.count = 1;
    rc = issuer_sign(work->tools->vault, &seed, &claims, work->arena, issued);
    vault_secret_wipe(&seed);
    if (rc == OK)
        *record = shape_own(work->arena, issuer_claims_json(&claims));
    return rc;
}

static enum result store_system_account(struct work *work, const char *id, const char *system_id,
                                        const char *account_key, const char *secret_id)
{
    struct resource_settings none = {0};
    struct strings no_tags = {0};

    return db_exec(work->db, SQL_account_insert,
                   DB_ARGS(db_text(id), db_text("system"), db_text(""), db_text(""),
                           db_json(resource_labels(&none, work->arena)), db_text(work->who->name),
                           db_text(NULL), db_text(system_id), db_bool(true), db_text(account_key),
                           db_text(secret_id), db_text(NULL), db_text(NULL), db_bool(true),
                           db_strings(&no_tags), db_text(""), db_text("{}")));
}

static enum result make_system_account(struct work *work, const char *system_id,
                                       const char *operator_id)
{
    char account_key[NKEY_PUBLIC_MAX], signing_key[NKEY_PUBLIC_MAX];
    const char *id = resource_id_new(work, "acc"), *identity_id, *secret_id;
    int64_t iat = work_now(work) / NS_PER_S;
    struct issued issued;
    json_t *record = NULL;
    enum result rc = secret_new_key(work, NULL, id, "account_identity", account_key, &identity_id);

    if (rc == OK)
        rc = secret_new_key(work, NULL, id, "account_signing", signing_key, &secret_id);
    if (rc == OK)
        rc =
            sign_system_account(work, operator_id, account_key, signing_key, iat, &issued, &record);
    if (rc == OK)
        rc = store_system_account(work, id, system_id, account_key, secret_id);
    if (rc == OK)
        rc = db_exec(work->db, SQL_account_revision_insert,
                     DB_ARGS(db_text(id), db_integer(1), db_text(NULL), db_text(issued.jti),
                             db_integer(iat), db_text(issued.claims_hash), db_json(record),
                             db_text("created"), db_text(work->who->name)));
    if (rc == OK)
        rc = db_exec(work->db, SQL_account_jwt_insert,
                     DB_ARGS(db_text(id), db_integer(1), db_text(NULL), db_text(issued.jwt)));
    if (rc == OK)
        rc = db_exec(work->db, SQL_account_set_revision,
                     DB_ARGS(db_text(id), db_integer(1), db_text(issued.jti), db_integer(iat),
                             db_text(issued.claims_hash), db_integer((int64_t)strlen(issued.jwt))));
    return rc;
}

/* The part of insert and update that is the same: from name to sync_interval_s. */
static void settings_values(struct work *work, const struct nats_system_settings *s,
                            struct db_value out[4 + 10])
{
    const struct resource_settings *head = &s->settings;
    json_t *capacity = json_object();

    for (size_t i = 0; i < s->capacity.count; i++)
        json_object_set_new(capacity, s->capacity.items[i].key,
                            json_integer(s->capacity.items[i].value));
    out[0] = db_text(head->name);
    out[1] = db_text(or_empty(head->display_name));
    out[2] = db_text(or_empty(head->description));
    out[3] = db_json(resource_labels(head, work->arena));
    out[4] = db_strings(&s->urls);
    out[5] = db_strings(&s->public_urls);
    out[6] = db_text(resolver_kind_words[s->resolver_kind]);
    out[7] = db_text(node_kind_words[s->node_kind]);
    out[8] = db_bool(s->jetstream.enabled);
    out[9] = db_text(or_empty(s->jetstream.domain));
    out[10] = db_strings(&s->jetstream.tiers);
    out[11] = db_json(shape_own(work->arena, capacity));
    out[12] = db_integer(s->accounts_expected > 0 ? s->accounts_expected : ACCOUNTS_EXPECTED);
    out[13] = db_integer(s->sync_interval_s > 0 ? s->sync_interval_s : SYNC_INTERVAL_S);
}

enum result nats_system_create(struct work *work, const struct nats_system_settings *settings,
                               struct nats_system *out)
{
    const char *id = resource_id_new(work, "sys"), *operator_id;
    struct db_value values[17], common[14];
    enum result rc = find_operator(work, settings->operator_id, &operator_id);

    if (rc != OK)
        return rc;
    settings_values(work, settings, common);
    values[0] = db_text(id);
    memcpy(&values[1], common, 4 * sizeof(common[0]));
    values[5] = db_text(work->who->name);
    values[6] = db_text(operator_id);
    memcpy(&values[7], &common[4], 10 * sizeof(common[0]));
    rc = db_exec(work->db, SQL_system_insert, (struct db_args){values, COUNT_OF(values)});
    if (rc == ERR_EXISTS)
        return refusal_set(work->refusal, REFUSAL_name_taken, "Another system has this name.");
    if (rc == OK)
        rc = make_system_account(work, id, operator_id);
    work->wake |= WAKE_TRUST;
    return rc == OK ? nats_system_by_ref(work, id, out) : rc;
}

enum result nats_system_update(struct work *work, const struct nats_system *old,
                               const struct nats_system_settings *settings, struct nats_system *out)
{
    struct nats_system_settings before = nats_system_settings_of(old);
    const char *fixed = shape_fixed_change(&nats_system_settings_shape, &before, settings);
    struct db_value values[16];
    enum result rc;

    if (fixed != NULL)
        return refusal_field(work->refusal, arena_printf(work->arena, "/%s", fixed), "fixed",
                             "cannot be changed");
    values[0] = db_text(old->resource.id);
    values[1] = db_integer(old->resource.version);
    settings_values(work, settings, &values[2]);
    rc = db_change(work->db, SQL_system_update, (struct db_args){values, COUNT_OF(values)});
    if (rc == ERR_NOT_FOUND)
        return resource_conflict(work, &old->resource);
    if (rc == ERR_EXISTS)
        return refusal_set(work->refusal, REFUSAL_name_taken, "Another system has this name.");
    work->wake |= WAKE_TRUST;
    return rc == OK ? nats_system_by_ref(work, old->resource.id, out) : rc;
}

enum result nats_system_delete(struct work *work, const struct nats_system *system)
{
    enum result rc = db_change(work->db, SQL_system_delete, DB_ARGS(db_text(system->resource.id)));

    if (rc == ERR_NOT_FOUND)
        return refusal_set(work->refusal, REFUSAL_in_use, "Accounts live in this system.");
    work->wake |= WAKE_TRUST;
    return rc;
}

/*
 * A node's configuration.
 */

struct config_facts {
    const char *operator_jwt, *account_key, *account_jwt;
};
static const struct field config_facts_fields[] = {
    {"operator_jwt", STRING_AT(struct config_facts, operator_jwt)},
    {"account_key", STRING_AT(struct config_facts, account_key)},
    {"account_jwt", STRING_AT(struct config_facts, account_jwt)},
};
static const struct shape config_facts_shape = SHAPE(struct config_facts, config_facts_fields);

static void write_resolver(const struct nats_system *system, const struct server_config *config,
                           struct buf *buf)
{
    int64_t limit = 4 * system->accounts_expected;

    if (system->resolver_kind != RESOLVER_FULL) {
        buf_add_text(buf, "resolver: MEMORY\n");
        return;
    }
    buf_printf(buf,
               "resolver {\n    type: full\n    dir: \"%s/jwt\"\n    allow_delete: true\n"
               "    interval: \"2m\"\n    limit: %" PRId64 "\n}\n",
               config->store_dir, limit > STORE_LIMIT_MIN ? limit : STORE_LIMIT_MIN);
}

enum result nats_system_server_config(struct work *work, const struct nats_system *system,
                                      const struct server_config *config, const char **text)
{
    struct config_facts facts;
    struct buf buf = {0};
    enum result rc =
        db_one(work->db, SQL_system_config_facts, DB_ARGS(db_text(system->resource.id)),
               &config_facts_shape, work->arena, &facts);

    if (rc != OK)
        return rc;
    buf_printf(&buf, "# A node of the system %s.  It holds no secret.\nserver_name: \"%s\"\n",
               system->resource.name, config->server_name);
    buf_printf(&buf, "listen: \"%s:%" PRId64 "\"\n", config->listen, config->port);
    if (config->http_port > 0)
        buf_printf(&buf, "http: \"%s:%" PRId64 "\"\n", config->listen, config->http_port);
    if (system->jetstream.enabled) {
        buf_printf(&buf, "jetstream {\n    store_dir: \"%s/jetstream\"\n", config->store_dir);
        if (or_empty(system->jetstream.domain)[0] != '\0')
            buf_printf(&buf, "    domain: \"%s\"\n", system->jetstream.domain);
        buf_add_text(&buf, "}\n");
    }
    buf_printf(&buf, "operator: %s\nsystem_account: %s\n", facts.operator_jwt, facts.account_key);
    write_resolver(system, config, &buf);
    buf_printf(&buf, "resolver_preload {\n    %s: %s\n}\n", facts.account_key, facts.account_jwt);
    *text = arena_copy(work->arena, buf_slice(&buf));
    buf_fini(&buf);
    return OK;
}

/*
 * What we need to talk to nodes.
 */

struct system_account {
    const char *account_id, *public_key, *secret_id;
};
static const struct field system_account_fields[] = {
    {"account_id", STRING_AT(struct system_account, account_id)},
    {"public_key", STRING_AT(struct system_account, public_key)},
    {"secret_id", STRING_AT(struct system_account, secret_id)},
};
static const struct shape system_account_shape =
    SHAPE(struct system_account, system_account_fields);

enum result nats_system_connect_jwt(struct work *work, const char *system_id,
                                    const char *user_public_key, int64_t ttl_s, const char **jwt)
{
    int64_t now = work_now(work) / NS_PER_S;
    struct user_claims user = {0};
    struct claims claims = {.iat = now,
                            .exp = now + ttl_s,
                            .name = "berth-control",
                            .sub = user_public_key,
                            .type = CLAIMS_USER,
                            .version = CLAIMS_VERSION,
                            .user = &user};
    struct system_account account;
    struct vault_secret seed = {0};
    struct issued issued;
    enum result rc = db_one(work->db, SQL_system_account, DB_ARGS(db_text(system_id)),
                            &system_account_shape, work->arena, &account);

    if (rc == OK)
        rc = secret_get(work, account.secret_id, &seed);
    if (rc != OK)
        return rc;
    claims_user_defaults(&user.limits);
    user.issuer_account = account.public_key;
    rc = issuer_sign(work->tools->vault, &seed, &claims, work->arena, &issued);
    vault_secret_wipe(&seed);
    if (rc == OK)
        *jwt = issued.jwt;
    return rc;
}

enum result nats_system_delete_request(struct work *work, const char *system_id,
                                       const struct strings *account_keys, const char **jwt)
{
    char signer[NKEY_PUBLIC_MAX];
    struct nats_system system;
    struct vault_secret seed = {0};
    enum result rc = nats_system_by_ref(work, system_id, &system);

    if (rc == OK)
        rc = operator_signer(work, system.operator_id, signer, &seed);
    if (rc != OK)
        return rc;
    rc = issuer_sign_delete(work->tools->vault, &seed, account_keys, work_now(work) / NS_PER_S,
                            work->arena, jwt);
    vault_secret_wipe(&seed);
    return rc;
}

/*
 * Reconciling.
 */

enum result nats_system_want_reconcile(struct work *work, const char *system_id)
{
    work->wake |= WAKE_RECONCILE;
    return db_exec(work->db, SQL_system_want_reconcile, DB_ARGS(db_text(system_id)));
}

enum result nats_system_reconciled(struct work *work, const char *system_id, bool compare)
{
    return db_exec(work->db, SQL_system_reconciled, DB_ARGS(db_text(system_id), db_bool(compare)));
}

enum result nats_system_refresh_state(struct work *work, const char *system_id)
{
    return db_exec(work->db, SQL_system_refresh_state, DB_ARGS(db_text(system_id)));
}

enum result nats_system_desired(struct work *work, const char *system_id, const char *after,
                                int64_t limit, struct db_rows *out)
{
    return db_all(work->db, SQL_system_desired,
                  DB_ARGS(db_text(system_id), db_text(or_empty(after)), db_integer(limit)),
                  &desired_account_shape, work->arena, out);
}

struct known_key {
    const char *text;
};
static const struct field known_key_fields[] = {{"text", STRING_AT(struct known_key, text)}};
static const struct shape known_key_shape = SHAPE(struct known_key, known_key_fields);

enum result nats_system_known_keys(struct work *work, const struct strings *keys,
                                   struct strings *out)
{
    struct db_rows rows;
    enum result rc = db_all(work->db, SQL_system_known_keys, DB_ARGS(db_strings(keys)),
                            &known_key_shape, work->arena, &rows);

    *out = (struct strings){0};
    if (rc != OK)
        return rc;
    out->items = arena_alloc_array(work->arena, rows.count + 1, sizeof(char *));
    for (size_t i = 0; i < rows.count; i++)
        out->items[out->count++] = ((const struct known_key *)rows.items)[i].text;
    return OK;
}

struct sync_total {
    const char *state;
    int64_t accounts;
};
static const struct field sync_total_fields[] = {
    {"state", STRING_AT(struct sync_total, state)},
    {"accounts", INT_AT(struct sync_total, accounts)},
};
static const struct shape sync_total_shape = SHAPE(struct sync_total, sync_total_fields);

struct sync_behind {
    const char *id, *name, *team_id, *state, *blocked, *foreign_jti;
};
#define T struct sync_behind
static const struct field sync_behind_fields[] = {
    {"id", STRING_AT(T, id)},
    {"name", STRING_AT(T, name)},
    {"team_id", STRING_AT(T, team_id)},
    {"state", STRING_AT(T, state)},
    {"sync_blocked", STRING_AT(T, blocked), FIELD_OMIT_EMPTY},
    {"foreign_jti", STRING_AT(T, foreign_jti), FIELD_OMIT_EMPTY},
};
#undef T
static const struct shape sync_behind_shape = SHAPE(struct sync_behind, sync_behind_fields);

enum result nats_system_sync(struct work *work, const struct nats_system *system, json_t **out)
{
    struct db_rows totals, behind;
    json_t *tree, *object, *list;
    struct db_args args = DB_ARGS(db_text(system->resource.id));
    char time[CLOCK_TEXT_MAX];
    enum result rc =
        db_all(work->db, SQL_system_sync_totals, args, &sync_total_shape, work->arena, &totals);

    if (rc == OK)
        rc = db_all(work->db, SQL_system_sync_behind, args, &sync_behind_shape, work->arena,
                    &behind);
    if (rc != OK)
        return rc;
    object = json_object();
    for (size_t i = 0; i < totals.count; i++) {
        const struct sync_total *total = (const struct sync_total *)totals.items + i;

        json_object_set_new(object, total->state, json_integer(total->accounts));
    }
    list = json_array();
    for (size_t i = 0; i < behind.count; i++)
        json_array_append_new(
            list, shape_encode(&sync_behind_shape, (const struct sync_behind *)behind.items + i));
    tree = json_object();
    json_object_set_new(tree, "accounts", object);
    json_object_set_new(tree, "drifts", list);
    json_object_set_new(tree, "last_reconcile_at", json_null());
    json_object_set_new(tree, "last_full_pass_at", json_null());
    if (system->last_reconcile_at != 0) {
        clock_format(system->last_reconcile_at, 3, time);
        json_object_set_new(tree, "last_reconcile_at", json_string(time));
    }
    if (system->last_compare_at != 0) {
        clock_format(system->last_compare_at, 3, time);
        json_object_set_new(tree, "last_full_pass_at", json_string(time));
    }
    *out = shape_own(work->arena, tree);
    return OK;
}
