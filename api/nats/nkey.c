#include "api/nats/nkey.h"

#include <sodium.h>
#include <string.h>

#include "api/base/base32.h"
#include "api/base/check.h"
#include "api/base/crc.h"

enum {
    PREFIX_SEED = 18 << 3,
    PUBLIC_BYTES = 1 + NKEY_RAW_LEN + 2,
    SEED_BYTES = 2 + NKEY_RAW_LEN + 2,
    BOX_VERSION_LEN = 4,
};

_Static_assert(BASE32_LEN(PUBLIC_BYTES) == NKEY_PUBLIC_LEN, "length of public keys");
_Static_assert(BASE32_LEN(SEED_BYTES) == NKEY_SEED_LEN, "length of seeds");
_Static_assert(NKEY_SEAL_EXTRA == BOX_VERSION_LEN + crypto_box_NONCEBYTES + crypto_box_MACBYTES,
               "length of boxes");

static const struct {
    uint8_t prefix; /* first byte of the public form */
    char letter;
} kinds[NKEY_KINDS] = {
    [NKEY_ACCOUNT] = {0 << 3, 'A'}, [NKEY_CLUSTER] = {2 << 3, 'C'},
    [NKEY_SERVER] = {13 << 3, 'N'}, [NKEY_OPERATOR] = {14 << 3, 'O'},
    [NKEY_USER] = {20 << 3, 'U'},   [NKEY_CURVE] = {23 << 3, 'X'},
};

static const char box_version[] = "xkv1";

static enum result kind_of_prefix(uint8_t prefix, enum nkey_kind *kind)
{
    for (int i = 0; i < NKEY_KINDS; i++) {
        if (kinds[i].prefix == prefix) {
            *kind = (enum nkey_kind)i;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

static void put_checksum(uint8_t *bytes, size_t len)
{
    uint16_t crc = crc16(bytes, len);

    bytes[len] = (uint8_t)(crc & 0xff);
    bytes[len + 1] = (uint8_t)(crc >> 8);
}

/* Exactly `len` bytes with a good checksum at their end. */
static enum result decode(struct slice text, uint8_t *bytes, size_t len)
{
    uint16_t crc;
    size_t got;

    if (text.len != BASE32_LEN(len) || base32_decode(text, bytes, len, &got) != OK || got != len)
        return ERR_SYNTAX;
    crc = crc16(bytes, len - 2);
    if (bytes[len - 2] != (crc & 0xff) || bytes[len - 1] != crc >> 8)
        return ERR_SYNTAX;
    return OK;
}

static void derive_public(struct nkey *nkey)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];

    if (nkey->kind == NKEY_CURVE)
        CHECK(crypto_scalarmult_base(nkey->key, nkey->seed) == 0);
    else
        CHECK(crypto_sign_seed_keypair(nkey->key, secret, nkey->seed) == 0);
    sodium_memzero(secret, sizeof(secret));
}

char nkey_letter(enum nkey_kind kind)
{
    CHECK(kind < NKEY_KINDS);
    return kinds[kind].letter;
}

void nkey_create(struct nkey *nkey, enum nkey_kind kind, struct random *random)
{
    CHECK(kind < NKEY_KINDS);
    nkey->kind = kind;
    nkey->secret = true;
    random_fill(random, nkey->seed, sizeof(nkey->seed));
    derive_public(nkey);
}

enum result nkey_from_seed(struct nkey *nkey, struct slice seed)
{
    uint8_t bytes[SEED_BYTES];
    enum nkey_kind kind;
    enum result rc;

    rc = decode(seed, bytes, sizeof(bytes));
    if (rc == OK && ((bytes[0] & 0xf8) != PREFIX_SEED || (bytes[1] & 7) != 0))
        rc = ERR_SYNTAX;
    if (rc == OK)
        rc = kind_of_prefix((uint8_t)((bytes[0] & 7) << 5 | bytes[1] >> 3), &kind);
    if (rc == OK) {
        nkey->kind = kind;
        nkey->secret = true;
        memcpy(nkey->seed, bytes + 2, NKEY_RAW_LEN);
        derive_public(nkey);
    }
    sodium_memzero(bytes, sizeof(bytes));
    return rc;
}

enum result nkey_from_public(struct nkey *nkey, struct slice text)
{
    uint8_t bytes[PUBLIC_BYTES];
    enum nkey_kind kind;
    enum result rc;

    rc = decode(text, bytes, sizeof(bytes));
    if (rc == OK)
        rc = kind_of_prefix(bytes[0], &kind);
    if (rc != OK)
        return rc;
    *nkey = (struct nkey){.kind = kind};
    memcpy(nkey->key, bytes + 1, NKEY_RAW_LEN);
    return OK;
}

void nkey_wipe(struct nkey *nkey)
{
    sodium_memzero(nkey, sizeof(*nkey));
}

void nkey_public(const struct nkey *nkey, char out[NKEY_PUBLIC_MAX])
{
    uint8_t bytes[PUBLIC_BYTES];

    CHECK(nkey->kind < NKEY_KINDS);
    bytes[0] = kinds[nkey->kind].prefix;
    memcpy(bytes + 1, nkey->key, NKEY_RAW_LEN);
    put_checksum(bytes, 1 + NKEY_RAW_LEN);
    base32_encode(bytes, sizeof(bytes), out);
}

void nkey_seed(const struct nkey *nkey, char out[NKEY_SEED_MAX])
{
    uint8_t bytes[SEED_BYTES];
    uint8_t prefix;

    CHECK(nkey->secret);
    CHECK(nkey->kind < NKEY_KINDS);
    prefix = kinds[nkey->kind].prefix;
    bytes[0] = (uint8_t)(PREFIX_SEED | prefix >> 5);
    bytes[1] = (uint8_t)((prefix & 31) << 3);
    memcpy(bytes + 2, nkey->seed, NKEY_RAW_LEN);
    put_checksum(bytes, 2 + NKEY_RAW_LEN);
    base32_encode(bytes, sizeof(bytes), out);
    sodium_memzero(bytes, sizeof(bytes));
}

bool nkey_is(struct slice text, enum nkey_kind kind)
{
    enum nkey_kind found;

    return nkey_kind_of(text, &found) == OK && found == kind;
}

enum result nkey_kind_of(struct slice text, enum nkey_kind *kind)
{
    struct nkey nkey;
    enum result rc;

    rc = nkey_from_public(&nkey, text);
    if (rc == OK)
        *kind = nkey.kind;
    return rc;
}

void nkey_sign(const struct nkey *nkey, const void *data, size_t len,
               uint8_t signature[NKEY_SIGNATURE_LEN])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];

    CHECK(nkey->secret);
    CHECK(nkey->kind != NKEY_CURVE);
    memcpy(secret, nkey->seed, NKEY_RAW_LEN);
    memcpy(secret + NKEY_RAW_LEN, nkey->key, NKEY_RAW_LEN);
    CHECK(crypto_sign_detached(signature, NULL, data, len, secret) == 0);
    sodium_memzero(secret, sizeof(secret));
}

/*
 * RFC 8032, 5.1.6, with a number in the hash that r comes from: r stays secret and differs for
 * each number and each text, and whoever verifies cannot tell.
 */
static void sign_numbered(const struct nkey *nkey, struct slice text, uint8_t number,
                          uint8_t signature[NKEY_SIGNATURE_LEN])
{
    uint8_t secret[crypto_hash_sha512_BYTES], r[crypto_core_ed25519_SCALARBYTES];
    uint8_t k[crypto_core_ed25519_SCALARBYTES], hash[crypto_hash_sha512_BYTES];
    crypto_hash_sha512_state state;

    crypto_hash_sha512(secret, nkey->seed, NKEY_RAW_LEN);
    secret[0] &= 248;
    secret[31] &= 127;
    secret[31] |= 64;

    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, secret + 32, 32);
    crypto_hash_sha512_update(&state, &number, 1);
    crypto_hash_sha512_update(&state, (const uint8_t *)text.data, text.len);
    crypto_hash_sha512_final(&state, hash);
    crypto_core_ed25519_scalar_reduce(r, hash);
    CHECK(crypto_scalarmult_ed25519_base_noclamp(signature, r) == 0);

    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, signature, 32);
    crypto_hash_sha512_update(&state, nkey->key, NKEY_RAW_LEN);
    crypto_hash_sha512_update(&state, (const uint8_t *)text.data, text.len);
    crypto_hash_sha512_final(&state, hash);
    crypto_core_ed25519_scalar_reduce(k, hash);
    crypto_core_ed25519_scalar_mul(k, k, secret);
    crypto_core_ed25519_scalar_add(signature + 32, k, r);
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(r, sizeof(r));
    sodium_memzero(k, sizeof(k));
    sodium_memzero(&state, sizeof(state));
    sodium_memzero(hash, sizeof(hash));
}

void nkey_sign_not_zero(const struct nkey *nkey, const void *data, size_t len,
                        uint8_t signature[NKEY_SIGNATURE_LEN])
{
    struct slice text = {data, len};

    nkey_sign(nkey, data, len, signature);
    for (uint8_t number = 1; signature[0] == 0; number++)
        sign_numbered(nkey, text, number, signature);
    CHECK(nkey_verify(nkey, data, len, signature) == OK);
}

enum result nkey_verify(const struct nkey *nkey, const void *data, size_t len,
                        const uint8_t signature[NKEY_SIGNATURE_LEN])
{
    if (nkey->kind == NKEY_CURVE)
        return ERR_SIGNATURE;
    return crypto_sign_verify_detached(signature, data, len, nkey->key) == 0 ? OK : ERR_SIGNATURE;
}

enum result nkey_seal(const struct nkey *from, const struct nkey *to, struct random *random,
                      struct slice data, uint8_t *out)
{
    uint8_t *nonce = out + BOX_VERSION_LEN;

    CHECK(from->kind == NKEY_CURVE && to->kind == NKEY_CURVE && from->secret);
    memcpy(out, box_version, BOX_VERSION_LEN);
    random_fill(random, nonce, crypto_box_NONCEBYTES);
    /* Refuses a public key of small order, which would make the box readable by anybody. */
    if (crypto_box_easy(nonce + crypto_box_NONCEBYTES, (const uint8_t *)data.data, data.len, nonce,
                        to->key, from->seed) != 0)
        return ERR_INVALID;
    return OK;
}

enum result nkey_open(const struct nkey *to, const struct nkey *from, struct slice box,
                      uint8_t *out)
{
    const uint8_t *bytes = (const uint8_t *)box.data;
    const size_t front = BOX_VERSION_LEN + crypto_box_NONCEBYTES;

    CHECK(to->kind == NKEY_CURVE && from->kind == NKEY_CURVE && to->secret);
    if (box.len < NKEY_SEAL_EXTRA || memcmp(bytes, box_version, BOX_VERSION_LEN) != 0)
        return ERR_SYNTAX;
    if (crypto_box_open_easy(out, bytes + front, box.len - front, bytes + BOX_VERSION_LEN,
                             from->key, to->seed) != 0)
        return ERR_SIGNATURE;
    return OK;
}
