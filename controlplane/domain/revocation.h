/*
 * revocation: user keys whose JWTs issued at or before a time are refused.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals validation_failed; ERR_NOT_FOUND.
 */
#pragma once

#include "controlplane/domain/account.h"

struct revocation {
    struct resource resource; /* name: the user key */
    const char *account_id, *user_key, *reason;
    int64_t revoked_before;
};
extern const struct shape revocation_shape;

struct revocation_settings {
    int64_t revoked_before; /* 0: now */
    const char *reason;
};
extern const struct shape revocation_settings_shape;

enum result revocation_list(struct work *work, const char *account_id,
                            const struct list_query *query, struct db_rows *out) MUST_CHECK;
enum result revocation_by_key(struct work *work, const char *account_id, const char *user_key,
                              struct revocation *out) MUST_CHECK;
/* Adds it or moves its time forward, never back; does not build claims. */
enum result revocation_put(struct work *work, const struct account *account, const char *user_key,
                           const struct revocation_settings *settings,
                           struct revocation *out) MUST_CHECK;
/* Issued credentials that will be accepted again, and are active as they were: how many, and the
 * first of them. */
enum { VALID_AGAIN_NAMED_MAX = 100 };
struct valid_again {
    int64_t count;
    struct strings ids;
};
enum result revocation_delete(struct work *work, const struct revocation *revocation,
                              struct valid_again *out) MUST_CHECK;
