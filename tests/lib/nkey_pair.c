/*
 * A key's 32-byte seed is the BLAKE2b hash of "berth test key TYPE NAME".
 * What can go wrong: claims that are not JSON; the transcript is wrong then.
 */
#include "tests/lib/nkey_pair.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>

#include "api/base/base32.h"
#include "api/base/base64.h"
#include "api/base/check.h"
#include "api/base/crc.h"

enum { SEED_PREFIX = 18 << 3, PRINTED_MAX = 36 };

static unsigned char prefix_of(char type)
{
    static const struct {
        char type;
        unsigned char prefix;
    } prefixes[] = {{'O', 14 << 3}, {'A', 0}, {'U', 20 << 3}, {'N', 13 << 3}, {'C', 2 << 3}};

    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        if (prefixes[i].type == type)
            return prefixes[i].prefix;
    }
    CHECK_UNREACHABLE("a type of key that tests do not know");
}

void nkey_pair_derive(struct nkey_pair *pair, char type, struct slice name)
{
    struct buf text = {0};

    CHECK(sodium_init() >= 0);
    buf_printf(&text, "berth test key %c %.*s", type, (int)name.len, name.data);
    pair->type = type;
    crypto_generichash(pair->seed, sizeof(pair->seed), (const unsigned char *)text.data, text.len,
                       NULL, 0);
    crypto_sign_seed_keypair(pair->public_key, pair->secret, pair->seed);
    buf_fini(&text);
}

/* raw has room for two more bytes. */
static void print_key(unsigned char *raw, size_t len, struct buf *out)
{
    uint16_t crc = crc16(raw, len);
    char text[BASE32_LEN(PRINTED_MAX) + 1];

    raw[len] = (unsigned char)(crc & 0xff);
    raw[len + 1] = (unsigned char)(crc >> 8);
    base32_encode(raw, len + 2, text);
    buf_add_text(out, text);
}

void nkey_pair_public(const struct nkey_pair *pair, struct buf *out)
{
    unsigned char raw[PRINTED_MAX];

    raw[0] = prefix_of(pair->type);
    memcpy(raw + 1, pair->public_key, 32);
    print_key(raw, 33, out);
}

void nkey_pair_seed(const struct nkey_pair *pair, struct buf *out)
{
    unsigned char raw[PRINTED_MAX];
    unsigned char prefix = prefix_of(pair->type);

    raw[0] = (unsigned char)(SEED_PREFIX | prefix >> 5);
    raw[1] = (unsigned char)((prefix & 31) << 3);
    memcpy(raw + 2, pair->seed, 32);
    print_key(raw, 34, out);
}

void nkey_pair_sign(const struct nkey_pair *pair, struct slice message, struct buf *out)
{
    unsigned char signature[64];
    char text[BASE64URL_LEN(64) + 1];

    crypto_sign_detached(signature, NULL, (const unsigned char *)message.data, message.len,
                         pair->secret);
    base64url_encode(signature, sizeof(signature), text);
    buf_add_text(out, text);
}

static void add_base64url(struct buf *out, const char *text)
{
    size_t len = strlen(text);
    char *room = buf_reserve(out, BASE64URL_LEN(len) + 1);

    base64url_encode(text, len, room);
    buf_commit(out, BASE64URL_LEN(len));
}

bool nkey_pair_token(const struct nkey_pair *pair, const char *claims, struct buf *out)
{
    json_t *tree = json_loads(claims, 0, NULL);
    struct buf issuer = {0}, token = {0};
    char *text;

    if (!json_is_object(tree)) {
        json_decref(tree);
        return false;
    }
    nkey_pair_public(pair, &issuer);
    if (json_object_get(tree, "iss") == NULL)
        json_object_set_new(tree, "iss", json_string(buf_text(&issuer)));
    text = json_dumps(tree, JSON_COMPACT);
    add_base64url(&token, "{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}");
    buf_add_char(&token, '.');
    add_base64url(&token, text);
    buf_add_slice(out, buf_slice(&token));
    buf_add_char(out, '.');
    nkey_pair_sign(pair, buf_slice(&token), out);
    free(text);
    json_decref(tree);
    buf_fini(&issuer);
    buf_fini(&token);
    return true;
}
