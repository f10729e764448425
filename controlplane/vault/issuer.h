/*
 * issuer: new keys, and operator, account and user JWTs signed with seeds from the vault.
 *
 * Every token is decoded and validated again after signing, before anybody sees it (JWT-04).
 * Sizes are checked (JWT-03): an account's token below 512 KiB, a user's so that CONNECT stays
 * below 4,096 bytes.
 *
 * Ownership  texts go into the arena; seeds are in locked memory and wiped by who got them.
 * Thread     any.
 * Errors     ERR_LIMIT (too large), ERR_INVALID (claims that do not validate), ERR_CORRUPT (seed).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/random.h"
#include "api/base/result.h"
#include "controlplane/vault/vault.h"

enum { ISSUER_KEY_MAX = 60, ISSUER_ACCOUNT_JWT_MAX = 512 << 10, ISSUER_USER_JWT_MAX = 3400 };

enum issuer_kind { ISSUER_OPERATOR, ISSUER_ACCOUNT, ISSUER_USER };

/* A new key pair: the public key as text, the seed in locked memory. */
enum result issuer_new_key(struct random *random, enum issuer_kind kind,
                           char public_key[ISSUER_KEY_MAX], struct vault_secret *seed) MUST_CHECK;
/* The public key of a seed; ERR_INVALID if it is of another kind. */
enum result issuer_public_key(const struct vault_secret *seed, enum issuer_kind kind,
                              char public_key[ISSUER_KEY_MAX]) MUST_CHECK;

struct issued {
    const char *jwt, *jti;
    const char *claims;      /* the claims as JSON, for the record; no secret in them */
    const char *claims_hash; /* without iat, jti and issuer: has anything changed? */
    int64_t iat;             /* Unix seconds */
};

struct operator_claims; /* api/nats/claims.h */
struct account_claims;
struct user_claims;

/* iat is the caller's (JWT-01); jti and iss are filled in here. */
enum result issuer_sign_operator(const struct vault_secret *seed, struct operator_claims *claims,
                                 struct arena *arena, struct issued *out) MUST_CHECK;
enum result issuer_sign_account(const struct vault_secret *seed, struct account_claims *claims,
                                struct arena *arena, struct issued *out) MUST_CHECK;
enum result issuer_sign_user(const struct vault_secret *seed, struct user_claims *claims,
                             struct arena *arena, struct issued *out) MUST_CHECK;
/* The request to forget accounts (generic claims, subject = issuer). */
enum result issuer_sign_delete(const struct vault_secret *seed, const char *const *accounts,
                               size_t count, int64_t iat, struct arena *arena,
                               const char **jwt) MUST_CHECK;
/* claims_hash of claims that are not signed yet. */
const char *issuer_claims_hash(struct account_claims *claims, struct arena *arena);
