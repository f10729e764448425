#include "dataplane/auth/auth_account.h"

#include <stdio.h>

#include "api/base/mem.h"
#include "api/nats/claims_validate.h"
#include "api/nats/jwt.h"
#include "dataplane/auth/auth_rules.h"

static enum result verify(const struct auth *auth, struct slice jwt, int64_t now_s,
                          struct auth_account_token *token, char issue[AUTH_ISSUE_MAX])
{
    const struct claims_issue *blocking;
    struct claims_issues issues;
    struct shape_error error = {0};
    enum result rc;

    rc = jwt_decode(jwt, &token->arena, &token->claims, &error);
    if (rc != OK) {
        snprintf(issue, AUTH_ISSUE_MAX, "%s%s%.180s", result_text(rc),
                 error.message[0] != '\0' ? ": " : "", error.message);
        return rc;
    }
    if (token->claims.type != CLAIMS_ACCOUNT) {
        snprintf(issue, AUTH_ISSUE_MAX, "not account claim");
        return ERR_UNSUPPORTED;
    }
    if (!auth_trusts(auth, token->claims.iss)) {
        snprintf(issue, AUTH_ISSUE_MAX, "the issuer %.60s is not trusted", token->claims.iss);
        return ERR_UNTRUSTED;
    }
    claims_validate(&token->claims, now_s, &token->arena, &issues);
    blocking = claims_blocking(&issues, false);
    if (blocking != NULL) {
        snprintf(issue, AUTH_ISSUE_MAX, "%s", blocking->text);
        return ERR_INVALID;
    }
    blocking = claims_blocking(&issues, true);
    if (blocking != NULL) {
        snprintf(issue, AUTH_ISSUE_MAX, "%s", blocking->text);
        return ERR_EXPIRED;
    }
    return OK;
}

enum result auth_account_verify(const struct auth *auth, struct slice jwt, int64_t now_s,
                                struct auth_account_token **out, char issue[AUTH_ISSUE_MAX])
{
    struct auth_account_token *token = mem_alloc(sizeof(*token));
    enum result rc;

    issue[0] = '\0';
    rc = verify(auth, jwt, now_s, token, issue);
    if (rc != OK && rc != ERR_EXPIRED) {
        auth_account_token_free(token);
        *out = NULL;
        return rc;
    }
    token->jwt = arena_copy(&token->arena, jwt);
    *out = token;
    return rc;
}

void auth_account_token_free(struct auth_account_token *token)
{
    if (token == NULL)
        return;
    arena_fini(&token->arena);
    mem_free(token);
}

static void free_owner(void *owner)
{
    auth_account_token_free(owner);
}

struct account_terms *auth_account_terms(struct auth_account_token *token)
{
    const struct account_claims *claims = token->claims.account;
    struct account_terms *terms = account_terms_new();

    terms->connections = claims->limits.conn;
    terms->leafs = claims->limits.leaf;
    terms->subscriptions = claims->limits.nats.subs;
    terms->payload = claims->limits.nats.payload;
    terms->disallow_bearer = claims->limits.disallow_bearer;
    terms->has_default_permissions = !auth_permissions_empty(&claims->default_permissions);
    if (terms->has_default_permissions)
        auth_permission_rules(&claims->default_permissions, &token->arena,
                              &terms->default_permissions);
    terms->expires_at_s = token->claims.exp;
    terms->issued_at_s = token->claims.iat;
    terms->jti = token->claims.jti;
    terms->jwt = token->jwt;
    terms->label = token->claims.name;
    terms->claims = claims;
    terms->owner = token;
    terms->free_owner = free_owner;
    return terms;
}
