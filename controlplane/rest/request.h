/*
 * request: one HTTP request as it came: head and body, before anybody has looked at it.
 *
 * Ownership  texts belong to http.c and live as long as the call; NULL when not sent.
 * Thread     one at a time.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "api/base/slice.h"

enum { REST_BODY_MAX = 1 << 20 };

struct rest_request {
    const char *method, *path, *query; /* path without the query, not decoded */
    const char *authorization, *idempotency_key, *if_match, *prefer;
    const char *content_type, *accept, *request_id, *user_agent;
    const char *trace_id; /* of traceparent (W3C), for the log */
    const char *source_ip;
    struct slice body;
    bool too_large; /* the body passed REST_BODY_MAX and was dropped */
};
