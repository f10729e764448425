/*
 * conflict: what has changed since the version that a caller named in If-Match.
 *
 * The resource as it was then is looked up in the audit trail: events keep it before and after
 * each change.  Not every change leaves an event (jobs move states), and only the newest events
 * are looked at; so the version nearest to the caller's is taken, and the answer says which.
 *
 * Ownership  what is found lives in the call's arena.
 * Thread     the call's.
 * Errors     the database's.
 */
#pragma once

#include "controlplane/rest/router.h"

enum {
    CONFLICT_CHANGES_MAX = 32, /* members named */
    CONFLICT_VALUE_MAX = 1024, /* bytes of a value; a longer one is left out */
};

/* Fills the refusal's conflict.  value: what the resource is of, as it is now, by its shape;
 * secrets are left out. */
enum result conflict_describe(struct rest_call *call, const struct resource *resource,
                              const struct shape *shape, const void *value) MUST_CHECK;

/* [{field, then, now}]: members that differ, by JSON pointer; what the service itself keeps
 * (version, times, sync) is passed over.  A new reference.  *complete: none was left out. */
json_t *conflict_changes(const json_t *then, const json_t *now, bool *complete);
