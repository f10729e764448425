#include "controlplane/vault/issuer.h"

#include <sodium.h>
#include <string.h>

#include "api/base/check.h"

void issuer_new_key(struct random *random, enum nkey_kind kind, char public_key[NKEY_PUBLIC_MAX],
                    struct vault_secret *seed)
{
    char text[NKEY_SEED_MAX];
    struct nkey nkey;

    nkey_create(&nkey, kind, random);
    nkey_public(&nkey, public_key);
    nkey_seed(&nkey, text);
    vault_secret_set(seed, slice_make(text, NKEY_SEED_LEN));
    sodium_memzero(text, sizeof(text));
    nkey_wipe(&nkey);
}

static enum result load(const struct vault_secret *seed, struct nkey *nkey)
{
    return nkey_from_seed(nkey, slice_make((const char *)seed->data, seed->len)) == OK
               ? OK
               : ERR_CORRUPT;
}

enum result issuer_public_key(const struct vault_secret *seed, enum nkey_kind kind,
                              char public_key[NKEY_PUBLIC_MAX])
{
    struct nkey nkey;
    bool same;

    if (load(seed, &nkey) != OK)
        return ERR_INVALID;
    nkey_public(&nkey, public_key);
    same = nkey.kind == kind;
    nkey_wipe(&nkey);
    return same ? OK : ERR_INVALID;
}

/* What a reader will see is what counts: the token is taken apart again and judged. */
static enum result verify(struct slice token, const struct claims *claims, struct arena *arena,
                          const char **why)
{
    struct claims again;
    struct claims_issues issues;
    const struct claims_issue *issue;
    enum result rc = jwt_decode(token, arena, &again, NULL);

    if (rc != OK) {
        *why = "the token does not decode";
        return rc == ERR_LIMIT ? ERR_LIMIT : ERR_INVALID;
    }
    if (strcmp(again.jti, claims->jti) != 0 || strcmp(again.sub, claims->sub) != 0) {
        *why = "the token reads differently";
        return ERR_INVALID;
    }
    claims_validate(&again, claims->iat, arena, &issues);
    issue = claims_blocking(&issues, false);
    if (issue != NULL) {
        *why = issue->text;
        return ERR_INVALID;
    }
    return OK;
}

static enum result encode(const struct vault_secret *seed, struct claims *claims,
                          struct arena *arena, struct slice *token)
{
    struct jwt_key_signer signer;
    struct nkey nkey;
    enum result rc = load(seed, &nkey);

    if (rc != OK)
        return rc;
    jwt_key_signer_init(&signer, &nkey);
    rc = jwt_encode(claims, &signer.signer, arena, token);
    nkey_wipe(&nkey);
    return rc;
}

static enum result counted(struct vault *vault, enum result rc)
{
    vault_count(vault, rc == OK ? VAULT_SIGNED : VAULT_REFUSED);
    return rc;
}

static enum result sign(const struct vault_secret *seed, struct claims *claims, struct arena *arena,
                        struct issued *out)
{
    struct slice token;
    enum result rc;

    *out = (struct issued){0};
    rc = encode(seed, claims, arena, &token);
    if (rc != OK)
        return rc;
    if ((claims->type == CLAIMS_ACCOUNT && token.len >= ISSUER_ACCOUNT_JWT_MAX) ||
        (claims->type == CLAIMS_USER && token.len > ISSUER_USER_JWT_MAX))
        return ERR_LIMIT;
    rc = verify(token, claims, arena, &out->why);
    if (rc != OK)
        return rc;
    out->jwt = arena_copy(arena, token);
    out->jti = claims->jti;
    out->claims_hash = issuer_claims_hash(claims, arena);
    return OK;
}

enum result issuer_sign(struct vault *vault, const struct vault_secret *seed, struct claims *claims,
                        struct arena *arena, struct issued *out)
{
    return counted(vault, sign(seed, claims, arena, out));
}

enum result issuer_sign_delete(struct vault *vault, const struct vault_secret *seed,
                               const struct strings *accounts, int64_t iat, struct arena *arena,
                               const char **jwt)
{
    char public_key[NKEY_PUBLIC_MAX];
    struct claims claims = {.type = CLAIMS_GENERIC, .iat = iat, .sub = public_key};
    json_t *list = json_array();
    struct slice token;
    enum result rc;

    for (size_t i = 0; i < accounts->count; i++)
        json_array_append_new(list, json_string(accounts->items[i]));
    claims.rest = json_object();
    json_object_set_new(claims.rest, "accounts", list);
    rc = issuer_public_key(seed, NKEY_OPERATOR, public_key);
    if (rc == OK)
        rc = encode(seed, &claims, arena, &token);
    json_decref(claims.rest);
    if (rc == OK)
        *jwt = arena_copy(arena, token);
    return counted(vault, rc);
}

const char *issuer_claims_hash(const struct claims *claims, struct arena *arena)
{
    char hash[JWT_ID_MAX];

    jwt_claims_hash(claims, hash);
    return arena_strdup(arena, hash);
}

json_t *issuer_claims_json(const struct claims *claims)
{
    return claims_encode(claims);
}
