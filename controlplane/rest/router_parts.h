/*
 * router_parts: what the files of the router share among themselves; handlers use router.h.
 *
 * Ownership  as router.h.
 * Thread     the call's.
 * Errors     as router.h.
 */
#pragma once

#include "controlplane/rest/router.h"

/* Percent-decoding; NULL for a broken escape, a 0 byte, or no UTF-8.  plus: '+' is a blank. */
const char *router_decode(struct arena *arena, struct slice text, bool plus);
/* Query parameters against what the route knows; fills call->list. */
enum result router_read_query(struct rest_call *call) MUST_CHECK;
enum result router_read_if_match(struct rest_call *call) MUST_CHECK;
const char *router_cursor(const struct rest_call *call, const char *id);
/* Removes what the shape calls secret. */
void router_drop_secrets(json_t *tree, const struct shape *shape);
/* The action of a route's events when its handler names none, or was refused: "team.change". */
const char *router_action(const struct rest_route *route, struct arena *arena);
/* Whose trail an event of this call belongs to; NULL: nobody's. */
const char *router_audit_team(const struct rest_call *call);
const char *router_audit_account(const struct rest_call *call);
