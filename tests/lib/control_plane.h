/*
 * control_plane: the control plane in this process, on a database of its own, and requests to it.
 *
 * Starts what berth-control starts (app.h) on a free port of the loopback, with a new master key
 * and a new database (tests/lib/pg.h), and exchanges the bootstrap token for an operator admin's.
 *
 * One reply is kept at a time: control_do makes a request and returns its status; control_text
 * and the like look into what came back.
 *
 * Ownership  texts of the last reply are valid until the next request.
 * Thread     one at a time for each control_plane; control_exchange may run from several threads.
 * Errors     none: what does not start is a failed test (CHECK).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/base/buf.h"

struct control_plane;

/* Starts it; settings: further lines of its configuration file, or NULL. */
struct control_plane *control_plane_start(const char *settings);
void control_plane_stop(struct control_plane *control);
/* The same database and key, as after a restart. */
void control_plane_restart(struct control_plane *control);
/* Another process's view: a second control plane on the same database. */
struct control_plane *control_plane_second(struct control_plane *first, const char *settings);

const char *control_plane_conninfo(const struct control_plane *control);
const char *control_plane_url(const struct control_plane *control);
/* An operator admin's token. */
const char *control_plane_admin(const struct control_plane *control);

/* --- requests ----------------------------------------------------------------------------- */

struct control_request {
    const char *method, *path;
    const char *token;          /* NULL: no Authorization */
    const char *body;           /* NULL: none; sent as JSON */
    const char *const *headers; /* "If-Match: \"1\"", ...; NULL-terminated, or NULL */
    const char *content_type;   /* NULL: application/json */
    size_t body_len;            /* 0: strlen(body) */
};

struct control_reply {
    int status; /* 0: no answer */
    json_t *json;
    struct buf body, head;
};

/* An answer that api/openapi.json does not declare is a failed test (CHECK). */
void control_exchange(const struct control_plane *control, const struct control_request *request,
                      struct control_reply *reply);
/* A header of the reply, NULL if it has none of that name; in its buffer. */
const char *control_header(const struct control_reply *reply, const char *name, char *out,
                           size_t cap);
void control_reply_fini(struct control_reply *reply);

/* --- the last reply ----------------------------------------------------------------------- */

/* The status.  if_match: added when not NULL. */
int control_do(struct control_plane *control, const char *token, const char *method,
               const char *path, const char *body);
int control_do_if(struct control_plane *control, const char *token, const char *if_match,
                  const char *method, const char *path, const char *body);
/* control_do, and the test fails with the reply unless it has this status:
 * control_want(control, 201, token, "POST", "/v1/teams", body) */
#define control_want(control, wanted, ...) \
    control_check(control, wanted, control_do(control, __VA_ARGS__), __FILE__, __LINE__)
#define control_want_if(control, wanted, ...) \
    control_check(control, wanted, control_do_if(control, __VA_ARGS__), __FILE__, __LINE__)
void control_check(const struct control_plane *control, int wanted, int status, const char *file,
                   int line);
/* The same for a refusal: status and code of the problem document. */
#define control_refused(control, wanted, code, ...)            \
    do {                                                       \
        control_want(control, wanted, __VA_ARGS__);            \
        control_check_code(control, code, __FILE__, __LINE__); \
    } while (0)
#define control_refused_if(control, wanted, code, ...)         \
    do {                                                       \
        control_want_if(control, wanted, __VA_ARGS__);         \
        control_check_code(control, code, __FILE__, __LINE__); \
    } while (0)
void control_check_code(const struct control_plane *control, const char *code, const char *file,
                        int line);
const struct control_reply *control_last(const struct control_plane *control);
/* A header of the last reply; NULL if it has none of that name. */
const char *control_last_header(struct control_plane *control, const char *name);
/* A member of the last reply, "a/b" or "items/0/id"; "" (0) when it is not there. */
const char *control_text(const struct control_plane *control, const char *path);
int64_t control_int(const struct control_plane *control, const char *path);
json_t *control_member(const struct control_plane *control, const char *path);
/* Items of the last reply, which is a list. */
size_t control_count(const struct control_plane *control);
/* printf for paths and bodies; one of 32 places, used in turn. */
const char *control_format(struct control_plane *control, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A time so many days from now, as bodies have it. */
const char *control_in_days(struct control_plane *control, int days);

/* --- a world ------------------------------------------------------------------------------ */

/* A default plan, a team and a team admin's token; the ids are kept. */
struct control_team {
    char id[40], token[160];
};
/* Operator, system (these URLs, JSON: "[\"nats://...\"]") and default plan. */
void control_world(struct control_plane *control, const char *urls);
void control_team_make(struct control_plane *control, const char *name, struct control_team *out);
/* An account of that team: its id. */
void control_account_make(struct control_plane *control, const struct control_team *team,
                          const char *name, char id[40]);
