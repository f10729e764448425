/*
 * server: what the calls of one REST server share.
 *
 * Ownership  http.c's; everything in it is borrowed or outlives every call.
 * Thread     any; the parts say how.
 * Errors     none.
 */
#pragma once

#include "controlplane/rest/figures.h"
#include "controlplane/rest/http.h"
#include "controlplane/rest/limit.h"

struct rest_server {
    struct rest_options options;
    struct rest_hooks hooks;
    struct pool *pool;
    const struct tools *tools;
    struct limit *limit;
    struct figures *figures;
};
