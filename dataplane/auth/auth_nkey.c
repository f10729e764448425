#include "api/nats/nkey.h"
#include "dataplane/auth/auth_attempt.h"

/* May the one who said nothing be no_auth_user, and is that an nkey user? */
static bool stands_for_nobody(const struct auth_attempt *attempt)
{
    return attempt->auth->no_auth != NULL && attempt->auth->no_auth->user.nkey != NULL &&
           !slice_given(attempt->connect.user) && !slice_given(attempt->connect.pass) &&
           !slice_given(attempt->connect.auth_token) && !slice_given(attempt->connect.nkey);
}

static bool nkey_fits(struct auth_attempt *attempt)
{
    return attempt->auth->nkeys.count > 0 &&
           (slice_given(attempt->connect.nkey) || stands_for_nobody(attempt));
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

    if (!auth_find_user(attempt, &auth->nkeys, attempt->connect.nkey, "no such nkey"))
        return;
    if (auth->no_auth != NULL && attempt->user == &auth->no_auth->user)
        auth_accept_user(attempt, attempt->user);
    else if (!slice_given(attempt->connect.sig) || attempt->nonce == NULL)
        auth_refuse(attempt, ERR_UNAUTHENTICATED, NULL, "no signature");
    else
        auth_off_worker(attempt, 0, run_verify, after_verify);
}

const struct auth_method auth_method_nkey = {"nkey", nkey_fits, nkey_begin};
