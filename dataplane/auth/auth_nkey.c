#include "api/nats/nkey.h"
#include "dataplane/auth/auth_attempt.h"

static bool given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* May the one who said nothing be no_auth_user, and is that an nkey user? */
static bool stands_for_nobody(const struct auth_attempt *attempt)
{
    return attempt->auth->no_auth != NULL && attempt->auth->no_auth->user.nkey != NULL &&
           !given(attempt->connect.user) && !given(attempt->connect.pass) &&
           !given(attempt->connect.auth_token) && !given(attempt->connect.nkey);
}

static bool nkey_fits(struct auth_attempt *attempt)
{
    return attempt->auth->nkeys.count > 0 &&
           (given(attempt->connect.nkey) || stands_for_nobody(attempt));
}

static enum result run_verify(struct auth_attempt *attempt)
{
    uint8_t signature[NKEY_SIGNATURE_LEN];
    struct nkey nkey;
    enum result rc;

    rc = handshake_signature(slice_of(attempt->connect.sig), signature);
    if (rc != OK)
        return rc;
    rc = nkey_from_public(&nkey, slice_of(attempt->user->nkey));
    if (rc != OK)
        return rc;
    return nkey_verify(&nkey, attempt->nonce, strlen(attempt->nonce), signature);
}

static void after_verify(struct auth_attempt *attempt, enum result rc)
{
    if (rc != OK)
        auth_refuse(attempt, rc, NULL, "the nonce's signature does not verify");
    else
        auth_accept_user(attempt, attempt->user);
}

static void nkey_begin(struct auth_attempt *attempt)
{
    const struct auth *auth = attempt->auth;
    const struct auth_entry *entry = auth->no_auth;

    if (given(attempt->connect.nkey)) {
        struct map_link *link = map_find(&auth->nkeys, slice_of(attempt->connect.nkey));

        entry = link != NULL ? map_entry(link, struct auth_entry, link) : NULL;
    }
    if (entry == NULL) {
        auth_refuse(attempt, ERR_UNAUTHENTICATED, NULL, "no such nkey");
        return;
    }
    attempt->user = &entry->user;
    if (entry->user.connections != 0 &&
        (entry->user.connections & (1U << attempt->connection)) == 0)
        auth_refuse(attempt, ERR_DENIED, NULL, "connection type not allowed");
    else if (entry == auth->no_auth)
        auth_accept_user(attempt, attempt->user);
    else if (!given(attempt->connect.sig) || attempt->nonce == NULL)
        auth_refuse(attempt, ERR_UNAUTHENTICATED, NULL, "no signature");
    else
        auth_off_worker(attempt, 0, run_verify, after_verify);
}

const struct auth_method auth_method_nkey = {"nkey", nkey_fits, nkey_begin};
