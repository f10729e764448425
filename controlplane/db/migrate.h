/*
 * migrate: sql/migrations, in order, once each.
 *
 * The files are linked into the program.  Each runs in a transaction under an advisory lock, so
 * that two processes starting together do it once.  What ran is in schema_version with a digest
 * of its text.
 *
 * Ownership  none.
 * Thread     any, with a connection of its own.
 * Errors     ERR_UNSUPPORTED: the database is newer than this program, or a migration that ran
 *            reads differently now; ERR_DATABASE, ERR_UNAVAILABLE.  `message` says it plainly.
 */
#pragma once

#include <stdint.h>

#include "api/base/result.h"
#include "controlplane/db/db.h"

/* Logs in as conninfo says: the owner of the schema. */
enum result migrate_run(const char *conninfo, char message[DB_MESSAGE_MAX]) MUST_CHECK;

/* The newest version this program knows. */
int64_t migrate_version(void);
/* What the database has; through any connection. */
enum result migrate_level(struct db *db, int64_t *out) MUST_CHECK;
