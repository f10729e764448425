#include "dataplane/auth/auth_password.h"

#include <crypt.h>
#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "api/base/mem.h"
#include "dataplane/auth/auth_attempt.h"

enum { DIGEST = 32 };

bool password_is_bcrypt(const char *stored)
{
    return strlen(stored) > 7 && stored[0] == '$' && stored[1] == '2' &&
           strchr("abxy", stored[2]) != NULL && stored[3] == '$' &&
           isdigit((unsigned char)stored[4]) && isdigit((unsigned char)stored[5]) &&
           stored[6] == '$';
}

/* Digests are compared, so that the time says nothing about lengths either. */
bool password_plain_meets(const char *stored, const char *given)
{
    uint8_t a[DIGEST], b[DIGEST];

    crypto_generichash(a, sizeof(a), (const uint8_t *)stored, strlen(stored), NULL, 0);
    crypto_generichash(b, sizeof(b), (const uint8_t *)given, strlen(given), NULL, 0);
    return sodium_memcmp(a, b, sizeof(a)) == 0;
}

bool password_bcrypt_meets(const char *stored, const char *given)
{
    struct crypt_data *data = mem_alloc(sizeof(*data));
    const char *hash = crypt_r(given, stored, data);
    bool meets = hash != NULL && hash[0] != '*' && password_plain_meets(stored, hash);

    sodium_memzero(data, sizeof(*data));
    mem_free(data);
    return meets;
}

static void admit(struct auth_attempt *attempt)
{
    auth_accept_user(attempt, attempt->user);
}

/* Of a storm of the same password only the first is hashed: the others find it remembered. */
static enum result run_bcrypt(struct auth_attempt *attempt)
{
    struct password_cache *cache = &attempt->auth->passwords;
    struct slice stored = slice_of(attempt->stored), pass = slice_of(attempt->connect.pass);
    int64_t now_ns = clock_mono_ns(attempt->auth->parts.clock);

    if (password_cache_has(cache, stored, pass, now_ns))
        return OK;
    if (!password_bcrypt_meets(attempt->stored, attempt->connect.pass))
        return ERR_UNAUTHENTICATED;
    password_cache_add(cache, stored, pass, now_ns);
    return OK;
}

static void after_bcrypt(struct auth_attempt *attempt, enum result rc)
{
    if (rc != OK)
        auth_refuse(attempt, rc, NULL, "wrong password");
    else
        admit(attempt);
}

/* connect.pass against `stored`; attempt->user is who it would be. */
static void check(struct auth_attempt *attempt, const char *stored)
{
    attempt->stored = stored != NULL ? stored : "";
    if (attempt->connect.pass == NULL)
        attempt->connect.pass = "";
    if (!password_is_bcrypt(attempt->stored)) {
        if (password_plain_meets(attempt->stored, attempt->connect.pass))
            admit(attempt);
        else
            auth_refuse(attempt, ERR_UNAUTHENTICATED, NULL, "wrong password");
        return;
    }
    if (password_cache_has(&attempt->auth->passwords, slice_of(attempt->stored),
                           slice_of(attempt->connect.pass), attempt->worker->now_ns))
        admit(attempt);
    else
        /* One after the other for each user, so that guessing one's holds up nobody else's. */
        auth_off_worker(attempt, map_hash(slice_of(attempt->stored)) | 1, run_bcrypt, after_bcrypt);
}

/* --- users --------------------------------------------------------------------------------- */

static bool anonymous(const struct auth_attempt *attempt)
{
    return !slice_given(attempt->connect.user) && !slice_given(attempt->connect.pass) &&
           !slice_given(attempt->connect.auth_token);
}

static bool user_fits(struct auth_attempt *attempt)
{
    const struct auth *auth = attempt->auth;

    if (auth->names.count == 0)
        return false;
    if (slice_given(attempt->connect.user))
        return true;
    return anonymous(attempt) && auth->no_auth != NULL && auth->no_auth->user.name != NULL;
}

static void user_begin(struct auth_attempt *attempt)
{
    if (!auth_find_user(attempt, &attempt->auth->names, attempt->connect.user, "no such user"))
        return;
    if (slice_given(attempt->connect.user))
        check(attempt, attempt->user->password);
    else
        admit(attempt); /* no_auth_user */
}

const struct auth_method auth_method_user = {"user", user_fits, user_begin};

/* --- the one token, the one user ------------------------------------------------------------ */

static const struct auth_user nobody; /* in $G, unrestricted */
static const struct auth_user bearer_of_token = {.name = "[REDACTED]"};

static bool token_fits(struct auth_attempt *attempt)
{
    return attempt->auth->options.token != NULL;
}

static void token_begin(struct auth_attempt *attempt)
{
    attempt->user = &bearer_of_token;
    attempt->connect.pass = attempt->connect.auth_token;
    check(attempt, attempt->auth->options.token);
}

const struct auth_method auth_method_token = {"token", token_fits, token_begin};

static bool single_fits(struct auth_attempt *attempt)
{
    return attempt->auth->options.user != NULL;
}

static void single_begin(struct auth_attempt *attempt)
{
    struct auth_user *user = arena_alloc(&attempt->arena, sizeof(*user));
    const char *name = attempt->connect.user != NULL ? attempt->connect.user : "";

    *user = nobody;
    user->name = attempt->auth->options.user;
    attempt->user = user;
    if (!password_plain_meets(attempt->auth->options.user, name))
        auth_refuse(attempt, ERR_UNAUTHENTICATED, NULL, "no such user");
    else
        check(attempt, attempt->auth->options.password);
}

const struct auth_method auth_method_single = {"single user", single_fits, single_begin};
