#include "controlplane/domain/account_claims.h"

#include <ctype.h>
#include <string.h>

#include "api/base/clock.h"

struct key_row {
    const char *public_key, *role, *description, *role_id;
    struct user_rules rules;
};
#define T struct key_row
static const struct field key_row_fields[] = {
    {"public_key", STRING_AT(T, public_key)},
    {"role", STRING_AT(T, role)},
    {"description", STRING_AT(T, description)},
    {"role_id", STRING_AT(T, role_id)},
    {NULL, FLATTEN_AT(T, rules), .type = &user_rules_template_shape},
};
#undef T
static const struct shape key_row_shape = SHAPE(struct key_row, key_row_fields);

struct revocation_row {
    const char *user_key;
    int64_t revoked_before;
};
static const struct field revocation_row_fields[] = {
    {"user_key", STRING_AT(struct revocation_row, user_key)},
    {"revoked_before", TIME_AT(struct revocation_row, revoked_before)},
};
static const struct shape revocation_row_shape =
    SHAPE(struct revocation_row, revocation_row_fields);

static enum result add_keys(struct work *work, const char *account_id, struct account_claims *out)
{
    struct db_rows rows;
    enum result rc = db_all(work->db, SQL_account_claims_keys, DB_ARGS(db_text(account_id)),
                            &key_row_shape, work->arena, &rows);

    if (rc != OK)
        return rc;
    out->signing_keys.count = rows.count;
    out->signing_keys.items =
        arena_alloc_array(work->arena, rows.count + 1, sizeof(*out->signing_keys.items));
    for (size_t i = 0; i < rows.count; i++) {
        const struct key_row *row = (const struct key_row *)rows.items + i;
        struct claims_signing_key *key = &out->signing_keys.items[i];

        key->key = row->public_key;
        if (row->role_id == NULL)
            continue;
        key->role = row->role;
        key->description = row->description;
        key->template = arena_alloc(work->arena, sizeof(*key->template));
        user_rules_claims(&row->rules, key->template, work->arena);
    }
    return OK;
}

static enum result add_revocations(struct work *work, const char *account_id,
                                   struct account_claims *out)
{
    struct db_rows rows;
    enum result rc = db_all(work->db, SQL_account_claims_revocations, DB_ARGS(db_text(account_id)),
                            &revocation_row_shape, work->arena, &rows);

    if (rc != OK)
        return rc;
    out->revocations.count = rows.count;
    out->revocations.items =
        arena_alloc_array(work->arena, rows.count + 1, sizeof(*out->revocations.items));
    for (size_t i = 0; i < rows.count; i++) {
        const struct revocation_row *row = (const struct revocation_row *)rows.items + i;

        out->revocations.items[i] =
            (struct int_pair){row->user_key, row->revoked_before / NS_PER_S};
    }
    return OK;
}

static void add_tiers(struct work *work, const struct tier_list *tiers,
                      struct claims_account_limits *out)
{
    out->tiers.count = tiers->count;
    out->tiers.items = arena_alloc_array(work->arena, tiers->count + 1, sizeof(*out->tiers.items));
    for (size_t i = 0; i < tiers->count; i++) {
        const struct tier_limits *tier = &tiers->items[i];

        out->tiers.items[i].name = tier->tier;
        out->tiers.items[i].limits = (struct claims_js_limits){
            .mem_storage = tier->js_memory,
            .disk_storage = tier->js_disk,
            .streams = tier->js_streams,
            .consumer = tier->js_consumers_per_stream,
            .max_ack_pending = tier->js_max_ack_pending,
            .mem_max_stream_bytes = tier->js_memory_max_stream_bytes,
            .disk_max_stream_bytes = tier->js_disk_max_stream_bytes,
            .max_bytes_required = tier->js_max_bytes_required,
        };
    }
}

static void add_limits(struct work *work, const struct limits *limits, bool open,
                       struct claims_account_limits *out)
{
    *out = (struct claims_account_limits){
        .nats = {.subs = limits->subscriptions_per_connection.value,
                 .data = CLAIMS_UNLIMITED, /* QUO-05: no node enforces it */
                 .payload = limits->max_payload.value},
        .imports = limits->imports.value,
        .exports = limits->exports.value,
        .wildcards = limits->wildcard_exports.value != 0,
        .disallow_bearer = limits->disallow_bearer.value != 0,
        .conn = open ? limits->connections.value : 0,
        .leaf = open ? limits->leaf_connections.value : 0,
    };
    if (limits->tiers.count > 0) {
        add_tiers(work, &limits->tiers, out);
        return;
    }
    if (limits->js_memory.value == 0 && limits->js_disk.value == 0)
        return; /* JetStream is off: all of it is 0 */
    out->js = (struct claims_js_limits){
        .mem_storage = limits->js_memory.value,
        .disk_storage = limits->js_disk.value,
        .streams = limits->js_streams.value,
        .consumer = limits->js_consumers_per_stream.value,
        .max_ack_pending = limits->js_max_ack_pending.value,
        .mem_max_stream_bytes = limits->js_memory_max_stream_bytes.value,
        .disk_max_stream_bytes = limits->js_disk_max_stream_bytes.value,
        .max_bytes_required = limits->js_max_bytes_required.value != 0,
    };
}

/* Tags are lower case in tokens. */
static struct strings lower_tags(struct work *work, const struct strings *tags)
{
    struct strings out = {arena_alloc_array(work->arena, tags->count + 1, sizeof(char *)),
                          tags->count};

    for (size_t i = 0; i < tags->count; i++) {
        char *tag = arena_strdup(work->arena, tags->items[i]);

        for (char *p = tag; *p != '\0'; p++)
            *p = (char)tolower((unsigned char)*p);
        out.items[i] = tag;
    }
    return out;
}

static void begin(struct work *work, const struct account *account, struct claims *out)
{
    *out = (struct claims){
        .name = account->resource.name,
        .sub = account->public_key,
        .type = CLAIMS_ACCOUNT,
        .version = CLAIMS_VERSION,
        .account = arena_alloc(work->arena, sizeof(*out->account)),
    };
}

enum result account_claims_build(struct work *work, const struct account *account,
                                 struct claims *out)
{
    struct effective_limits effective;
    struct account_claims *claims;
    enum result rc = account_effective(work, account, &effective);

    if (rc != OK)
        return rc;
    begin(work, account, out);
    claims = out->account;
    add_limits(work, &effective.limits, strcmp(account->resource.state, "active") == 0,
               &claims->limits);
    permissions_claims(&account->default_permissions, &claims->default_permissions, work->arena);
    claims->description = account->resource.description;
    claims->info_url = account->info_url;
    out->tags = lower_tags(work, &account->tags);
    rc = add_keys(work, account->resource.id, claims);
    if (rc == OK)
        rc = add_revocations(work, account->resource.id, claims);
    return rc;
}

void account_claims_tombstone(struct work *work, const struct account *account, struct claims *out)
{
    begin(work, account, out);
    out->account->limits.disallow_bearer = true;
}
