/*
 * nkey: Ed25519 keys (and X25519 curve keys) in their printed form; sign, verify, seal.
 *
 * A public key is 56 characters and begins with the letter of its kind, a seed is 58 and begins
 * with S and that letter.
 *
 * Ownership  the caller's struct; a key that may sign is wiped by its owner with nkey_wipe.
 *            Whoever printed a seed wipes the text.
 * Thread     any; one at a time for each struct.
 * Errors     ERR_SYNTAX: not base32, wrong length, checksum or prefix.  ERR_SIGNATURE: it does
 *            not verify, or the box does not open.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/random.h"
#include "api/base/result.h"
#include "api/base/slice.h"

enum nkey_kind {
    NKEY_ACCOUNT,  /* A */
    NKEY_CLUSTER,  /* C */
    NKEY_SERVER,   /* N */
    NKEY_OPERATOR, /* O */
    NKEY_USER,     /* U */
    NKEY_CURVE,    /* X */
    NKEY_KINDS
};

enum {
    NKEY_PUBLIC_LEN = 56,
    NKEY_SEED_LEN = 58,
    NKEY_PUBLIC_MAX = NKEY_PUBLIC_LEN + 1, /* with the 0 */
    NKEY_SEED_MAX = NKEY_SEED_LEN + 1,
    NKEY_RAW_LEN = 32,
    NKEY_SIGNATURE_LEN = 64,
    NKEY_SEAL_EXTRA = 4 + 24 + 16, /* "xkv1", nonce, tag */
};

struct nkey {
    enum nkey_kind kind;
    bool secret;               /* seed is set */
    uint8_t key[NKEY_RAW_LEN]; /* public */
    uint8_t seed[NKEY_RAW_LEN];
};

/* The letter that public keys of a kind begin with. */
char nkey_letter(enum nkey_kind kind);

/* A new pair. */
void nkey_create(struct nkey *nkey, enum nkey_kind kind, struct random *random);
enum result nkey_from_seed(struct nkey *nkey, struct slice seed) MUST_CHECK;
enum result nkey_from_public(struct nkey *nkey, struct slice text) MUST_CHECK;
void nkey_wipe(struct nkey *nkey);

void nkey_public(const struct nkey *nkey, char out[NKEY_PUBLIC_MAX]);
/* The key must have its seed. */
void nkey_seed(const struct nkey *nkey, char out[NKEY_SEED_MAX]);

/* Is it a well-formed public key of that kind? */
bool nkey_is(struct slice text, enum nkey_kind kind);
/* Its kind, if it is a well-formed public key at all. */
enum result nkey_kind_of(struct slice text, enum nkey_kind *kind) MUST_CHECK;

/* Not for NKEY_CURVE; the key must have its seed. */
void nkey_sign(const struct nkey *nkey, const void *data, size_t len,
               uint8_t signature[NKEY_SIGNATURE_LEN]);
/*
 * A signature of the same key that verifies as well and never begins with a zero byte.  libnats 3.4
 * takes one that does, as one of 256, for an empty text and sends none: a server then refuses a
 * user who is right.
 */
void nkey_sign_not_zero(const struct nkey *nkey, const void *data, size_t len,
                        uint8_t signature[NKEY_SIGNATURE_LEN]);
enum result nkey_verify(const struct nkey *nkey, const void *data, size_t len,
                        const uint8_t signature[NKEY_SIGNATURE_LEN]) MUST_CHECK;

/* NKEY_CURVE only.  out: len + NKEY_SEAL_EXTRA bytes.  ERR_INVALID for a degenerate `to`. */
enum result nkey_seal(const struct nkey *from, const struct nkey *to, struct random *random,
                      struct slice data, uint8_t *out) MUST_CHECK;
/* out: box.len - NKEY_SEAL_EXTRA bytes. */
enum result nkey_open(const struct nkey *to, const struct nkey *from, struct slice box,
                      uint8_t *out) MUST_CHECK;
