/*
 * jobs: the threads that do what nobody asks for.
 *
 * One thread for each job: registry of nodes, pushing claims, reconciling, metering, deleting
 * accounts, and one that listens for other replicas.  A job makes passes; between them it sleeps
 * until its next time is due or it is woken.
 *
 * Ownership  jobs own their threads, the links to nodes and the queue of events.
 * Thread     start and stop: main.  wake, figures: any.
 * Errors     a pass that fails is logged and made again; the database being away is no end.
 */
#pragma once

#include <jansson.h>

#include "controlplane/domain/signing_key.h"
#include "controlplane/job/push_claims.h"

struct jobs;

struct jobs_options {
    struct pool *pool;
    const struct tools *tools;
    void (*sync_changed)(const char *account_id, void *arg);
    void *arg;
};

struct jobs *jobs_start(const struct jobs_options *options);
/* Ends every pass under way, then the links. */
void jobs_stop(struct jobs *jobs);
/* WAKE_...: after a commit in this process. */
void jobs_wake(struct jobs *jobs, unsigned wake);

/* See check_system.h. */
json_t *jobs_check_system(struct jobs *jobs, const char *system_id, const char *account_key,
                          size_t links);

/* See count_clients.h. */
void jobs_count_clients(struct jobs *jobs, const struct signing_key_asked *asked,
                        struct arena *arena, struct signing_key_clients *out);

/* For /metrics and /readyz. */
struct jobs_figures {
    struct push_figures push;
    uint64_t usage_samples, usage_rows;
    uint64_t drift_missing, drift_differing, drift_unmanaged, drift_foreign; /* see reconcile.h */
    int64_t last_reconcile_at; /* Unix ns, of this process */
};
void jobs_figures(struct jobs *jobs, struct jobs_figures *out);
