/*
 * server: what the calls of one REST server share.
 *
 * Ownership  http.c's; everything in it is borrowed or outlives every call.
 * Thread     any; the parts say how.
 * Errors     none.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "api/base/buf.h"
#include "controlplane/db/pool.h"
#include "controlplane/domain/signing_key.h"
#include "controlplane/domain/work.h"
#include "controlplane/rest/figures.h"
#include "controlplane/rest/limit.h"

struct rest_options {
    const char *listen; /* "127.0.0.1:8080"; port 0: any free one */
    int64_t http_threads, queue_max, connections_max;
    int64_t read_per_minute, write_per_minute, expensive_per_minute; /* for each token */
    int64_t metrics_accounts; /* at most in /metrics/accounts; 0: there is none */
    const char *public_url;   /* for links; NULL: from listen */
};

struct rest_hooks {
    void *arg;
    /* After a commit: WAKE_... for the jobs of this process. */
    void (*committed)(void *arg, unsigned wake);
    /* Asks the nodes of a system; {"ok", "links"}, a new reference.  NULL: nobody can ask. */
    json_t *(*check_system)(void *arg, const char *system_id, const char *account_key,
                            size_t links);
    /* Asks all nodes who is connected with what a key signed.  NULL: nobody can ask. */
    void (*count_clients)(void *arg, const struct signing_key_asked *asked, struct arena *arena,
                          struct signing_key_clients *out);
    /* Prometheus lines of other parts, appended to /metrics. */
    void (*metrics)(void *arg, struct buf *out);
};

struct rest_server {
    struct rest_options options;
    struct rest_hooks hooks;
    struct pool *pool;
    const struct tools *tools;
    struct limit *limit;
    struct figures *figures;
};
