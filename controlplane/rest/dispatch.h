/*
 * dispatch: all that every request needs around its handler.
 *
 * One request, in order: route found; token -> principal; rate limit; body parsed; transaction
 * begun (tenants behind their wall); {account} and {team} of the path loaded; authz_check with
 * the route's permission; Idempotency-Key; query parameters checked against the route's list;
 * If-Match; body decoded by the route's shape; the handler; audit; answer recorded; commit; wake.
 *
 * Ownership  everything of a call lives in its arena.
 * Thread     a worker; one call at a time.
 * Errors     none: the reply is in the call, always.
 */
#pragma once

#include "controlplane/rest/router.h"

void dispatch_run(struct rest_call *call);
