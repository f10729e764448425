/*
 * issuer: new keys, and JWTs signed with seeds from the vault.
 *
 * Every token is decoded again after signing and its claims are validated whole, before anybody
 * sees it (JWT-04).  Sizes are checked (JWT-03): an account's token below 512 KiB, a user's so
 * that the CONNECT line stays below 4,096 bytes.
 *
 * Each signature, and each that was refused, is counted by the vault.
 *
 * Ownership  texts go into the arena; seeds are in locked memory and wiped by who got them.
 * Thread     any.
 * Errors     ERR_LIMIT (too large), ERR_INVALID (claims that do not validate; `why` says it),
 *            ERR_CORRUPT (not a seed of the right kind).
 */
#pragma once

#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/random.h"
#include "api/base/result.h"
#include "api/nats/claims.h"
#include "api/nats/claims_validate.h"
#include "api/nats/jwt.h"
#include "api/nats/nkey.h"
#include "controlplane/vault/vault.h"

enum { ISSUER_ACCOUNT_JWT_MAX = 512 << 10, ISSUER_USER_JWT_MAX = 3600 };

/* A new key pair: the public key as text, the seed (as text) in locked memory. */
void issuer_new_key(struct random *random, enum nkey_kind kind, char public_key[NKEY_PUBLIC_MAX],
                    struct vault_secret *seed);
/* The public key of a seed; ERR_INVALID if it is no seed of that kind. */
enum result issuer_public_key(const struct vault_secret *seed, enum nkey_kind kind,
                              char public_key[NKEY_PUBLIC_MAX]) MUST_CHECK;

struct issued {
    const char *jwt, *jti;
    const char *claims_hash; /* without iat, jti and iss: has anything changed? */
    const char *why;         /* ERR_INVALID: the first issue */
};

/* claims->iat is the caller's (JWT-01); iss and jti are filled in. */
enum result issuer_sign(struct vault *vault, const struct vault_secret *seed, struct claims *claims,
                        struct arena *arena, struct issued *out) MUST_CHECK;
/* The request to forget accounts: generic claims, subject = issuer. */
enum result issuer_sign_delete(struct vault *vault, const struct vault_secret *seed,
                               const struct strings *accounts, int64_t iat, struct arena *arena,
                               const char **jwt) MUST_CHECK;
const char *issuer_claims_hash(const struct claims *claims, struct arena *arena);
/* The claims as a token has them, for the record; a new reference. */
json_t *issuer_claims_json(const struct claims *claims);
