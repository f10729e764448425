#include "controlplane/domain/idempotency.h"

#include <sodium.h>
#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/authz.h"

#define T struct stored
struct stored {
    const char *body_hash;
    struct idempotency_answer answer;
};
static const struct field answer_fields[] = {
    {"status", INT_AT(struct idempotency_answer, status)},
    {"body", STRING_AT(struct idempotency_answer, body)},
    {"media_type", STRING_AT(struct idempotency_answer, media_type)},
    {"location", STRING_AT(struct idempotency_answer, location)},
    {"etag", STRING_AT(struct idempotency_answer, etag)},
    {"secret", BOOL_AT(struct idempotency_answer, secret)},
    {"resource_id", STRING_AT(struct idempotency_answer, resource_id)},
};
static const struct shape answer_shape = SHAPE(struct idempotency_answer, answer_fields);
static const struct field stored_fields[] = {
    {"body_hash", STRING_AT(T, body_hash)},
    {NULL, FLATTEN_AT(T, answer), .type = &answer_shape},
};
static const struct shape stored_shape = SHAPE(T, stored_fields);
#undef T

static void hash(const struct slice *parts, size_t count, char out[IDEMPOTENCY_HASH_LEN + 1])
{
    unsigned char digest[IDEMPOTENCY_HASH_LEN / 2];
    crypto_generichash_state state;

    CHECK(crypto_generichash_init(&state, NULL, 0, sizeof(digest)) == 0);
    for (size_t i = 0; i < count; i++) {
        uint64_t len = parts[i].len; /* so that two parts never read as one */

        crypto_generichash_update(&state, (const unsigned char *)&len, sizeof(len));
        crypto_generichash_update(&state, (const unsigned char *)parts[i].data, parts[i].len);
    }
    crypto_generichash_final(&state, digest, sizeof(digest));
    sodium_bin2hex(out, IDEMPOTENCY_HASH_LEN + 1, digest, sizeof(digest));
}

void idempotency_key_make(const char *principal, const char *method, const char *path,
                          const char *key, struct slice body, struct idempotency_key *out)
{
    const struct slice parts[] = {slice_of(principal), slice_of(method), slice_of(path),
                                  slice_of(key)};

    hash(parts, COUNT_OF(parts), out->key_hash);
    hash(&body, 1, out->body_hash);
}

enum result idempotency_take(struct work *work, const struct idempotency_key *key, bool *found,
                             struct idempotency_answer *answer)
{
    struct stored stored;
    int64_t locked;
    enum result rc;

    *found = false;
    rc = db_get_int(work->db, SQL_idempotency_lock, DB_ARGS(db_text(key->key_hash)), &locked);
    if (rc != OK)
        return rc;
    if (locked == 0) {
        work->refusal->retry_after_s = 1;
        return refusal_set(work->refusal, REFUSAL_idempotency_in_progress,
                           "A request with this key is being worked on.");
    }
    rc = db_one(work->db, SQL_idempotency_find, DB_ARGS(db_text(key->key_hash)), &stored_shape,
                work->arena, &stored);
    if (rc == ERR_NOT_FOUND)
        return OK;
    if (rc != OK)
        return rc;
    if (strcmp(stored.body_hash, key->body_hash) != 0)
        return refusal_set(work->refusal, REFUSAL_idempotency_key_reused,
                           "The key was used for another body.");
    if (stored.answer.secret)
        return refusal_set(work->refusal, REFUSAL_secret_no_longer_available,
                           "The first answer held a secret and is not kept: %s.",
                           stored.answer.resource_id);
    *found = true;
    *answer = stored.answer;
    return OK;
}

enum result idempotency_store(struct work *work, const struct idempotency_key *key,
                              const struct idempotency_answer *answer)
{
    return db_exec(work->db, SQL_idempotency_insert,
                   DB_ARGS(db_text(key->key_hash), db_text(key->body_hash),
                           db_text(work->who->team_id), db_integer(answer->status),
                           db_text(answer->secret || answer->body == NULL ? "" : answer->body),
                           db_text(answer->media_type != NULL ? answer->media_type : ""),
                           db_text(answer->location != NULL ? answer->location : ""),
                           db_text(answer->etag != NULL ? answer->etag : ""),
                           db_bool(answer->secret),
                           db_text(answer->resource_id != NULL ? answer->resource_id : "")));
}
