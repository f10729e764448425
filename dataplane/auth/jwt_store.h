/*
 * jwt_store: account JWTs by account key, in memory or as files of one folder.
 *
 * A folder holds KEY.jwt for each account (0600; the folder 0700).  Opening lists the names and
 * reads no file; the digest over all contents is worked out when it is first asked for and kept
 * up to date from then on.
 *
 * A save is done when both the file and the folder are on disk: the text goes to a file of
 * another name, is synced, renamed over the old one, and the folder is synced.  Whatever stops
 * it on the way leaves the old text or the new one, never a part.
 *
 * Ownership  the store owns its map of names; texts are copied in and out.
 * Thread     any, but calls for one key one after the other (blocking.h: the job's key).  They
 *            block: not on a worker.
 * Errors     ERR_NOT_FOUND; ERR_INVALID: not the key of an account; ERR_LIMIT: full, or a text
 *            beyond JWT_LEN_MAX; ERR_IO, errno as the system set it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/buf.h"
#include "api/base/result.h"
#include "api/base/shape.h"
#include "api/base/slice.h"

enum { JWT_STORE_HASH_LEN = 32 };

struct jwt_store;

/* dir NULL: in memory.  limit 0: any number.  Makes the folder if it is not there. */
enum result jwt_store_open(const char *dir, size_t limit, struct jwt_store **out) MUST_CHECK;
void jwt_store_close(struct jwt_store *store);

/* Replaces what is in jwt. */
enum result jwt_store_load(struct jwt_store *store, struct slice key, struct buf *jwt) MUST_CHECK;
enum result jwt_store_save(struct jwt_store *store, struct slice key, struct slice jwt) MUST_CHECK;
/* hard: unlinked; else the file is kept as KEY.jwt.deleted. */
enum result jwt_store_remove(struct jwt_store *store, struct slice key, bool hard) MUST_CHECK;

size_t jwt_store_count(struct jwt_store *store);
/* Sorted. */
void jwt_store_keys(struct jwt_store *store, struct arena *arena, struct strings *out);
/* XOR over the SHA-256 of every text. */
enum result jwt_store_hash(struct jwt_store *store, uint8_t out[JWT_STORE_HASH_LEN]) MUST_CHECK;
