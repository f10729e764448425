/*
 * identity: who a peer turned out to be: account, permissions, limits, until when.
 *
 * One block of memory for each connection that logged in; texts lie behind the struct.
 *
 * Ownership  the session's; identity_retire when it goes (deliveries may still read permission).
 * Thread     made on a worker; its session's worker.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/shape.h"
#include "dataplane/account/account.h"
#include "dataplane/account/permission.h"

struct identity {
    struct account *account;       /* a reference */
    struct permission *permission; /* NULL: all is permitted */
    const char *user;              /* as /connz shows it: name, public key; NULL: nobody */
    const char *label;             /* for logs: as user, or the JWT's name */
    int64_t subs_max, payload_max; /* the user's own; -1: no limit */
    int64_t deadline_ns;           /* Unix time: exp, or the end of a window; 0: none */
    uint64_t terms_seen;           /* the account's generation when it was judged */

    /* With a JWT, else zero. */
    const char *jwt;
    const char *issuer_key; /* the key that signed; user is the token's sub */
    const char *name_tag;   /* "name" of the claims */
    struct strings tags;
    int64_t issued_at_s;      /* iat */
    uint64_t scope_hash;      /* of the template applied; 0: no scope */
    bool bearer;              /* no signature was asked for */
    bool account_permissions; /* none of its own: the account's defaults apply */
};

/* Copies the texts of `from`, takes over account and permission. */
struct identity *identity_new(const struct identity *from);
void identity_retire(struct identity *identity, struct worker *worker);

/* The permissions in force changed: the old ones are retired.  permission is taken over. */
void identity_set_permission(struct identity *identity, struct permission *permission,
                             struct worker *worker);
