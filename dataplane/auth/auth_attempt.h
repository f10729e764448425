/*
 * auth_attempt: one log-in on its way through a method; for the files of this folder.
 *
 * A method answers with auth_accept or auth_refuse, once, on the worker, at once or later.
 * What would block goes through auth_off_worker.
 *
 * Ownership  the attempt is auth's; what a method needs lives in its arena.
 * Thread     the attempt's worker, except what auth_off_worker runs.
 * Errors     as enum result says, for auth_refuse.
 */
#pragma once

#include <stdatomic.h>

#include "api/base/lock.h"
#include "api/base/map.h"
#include "dataplane/auth/auth_options.h"
#include "dataplane/auth/password_cache.h"

/* A configured user in its table. */
struct auth_entry {
    struct map_link link; /* by name or nkey */
    struct auth_user user;
};

struct auth {
    struct arena arena; /* of everything below */
    struct auth_parts parts;
    struct auth_options options;
    struct auth_entry *entries; /* [options.user_count] */
    struct map names, nkeys;
    struct map trusted;               /* public keys that may sign accounts */
    const struct auth_entry *no_auth; /* NULL: none */
    bool operator_mode, strict_keys;
    bool required;
    struct account *global; /* $G, a reference */
    struct password_cache passwords;
};

struct auth_attempt {
    struct auth *auth;
    struct worker *worker;
    auth_done_fn done;
    void *owner;
    atomic_bool cancelled;    /* a helper looks too: no work for nobody */
    bool beginning, finished; /* done is called from within auth_begin */
    struct arena arena;
    struct handshake_connect connect;
    const char *nonce, *host;
    enum auth_connection connection;

    struct blocking_job job;
    enum result (*run)(struct auth_attempt *attempt);
    void (*then)(struct auth_attempt *attempt, enum result rc);
    enum result rc; /* of run */
    struct auth_lookup lookup;
    const struct auth_user *user; /* the configured one, once found */
    const char *stored;           /* the password to be met */
    struct jwt_login *jwt;        /* auth_jwt.c's own */
};

/* Copies the input. */
struct auth_attempt *auth_attempt_new(struct auth *auth, struct worker *worker,
                                      const struct auth_input *input);
void auth_attempt_free(struct auth_attempt *attempt);

/*
 * Runs `run` on a helper, then `then` here with what it returned.  key: as in blocking.h.  The
 * peers' addresses take turns; beyond BLOCKING_SOURCE_MAX of one it is refused.
 */
void auth_off_worker(struct auth_attempt *attempt, uint64_t key,
                     enum result (*run)(struct auth_attempt *attempt),
                     void (*then)(struct auth_attempt *attempt, enum result rc));

/*
 * attempt->user: the configured one of that name or nkey in the table, no_auth_user's where none
 * is given.  false: there is none, or he may not come in over this connection; it was refused.
 */
bool auth_find_user(struct auth_attempt *attempt, const struct map *table, const char *key,
                    const char *unknown);

/* Takes over from->account and from->permission, copies the rest. */
void auth_accept(struct auth_attempt *attempt, const struct identity *from);
/* A configured user is who he says. */
void auth_accept_user(struct auth_attempt *attempt, const struct auth_user *user);
/* account: known already, borrowed; or NULL. */
void auth_refuse(struct auth_attempt *attempt, enum result rc, struct account *account,
                 const char *reason);

struct auth_method {
    const char *name;
    /* Does it decide about this peer? */
    bool (*fits)(struct auth_attempt *attempt);
    void (*begin)(struct auth_attempt *attempt);
};

extern const struct auth_method auth_method_jwt;
extern const struct auth_method auth_method_nkey;
extern const struct auth_method auth_method_user;
extern const struct auth_method auth_method_token;
extern const struct auth_method auth_method_single;
