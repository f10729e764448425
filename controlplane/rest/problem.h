/*
 * problem: a result and its refusal -> a problem document (RFC 9457).
 *
 * Ownership  the text goes into the arena.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include "controlplane/domain/refusal.h"

struct problem {
    int status;
    const char *code, *body;
    int64_t retry_after_s;
};

/* rc is a failure; refusal.code none: the general row of rc. */
struct problem problem_of(enum result rc, const struct refusal *refusal, const char *request_id,
                          const char *instance, struct arena *arena);

/* The whole catalogue: GET /v1/problems and /v1/problems/{code}, the address of `type`. */
json_t *problem_catalogue(void);
json_t *problem_entry(const char *code);
