/*
 * stage: a database, control planes and nodes as processes of their own, and calls to the API.
 *
 * Everything lives in one folder: keys, configurations, stores, logs.  Ports are chosen by the
 * system once and kept over restarts, as addresses stand in the database.
 *
 * Ownership  the stage is the caller's; stage_fini ends every process and removes the folder.
 * Thread     one for each struct api; the rest one at a time.
 * Errors     what a test cannot do without is a CHECK: a failed test says where.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { STAGE_CONTROLS = 2, STAGE_NODES = 2, STAGE_PATH_MAX = 256, STAGE_TOKEN_MAX = 160 };

struct stage_process {
    pid_t pid;  /* 0: not running */
    int status; /* of waitpid, when it has ended */
    uint16_t port;
    int hold;                 /* a socket that keeps the port for it, also while it does not run */
    char log[STAGE_PATH_MAX]; /* all its runs, one after the other */
    char name[32];
};

struct stage {
    char bin[STAGE_PATH_MAX], folder[64];
    char *conninfo;
    struct stage_process controls[STAGE_CONTROLS], nodes[STAGE_NODES];
    const char *node_program; /* NULL: berth-broker of bin */
};

/* conninfo NULL: a new database of tests/lib/pg.h. */
void stage_init(struct stage *stage, const char *bin, const char *conninfo);
void stage_fini(struct stage *stage);

/* Returns when it serves. */
void stage_control_start(struct stage *stage, size_t index);
void stage_node_start(struct stage *stage, size_t index);
/* SIGTERM: in order, and its exit code must be 0; SIGKILL: at once.  Returns when it is gone. */
void stage_end(struct stage_process *process, int signal);
/* Ended by itself? */
bool stage_ended(struct stage_process *process);

const char *stage_url(const struct stage *stage, size_t node, char out[64]);
/* The node's store of account JWTs has this account. */
bool stage_node_holds(const struct stage *stage, size_t node, const char *account_key);

/* --- the API ------------------------------------------------------------------------------ */

struct api {
    void *curl;
    uint16_t port;
    char token[STAGE_TOKEN_MAX];
};

struct api_answer {
    int status;   /* 0: no answer */
    json_t *json; /* NULL: not JSON */
    char *text;   /* the body; "" without one */
    char *head;
    double seconds;
};

void api_init(struct api *api, uint16_t port, const char *token);
void api_fini(struct api *api);
/* body: stolen; NULL: none.  headers: lines, NULL-terminated, or NULL. */
struct api_answer api_call(struct api *api, const char *method, const char *path, json_t *body,
                           const char *const *headers);
/* The body as it is, and its length. */
struct api_answer api_send(struct api *api, const char *method, const char *path, const char *body,
                           size_t len, const char *const *headers);
void api_answer_fini(struct api_answer *answer);

/* The answer must have this status: its JSON, the caller's (json_decref). */
json_t *api_must(struct api *api, int status, const char *method, const char *path, json_t *body);
/* The same with Prefer: wait=10. */
json_t *api_must_wait(struct api *api, int status, const char *method, const char *path,
                      json_t *body);
/* A text of an object, "a.b" reaches into it; NULL if it is not there. */
const char *api_text(const json_t *object, const char *path);
int64_t api_int(const json_t *object, const char *path);
const char *api_path(char out[STAGE_PATH_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Bootstrap token of the stage -> operator admin; operator, system with the stage's nodes. */
void stage_begin(struct stage *stage, struct api *admin);
/* A team with a plan of its own and an admin's token; "tea_..." */
void stage_team(struct stage *stage, struct api *admin, const char *name, struct api *team,
                char id[64]);
/* Writes node i's configuration as the control plane gives it. */
void stage_node_config(struct stage *stage, struct api *admin, size_t index);

void stage_pause_ms(int ms);
int64_t stage_now_ms(void);
