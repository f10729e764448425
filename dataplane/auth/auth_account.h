/*
 * auth_account: an account's JWT -> verified claims -> the terms of the account.
 *
 * Ownership  an auth_account_token belongs to its caller until it becomes terms.
 * Thread     any (the signature costs 0.2 ms: not in a loop on a worker).
 * Errors     ERR_SYNTAX, ERR_SIGNATURE, ERR_UNSUPPORTED: as jwt_decode, the last for claims of
 *            another type, too.  ERR_INVALID: claims that do not hold together (issue says how).
 *            ERR_UNTRUSTED: the issuer is none of ours.  ERR_EXPIRED: exp has passed (or nbf has
 *            not come).
 */
#pragma once

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/nats/claims.h"
#include "dataplane/account/account.h"
#include "dataplane/auth/auth.h"

struct auth_account_token {
    struct arena arena;
    const char *jwt;      /* the text */
    struct claims claims; /* CLAIMS_ACCOUNT */
};

enum { AUTH_ISSUE_MAX = 256 };

/*
 * On ERR_EXPIRED *out is set too: whoever stores claims may want them.  On other failures it is
 * NULL.  issue gets a sentence.
 */
enum result auth_account_verify(const struct auth *auth, struct slice jwt, int64_t now_s,
                                struct auth_account_token **out,
                                char issue[AUTH_ISSUE_MAX]) MUST_CHECK;
void auth_account_token_free(struct auth_account_token *token);

/* Takes the token over: for account_set_terms. */
struct account_terms *auth_account_terms(struct auth_account_token *token);
