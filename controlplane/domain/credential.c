/*
 * Issuing signs a user JWT and forgets the seed: it is in the answer once, in no table.
 */
#include "controlplane/domain/credential.h"
#include "controlplane/domain/account_issue.h"

#include <string.h>

#include "api/base/buf.h"
#include "api/base/mem.h"
#include "api/nats/creds.h"
#include "controlplane/domain/authz.h"
#include "controlplane/domain/outbox.h"
#include "controlplane/domain/revocation.h"
#include "controlplane/domain/secret.h"
#include "controlplane/vault/issuer.h"

const char *const credential_format_words[] = {"creds", "jwt", "context", "env", NULL};

/* clang-format off */
#define T struct credential
static const struct field credential_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"account_id", STRING_AT(T, account_id)},
    {"user_id", STRING_AT(T, user_id)},
    {"jti", STRING_AT(T, jti)},
    {"public_key", STRING_AT(T, public_key)},
    {"issuer_key", STRING_AT(T, issuer_key)},
    {"signing_key_id", STRING_AT(T, signing_key_id), FIELD_NULL},
    {"issued_at", TIME_AT(T, issued_at), FIELD_MS},
    {"expires_at", TIME_AT(T, expires_at), FIELD_NULL | FIELD_MS},
    {"last_seen_at", TIME_AT(T, last_seen_at), FIELD_NULL | FIELD_MS},
    {"last_seen_from", STRING_AT(T, last_seen_from), FIELD_OMIT_EMPTY},
    {"jwt", STRING_AT(T, jwt), FIELD_OMIT_EMPTY | FIELD_SECRET},
    {"seed", STRING_AT(T, seed), FIELD_OMIT_EMPTY | FIELD_SECRET},
    {"creds", STRING_AT(T, creds), FIELD_OMIT_EMPTY | FIELD_SECRET},
    {"context", STRING_AT(T, context), FIELD_OMIT_EMPTY | FIELD_SECRET},
    {"env", STRING_AT(T, env), FIELD_OMIT_EMPTY | FIELD_SECRET},
};
#undef T
const struct shape credential_shape = SHAPE(struct credential, credential_fields);

#define T struct credential_issue
static const struct field credential_issue_fields[] = {
    {"public_key", STRING_AT(T, public_key), FIELD_OMIT_EMPTY, .valid = rule_user_key,
     .rule = "a user's public key"},
    {"generate", BOOL_AT(T, generate)},
    {"ttl_s", OPTIONAL_AT(T, ttl_s), FIELD_OMIT_EMPTY, .min = -1, .max = INT64_C(3155760000)},
    {"format", ENUM_AT(T, format), .type = credential_format_words},
};
#undef T
/* clang-format on */
const struct shape credential_issue_shape = SHAPE(struct credential_issue, credential_issue_fields);

enum result credential_by_id(struct work *work, const char *account_id, const char *id,
                             struct credential *out)
{
    return db_one(work->db, SQL_credential_by_id, DB_ARGS(db_text(account_id), db_text(id)),
                  &credential_shape, work->arena, out);
}

enum result credential_list(struct work *work, const char *account_id, const char *user_id,
                            const struct list_query *query, struct db_rows *out)
{
    return db_all(work->db, SQL_credential_list,
                  DB_ARGS(LIST_ARGS(query), db_text(account_id), db_text(user_id)),
                  &credential_shape, work->arena, out);
}

/*
 * Issuing.
 */

/* Whose key: the caller's, the user's own, or a new one. */
static enum result choose_key(struct work *work, const struct nats_user *user,
                              const struct credential_issue *issue,
                              char public_key[NKEY_PUBLIC_MAX], struct vault_secret *seed)
{
    const char *given = issue->public_key != NULL ? issue->public_key
                        : issue->generate         ? NULL
                                                  : user->public_key;

    if (issue->public_key != NULL && issue->generate)
        return refusal_field(work->refusal, "/generate", "exclusive",
                             "public_key and generate exclude one another");
    if (user->public_key != NULL && (given == NULL || strcmp(given, user->public_key) != 0))
        return refusal_field(work->refusal, given == NULL ? "/generate" : "/public_key", "fixed",
                             "the user is bound to the key %s", user->public_key);
    if (given == NULL && !issue->generate)
        return refusal_field(work->refusal, "/public_key", "required",
                             "give a public_key, or generate: true");
    if (given == NULL) {
        issuer_new_key(work->tools->random, NKEY_USER, public_key, seed);
        return OK;
    }
    if (issue->format != CREDENTIAL_JWT)
        return refusal_field(work->refusal, "/format", "not_possible",
                             "only jwt: the seed of this key is not here");
    memcpy(public_key, given, NKEY_PUBLIC_MAX);
    return OK;
}

/* In seconds; 0: for ever. */
static enum result choose_life(struct work *work, const struct nats_user *user,
                               const struct credential_issue *issue,
                               const struct effective_limits *effective, int64_t *ttl_s)
{
    int64_t max = effective->limits.credential_ttl_max_s.value;
    int64_t ttl = issue->ttl_s.set ? issue->ttl_s.value : user->default_ttl_s.value;

    if (ttl == 0)
        return refusal_field(work->refusal, "/ttl_s", "out_of_range",
                             "must be at least 1, or -1 for ever");
    if (ttl == -1 && max != -1) {
        if (issue->ttl_s.set)
            return refusal_set(work->refusal, REFUSAL_plan_forbids,
                               "The plan does not allow credentials for ever.");
        ttl = max;
    }
    if (max != -1 && ttl > max) {
        if (issue->ttl_s.set)
            return refusal_set(work->refusal, REFUSAL_plan_forbids,
                               "The plan allows credentials for %lld seconds.", (long long)max);
        ttl = max;
    }
    *ttl_s = ttl == -1 ? 0 : ttl;
    return OK;
}

/* REV-10: a JWT is accepted only if it is younger than the key's revocation.  No two JWTs of one
 * key are of one second: they would be the same. */
static enum result choose_iat(struct work *work, const struct account *account,
                              const char *public_key, int64_t *iat)
{
    struct db_args args = DB_ARGS(db_text(account->resource.id), db_text(public_key));
    int64_t revoked = 0, last = 0;
    enum result rc = db_get_int(work->db, SQL_revocation_time, args, &revoked);

    if (rc == OK)
        rc = db_get_int(work->db, SQL_credential_last_issued, args, &last);
    *iat = work_now(work) / NS_PER_S;
    if (revoked >= *iat)
        *iat = revoked + 1;
    if (last >= *iat)
        *iat = last + 1;
    return rc;
}

struct issue_job {
    const struct account *account;
    const struct nats_user *user;
    char public_key[NKEY_PUBLIC_MAX];
    struct signing_key signer;
    int64_t iat, exp;
    struct issued issued;
};

static enum result sign(struct work *work, struct issue_job *job)
{
    struct user_claims user = {0};
    struct claims claims = {
        .iat = job->iat,
        .exp = job->exp,
        .name = job->user->resource.name,
        .sub = job->public_key,
        .type = CLAIMS_USER,
        .version = CLAIMS_VERSION,
        .tags = job->user->tags,
        .user = &user,
    };
    struct vault_secret seed = {0};
    enum result rc = signing_key_for(work, job->account, job->user->role_id, &job->signer, &seed);

    if (rc != OK)
        return rc;
    if (job->user->role_id == NULL) /* else the scope says everything */
        user_rules_claims(&job->user->rules, &user.limits, work->arena);
    user.issuer_account = job->account->public_key;
    rc = issuer_sign(work->tools->vault, &seed, &claims, work->arena, &job->issued);
    vault_secret_wipe(&seed);
    if (rc == ERR_LIMIT)
        return refusal_set(work->refusal, REFUSAL_jwt_too_large,
                           "The user's JWT would not fit the CONNECT line.");
    if (rc == ERR_INVALID)
        return refusal_field(work->refusal, "/", "invalid", "%s", job->issued.why);
    return rc;
}

static enum result record(struct work *work, const struct issue_job *job, struct credential *out)
{
    const char *id = resource_id_new(work, "crd");
    enum result rc = db_exec(
        work->db, SQL_credential_insert,
        DB_ARGS(db_text(id), db_text(job->user->resource.name), db_text(or_empty(work->who->name)),
                db_text(job->account->team_id), db_text(job->account->resource.id),
                db_text(job->user->resource.id), db_text(job->issued.jti), db_text(job->public_key),
                db_text(job->signer.public_key), db_text(job->signer.resource.id),
                db_time(job->iat * NS_PER_S), db_time(job->exp * NS_PER_S)));

    return rc == OK ? credential_by_id(work, job->account->resource.id, id, out) : rc;
}

/* A context of the nats tool: where to connect, and the user's JWT and seed in it. */
static const char *make_context(struct work *work, const struct account *account,
                                const struct credential *credential)
{
    struct buf urls = {0};
    json_t *context = json_object();
    char *text;
    const char *copy;

    for (size_t i = 0; i < account->connect_urls.count; i++)
        buf_printf(&urls, "%s%s", i > 0 ? "," : "", account->connect_urls.items[i]);
    json_object_set_new(context, "description", json_string(account->resource.name));
    json_object_set_new(context, "url", json_string(buf_text(&urls)));
    json_object_set_new(context, "user_jwt", json_string(credential->jwt));
    json_object_set_new(context, "user_seed", json_string(credential->seed));
    text = shape_dump(context);
    copy = arena_strdup(work->arena, text);
    mem_free(text);
    json_decref(context);
    buf_fini(&urls);
    return copy;
}

static void add_texts(struct work *work, const struct account *account, int format,
                      const struct vault_secret *seed, struct credential *out)
{
    struct buf buf = {0};

    if (seed->data == NULL)
        return;
    out->seed = secret_show(work, seed);
    if (format == CREDENTIAL_CREDS) {
        creds_format(&buf, slice_of(out->jwt), slice_of(out->seed));
        out->creds = arena_copy(work->arena, buf_slice(&buf));
    } else if (format == CREDENTIAL_CONTEXT) {
        out->context = make_context(work, account, out);
    } else if (format == CREDENTIAL_ENV) {
        out->env =
            arena_printf(work->arena,
                         "export NATS_URL='%s'\nexport NATS_USER_JWT='%s'\n"
                         "export NATS_USER_SEED='%s'\n",
                         account->connect_urls.count > 0 ? account->connect_urls.items[0] : "",
                         out->jwt, out->seed);
    }
    buf_fini(&buf);
}

static enum result check_state(struct work *work, const struct account *account,
                               const struct nats_user *user)
{
    if (strcmp(user->resource.state, "active") != 0)
        return refusal_set(work->refusal, REFUSAL_illegal_state, "The user is %s.",
                           user->resource.state);
    return account_may(work, account, "change");
}

enum result credential_issue(struct work *work, const struct account *account,
                             const struct nats_user *user, const struct credential_issue *issue,
                             struct credential *out)
{
    struct issue_job job = {.account = account, .user = user};
    struct effective_limits effective;
    struct vault_secret seed = {0};
    int64_t ttl_s = 0;
    enum result rc = check_state(work, account, user);

    if (rc == OK)
        rc = account_effective(work, account, &effective);
    if (rc == OK)
        rc = choose_life(work, user, issue, &effective, &ttl_s);
    if (rc == OK)
        rc = plan_room(work, SQL_credential_count, account->resource.id,
                       effective.limits.credentials.value, "The account is allowed",
                       "living credentials");
    if (rc == OK)
        rc = choose_key(work, user, issue, job.public_key, &seed);
    if (rc == OK)
        rc = choose_iat(work, account, job.public_key, &job.iat);
    if (rc == OK) {
        job.exp = ttl_s > 0 ? job.iat + ttl_s : 0;
        rc = sign(work, &job);
    }
    if (rc == OK)
        rc = record(work, &job, out);
    if (rc == OK) {
        out->jwt = job.issued.jwt;
        add_texts(work, account, issue->format, &seed, out);
    }
    vault_secret_wipe(&seed);
    return rc;
}

/*
 * Ending.
 */

enum result credential_revoke(struct work *work, const struct account *account,
                              const struct credential *old, const char *reason,
                              struct credential *out, int64_t *revision)
{
    struct revocation_settings settings = {.reason = reason};
    struct revocation revocation;
    enum result rc;

    /* A credential that was post-dated is refused from its own second on. */
    if (old->issued_at > work_now(work))
        settings.revoked_before = old->issued_at;
    rc = revocation_put(work, account, old->public_key, &settings, &revocation);
    if (rc == OK)
        rc = account_changed(work, account->resource.id, REASON_CREDENTIAL_REVOKED, revision);
    return rc == OK ? credential_by_id(work, old->account_id, old->resource.id, out) : rc;
}

enum result credential_seen(struct work *work, const char *account_key, const char *jti, int64_t at,
                            const char *from)
{
    return db_exec(work->db, SQL_credential_seen,
                   DB_ARGS(db_text(account_key), db_text(jti), db_time(at), db_text(from)));
}

enum result credential_age(struct work *work, int64_t *moved)
{
    return db_get_int(work->db, SQL_credential_age, DB_NO_ARGS, moved);
}
