/*
 * nkey_pair: keys for tests, derived from a type and a name.
 *
 * Written apart from api/nats, so that a mistake there is not made here too.
 *
 * Ownership  a plain struct.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include <stddef.h>

#include "api/base/buf.h"
#include "api/base/slice.h"

struct nkey_pair {
    char type; /* O, A, U, N, X as in the printed form */
    unsigned char seed[32], public_key[32], secret[64];
};

/* type is one of O A U N C. */
void nkey_pair_derive(struct nkey_pair *pair, char type, struct slice name);
void nkey_pair_public(const struct nkey_pair *pair, struct buf *out);
void nkey_pair_seed(const struct nkey_pair *pair, struct buf *out);
/* The signature as base64url without padding. */
void nkey_pair_sign(const struct nkey_pair *pair, struct slice message, struct buf *out);

/* header.claims.signature, as JWT v2 does it; claims is a JSON object without iss. */
bool nkey_pair_token(const struct nkey_pair *pair, const char *claims, struct buf *out);
