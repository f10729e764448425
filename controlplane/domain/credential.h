/*
 * credential: each issue of a user JWT is one record; the seed is given once and kept nowhere.
 *
 * Ownership  texts in the work's arena; a seed's text is wiped with the request.
 * Thread     the work's.
 * Errors     refusals illegal_state, validation_failed, quota_exceeded, jwt_too_large,
 *            plan_forbids (a longer life than the plan allows).
 */
#pragma once

#include "controlplane/domain/nats_user.h"

enum credential_format {
    CREDENTIAL_CREDS,   /* the decorated file; needs generate */
    CREDENTIAL_JWT,     /* the JWT alone */
    CREDENTIAL_CONTEXT, /* a context of the nats tool */
    CREDENTIAL_ENV,     /* lines for a shell */
};
extern const char *const credential_format_words[];

struct credential {
    struct resource resource; /* state: active, superseded, revoked, expired, orphaned */
    const char *account_id, *user_id, *jti, *public_key, *issuer_key, *signing_key_id;
    int64_t issued_at, expires_at, last_seen_at;
    const char *last_seen_from;
    /* In the answer to the issue only. */
    const char *jwt, *seed, *creds, *context, *env;
};
extern const struct shape credential_shape;

struct credential_issue {
    const char *public_key; /* the client's own nkey, or */
    bool generate;          /* a new one, its seed in the answer once */
    struct optional_int ttl_s;
    int format;
};
extern const struct shape credential_issue_shape;

enum result credential_issue(struct work *work, const struct account *account,
                             const struct nats_user *user, const struct credential_issue *issue,
                             struct credential *out) MUST_CHECK;
/* user_id NULL: of the whole account. */
enum result credential_list(struct work *work, const char *account_id, const char *user_id,
                            const struct list_query *query, struct db_rows *out) MUST_CHECK;
enum result credential_by_id(struct work *work, const char *account_id, const char *id,
                             struct credential *out) MUST_CHECK;
/* Revokes its key up to now: it and all older ones of the same key. */
enum result credential_revoke(struct work *work, const struct account *account,
                              const struct credential *old, const char *reason,
                              struct credential *out, int64_t *revision) MUST_CHECK;

/* A CONNECT was seen: by jti. */
enum result credential_seen(struct work *work, const char *account_key, const char *jti, int64_t at,
                            const char *from) MUST_CHECK;
/* active -> expired for those whose time is over. */
enum result credential_age(struct work *work, int64_t *moved) MUST_CHECK;
