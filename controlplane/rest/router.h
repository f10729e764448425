/*
 * router: what a resource's file needs: its table of routes, and what a handler asks for and
 * answers with (dispatch.h says what happens around a handler).
 *
 * A handler returns a result and sets the reply; it never writes to the client, never begins or
 * ends a transaction, and writes its audit event through router_audit.
 *
 * A route without a permission known to authz stops the program at start.
 *
 * Ownership  everything of a call lives in its arena.
 * Thread     a worker; one call at a time.
 * Errors     see rest/problem.h.
 */
#pragma once

#include "controlplane/domain/account.h"
#include "controlplane/domain/audit.h"
#include "controlplane/domain/authz.h"
#include "controlplane/domain/team.h"
#include "controlplane/rest/problem.h"

struct rest_call;
struct rest_server;
struct rest_request;

enum {
    ROUTE_IF_MATCH = 1 << 0,  /* 428 without If-Match */
    ROUTE_LIST = 1 << 1,      /* limit, cursor and the common filters */
    ROUTE_SECRET = 1 << 2,    /* the answer holds a secret: not replayed, not cached */
    ROUTE_WAIT = 1 << 3,      /* Prefer: wait is obeyed */
    ROUTE_MERGE = 1 << 4,     /* the body is a merge patch: router_merge decodes it */
    ROUTE_EXPENSIVE = 1 << 5, /* rate limit class */
    ROUTE_SERVICE = 1 << 6,   /* the transaction is the service's, whoever calls */
    ROUTE_NO_TX = 1 << 7,     /* no database needed */
};

enum { ROUTE_PARAMS_MAX = 4 };

struct rest_route {
    const char *method, *path; /* "/v1/accounts/{account}:push" */
    const char *permission;    /* "public": no token needed */
    const struct shape *body;  /* NULL: none */
    enum result (*handler)(struct rest_call *call);
    const char *id; /* operationId */
    unsigned flags;
    const char *query; /* further parameters, blank between them; NULL: none */
};

enum { REPLY_HEADERS_MAX = 8 };

struct rest_reply {
    int status;
    struct {
        const char *name, *value;
    } headers[REPLY_HEADERS_MAX]; /* further ones */
    size_t header_count;
    const char *body; /* in the arena; NULL: none */
    size_t body_len;
    const char *media_type;
    const char *location, *etag, *link;
    const char *resource_id; /* for the record of idempotency */
    bool has_more;
};

/* Answer only after this account's revision is on every node, or the time is over. */
struct rest_wait {
    const char *account_id;
    int64_t revision;
};

struct rest_call {
    const struct rest_route *route;
    struct work work;
    struct principal who;
    const char *method, *path, *query;
    const char *params[ROUTE_PARAMS_MAX]; /* in the order of the path */
    const char *names[ROUTE_PARAMS_MAX];  /* "account", "user" */
    struct team team;                     /* if the path has {team} */
    struct account account;               /* if the path has {account}; locked for mutations */
    int64_t revision_found;               /* of that account when the call came to it */
    bool has_team, has_account;
    void *body;        /* of the route's shape; NULL without one */
    json_t *body_json; /* as sent */
    struct list_query list;
    bool if_match, if_match_any;
    int64_t if_match_version;
    struct rest_wait wait;
    struct rest_reply reply;
    /* What waits for nodes: runs after the commit, without a connection, and may change the
     * reply.  Such an answer is not kept for its Idempotency-Key. */
    void (*after)(struct rest_call *call);
    void *after_arg;
    /* What nodes must be asked before: a handler that knows the question only sets it, and returns
     * ERR_AGAIN.  Its transaction is undone, the nodes are asked without one and without a
     * connection, and the call is made again from its beginning: then ask is NULL, and ask_arg
     * what it was. */
    void (*ask)(struct rest_call *call);
    void *ask_arg;
    bool audited;
    const char *action;       /* of a refusal's event, once the handler knows; NULL: by the route */
    const char *operation_id; /* that the handler has started, for its event; NULL: none */
    struct arena *arena;      /* = work.arena */
    struct rest_server *server;         /* rate limits, hooks, figures */
    const struct rest_request *request; /* head and body as they came */
};

/* {account} -> "acc_..."; NULL if the path has none of that name. */
const char *router_param(const struct rest_call *call, const char *name);
/* A query parameter, decoded; NULL if it was not sent. */
const char *router_query(const struct rest_call *call, const char *name);
enum result router_query_int(struct rest_call *call, const char *name, int64_t min, int64_t max,
                             int64_t fallback, int64_t *out) MUST_CHECK;
enum result router_query_time(struct rest_call *call, const char *name, int64_t fallback,
                              int64_t *out) MUST_CHECK;
enum result router_query_bool(struct rest_call *call, const char *name, bool *out) MUST_CHECK;

/* If-Match against what was read (value, by the shape that router_audit gets; its resource); also
 * remembers the ETag of the answer.  version_conflict says what has changed since (conflict.h). */
enum result router_match(struct rest_call *call, const struct resource *resource,
                         const struct shape *shape, const void *value) MUST_CHECK;

/* PATCH: present settings, merged with the body, decoded strictly into out. */
enum result router_merge(struct rest_call *call, const struct shape *shape, const void *present,
                         void *out) MUST_CHECK;

/* Replies.  resource may be NULL (no ETag). */
enum result router_reply(struct rest_call *call, int status, const struct shape *shape,
                         const void *value, const struct resource *resource);
enum result router_reply_json(struct rest_call *call, int status, json_t *tree);
enum result router_reply_text(struct rest_call *call, int status, const char *media_type,
                              const char *text);
enum result router_reply_none(struct rest_call *call);
/* items: rows of shape, one more than the limit if there are more; id_offset: where each has
 * its id. */
enum result router_reply_list(struct rest_call *call, const struct shape *shape,
                              const struct db_rows *rows, size_t id_offset);
/* 201 with Location: collection path, "/", id. */
enum result router_created(struct rest_call *call, const char *collection,
                           const struct shape *shape, const void *value,
                           const struct resource *resource);

/* The answer may wait until the nodes have what the account's claims are now. */
enum result router_wait_account(struct rest_call *call) MUST_CHECK;

/* Adds a header to the reply. */
void router_header(struct rest_call *call, const char *name, const char *value);

/* The change's event, with the account's revision if the call made one: before and after by the
 * shape (NULL: nothing), of secrets "sha256:" and the digest of their text: whoever finds one can
 * tell which event made it. */
enum result router_audit(struct rest_call *call, const char *action,
                         const struct resource *resource, const struct shape *shape,
                         const void *before, const void *after) MUST_CHECK;

/* All tables, in the order they are searched; tables.c. */
extern const struct rest_route *const rest_tables[];
