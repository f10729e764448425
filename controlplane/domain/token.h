/*
 * token: access tokens: who knocks, and making and ending them.
 *
 * Form: berth_ID_SECRET_CHECK, where ID is the token's ULID, SECRET 256 bits in base32 and CHECK
 * a CRC-16 over all before it in base32, so that typing errors are refused before a look-up and
 * leaks can be searched for.  Only a keyed hash of the secret is stored.
 *
 * Ownership  texts in the work's arena; a token's text is wiped with the request.
 * Thread     the work's.
 * Errors     refusals unauthenticated, token_expired, token_revoked, address_not_allowed,
 *            forbidden (more rights than its maker has), quota_exceeded.
 */
#pragma once

#include "controlplane/domain/authz.h"
#include "controlplane/domain/resource.h"

enum { TOKEN_TEXT_MAX = 128, TOKEN_LIFE_MAX_S = 366 * 86400 };

struct token {
    struct resource resource;
    const char *team_id, *member_id;
    int role; /* enum principal_role */
    struct strings scopes, accounts, allowed_cidrs;
    int64_t expires_at, last_used_at;
    const char *last_used_from;
    const char *token; /* the text, in the answer to its creation only */
};
extern const struct shape token_shape;

struct token_settings {
    struct resource_settings settings;
    int role;              /* an index of principal_role_words; 0 (nobody): as its maker's */
    const char *member_id; /* of a team: the token acts as this member; role is left out */
    struct strings scopes, accounts, allowed_cidrs;
    int64_t expires_at;
};
extern const struct shape token_settings_shape;

/* Who is it?  In a transaction of the service; notes the use at most once a minute. */
enum result token_authenticate(struct work *work, const char *text, const char *source_ip,
                               struct principal *out) MUST_CHECK;
/* False: typing error or not ours; no look-up needed. */
bool token_well_formed(const char *text);

struct token_settings token_settings_of(const struct token *token);
/* team_id NULL: the principal's own. */
enum result token_list(struct work *work, const char *team_id, const struct list_query *query,
                       struct db_rows *out) MUST_CHECK;
enum result token_by_id(struct work *work, const char *team_id, const char *id,
                        struct token *out) MUST_CHECK;
/* team_id NULL: of the principal's own kind. */
enum result token_create(struct work *work, const char *team_id,
                         const struct token_settings *settings, struct token *out) MUST_CHECK;
enum result token_update(struct work *work, const struct token *old,
                         const struct token_settings *settings, struct token *out) MUST_CHECK;
enum result token_revoke(struct work *work, const struct token *token) MUST_CHECK;

/* SSO-02.  While there is no operator admin: a new bootstrap token, ending older ones; NULL if
 * there is one already. */
enum result token_bootstrap(struct work *work, const char **text) MUST_CHECK;
/* By the bootstrap principal: an operator admin's token; the bootstrap token is spent. */
enum result token_exchange(struct work *work, const struct token_settings *settings,
                           struct token *out) MUST_CHECK;
