/*
 * auth: is this peer who it says, and which account is it in?
 *
 * The methods stand in one table, in order; the first that the configuration has and the peer's
 * words fit decides: user JWT (operator mode: the only one) - nkey user - user with password
 * (also no_auth_user) - token - the single user.  Without any, everybody is in $G.
 *
 * Signatures and bcrypt run on the blocking pool; an account that is not loaded is asked of
 * `accounts`, which may read a file.  So an answer may come later; the session pauses meanwhile.
 *
 * Ownership  auth copies its options; an attempt is auth's until done or auth_cancel.
 * Thread     auth_new, auth_free: the main thread.  An attempt: its worker.
 * Errors     auth_new: ERR_INVALID with a sentence.  Attempts: see auth_done_fn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/nats/claims.h"
#include "api/nats/handshake.h"
#include "dataplane/account/account_table.h"
#include "dataplane/auth/identity.h"
#include "dataplane/core/blocking.h"

enum auth_connection {
    AUTH_STANDARD,
    AUTH_WEBSOCKET,
    AUTH_LEAFNODE,
    AUTH_LEAFNODE_WS,
    AUTH_MQTT,
    AUTH_MQTT_WS,
    AUTH_IN_PROCESS,
    AUTH_CONNECTIONS
};
/* "STANDARD", ...; letters of either case; AUTH_CONNECTIONS when it is none. */
enum auth_connection auth_connection_of(const char *text);

/* A configured user: of authorization {} or of accounts { A { users } }. */
struct auth_user {
    const char *name;     /* NULL for an nkey user */
    const char *nkey;     /* NULL for a named one */
    const char *password; /* plain or bcrypt; NULL: none */
    const char *account;  /* NULL: $G */
    /* Its own, else those of its account or of authorization {}; NULL: all is permitted. */
    const struct permission_rules *permissions;
    uint32_t connections; /* bits 1 << enum auth_connection; 0: any */
};

/* Keys that may sign accounts: of one operator. */
struct auth_operator {
    const struct claims *claims; /* CLAIMS_OPERATOR; NULL for trusted_keys alone */
    const char *jwt;
};

struct auth_options {
    const char *token;           /* plain or bcrypt; NULL: none */
    const char *user, *password; /* the single user */
    const struct auth_user *users;
    size_t user_count;
    const char *no_auth_user; /* name or nkey of one of users; NULL: none */
    /* no_auth_user was made up because only a system account is configured: INFO still asks. */
    bool no_auth_made_up;

    const struct auth_operator *operators;
    size_t operator_count;
    const char *const *trusted_keys; /* public operator keys */
    size_t trusted_key_count;
    const char *const *pinned_accounts; /* resolver_pinned_accounts; none: any */
    size_t pinned_account_count;
    const char *system_account; /* NULL: none */

    bool always_nonce; /* INFO has a nonce even when nobody needs it */
};

/* One question for an account by its public key; embedded in whoever asks. */
struct auth_lookup {
    /* On the asking worker; OK: account is a reference for the callee. */
    void (*done)(struct auth_lookup *lookup, struct worker *worker, enum result rc,
                 struct account *account);
};

/* How operator mode finds accounts; resolver.c is one.  All three NULL without operator mode. */
struct auth_accounts {
    /*
     * The account with verified claims in force (auth_account.h), loaded if need be.  `done` may
     * be called before it returns.  key lives until then.  ERR_NOT_FOUND, or what is wrong.
     */
    void (*find)(void *arg, struct worker *worker, struct slice key, struct auth_lookup *lookup);
    void *arg;
};

struct auth_parts {
    struct workers *workers;
    struct blocking *blocking;
    struct account_table *accounts;
    struct auth_accounts lookup;
    struct clock *clock;
};

struct auth;

enum { AUTH_MESSAGE_MAX = 256 };
enum result auth_new(const struct auth_options *options, const struct auth_parts *parts,
                     struct auth **out, char message[AUTH_MESSAGE_MAX]) MUST_CHECK;
void auth_free(struct auth *auth);

bool auth_operator_mode(const struct auth *auth);
/* Must a peer log in? */
bool auth_required(const struct auth *auth);
/* What INFO says: as required, but false where no_auth_user lets everybody in. */
bool auth_announced(const struct auth *auth);
/* May a peer act without CONNECT? */
bool auth_has_no_auth_user(const struct auth *auth);
bool auth_needs_nonce(const struct auth *auth);
/* Is it one of the keys that may sign accounts? */
bool auth_trusts(const struct auth *auth, const char *operator_key);
/* A plain password is configured: worth a warning at start. */
bool auth_has_plain_password(const struct auth *auth);

struct auth_input {
    const struct handshake_connect *connect; /* zero when the peer did not say it */
    const char *nonce;                       /* as in INFO; NULL: none */
    const char *host;                        /* the peer's address without port */
    enum auth_connection connection;
};

/*
 * OK: identity is the callee's.  Else the peer gets 'Authorization Violation'; `account` is
 * borrowed for the call and not NULL when it was known by then, `reason` is for the log.
 */
struct auth_answer {
    enum result rc;
    struct identity *identity;
    struct account *account;
    const char *reason;
};
typedef void (*auth_done_fn)(void *owner, struct worker *worker, const struct auth_answer *answer);

struct auth_attempt;

/* Copies the input.  NULL when done has been called already. */
struct auth_attempt *auth_begin(struct auth *auth, struct worker *worker,
                                const struct auth_input *input, auth_done_fn done, void *owner);
/* done will not be called. */
void auth_cancel(struct auth_attempt *attempt);

/*
 * Is a peer with that identity still welcome under the account's terms in force?
 * OK; ERR_EXPIRED: the account is; ERR_REVOKED: the user is; ERR_DENIED: bearer tokens are no
 * longer allowed; ERR_UNTRUSTED: its signing key is gone or its scope has changed.
 */
enum result auth_recheck(const struct auth *auth, const struct identity *identity, int64_t now_s);
