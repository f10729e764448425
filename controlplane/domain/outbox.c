#include "controlplane/domain/outbox.h"

#include "api/base/check.h"

#define T struct outbox_row
static const struct field outbox_row_fields[] = {
    {"outbox_id", INT_AT(T, outbox_id)},
    {"account_id", STRING_AT(T, account_id)},
    {"team_id", STRING_AT(T, team_id)},
    {"system_id", STRING_AT(T, system_id)},
    {"public_key", STRING_AT(T, public_key)},
    {"revision", INT_AT(T, revision)},
    {"jwt", STRING_AT(T, jwt)},
    {"jti", STRING_AT(T, jti)},
    {"iat", INT_AT(T, iat)},
    {"is_tombstone", BOOL_AT(T, is_tombstone)},
    {"attempts", INT_AT(T, attempts)},
    {"created_at", TIME_AT(T, created_at)},
    {"lease_epoch", INT_AT(T, lease_epoch)},
};
#undef T
const struct shape outbox_row_shape = SHAPE(struct outbox_row, outbox_row_fields);

#define T struct outbox_depth
static const struct field outbox_depth_fields[] = {
    {"depth", INT_AT(T, depth)},
    {"oldest_s", INT_AT(T, oldest_s)},
};
#undef T
static const struct shape outbox_depth_shape = SHAPE(struct outbox_depth, outbox_depth_fields);

static enum result lost_if_missing(enum result rc)
{
    return rc == ERR_NOT_FOUND ? ERR_CONFLICT : rc;
}

enum result outbox_add(struct work *work, const char *account_id, int64_t revision)
{
    work->wake |= WAKE_OUTBOX;
    return db_change(work->db, SQL_outbox_add, DB_ARGS(db_text(account_id), db_integer(revision)));
}

enum result outbox_claim(struct work *work, const char *system_id, int64_t limit, int64_t lease_s,
                         struct db_rows *out)
{
    return db_all(work->db, SQL_outbox_claim,
                  DB_ARGS(db_text(system_id), db_integer(limit), db_integer(lease_s)),
                  &outbox_row_shape, work->arena, out);
}

enum result outbox_renew(struct work *work, const struct outbox_row *row, int64_t lease_s)
{
    return lost_if_missing(db_change(
        work->db, SQL_outbox_renew,
        DB_ARGS(db_integer(row->outbox_id), db_integer(row->lease_epoch), db_integer(lease_s))));
}

enum result outbox_done(struct work *work, const struct outbox_row *row)
{
    enum result rc = db_change(work->db, SQL_outbox_done,
                               DB_ARGS(db_integer(row->outbox_id), db_integer(row->lease_epoch),
                                       db_integer(row->revision)));

    if (rc != ERR_NOT_FOUND)
        return rc;
    rc = db_change(work->db, SQL_outbox_release,
                   DB_ARGS(db_integer(row->outbox_id), db_integer(row->lease_epoch),
                           db_integer(row->revision)));
    if (rc == OK)
        work->wake |= WAKE_OUTBOX;
    return lost_if_missing(rc);
}

static const struct field wait_fields[] = {
    {"revoked", BOOL_AT(struct outbox_wait, revoked)},
    {"us", INT_AT(struct outbox_wait, us)},
};
static const struct shape wait_shape = SHAPE(struct outbox_wait, wait_fields);

enum result outbox_waits(struct work *work, const struct outbox_row *row, struct db_rows *out)
{
    const char *reasons[] = {REASON_REVOKED, REASON_CREDENTIAL_REVOKED, REASON_USER_DISABLED,
                             REASON_USER_DELETED};
    const struct strings revoking = {reasons, COUNT_OF(reasons)};

    return db_all(
        work->db, SQL_outbox_waits,
        DB_ARGS(db_integer(row->outbox_id), db_integer(row->revision), db_strings(&revoking)),
        &wait_shape, work->arena, out);
}

enum result outbox_retry(struct work *work, const struct outbox_row *row, int64_t delay_ms,
                         const char *error)
{
    return lost_if_missing(
        db_change(work->db, SQL_outbox_retry,
                  DB_ARGS(db_integer(row->outbox_id), db_integer(row->lease_epoch),
                          db_integer(row->revision), db_integer(delay_ms), db_text(error))));
}

enum result outbox_poke(struct work *work, const char *account_id)
{
    work->wake |= WAKE_OUTBOX;
    return db_exec(work->db, SQL_outbox_poke, DB_ARGS(db_text(account_id)));
}

enum result outbox_poke_system(struct work *work, const char *system_id)
{
    work->wake |= WAKE_OUTBOX;
    return db_exec(work->db, SQL_outbox_poke_system, DB_ARGS(db_text(system_id)));
}

enum result outbox_poke_behind(struct work *work, const char *node_id)
{
    work->wake |= WAKE_OUTBOX;
    return db_exec(work->db, SQL_outbox_poke_behind, DB_ARGS(db_text(node_id)));
}

enum result outbox_depth(struct work *work, struct outbox_depth *out)
{
    return db_one(work->db, SQL_outbox_depth, DB_NO_ARGS, &outbox_depth_shape, work->arena, out);
}

enum result outbox_next_ms(struct work *work, int64_t *out)
{
    enum result rc = db_get_int(work->db, SQL_outbox_next_ms, DB_NO_ARGS, out);

    if (rc == ERR_NOT_FOUND) {
        *out = -1;
        return OK;
    }
    return rc;
}

enum result outbox_listen(struct db *db)
{
    return db_exec(db, SQL_outbox_listen, DB_NO_ARGS);
}

enum result outbox_notify(struct db *db)
{
    return db_exec(db, SQL_outbox_notify, DB_NO_ARGS);
}
