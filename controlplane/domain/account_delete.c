#include "controlplane/domain/account_delete.h"

#include <string.h>

#include "controlplane/domain/account_claims.h"
#include "controlplane/domain/account_issue.h"
#include "controlplane/domain/secret.h"
#include "controlplane/domain/signing_key.h"

/* A tombstoned account has ended; what is left is that its nodes forget it. */
enum result account_delete(struct work *work, const struct account *old, struct operation *out)
{
    static const char *const all[] = {
        STEP_SUSPEND, STEP_PURGE_JETSTREAM, STEP_TOMBSTONE, STEP_AWAIT_STORED,
        STEP_REMOVE,  STEP_VERIFY,          STEP_FINISH,    NULL};
    static const char *const rest[] = {STEP_AWAIT_STORED, STEP_REMOVE, STEP_VERIFY, STEP_FINISH,
                                       NULL};
    bool ended = strcmp(old->resource.state, "tombstoned") == 0;
    const struct operation_new new = {
        .type = OPERATION_ACCOUNT_DELETE,
        .team_id = old->team_id,
        .account_id = old->resource.id,
        .resource_kind = "account",
        .resource_id = old->resource.id,
        .resource_name = old->resource.name,
        .steps = ended ? rest : all,
    };
    int64_t revision;
    enum result rc;

    if (old->is_system || old->protection)
        return refusal_set(work->refusal, REFUSAL_protected,
                           old->is_system ? "The system account cannot be deleted."
                                          : "The account is protected against deletion.");
    if (ended)
        return operation_start(work, &new, out);
    rc = account_move(work, old, "delete", "");
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
    rc = account_move(work, &account, "tombstone", "");
    account_claims_tombstone(work, &account, &claims);
    if (rc == OK)
        rc = account_issue(work, &account, &claims, "tombstone", revision);
    if (rc == OK)
        rc = db_exec(work->db, SQL_account_tombstone_insert, DB_ARGS(db_text(account_id)));
    return rc;
}

enum result account_delete_tombstoned(struct work *work, const char *account_id)
{
    struct account account;
    enum result rc = account_lock(work, account_id, 0, &account);

    return rc == OK ? account_move(work, &account, "await", "") : rc;
}

enum result account_delete_finish(struct work *work, const char *account_id, bool removed)
{
    struct account account;
    enum result rc = account_lock(work, account_id, 0, &account);

    if (rc == OK && removed)
        rc = account_move(work, &account, "finish", "");
    if (rc == OK && removed)
        rc = db_exec(work->db, SQL_account_tombstone_removed, DB_ARGS(db_text(account_id)));
    if (rc == OK && removed)
        rc = db_exec(work->db, SQL_outbox_drop, DB_ARGS(db_text(account_id)));
    if (rc == OK)
        rc = db_exec(work->db, SQL_account_end_users,
                     DB_ARGS(db_text(account_id),
                             db_strings(lifecycle_from(work, &signing_key_lifecycle, "end")),
                             db_bool(removed)));
    return rc == OK ? secret_destroy(work, account_id) : rc;
}
