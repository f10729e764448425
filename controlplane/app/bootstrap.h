/*
 * bootstrap: the token with which the first operator admin is made (SSO-02).
 *
 * While there is none, each start makes a new bootstrap token, which ends older ones, and writes
 * it once: to a file that only its owner reads, or to stdout.  It is never logged.
 *
 * Ownership  none.
 * Thread     the main thread.
 * Errors     ERR_IO: the file cannot be written; the database's.  `message` says it.
 */
#pragma once

#include "api/base/buf.h"
#include "controlplane/db/pool.h"
#include "controlplane/domain/work.h"

/* file NULL: stdout. */
enum result bootstrap_offer(struct pool *pool, const struct tools *tools, const char *file,
                            struct buf *message) MUST_CHECK;
