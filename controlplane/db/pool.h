/*
 * pool: connections for the worker threads.
 *
 * A fixed number of connections, opened when first wanted.  A connection that lost its server is
 * replaced; while the server cannot be reached pool_take fails at once rather than wait.
 *
 * Ownership  the pool owns its connections; a taken one is the taker's until pool_give.
 * Thread     any.
 * Errors     ERR_UNAVAILABLE (no server), ERR_TIMEOUT (all in use for wait_ms).
 */
#pragma once

#include <stddef.h>

#include "api/base/result.h"
#include "controlplane/db/db.h"

struct pool;

struct pool *pool_new(const char *conninfo, size_t size);
/* All connections must have been given back. */
void pool_free(struct pool *pool);

enum result pool_take(struct pool *pool, int wait_ms, struct db **out) MUST_CHECK;
void pool_give(struct pool *pool, struct db *db);

size_t pool_in_use(struct pool *pool);
/* Where to connect: for those who need a connection of their own (LISTEN). */
const char *pool_conninfo(const struct pool *pool);
