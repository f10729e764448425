/*
 * vault: seeds sealed under the master key; with issuer, the only code that sees a seed.
 *
 * Envelope: a random data key for each owner (an account, an operator) is wrapped by the master
 * key; secrets are sealed under their owner's data key.  XChaCha20-Poly1305, random nonces; what
 * is sealed is bound to its place (table, row, purpose, owner, version of the master key), so a
 * ciphertext moved elsewhere does not open.  The vault knows no database: the domain stores what
 * it returns (controlplane/domain/secret.h).
 *
 * The master key is 32 bytes in a file of the process's user with mode 0400 or 0600 (raw, or 64
 * hex digits), or comes from a file descriptor ("fd:3").  It and every opened secret live in
 * locked memory and are wiped when given back.
 *
 * Ownership  a vault is the caller's; texts go into the arena given; an opened secret is the
 *            caller's until secret_wipe.
 * Thread     any; of a vault only its counters change after vault_open.
 * Errors     vault_open: ERR_NOT_FOUND, ERR_DENIED (mode or owner), ERR_INVALID (length), ERR_IO,
 *            with a message.  Opening: ERR_CORRUPT (wrong place, wrong key, damaged).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/random.h"
#include "api/base/result.h"
#include "api/base/slice.h"

enum { VAULT_MESSAGE_MAX = 256, VAULT_KEY_LEN = 32, VAULT_SECRET_MAX = 4096 };

struct vault;

enum result vault_open(const char *file, struct random *random, struct vault **out,
                       char message[VAULT_MESSAGE_MAX]) MUST_CHECK;
/* Of 32 bytes that the caller has (tests). */
struct vault *vault_from_key(const unsigned char key[VAULT_KEY_LEN], struct random *random);
void vault_close(struct vault *vault);

/* Bytes in locked memory. */
struct vault_secret {
    unsigned char *data; /* 0-terminated behind len */
    size_t len;
};
void vault_secret_wipe(struct vault_secret *secret);
/* Copies into locked memory; the caller wipes his own. */
void vault_secret_set(struct vault_secret *secret, struct slice bytes);

/* Where a ciphertext belongs. */
struct vault_place {
    const char *table, *row, *purpose, *owner;
    int64_t key_version;
};

/* A new data key for an owner, wrapped: hexadecimal text. */
const char *vault_new_key(struct vault *vault, const struct vault_place *place,
                          struct arena *arena);
/* Seals under a wrapped data key: hexadecimal text. */
enum result vault_seal(struct vault *vault, const struct vault_place *key_place,
                       const char *wrapped, const struct vault_place *place, struct slice secret,
                       struct arena *arena, const char **out) MUST_CHECK;
enum result vault_unseal(struct vault *vault, const struct vault_place *key_place,
                         const char *wrapped, const struct vault_place *place,
                         const char *ciphertext, struct vault_secret *out) MUST_CHECK;

/* A sealed constant that only the same master key opens: tells a wrong key file at start. */
const char *vault_proof(struct vault *vault, struct arena *arena);
enum result vault_check_proof(struct vault *vault, const char *proof) MUST_CHECK;

/* What became of requests to sign something with a seed that is kept here. */
enum vault_outcome {
    VAULT_SIGNED,
    VAULT_REFUSED,  /* claims that are not valid, or too large: nobody saw the token */
    VAULT_UNOPENED, /* the seed did not open: another master key, or damaged */
    VAULT_OUTCOMES
};
void vault_count(struct vault *vault, enum vault_outcome outcome);
uint64_t vault_counted(const struct vault *vault, enum vault_outcome outcome);

enum { VAULT_HASH_LEN = 64 };
/* Keyed BLAKE2b in hexadecimal, the key derived from the master key for this purpose: the
 * pepper of tokens, the key of cursors. */
void vault_hash(struct vault *vault, const char *purpose, struct slice text,
                char out[VAULT_HASH_LEN + 1]);
