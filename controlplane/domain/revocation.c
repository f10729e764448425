#include "controlplane/domain/revocation.h"

#include <string.h>

#include "controlplane/domain/authz.h"

/* A key revoked and issued again within one second gets a token of the next one. */
enum { POST_DATED_MAX_S = 60 };

/* clang-format off */
#define T struct revocation
static const struct field revocation_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"account_id", STRING_AT(T, account_id)},
    {"user_key", STRING_AT(T, user_key)},
    {"revoked_before", TIME_AT(T, revoked_before), FIELD_MS},
    {"reason", STRING_AT(T, reason)},
};
#undef T
const struct shape revocation_shape = SHAPE(struct revocation, revocation_fields);

#define T struct revocation_settings
static const struct field revocation_settings_fields[] = {
    {"revoked_before", TIME_AT(T, revoked_before), FIELD_OMIT_EMPTY},
    {"reason", STRING_AT(T, reason), FIELD_OMIT_EMPTY, .max = 500, .valid = rule_display_name,
     .rule = "text without control characters"},
};
#undef T
/* clang-format on */
const struct shape revocation_settings_shape =
    SHAPE(struct revocation_settings, revocation_settings_fields);

enum result revocation_list(struct work *work, const char *account_id,
                            const struct list_query *query, struct db_rows *out)
{
    return db_all(work->db, SQL_revocation_list, DB_ARGS(LIST_ARGS(query), db_text(account_id)),
                  &revocation_shape, work->arena, out);
}

enum result revocation_by_key(struct work *work, const char *account_id, const char *user_key,
                              struct revocation *out)
{
    return db_one(work->db, SQL_revocation_by_key, DB_ARGS(db_text(account_id), db_text(user_key)),
                  &revocation_shape, work->arena, out);
}

enum result revocation_put(struct work *work, const struct account *account, const char *user_key,
                           const struct revocation_settings *settings, struct revocation *out)
{
    int64_t now = work_now(work);
    int64_t at = settings->revoked_before != 0 ? settings->revoked_before : now;
    enum result rc;

    if (strcmp(user_key, "*") != 0 && !rule_user_key(user_key))
        return refusal_field(work->refusal, "user_key", "invalid",
                             "must be a user's public key, or *");
    if (at > now + POST_DATED_MAX_S * NS_PER_S)
        return refusal_field(work->refusal, "/revoked_before", "out_of_range",
                             "must not be in the future");
    at = at / NS_PER_S * NS_PER_S; /* tokens know seconds */
    rc = db_exec(work->db, SQL_revocation_put,
                 DB_ARGS(db_text(resource_id_new(work, "rev")), db_text(or_empty(work->who->name)),
                         db_text(account->team_id), db_text(account->resource.id),
                         db_text(user_key), db_time(at), db_text(or_empty(settings->reason))));
    if (rc == OK)
        rc = db_exec(work->db, SQL_credential_revoke_key,
                     DB_ARGS(db_text(account->resource.id), db_text(user_key), db_time(at)));
    return rc == OK ? revocation_by_key(work, account->resource.id, user_key, out) : rc;
}

struct again_row {
    const char *id;
    int64_t total;
};
static const struct field again_row_fields[] = {
    {"id", STRING_AT(struct again_row, id)},
    {"total", INT_AT(struct again_row, total)},
};
static const struct shape again_row_shape = SHAPE(struct again_row, again_row_fields);

enum result revocation_delete(struct work *work, const struct revocation *revocation,
                              struct valid_again *out)
{
    const struct again_row *items;
    struct db_rows rows;
    enum result rc =
        db_all(work->db, SQL_revocation_valid_again,
               DB_ARGS(db_text(revocation->account_id), db_text(revocation->user_key),
                       db_time(revocation->revoked_before), db_integer(VALID_AGAIN_NAMED_MAX)),
               &again_row_shape, work->arena, &rows);

    *out = (struct valid_again){0};
    if (rc != OK)
        return rc;
    items = rows.items;
    out->count = rows.count > 0 ? items[0].total : 0;
    out->ids.items = arena_alloc_array(work->arena, rows.count + 1, sizeof(out->ids.items[0]));
    for (size_t i = 0; i < rows.count; i++)
        out->ids.items[out->ids.count++] = items[i].id;
    return db_exec(work->db, SQL_revocation_delete, DB_ARGS(db_text(revocation->resource.id)));
}
