/*
 * sys_document: events and requests of $SYS: the envelopes, the parts, the events, the claims.
 *
 * The documents that monitoring answers with are in sys_monitor.h.  Each struct has a shape with
 * its members in the order of the reference server; decode with SHAPE_LENIENT.
 *
 * Ownership  decoded documents live in the arena given.
 * Thread     any.
 * Errors     as shape_decode.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/base/shape.h"

#define SYS_TYPE_CONNECT "io.nats.server.advisory.v1.client_connect"
#define SYS_TYPE_DISCONNECT "io.nats.server.advisory.v1.client_disconnect"
#define SYS_TYPE_ACCOUNT_CONNS "io.nats.server.advisory.v1.account_connections"

/* "server" in every message of a node. */
struct sys_server {
    const char *name, *host, *id;
    const char *cluster, *domain;
    const char *ver;
    struct strings tags;
    struct string_map metadata;
    bool jetstream;
    int64_t flags;
    int64_t seq;
    int64_t time; /* Unix nanoseconds, as all times here */
};
extern const struct shape sys_server_shape;

/* "client" */
struct sys_client {
    int64_t start;
    const char *host;
    int64_t id;
    const char *acc, *svc, *user, *name, *lang, *ver;
    int64_t rtt_ns;
    const char *server, *cluster;
    struct strings alts;
    int64_t stop;
    const char *jwt, *issuer_key, *name_tag;
    struct strings tags;
    const char *kind;        /* "Client" */
    const char *client_type; /* "nats" */
    const char *client_id, *nonce, *reply;
};
extern const struct shape sys_client_shape;

struct sys_count {
    int64_t msgs, bytes;
};
extern const struct shape sys_count_shape;

struct sys_data_stats {
    int64_t msgs, bytes;
    struct sys_count *gateways, *routes, *leafs; /* NULL: none */
};
extern const struct shape sys_data_stats_shape;

struct sys_event {
    const char *type;
    const char *id;
    int64_t timestamp;
};
extern const struct shape sys_event_shape; /* to be flattened */

/* $SYS.ACCOUNT.<account>.CONNECT */
struct sys_connect {
    struct sys_event event;
    struct sys_server server;
    struct sys_client client;
};
extern const struct shape sys_connect_shape;

/*
 * $SYS.ACCOUNT.<account>.DISCONNECT, $SYS.SERVER.<id>.CLIENT.AUTH.ERR,
 * $SYS.ACCOUNT.CLIENT.AUTH.ERR.  `sent` is what the client sent.
 */
struct sys_disconnect {
    struct sys_event event;
    struct sys_server server;
    struct sys_client client;
    struct sys_data_stats sent, received;
    const char *reason;
};
extern const struct shape sys_disconnect_shape;

struct sys_account_stat {
    const char *acc, *name;
    int64_t conns, leafnodes, total_conns, num_subscriptions;
    struct sys_data_stats sent, received;
    int64_t slow_consumers;
};
extern const struct shape sys_account_stat_shape;

/* $SYS.ACCOUNT.<account>.SERVER.CONNS, $SYS.SERVER.ACCOUNT.<account>.CONNS */
struct sys_account_conns {
    struct sys_event event;
    struct sys_server server;
    struct sys_account_stat stat;
};
extern const struct shape sys_account_conns_shape;

/* By kind of connection. */
struct sys_kind_counts {
    int64_t clients, routes, gateways, leafs;
};
extern const struct shape sys_kind_counts_shape;

struct sys_server_stats {
    int64_t start;
    int64_t mem, cores;
    double cpu; /* percent */
    int64_t connections, total_connections, active_accounts, subscriptions;
    struct sys_data_stats sent, sent_to_clients, received, received_from_clients;
    int64_t slow_consumers;
    struct sys_kind_counts *slow_consumer_stats;
    int64_t stale_connections;
    struct sys_kind_counts *stale_connection_stats;
    int64_t stalled_clients;
    int64_t active_servers;
    int64_t gomemlimit, gomaxprocs;
};
extern const struct shape sys_server_stats_shape;

/* $SYS.SERVER.<id>.STATSZ and the answer to STATSZ requests */
struct sys_statsz {
    struct sys_server server;
    struct sys_server_stats statsz;
};
extern const struct shape sys_statsz_shape;

/* The answer to IDZ: no envelope. */
struct sys_idz {
    const char *name, *host, *id;
};
extern const struct shape sys_idz_shape;

/* The answer to any other request: data (a document of sys_monitor.h) or error. */
struct sys_error {
    const char *account; /* claims only */
    int64_t code;
    int64_t err_code;
    const char *description;
};
extern const struct shape sys_error_shape;

struct sys_reply {
    struct sys_server server;
    json_t *data; /* NULL: none */
    struct sys_error *error;
};
extern const struct shape sys_reply_shape;

/*
 * A data member of its own shape under the envelope, and an error there (with "data":null, as the
 * reference server does unless the request itself was malformed: code 400): text, mem_free.
 */
char *sys_reply_text(const struct sys_server *server, const struct shape *shape, const void *data);
char *sys_error_text(const struct sys_server *server, const struct sys_error *error);

/* The answer to $SYS.REQ.CLAIMS.UPDATE, .DELETE and $SYS.REQ.ACCOUNT.<account>.CLAIMS.UPDATE. */
struct sys_claims_status {
    const char *account;
    int64_t code;
    const char *message;
    bool applied;    /* ours: live connections follow it already */
    const char *jti; /* ours: what is stored now */
    int64_t iat;
};
extern const struct shape sys_claims_status_shape;

struct sys_claims_reply {
    struct sys_server server;
    struct sys_claims_status *data;
    struct sys_error *error;
};
extern const struct shape sys_claims_reply_shape;

/* The answer to $SYS.REQ.CLAIMS.LIST. */
struct sys_claims_list {
    struct sys_server server;
    struct strings data;
    struct sys_error *error;
};
extern const struct shape sys_claims_list_shape;

/* Which servers a request means; part of the body of every request. */
struct sys_filter {
    const char *server_name, *cluster, *host;
    bool exact_match;
    struct strings tags;
    const char *domain;
};
extern const struct shape sys_filter_shape;
bool sys_filter_match(const struct sys_filter *filter, const struct sys_server *server);

/* $SYS.REQ.SERVER.<id>.KICK, .LDM */
struct sys_kick {
    int64_t cid;
};
extern const struct shape sys_kick_shape;

/* $SYS.REQ.ACCOUNT.<account>.CONNS: whoever names an account, too, must name the same one. */
struct sys_conns_request {
    const char *acc;
};
extern const struct shape sys_conns_request_shape;

/* The answer to $SYS.REQ.USER.INFO. */
struct sys_subjects {
    struct strings allow, deny;
};
struct sys_responses {
    int64_t max;
    int64_t ttl_ns;
};
struct sys_permissions {
    struct sys_subjects publish, subscribe;
    struct sys_responses *responses;
};
struct sys_user_info {
    const char *user, *account, *account_name, *user_name;
    struct sys_permissions *permissions; /* NULL: unrestricted */
    int64_t expires_ns;
};
extern const struct shape sys_user_info_shape;
