/*
 * A sealed value is hexadecimal of: 24 bytes of nonce, the ciphertext, 16 bytes of tag.  Its
 * associated data is the place, each part behind its length, so that no two places read the same.
 */
#include "controlplane/vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/mem.h"

enum {
    NONCE_LEN = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_LEN = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    SEALED_MAX = NONCE_LEN + VAULT_SECRET_MAX + TAG_LEN,
    FILE_MAX = 2 * VAULT_KEY_LEN + 2, /* hexadecimal and a line end */
};
_Static_assert((int)VAULT_KEY_LEN == (int)crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "one size");

struct vault {
    unsigned char *key; /* locked */
    struct random *random;
    _Atomic uint64_t counts[VAULT_OUTCOMES];
};

static const char proof_text[] = "berth master key";
static const struct vault_place proof_place = {"sealing_key", "1", "proof", "", 1};

/*
 * Secrets in memory.
 */

static unsigned char *locked(size_t len)
{
    unsigned char *data;

    CHECK(sodium_init() >= 0);
    data = sodium_malloc(len);
    CHECK(data != NULL);
    return data;
}

void vault_secret_set(struct vault_secret *secret, struct slice bytes)
{
    CHECK(bytes.len <= VAULT_SECRET_MAX);
    secret->data = locked(bytes.len + 1);
    memcpy(secret->data, bytes.data, bytes.len);
    secret->data[bytes.len] = '\0';
    secret->len = bytes.len;
}

void vault_secret_wipe(struct vault_secret *secret)
{
    sodium_free(secret->data); /* wipes; NULL is fine */
    *secret = (struct vault_secret){0};
}

/*
 * Sealing.
 */

static void add_part(struct buf *buf, const char *part)
{
    buf_printf(buf, "%zu:%s,", strlen(part), part);
}

static void write_place(const struct vault_place *place, struct buf *buf)
{
    add_part(buf, place->table);
    add_part(buf, place->row);
    add_part(buf, place->purpose);
    add_part(buf, place->owner);
    buf_printf(buf, "%" PRId64, place->key_version);
}

static const char *seal(struct random *random, const unsigned char *key,
                        const struct vault_place *place, const void *data, size_t len,
                        struct arena *arena)
{
    unsigned char sealed[SEALED_MAX];
    unsigned long long sealed_len;
    struct buf where = {0};
    char *hex;

    CHECK(len <= VAULT_SECRET_MAX);
    random_fill(random, sealed, NONCE_LEN);
    write_place(place, &where);
    CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_LEN, &sealed_len, data, len,
                                                     (const unsigned char *)where.data, where.len,
                                                     NULL, sealed, key) == 0);
    buf_fini(&where);
    sealed_len += NONCE_LEN;
    hex = arena_alloc(arena, 2 * (size_t)sealed_len + 1);
    sodium_bin2hex(hex, 2 * (size_t)sealed_len + 1, sealed, (size_t)sealed_len);
    return hex;
}

static enum result unseal(const unsigned char *key, const struct vault_place *place,
                          const char *text, struct vault_secret *out)
{
    unsigned char sealed[SEALED_MAX];
    unsigned long long len;
    struct buf where = {0};
    size_t sealed_len;
    int err;

    if (sodium_hex2bin(sealed, sizeof(sealed), text, strlen(text), NULL, &sealed_len, NULL) != 0 ||
        sealed_len < NONCE_LEN + TAG_LEN)
        return ERR_CORRUPT;
    out->data = locked(sealed_len - NONCE_LEN - TAG_LEN + 1);
    write_place(place, &where);
    err = crypto_aead_xchacha20poly1305_ietf_decrypt(
        out->data, &len, NULL, sealed + NONCE_LEN, sealed_len - NONCE_LEN,
        (const unsigned char *)where.data, where.len, sealed, key);
    buf_fini(&where);
    if (err != 0) {
        vault_secret_wipe(out);
        return ERR_CORRUPT;
    }
    out->data[len] = '\0';
    out->len = (size_t)len;
    return OK;
}

const char *vault_new_key(struct vault *vault, const struct vault_place *place, struct arena *arena)
{
    unsigned char *key = locked(VAULT_KEY_LEN);
    const char *wrapped;

    random_fill(vault->random, key, VAULT_KEY_LEN);
    wrapped = seal(vault->random, vault->key, place, key, VAULT_KEY_LEN, arena);
    sodium_free(key);
    return wrapped;
}

static enum result unwrap(struct vault *vault, const struct vault_place *place, const char *wrapped,
                          struct vault_secret *out)
{
    enum result rc = unseal(vault->key, place, wrapped, out);

    if (rc == OK && out->len != VAULT_KEY_LEN) {
        vault_secret_wipe(out);
        return ERR_CORRUPT;
    }
    return rc;
}

enum result vault_seal(struct vault *vault, const struct vault_place *key_place,
                       const char *wrapped, const struct vault_place *place, struct slice secret,
                       struct arena *arena, const char **out)
{
    struct vault_secret key;
    enum result rc = unwrap(vault, key_place, wrapped, &key);

    if (rc != OK)
        return rc;
    *out = seal(vault->random, key.data, place, secret.data, secret.len, arena);
    vault_secret_wipe(&key);
    return OK;
}

enum result vault_unseal(struct vault *vault, const struct vault_place *key_place,
                         const char *wrapped, const struct vault_place *place,
                         const char *ciphertext, struct vault_secret *out)
{
    struct vault_secret key;
    enum result rc = unwrap(vault, key_place, wrapped, &key);

    if (rc == OK) {
        rc = unseal(key.data, place, ciphertext, out);
        vault_secret_wipe(&key);
    }
    if (rc != OK)
        vault_count(vault, VAULT_UNOPENED);
    return rc;
}

void vault_count(struct vault *vault, enum vault_outcome outcome)
{
    atomic_fetch_add_explicit(&vault->counts[outcome], 1, memory_order_relaxed);
}

uint64_t vault_counted(const struct vault *vault, enum vault_outcome outcome)
{
    return atomic_load_explicit(&vault->counts[outcome], memory_order_relaxed);
}

const char *vault_proof(struct vault *vault, struct arena *arena)
{
    return seal(vault->random, vault->key, &proof_place, proof_text, sizeof(proof_text) - 1, arena);
}

enum result vault_check_proof(struct vault *vault, const char *proof)
{
    struct vault_secret text;
    enum result rc = unseal(vault->key, &proof_place, proof, &text);

    if (rc == OK)
        vault_secret_wipe(&text);
    return rc;
}

void vault_hash(struct vault *vault, const char *purpose, struct slice text,
                char out[VAULT_HASH_LEN + 1])
{
    unsigned char key[VAULT_KEY_LEN], hash[VAULT_HASH_LEN / 2];

    CHECK(crypto_generichash(key, sizeof(key), (const unsigned char *)purpose, strlen(purpose),
                             vault->key, VAULT_KEY_LEN) == 0);
    CHECK(crypto_generichash(hash, sizeof(hash), (const unsigned char *)text.data, text.len, key,
                             sizeof(key)) == 0);
    sodium_memzero(key, sizeof(key));
    sodium_bin2hex(out, VAULT_HASH_LEN + 1, hash, sizeof(hash));
}

/*
 * The master key.
 */

static enum result open_file(const char *file, int *fd, char message[VAULT_MESSAGE_MAX])
{
    struct stat st;

    if (strncmp(file, "fd:", 3) == 0) {
        *fd = (int)strtol(file + 3, NULL, 10);
        return OK;
    }
    *fd = open(file, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) {
        snprintf(message, VAULT_MESSAGE_MAX, "the master key file %s cannot be read: %s", file,
                 strerror(errno));
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 ||
        (st.st_uid != geteuid() && st.st_uid != 0)) {
        snprintf(message, VAULT_MESSAGE_MAX,
                 "the master key file %s must be a file of this user with mode 0400", file);
        close(*fd);
        return ERR_DENIED;
    }
    return OK;
}

/* Raw, or hexadecimal with or without a line end. */
static enum result parse_key(const unsigned char *data, size_t len, unsigned char *key)
{
    size_t hex_len = len, key_len;

    if (len == VAULT_KEY_LEN) {
        memcpy(key, data, VAULT_KEY_LEN);
        return OK;
    }
    if (hex_len > 0 && data[hex_len - 1] == '\n')
        hex_len--;
    if (hex_len != 2 * VAULT_KEY_LEN ||
        sodium_hex2bin(key, VAULT_KEY_LEN, (const char *)data, hex_len, NULL, &key_len, NULL) != 0)
        return ERR_INVALID;
    return OK;
}

static struct vault *make(struct random *random)
{
    struct vault *vault = mem_alloc(sizeof(*vault));

    vault->key = locked(VAULT_KEY_LEN);
    vault->random = random;
    return vault;
}

enum result vault_open(const char *file, struct random *random, struct vault **out,
                       char message[VAULT_MESSAGE_MAX])
{
    struct vault *vault = make(random);
    unsigned char *data = locked(FILE_MAX + 1);
    size_t len = 0;
    ssize_t n = 1;
    enum result rc;
    int fd;

    rc = open_file(file, &fd, message);
    if (rc != OK)
        goto out;
    while (n > 0 && len <= FILE_MAX) {
        n = read(fd, data + len, FILE_MAX + 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    rc = n < 0 ? ERR_IO : parse_key(data, len, vault->key);
    if (rc != OK)
        snprintf(message, VAULT_MESSAGE_MAX,
                 "the master key in %s must be %d bytes, or %d hexadecimal digits", file,
                 VAULT_KEY_LEN, 2 * VAULT_KEY_LEN);
out:
    sodium_free(data);
    if (rc == OK)
        *out = vault;
    else
        vault_close(vault);
    return rc;
}

struct vault *vault_from_key(const unsigned char key[VAULT_KEY_LEN], struct random *random)
{
    struct vault *vault = make(random);

    memcpy(vault->key, key, VAULT_KEY_LEN);
    return vault;
}

void vault_close(struct vault *vault)
{
    if (vault == NULL)
        return;
    sodium_free(vault->key);
    mem_free(vault);
}
