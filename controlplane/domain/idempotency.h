/*
 * idempotency: the same request again is the same answer.
 *
 * The router takes the key first in the request's transaction and stores the answer last, so
 * that effect and record commit together.  A refusal is recorded in a transaction of its own.
 * What held a secret is stored without a body: a replay is 410 secret_no_longer_available.
 *
 * Ownership  texts in the arena.
 * Thread     the work's.
 * Errors     ERR_AGAIN (idempotency_in_progress), ERR_INVALID (idempotency_key_reused),
 *            ERR_NOT_FOUND (secret_no_longer_available), each as a refusal.
 */
#pragma once

#include "controlplane/domain/work.h"

enum { IDEMPOTENCY_HASH_LEN = 64, IDEMPOTENCY_KEY_MAX = 255 };

struct idempotency_key {
    char key_hash[IDEMPOTENCY_HASH_LEN + 1];
    char body_hash[IDEMPOTENCY_HASH_LEN + 1];
};

struct idempotency_answer {
    int64_t status;
    const char *body, *media_type, *location, *etag;
    bool secret;
    const char *resource_id;
};

/* body: what was sent, in canonical form (JSON re-encoded with sorted members). */
void idempotency_key_make(const char *principal, const char *method, const char *path,
                          const char *key, struct slice body, struct idempotency_key *out);

/* OK with found true: answer is what was said then. */
enum result idempotency_take(struct work *work, const struct idempotency_key *key, bool *found,
                             struct idempotency_answer *answer) MUST_CHECK;
enum result idempotency_store(struct work *work, const struct idempotency_key *key,
                              const struct idempotency_answer *answer) MUST_CHECK;
