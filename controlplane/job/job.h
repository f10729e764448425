/*
 * job: what the jobs have in common: their surroundings, and one unit of work of theirs.
 *
 * Ownership  the context belongs to jobs.c and outlives every job.
 * Thread     a job_call is one thread's.
 * Errors     as the database's.
 */
#pragma once

#include "controlplane/db/pool.h"
#include "controlplane/domain/lease.h"
#include "controlplane/domain/nats_system.h"
#include "controlplane/domain/work.h"
#include "controlplane/link/link_set.h"
#include "controlplane/link/node_events.h"

struct job_context {
    struct pool *pool;
    const struct tools *tools;
    struct link_set *links;
    struct node_events *events;
    char holder[LEASE_HOLDER_MAX]; /* who we are, for leases */
    /* Sync rows of an account (NULL: of any) changed: requests may be waiting for it. */
    void (*sync_changed)(const char *account_id, void *arg);
    /* Wakes jobs of this process: WAKE_... */
    void (*wake)(unsigned wake, void *arg);
    void *arg;
};

/* A database connection, an arena and a transaction; may be begun and ended several times. */
struct job_call {
    const struct job_context *context;
    struct db *db;
    struct arena arena;
    struct refusal refusal;
    struct work work;
};

/* Takes a connection. */
enum result job_open(const struct job_context *context, struct job_call *call) MUST_CHECK;
/* Gives it back; everything from the arena is gone. */
void job_close(struct job_call *call);

enum result job_begin(struct job_call *call) MUST_CHECK;
/* Commits or rolls back; wakes what the work asked for. */
enum result job_end(struct job_call *call, enum result rc) MUST_CHECK;

/* Every living system, in the arena of the call; a transaction of its own. */
enum result job_systems(struct job_call *call, struct db_rows *out) MUST_CHECK;
/* The node of a server id among rows of struct node, or NULL. */
struct node *job_node(const struct db_rows *nodes, const char *server_id);

enum {
    JOB_SYSTEMS_MAX = 500,
    JOB_DB_WAIT_MS = 5000,
    JOB_LEASE_S = 30,
};
