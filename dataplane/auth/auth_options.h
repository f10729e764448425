/*
 * auth_options: what log-in is configured with, asked, and answers.
 *
 * Ownership  options are copied by auth_new; the rest is borrowed as it says.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

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
