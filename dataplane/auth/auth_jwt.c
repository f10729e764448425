/*
 * Operator mode: a user's JWT, and the nonce signed with the user's key.
 *
 *   1. decode     on a helper: both signatures, 0.2 ms each
 *   2. judge      type, times, own rules, pinned accounts
 *   3. account    asked of the resolver; maybe loaded from a file
 *   4. grant      who signed it, scope, bearer, connection type, revocation, source
 *   5. window     on a helper if there are time windows: a zone is a file
 *   6. identity
 *
 * What can go wrong: anything, and the peer always hears the same; the log hears the reason.
 */
#include <string.h>

#include "api/nats/claims_validate.h"
#include "api/nats/jwt.h"
#include "api/nats/scope_template.h"
#include "dataplane/auth/auth_account.h"
#include "dataplane/auth/auth_attempt.h"
#include "dataplane/auth/auth_restrict.h"
#include "dataplane/auth/auth_rules.h"

struct jwt_login {
    struct claims claims;                   /* CLAIMS_USER */
    struct shape_error error;               /* of decoding */
    bool has_signature, signature_ok;       /* of the nonce */
    struct account *account;                /* a reference, once found */
    uint64_t terms_seen;                    /* its generation before the terms were looked at */
    const struct claims_user_limits *scope; /* borrowed from the account's terms, this turn only */
    uint64_t scope_hash;
    struct claims_user_limits limits; /* the token's or the scope's with its gaps filled */
    int64_t window_ns;                /* Unix time when the window closes; 0: none */
};

static void refuse(struct auth_attempt *attempt, enum result rc, const char *reason)
{
    struct account *account = attempt->jwt->account;

    auth_refuse(attempt, rc, account, reason);
    if (account != NULL)
        account_unref(account);
}

/* --- 5, 6 ------------------------------------------------------------------------------------ */

static void admit(struct auth_attempt *attempt)
{
    struct jwt_login *login = attempt->jwt;
    const struct claims *claims = &login->claims;
    struct identity identity = {
        .account = login->account,
        .user = claims->sub,
        .label = slice_given(claims->name) ? claims->name : claims->sub,
        .subs_max = login->limits.nats.subs,
        .payload_max = login->limits.nats.payload,
        .deadline_ns = clock_deadline_ns(claims->exp),
        .jwt = attempt->connect.jwt,
        .issuer_key = claims->iss,
        .name_tag = claims->name,
        .tags = claims->tags,
        .issued_at_s = claims->iat,
        .terms_seen = login->terms_seen,
        .scope_hash = login->scope_hash,
        .bearer = login->limits.bearer_token,
        .account_permissions = auth_permissions_empty(&login->limits.permissions),
    };
    const struct account_terms *terms = account_terms(login->account);
    const struct permission_rules *rules = NULL;
    struct permission_rules own;

    if (login->window_ns > 0 &&
        (identity.deadline_ns == 0 || login->window_ns < identity.deadline_ns))
        identity.deadline_ns = login->window_ns;
    if (!identity.account_permissions) {
        auth_permission_rules(&login->limits.permissions, &attempt->arena, &own);
        rules = &own;
    } else if (terms->has_default_permissions) {
        rules = &terms->default_permissions;
    }
    if (rules != NULL && permission_new(rules, &identity.permission) != OK)
        refuse(attempt, ERR_INVALID, "the permissions have a malformed subject");
    else
        auth_accept(attempt, &identity);
}

static enum result run_window(struct auth_attempt *attempt)
{
    struct clock *clock = attempt->auth->parts.clock;
    int64_t now_ns = clock_wall_ns(clock), left_s = 0;
    enum result rc;

    rc = auth_window_check(&attempt->jwt->limits, now_ns / NS_PER_S, &left_s);
    if (rc == OK)
        attempt->jwt->window_ns = now_ns + left_s * NS_PER_S;
    return rc;
}

static void grant(struct auth_attempt *attempt);

/* What was granted before may have been taken back meanwhile. */
static void after_window(struct auth_attempt *attempt, enum result rc)
{
    struct jwt_login *login = attempt->jwt;

    if (rc != OK)
        refuse(attempt, rc, "outside the times allowed");
    else if (atomic_load(&login->account->generation) != login->terms_seen)
        grant(attempt);
    else
        admit(attempt);
}

/* --- 4 --------------------------------------------------------------------------------------- */

/* Copies a strings' items, which lie in the account's terms, into the attempt. */
static struct strings keep(struct auth_attempt *attempt, const struct strings *from)
{
    struct strings out = {.count = from->count};

    out.items = arena_alloc_array(&attempt->arena, from->count, sizeof(out.items[0]));
    for (size_t i = 0; i < from->count; i++)
        out.items[i] = arena_strdup(&attempt->arena, from->items[i]);
    return out;
}

/* What the scope grants must outlive the terms it comes from: the window is looked at later. */
static void keep_limits(struct auth_attempt *attempt)
{
    struct claims_user_limits *limits = &attempt->jwt->limits;
    struct claims_time_range *ranges;

    limits->permissions.pub.allow = keep(attempt, &limits->permissions.pub.allow);
    limits->permissions.pub.deny = keep(attempt, &limits->permissions.pub.deny);
    limits->permissions.sub.allow = keep(attempt, &limits->permissions.sub.allow);
    limits->permissions.sub.deny = keep(attempt, &limits->permissions.sub.deny);
    if (limits->permissions.resp != NULL) {
        struct claims_response *resp = arena_alloc(&attempt->arena, sizeof(*resp));

        *resp = *limits->permissions.resp;
        limits->permissions.resp = resp;
    }
    ranges = arena_alloc_array(&attempt->arena, limits->times.count, sizeof(ranges[0]));
    for (size_t i = 0; i < limits->times.count; i++) {
        ranges[i].start = arena_strdup(&attempt->arena, limits->times.items[i].start);
        ranges[i].end = arena_strdup(&attempt->arena, limits->times.items[i].end);
    }
    limits->times.items = ranges;
    if (limits->times_location != NULL)
        limits->times_location = arena_strdup(&attempt->arena, limits->times_location);
}

/* The limits of the scope, with its placeholders filled in. */
static const char *apply_scope(struct auth_attempt *attempt, const struct account_terms *terms)
{
    struct jwt_login *login = attempt->jwt;
    const struct auth_account_token *token = terms->owner;
    struct scope_template_input input = {
        .user_name = login->claims.name,
        .user_subject = login->claims.sub,
        .account_name = token->claims.name,
        .account_subject = login->account->name,
        .user_tags = &login->claims.tags,
        .account_tags = &token->claims.tags,
    };

    if (!claims_user_limits_empty(&login->claims.user->limits))
        return "a user of a scoped key has permissions or limits of its own";
    if (login->scope->nats.subs < CLAIMS_UNLIMITED || login->scope->nats.payload < CLAIMS_UNLIMITED)
        return "the scope has limits below -1";
    if (scope_template_apply(login->scope, &input, &attempt->arena, &login->limits) != OK)
        return "the scope's template cannot be filled in";
    login->scope_hash = auth_scope_hash(login->scope);
    keep_limits(attempt);
    return NULL;
}

/* Did somebody sign the token who may?  NULL, or what is wrong. */
static const char *judge_issuer(struct auth_attempt *attempt, const struct account_terms *terms)
{
    struct jwt_login *login = attempt->jwt;
    const struct claims_signing_key *key;

    login->limits = login->claims.user->limits;
    if (strcmp(login->claims.iss, login->account->name) == 0)
        return attempt->auth->strict_keys ? "signed with the account's own key" : NULL;
    if (!slice_given(login->claims.user->issuer_account))
        return "signed with a signing key, and names no account";
    key = claims_find_signing_key(terms->claims, login->claims.iss);
    if (key == NULL)
        return "signed with a key that is none of the account's";
    if (key->template == NULL)
        return NULL;
    login->scope = key->template;
    return apply_scope(attempt, terms);
}

static const char *judge_peer(struct auth_attempt *attempt, const struct account_terms *terms)
{
    struct jwt_login *login = attempt->jwt;
    const struct claims_user_limits *limits = &login->limits;

    if (limits->bearer_token && terms->disallow_bearer)
        return "the account allows no bearer tokens";
    if (limits->proxy_required)
        return "a proxy is required";
    if (auth_connection_check(&limits->allowed_connection_types, attempt->connection) != OK)
        return "connection type not allowed";
    if (!limits->bearer_token && !login->has_signature)
        return "no signature";
    if (!limits->bearer_token && !login->signature_ok)
        return "the nonce's signature does not verify";
    if (claims_revoked(&terms->claims->revocations, login->claims.sub, login->claims.iat))
        return "revoked";
    if (auth_source_check(&limits->src, attempt->host) != OK)
        return "source address not allowed";
    return NULL;
}

static void grant(struct auth_attempt *attempt)
{
    struct jwt_login *login = attempt->jwt;
    const struct account_terms *terms;
    const char *reason;

    /* First the number, then the terms: if they change in between, the login looks again. */
    login->terms_seen = atomic_load(&login->account->generation);
    terms = account_terms(login->account);
    if (atomic_load(&login->account->removed) || terms->claims == NULL) {
        refuse(attempt, ERR_NOT_FOUND, "the account is gone");
        return;
    }
    if (terms->expires_at_s > 0 && terms->expires_at_s <= attempt->worker->wall_ns / NS_PER_S) {
        refuse(attempt, ERR_EXPIRED, "the account has expired");
        return;
    }
    reason = judge_issuer(attempt, terms);
    if (reason == NULL)
        reason = judge_peer(attempt, terms);
    if (reason != NULL)
        refuse(attempt, ERR_DENIED, reason);
    else if (login->limits.times.count > 0)
        auth_off_worker(attempt, 0, run_window, after_window);
    else
        admit(attempt);
}

/* --- 3 --------------------------------------------------------------------------------------- */

static void found(struct auth_lookup *lookup, struct worker *worker, enum result rc,
                  struct account *account)
{
    struct auth_attempt *attempt = container_of(lookup, struct auth_attempt, lookup);

    (void)worker;
    if (rc == OK)
        attempt->jwt->account = account;
    if (atomic_load(&attempt->cancelled))
        refuse(attempt, ERR_CLOSED, "the peer has left");
    else if (rc != OK)
        refuse(attempt, rc, "the account is not known or not in order");
    else
        grant(attempt);
}

static const char *account_key(const struct claims *claims)
{
    return slice_given(claims->user->issuer_account) ? claims->user->issuer_account : claims->iss;
}

static bool pinned(const struct auth *auth, const char *key)
{
    if (auth->options.pinned_account_count == 0)
        return true;
    if (auth->options.system_account != NULL && strcmp(auth->options.system_account, key) == 0)
        return true;
    for (size_t i = 0; i < auth->options.pinned_account_count; i++) {
        if (strcmp(auth->options.pinned_accounts[i], key) == 0)
            return true;
    }
    return false;
}

/* --- 1, 2 ------------------------------------------------------------------------------------ */

static enum result run_decode(struct auth_attempt *attempt)
{
    struct jwt_login *login = attempt->jwt;
    uint8_t signature[NKEY_SIGNATURE_LEN];
    struct nkey nkey;
    enum result rc;

    rc = jwt_decode(slice_of(attempt->connect.jwt), &attempt->arena, &login->claims, &login->error);
    if (rc != OK)
        return rc;
    login->has_signature = slice_given(attempt->connect.sig) && attempt->nonce != NULL;
    if (!login->has_signature)
        return OK;
    login->signature_ok =
        handshake_signature(slice_of(attempt->connect.sig), signature) == OK &&
        nkey_from_public(&nkey, slice_of(login->claims.sub)) == OK &&
        nkey_verify(&nkey, attempt->nonce, strlen(attempt->nonce), signature) == OK;
    return OK;
}

static void judge(struct auth_attempt *attempt, enum result rc)
{
    struct jwt_login *login = attempt->jwt;
    const struct claims_issue *issue;
    struct claims_issues issues;
    const char *key;

    if (rc != OK) {
        refuse(attempt, rc, "the user JWT cannot be read or verified");
        return;
    }
    if (login->claims.type != CLAIMS_USER) {
        refuse(attempt, ERR_INVALID, "not a user JWT");
        return;
    }
    claims_validate(&login->claims, attempt->worker->wall_ns / NS_PER_S, &attempt->arena, &issues);
    issue = claims_blocking(&issues, true);
    if (issue != NULL) {
        refuse(attempt, issue->level == CLAIMS_TIME ? ERR_EXPIRED : ERR_INVALID, issue->text);
        return;
    }
    key = account_key(&login->claims);
    if (!pinned(attempt->auth, key)) {
        refuse(attempt, ERR_DENIED, "the account is not one of the pinned ones");
        return;
    }
    attempt->lookup.done = found;
    attempt->auth->parts.lookup.find(attempt->auth->parts.lookup.arg, attempt->worker,
                                     slice_of(key), &attempt->lookup);
}

static bool jwt_fits(struct auth_attempt *attempt)
{
    return attempt->auth->operator_mode;
}

static void jwt_begin(struct auth_attempt *attempt)
{
    attempt->jwt = arena_alloc(&attempt->arena, sizeof(*attempt->jwt));
    if (!slice_given(attempt->connect.jwt))
        refuse(attempt, ERR_UNAUTHENTICATED, "no user JWT");
    else
        auth_off_worker(attempt, 0, run_decode, judge);
}

const struct auth_method auth_method_jwt = {"user JWT", jwt_fits, jwt_begin};
