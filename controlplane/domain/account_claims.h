/*
 * account_claims: the claims of an account, always built anew from the database (JWT-05).
 *
 * All limits are written out (QUO-30); all valid signing keys with their scopes and all
 * revocations are in.  A suspended account has no connections; a tombstone has nothing.
 *
 * Ownership  the claims live in the work's arena.
 * Thread     the work's.
 * Errors     the database's.
 */
#pragma once

#include "api/nats/claims.h"
#include "controlplane/domain/account.h"

/* iat, iss and jti are the signer's to fill in. */
enum result account_claims_build(struct work *work, const struct account *account,
                                 struct claims *out) MUST_CHECK;
void account_claims_tombstone(struct work *work, const struct account *account, struct claims *out);
