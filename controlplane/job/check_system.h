/*
 * check_system: can a system's nodes be reached, and may we ask them what we must (SYS-02)?
 *
 * Asks over every link at once and waits for at most CHECK_SYSTEM_MS.  Nothing changes on a node:
 * updates and deletions are asked for with an empty body, which a node refuses; that it answers
 * at all is what is looked for.
 *
 * Ownership  the tree is the caller's.
 * Thread     any; without a transaction and without a connection of the database.
 * Errors     none: they are what the tree tells.
 */
#pragma once

#include <jansson.h>

#include "controlplane/job/job.h"

enum { CHECK_SYSTEM_MS = 2000 };

/*
 * links: how many URLs the system has; account_key: of its system account.
 *
 * {"ok": ..., "links": [{"url", "connected", "trouble", "server_id",
 *                        "checks": [{"subject", "ok", "error"}]}]}
 */
json_t *check_system(const struct job_context *context, const char *system_id,
                     const char *account_key, size_t links);
