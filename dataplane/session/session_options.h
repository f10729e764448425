/*
 * session_options: what the node says of itself and allows its peers; who wants to hear of them.
 *
 * Ownership  filled in by node/; copied by session_table_new.
 * Thread     constants once the table is made.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/shape.h"
#include "dataplane/account/account_table.h"
#include "dataplane/session/session.h"

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
    int64_t clients_max;              /* those for whom there are files; 0: no limit */
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

/* What the sessions work with; all borrowed. */
struct session_parts {
    struct workers *workers;
    struct auth *auth;
    struct account_table *accounts;
    struct session_hooks hooks;
};
