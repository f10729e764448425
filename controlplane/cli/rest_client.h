/*
 * rest_client: libcurl: requests, problems, pages.
 *
 * A request that did not reach the server, or was told to come back (429, 503), is repeated a
 * few times; a POST carries an idempotency key of its own, so that repeating it is safe.
 *
 * Ownership  replies live in the arena given to rest_call.
 * Thread     one.
 * Errors     ERR_UNAVAILABLE: no answer (rest_client_trouble says why).  An answer of 400 or
 *            more is a result too (see rest_result), with the problem in the reply.
 */
#pragma once

#include <jansson.h>

#include "api/base/arena.h"
#include "api/base/result.h"
#include "controlplane/cli/context.h"

struct rest_client;

struct rest_request {
    const char *method, *path;   /* path below /v1, or from the root when it begins with "//" */
    const json_t *body;          /* NULL: none */
    const char *if_match;        /* NULL: none */
    const char *idempotency_key; /* NULL: one is made for a POST */
    unsigned wait_s;             /* Prefer: wait=; 0: none */
    const char *accept;          /* NULL: application/json */
};

struct rest_problem_item {
    const char *pointer, *code, *message;
};
struct rest_problem {
    const char *title, *detail, *code, *request_id;
    struct {
        struct rest_problem_item *items;
        size_t count;
    } errors;
};

struct rest_reply {
    long status;      /* HTTP */
    const char *text; /* the body as it came, 0-terminated */
    size_t len;
    const json_t *json;          /* borrowed from the arena; NULL when the body is not JSON */
    const char *etag;            /* NULL: none */
    const char *location;        /* NULL: none */
    struct rest_problem problem; /* status >= 400 */
};

enum result rest_client_open(const struct context *context, struct rest_client **out) MUST_CHECK;
void rest_client_close(struct rest_client *client);
const char *rest_client_trouble(const struct rest_client *client);

enum result rest_call(struct rest_client *client, const struct rest_request *request,
                      struct arena *arena, struct rest_reply *reply) MUST_CHECK;

/* All pages of a list: a JSON array, the arena's.  At most `max` items (0: all). */
enum result rest_list(struct rest_client *client, const char *path, size_t max, struct arena *arena,
                      const json_t **items, struct rest_reply *reply) MUST_CHECK;

/* What an HTTP status means: OK below 400. */
enum result rest_result(long status);

/* A value for a path or a query, percent-encoded. */
const char *rest_escape(struct arena *arena, const char *text);
