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
#include "controlplane/domain/account_issue.h"

#include <string.h>

#include "api/base/log.h"
#include "controlplane/domain/account_claims.h"
#include "controlplane/domain/authz.h"
#include "controlplane/domain/operator.h"
#include "controlplane/domain/outbox.h"

enum { SIZE_WARN = 64 << 10, LEAD_WARN_S = 60 };

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
    struct account_facts facts;
    enum result rc = account_system_facts(work, account->system_id, &facts);

    if (rc == OK)
        rc = operator_signer(work, facts.operator_id, signer, &seed);
    if (rc != OK)
        return rc;
    claims->iat = next_iat(work, account);
    rc = issuer_sign(work->tools->vault, &seed, claims, work->arena, issued);
    vault_secret_wipe(&seed);
    if (rc == ERR_LIMIT)
        return refusal_set(work->refusal, REFUSAL_jwt_too_large,
                           "The account's claims are larger than nodes accept.");
    if (rc == ERR_INVALID)
        return refusal_field(work->refusal, "/", "invalid", "%s", issued->why);
    if (rc == OK && strlen(issued->jwt) > SIZE_WARN)
        log_warn(LOG_ACCOUNT, "large claims account=%s bytes=%zu", account->public_key,
                 strlen(issued->jwt));
    if (rc == OK && claims->iat > work_now(work) / NS_PER_S + LEAD_WARN_S)
        log_warn(LOG_ACCOUNT, "claims run ahead of the clock account=%s lead_s=%lld",
                 account->public_key, (long long)(claims->iat - work_now(work) / NS_PER_S));
    return rc;
}

static enum result store_revision(struct work *work, const struct account *account,
                                  const struct claims *claims, const struct issued *issued,
                                  const char *reason)
{
    const char *id = account->resource.id;
    int64_t revision = account->revision + 1;
    json_t *record = shape_own(work->arena, issuer_claims_json(claims));
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

enum result account_issue(struct work *work, const struct account *account, struct claims *claims,
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
    return account_issue(work, &account, &claims, reason, revision);
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
    if (account_allows("change", account.resource.state, NULL) ||
        strcmp(account.resource.state, "deleting") == 0)
        rc = account_claims_build(work, &account, &claims);
    else
        account_claims_tombstone(work, &account, &claims);
    return rc == OK ? account_issue(work, &account, &claims, "operator key changed", &revision)
                    : rc;
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
