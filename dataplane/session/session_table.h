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
#include "dataplane/session/session_end.h"
#include "dataplane/session/session_options.h"
#include "dataplane/session/session_round.h"
#include "dataplane/session/session_view.h"

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

/* Closes one; `done` on worker `home` says whether there was one.  any thread */
void session_table_kick(struct session_table *table, uint64_t cid, unsigned home,
                        void (*done)(void *arg, struct worker *worker, bool found), void *arg);
