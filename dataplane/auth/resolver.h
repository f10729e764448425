/*
 * resolver: account JWTs, from memory or from a folder, and what they put in force.
 *
 * Log-ins ask for accounts by resolver_find: what is loaded is answered at once, the rest is
 * read and verified on the blocking pool; questions for one account that is being read wait
 * together.  New claims come by resolver_store, on a helper thread: verified, compared with what
 * is stored, stored; then resolver_apply on the home worker puts them in force.
 *
 * Everything that puts claims in force runs on worker RESOLVER_HOME, so that a slow read never
 * overtakes a newer update.
 *
 * Ownership  borrows auth, accounts, blocking; owns its store.
 * Thread     stated for each function.
 * Errors     resolver_open: a sentence.  Others: as auth_account_verify and jwt_store.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/clock.h"
#include "api/base/result.h"
#include "dataplane/account/account_table.h"
#include "dataplane/auth/auth.h"
#include "dataplane/auth/auth_account.h"
#include "dataplane/auth/jwt_store.h"
#include "dataplane/core/blocking.h"

enum { RESOLVER_HOME = 0 };

enum resolver_kind { RESOLVER_NONE, RESOLVER_MEMORY, RESOLVER_FULL };

struct resolver_preload {
    const char *key, *jwt;
};

struct resolver_options {
    enum resolver_kind kind;
    const char *dir;                  /* RESOLVER_FULL */
    bool allow_delete, hard_delete;   /* RESOLVER_FULL */
    int64_t limit;                    /* accounts; 0: any number */
    int64_t interval_ns, timeout_ns;  /* between nodes; nothing to do for one alone */
    struct resolver_preload *preload; /* stored at start where newer */
    size_t preload_count;
};

struct resolver;

enum { RESOLVER_MESSAGE_MAX = 256 };

/* Main thread.  Copies nothing of options: they live as long. */
enum result resolver_open(const struct resolver_options *options, struct resolver **out,
                          char message[RESOLVER_MESSAGE_MAX]) MUST_CHECK;
/* Before the workers see it. */
void resolver_bind(struct resolver *resolver, struct auth *auth, const struct auth_parts *parts);
/* After the workers and the pool have stopped. */
void resolver_close(struct resolver *resolver);

const struct resolver_options *resolver_options(const struct resolver *resolver);
struct jwt_store *resolver_store_of(struct resolver *resolver);

/* For struct auth_accounts; arg is the resolver.  A worker. */
void resolver_find(void *arg, struct worker *worker, struct slice key, struct auth_lookup *lookup);

/* Jobs that touch an account's claims have this key: one after the other. */
uint64_t resolver_job_key(struct slice account);

struct resolver_stored {
    struct auth_account_token *token; /* to be applied; NULL: the same bytes were there already */
    char key[57];                     /* the account's; "" when the text has none */
    char jti[64];
    int64_t iat;
    char issue[AUTH_ISSUE_MAX]; /* a sentence, on failure */
};

/*
 * On a helper thread, in a job of resolver_job_key.  Stored (file and folder synced) or the same
 * bytes as before: OK.  ERR_STALE: iat is older than what is stored.  ERR_UNTRUSTED: the issuer
 * is none of ours.  ERR_LIMIT: the store is full.  Nothing is stored on failure.
 */
enum result resolver_store(struct resolver *resolver, struct slice jwt,
                           struct resolver_stored *out) MUST_CHECK;

/*
 * On RESOLVER_HOME.  Takes the token over.  A reference to the account when it is loaded and
 * now follows the new claims, so that live connections have to; NULL when nobody has asked for
 * it yet.
 */
struct account *resolver_apply(struct resolver *resolver, struct worker *worker,
                               struct auth_account_token *token);

/* On a helper thread: forgets the account's JWT. */
enum result resolver_remove(struct resolver *resolver, struct slice key) MUST_CHECK;

/* At start, blocking: is what is stored for the account of use?  If not, why. */
enum result resolver_verify(struct resolver *resolver, struct slice key,
                            char issue[AUTH_ISSUE_MAX]) MUST_CHECK;

/*
 * At start, on RESOLVER_HOME, blocking: the system account with its claims; where its JWT is not
 * stored yet, with no limits, so that somebody can come in and bring it.
 */
struct account *resolver_load_system(struct resolver *resolver, struct worker *worker,
                                     const char *key);
