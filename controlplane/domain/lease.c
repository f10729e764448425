#include "controlplane/domain/lease.h"

enum result lease_acquire(struct work *work, struct lease *lease, int64_t ttl_s)
{
    int64_t epoch;
    enum result rc = db_get_int(work->db, SQL_lease_acquire,
                                DB_ARGS(db_text(lease->role), db_text(lease->scope),
                                        db_text(lease->holder), db_integer(ttl_s)),
                                &epoch);

    lease->epoch = rc == OK ? epoch : 0;
    return rc == ERR_NOT_FOUND ? ERR_AGAIN : rc;
}

enum result lease_free_in_ms(struct work *work, const struct lease *lease, int64_t *out)
{
    enum result rc = db_get_int(work->db, SQL_lease_free_in_ms,
                                DB_ARGS(db_text(lease->role), db_text(lease->scope)), out);

    if (rc == ERR_NOT_FOUND)
        *out = 0;
    return rc == ERR_NOT_FOUND ? OK : rc;
}

enum result lease_check(struct work *work, const struct lease *lease)
{
    int64_t epoch;
    enum result rc = db_get_int(work->db, SQL_lease_check,
                                DB_ARGS(db_text(lease->role), db_text(lease->scope),
                                        db_text(lease->holder), db_integer(lease->epoch)),
                                &epoch);

    return rc == ERR_NOT_FOUND ? ERR_CONFLICT : rc;
}

enum result lease_release(struct work *work, struct lease *lease)
{
    enum result rc = db_exec(work->db, SQL_lease_release,
                             DB_ARGS(db_text(lease->role), db_text(lease->scope),
                                     db_text(lease->holder), db_integer(lease->epoch)));

    lease->epoch = 0;
    return rc;
}

enum result lease_release_all(struct work *work, const char *holder)
{
    return db_exec(work->db, SQL_lease_release_all, DB_ARGS(db_text(holder)));
}
