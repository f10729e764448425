/*
 * session_table: all sessions of the node, each with its worker; their options and hooks.
 *
 * Every worker has a session_set (WORKER_PART_SESSION); nobody else touches what is in it.  Who
 * wants to see them all sends a session_round from worker to worker.
 *
 * The closed: the last closed_max sessions, also bounded in bytes (SESSION_CLOSED_BYTES).
 *
 * Ownership  the table copies its options; it borrows auth, accounts and blocking.
 * Thread     stated for each function.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "api/base/shape.h"
#include "dataplane/account/account_table.h"
#include "dataplane/auth/auth.h"
#include "dataplane/core/worker.h"
#include "dataplane/session/session.h"

enum { SESSION_CLOSED_BYTES = 32 << 20 };

/* What the node says of itself and what it allows; filled in by node/. */
struct session_options {
    /* INFO */
    const char *server_id, *server_name, *version, *git_commit, *go, *host;
    int port;                    /* as it is, not as configured */
    const char *cluster;         /* NULL: none */
    const char *domain;          /* NULL: none */
    const char *xkey;            /* NULL: none */
    struct strings connect_urls; /* empty: not told */
    int api_level;               /* 4 */
    bool jetstream;
    bool headers_off; /* no_header_support */

    uint32_t max_payload; /* bytes; PARSER_PAYLOAD_UNLIMITED */
    uint32_t max_control_line;
    size_t max_pending;
    int64_t max_connections;          /* 0: none allowed; -1: no limit */
    int64_t max_subscriptions;        /* each connection; 0: no limit */
    unsigned max_subscription_tokens; /* 0: no limit */
    int64_t write_deadline_ns;
    int64_t ping_interval_ns;
    unsigned ping_max;
    int64_t auth_timeout_ns;
    unsigned closed_max; /* max_closed_clients */
    bool spread;         /* new connections to all workers in turn; else packed by load */
};

/*
 * What others want to hear; any may be NULL.  On the session's worker, while it can still be
 * looked at.  They may publish; they may not close the session.
 */
struct session_hooks {
    void *arg;
    /* Logged in, counted. */
    void (*on_connect)(void *arg, struct worker *worker, const struct session *session);
    /* A session for which on_connect was called is ending; snapshot has stop and reason. */
    void (*on_disconnect)(void *arg, struct worker *worker, const struct session *session);
    /* account: NULL when it was not found out. */
    void (*on_auth_error)(void *arg, struct worker *worker, const struct session *session,
                          struct account *account);
    /* The number of connections of an account has changed. */
    void (*on_account_change)(void *arg, struct worker *worker, struct account *account);
};

struct session_parts {
    struct workers *workers;
    struct auth *auth;
    struct account_table *accounts;
    struct session_hooks hooks;
};

struct session_table;

/* Main thread, when the workers run; then session_table_start on each of them, by mail. */
struct session_table *session_table_new(const struct session_options *options,
                                        const struct session_parts *parts);
/* After the workers have stopped. */
void session_table_free(struct session_table *table);

/* On the worker: before the first accept; at the end (closes what is left: Server Shutdown). */
void session_table_start(struct session_table *table, struct worker *worker);
void session_table_stop(struct session_table *table, struct worker *worker);

/* For listener_start; arg is the table. */
void session_table_accept(struct worker *worker, int fd, const struct sockaddr_storage *peer,
                          void *arg);

const struct session_options *session_table_options(const struct session_table *table);
/* A connection id nobody else has: for internal publishers.  any thread */
uint64_t session_table_next_cid(struct session_table *table);

/* --- looking at sessions ------------------------------------------------------------------- */

/* Those of this worker, oldest first; false ends the walk.  fn may close the session. */
void session_table_walk(struct worker *worker, bool (*fn)(struct session *session, void *arg),
                        void *arg);
/* On this worker, or NULL. */
struct session *session_table_find(struct worker *worker, uint64_t cid);

/*
 * A visit to every worker, one after the other, so that results need no lock; then `done` on
 * worker `home`.  Embedded in its owner, which lives until done.
 */
struct session_round {
    void (*visit)(struct session_round *round, struct worker *worker);
    void (*done)(struct session_round *round, struct worker *worker);
    unsigned home;
    unsigned next; /* session_round_start sets it */
};
/* any thread */
void session_round_start(struct workers *workers, struct session_round *round);

/* Sums over the workers, since start.  any thread */
struct session_figures {
    uint64_t connections, total_connections; /* logged in or not */
    uint64_t in_msgs, in_bytes, out_msgs, out_bytes;
    uint64_t subscriptions;
    uint64_t slow_consumers, stale_connections;
};
void session_table_figures(const struct session_table *table, struct session_figures *out);

/* The closed, newest first; texts valid during fn, which must not call back.  any thread */
void session_table_closed(struct session_table *table,
                          bool (*fn)(const struct session_snapshot *snapshot, void *arg),
                          void *arg);

/* --- acting on sessions -------------------------------------------------------------------- */

/*
 * The account's terms have changed (account_set_terms, removed): every live connection follows:
 * expired, revoked, untrusted, bearer and beyond the connection limit are closed with their
 * -ERR, limits and default permissions re-applied.  done (may be NULL) is called on worker
 * `home` when all workers have done so.  any thread
 */
void session_table_apply(struct session_table *table, struct account *account, unsigned home,
                         void (*done)(void *arg, struct worker *worker), void *arg);

/* Closes one; `done` on worker `home` says whether there was one.  any thread */
void session_table_kick(struct session_table *table, uint64_t cid, unsigned home,
                        void (*done)(void *arg, struct worker *worker, bool found), void *arg);

/*
 * Lame duck: INFO ldm:true to all now; after grace_ns the sessions are closed one by one,
 * spread over duration_ns - grace_ns; done on worker 0 when none is left.  Once;
 * later calls do nothing.  Main thread.
 */
void session_table_lame_duck(struct session_table *table, int64_t grace_ns, int64_t duration_ns,
                             void (*done)(void *arg, struct worker *worker), void *arg);
