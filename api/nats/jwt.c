#include "api/nats/jwt.h"

#include <stdio.h>
#include <string.h>

#include "api/base/base32.h"
#include "api/base/base64.h"
#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/nats/digest.h"
#include "api/nats/limits.h"

/* What every token that we make begins with. */
static const char header_text[] = "{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}";

enum { HEADER_MAX = 1024 };

_Static_assert(BASE32_LEN(DIGEST_LEN) == JWT_ID_LEN, "length of an id");

struct header {
    const char *typ, *alg;
};
#define T struct header
static const struct field header_fields[] = {
    {"typ", STRING_AT(T, typ), FIELD_REQUIRED},
    {"alg", STRING_AT(T, alg), FIELD_REQUIRED},
};
#undef T
static const struct shape header_shape = SHAPE(struct header, header_fields);

#define KIND(kind) (1u << (kind))

/* Who may sign what. */
static const unsigned issuers[CLAIMS_TYPES] = {
    [CLAIMS_GENERIC] = ~0u,
    [CLAIMS_OPERATOR] = KIND(NKEY_OPERATOR),
    [CLAIMS_ACCOUNT] = KIND(NKEY_OPERATOR) | KIND(NKEY_ACCOUNT),
    [CLAIMS_USER] = KIND(NKEY_ACCOUNT),
    [CLAIMS_ACTIVATION] = KIND(NKEY_OPERATOR) | KIND(NKEY_ACCOUNT),
};

static enum result explain(enum result rc, struct shape_error *error, const char *pointer,
                           const char *message)
{
    if (error != NULL) {
        *error = (struct shape_error){0};
        snprintf(error->pointer, sizeof(error->pointer), "%s", pointer);
        snprintf(error->message, sizeof(error->message), "%s", message);
    }
    return rc;
}

/* A chunk's bytes, 0-terminated, in the arena. */
static enum result decode_chunk(struct slice chunk, struct arena *arena, struct slice *out)
{
    size_t cap = chunk.len / 4 * 3 + 3, len;
    char *bytes = arena_alloc(arena, cap + 1);
    enum result rc = base64url_decode(chunk, bytes, cap, &len);

    if (rc == OK)
        *out = slice_make(bytes, len);
    return rc == OK ? OK : ERR_SYNTAX;
}

/* *old: the algorithm of version 1. */
static enum result read_header(struct slice chunk, struct arena *arena, bool *old,
                               struct shape_error *error)
{
    struct header header;
    struct slice text;

    if (chunk.len > HEADER_MAX || decode_chunk(chunk, arena, &text) != OK ||
        shape_decode_text(&header_shape, text, SHAPE_LENIENT, arena, &header, error) != OK)
        return explain(ERR_SYNTAX, error, "", "the header of the token is malformed");
    if (!slice_equal_nocase(slice_of(header.typ), SLICE("jwt")))
        return explain(ERR_UNSUPPORTED, error, "", "the token is not a JWT");
    *old = slice_equal_nocase(slice_of(header.alg), SLICE("ed25519"));
    if (!*old && !slice_equal_nocase(slice_of(header.alg), SLICE("ed25519-nkey")))
        return explain(ERR_UNSUPPORTED, error, "", "the token's algorithm is not known");
    return OK;
}

static enum result read_payload(struct slice chunk, struct arena *arena, struct claims *out,
                                struct shape_error *error)
{
    struct slice text;
    json_t *tree;
    enum result rc;

    if (decode_chunk(chunk, arena, &text) != OK)
        return explain(ERR_SYNTAX, error, "", "the claims of the token are not base64url");
    rc = shape_parse_lenient(text, &tree, error);
    if (rc != OK)
        return ERR_SYNTAX;
    rc = claims_decode(tree, arena, out, error);
    json_decref(tree);
    /* Here it makes no difference whether a member has a wrong type or a wrong word. */
    return rc == OK || rc == ERR_UNSUPPORTED ? rc : ERR_SYNTAX;
}

static bool may_sign(enum claims_type type, enum nkey_kind kind)
{
    return kind != NKEY_CURVE && (issuers[type] & KIND(kind)) != 0;
}

static enum result verify(const struct claims *claims, struct slice signed_part,
                          struct slice signature_chunk, struct shape_error *error)
{
    uint8_t signature[NKEY_SIGNATURE_LEN];
    struct nkey issuer;
    size_t len;

    if (nkey_from_public(&issuer, slice_of(claims->iss)) != OK)
        return explain(ERR_INVALID, error, "/iss", "is not a public key");
    if (!may_sign(claims->type, issuer.kind))
        return explain(ERR_INVALID, error, "/iss", "is not a kind of key that signs such a token");
    if (base64url_decode(signature_chunk, signature, sizeof(signature), &len) != OK ||
        len != sizeof(signature) ||
        nkey_verify(&issuer, signed_part.data, signed_part.len, signature) != OK)
        return explain(ERR_SIGNATURE, error, "", "the signature of the token does not verify");
    return OK;
}

enum result jwt_decode(struct slice token, struct arena *arena, struct claims *out,
                       struct shape_error *error)
{
    struct slice rest = slice_trim(token), header, payload, signature, extra, signed_part;
    const char *begin = rest.data;
    bool old;
    enum result rc;

    if (rest.len > JWT_LEN_MAX)
        return explain(ERR_LIMIT, error, "", "the token is too long");
    if (!slice_cut(&rest, '.', &header) || !slice_cut(&rest, '.', &payload) ||
        !slice_cut(&rest, '.', &signature) || slice_cut(&rest, '.', &extra))
        return explain(ERR_SYNTAX, error, "", "a token has three parts");
    rc = read_header(header, arena, &old, error);
    if (rc == OK)
        rc = read_payload(payload, arena, out, error);
    if (rc != OK)
        return rc;
    /* The signature of version 1 leaves the header out.  Generic claims need not have a version:
     * there the algorithm tells. */
    if (out->type != CLAIMS_GENERIC)
        old = out->version == 1;
    signed_part = old ? payload : slice_make(begin, header.len + 1 + payload.len);
    return verify(out, signed_part, signature, error);
}

void jwt_digest(struct slice data, char out[JWT_ID_MAX])
{
    uint8_t digest[DIGEST_LEN];

    digest_sha512_256(data.data, data.len, digest);
    base32_encode(digest, DIGEST_LEN, out);
}

static char *claims_text(const struct claims *claims)
{
    json_t *tree = claims_encode(claims);
    char *text = shape_dump(tree);

    json_decref(tree);
    return text;
}

void jwt_claims_hash(const struct claims *claims, char out[JWT_ID_MAX])
{
    struct claims copy = *claims;
    char *text;

    copy.iat = 0;
    copy.jti = copy.iss = NULL;
    text = claims_text(&copy);
    jwt_digest(slice_of(text), out);
    mem_free(text);
}

static void set_id(struct claims *claims, struct arena *arena)
{
    char *id = arena_alloc(arena, JWT_ID_MAX);
    char *text;

    claims->jti = NULL;
    text = claims_text(claims);
    jwt_digest(slice_of(text), id);
    mem_free(text);
    claims->jti = id;
}

enum result jwt_encode(struct claims *claims, struct jwt_signer *signer, struct arena *arena,
                       struct slice *token)
{
    const size_t header_len = BASE64URL_LEN(sizeof(header_text) - 1);
    uint8_t signature[NKEY_SIGNATURE_LEN];
    enum nkey_kind kind;
    size_t len, total;
    char *text, *out;
    enum result rc;

    rc = nkey_kind_of(slice_of(signer->public_key), &kind);
    if (rc != OK || !may_sign(claims->type, kind))
        return ERR_INVALID;
    claims->iss = arena_strdup(arena, signer->public_key);
    set_id(claims, arena);
    text = claims_text(claims);
    len = header_len + 1 + BASE64URL_LEN(strlen(text));
    total = len + 1 + BASE64URL_LEN(sizeof(signature));
    if (total > JWT_LEN_MAX) {
        mem_free(text);
        return ERR_LIMIT;
    }
    out = arena_alloc(arena, total + 1);
    base64url_encode(header_text, sizeof(header_text) - 1, out);
    out[header_len] = '.';
    base64url_encode(text, strlen(text), out + header_len + 1);
    mem_free(text);
    rc = signer->sign(signer, slice_make(out, len), signature);
    if (rc != OK)
        return rc;
    out[len] = '.';
    base64url_encode(signature, sizeof(signature), out + len + 1);
    *token = slice_make(out, total);
    return OK;
}

static enum result sign_with_key(struct jwt_signer *signer, struct slice data,
                                 uint8_t signature[NKEY_SIGNATURE_LEN])
{
    struct jwt_key_signer *self = container_of(signer, struct jwt_key_signer, signer);

    nkey_sign(self->nkey, data.data, data.len, signature);
    return OK;
}

void jwt_key_signer_init(struct jwt_key_signer *signer, const struct nkey *nkey)
{
    *signer = (struct jwt_key_signer){.signer = {.sign = sign_with_key}, .nkey = nkey};
    nkey_public(nkey, signer->signer.public_key);
}
