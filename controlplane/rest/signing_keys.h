/*
 * signing_keys: routes of the REST API; their table is listed in tables.c.
 *
 * Ownership  the table is a constant.
 * Thread     handlers run on a worker, one call at a time.
 * Errors     see rest/problem.h.
 */
#pragma once

#include "controlplane/rest/router.h"

extern const struct rest_route signing_keys_routes[];
