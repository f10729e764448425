/*
 * team: teams and their members.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals name_taken, in_use, illegal_state (the last admin), version_conflict,
 *            forbidden (beyond the accounts that the principal is bound to).
 */
#pragma once

#include "controlplane/domain/resource.h"

struct team {
    struct resource resource;
    const char *plan_id;
    int64_t account_count;
};
extern const struct shape team_shape;

struct team_settings {
    struct resource_settings settings;
    const char *plan_id;   /* NULL: the default plan */
    bool allow_over_quota; /* a plan that gives less than what is in use */
};
extern const struct shape team_settings_shape;

struct team_settings team_settings_of(const struct team *team);
/* ref: an id. */
enum result team_by_ref(struct work *work, const char *ref, struct team *out) MUST_CHECK;
enum result team_list(struct work *work, const struct list_query *query,
                      struct db_rows *out) MUST_CHECK;
enum result team_create(struct work *work, const struct team_settings *settings,
                        struct team *out) MUST_CHECK;
enum result team_update(struct work *work, const struct team *old,
                        const struct team_settings *settings, struct team *out) MUST_CHECK;
enum result team_delete(struct work *work, const struct team *team) MUST_CHECK;

struct member {
    struct resource resource; /* name: who it is, such as a mail address */
    const char *team_id;
    int role;                /* an index of member_role_words */
    struct strings accounts; /* ids; empty: the whole team */
};
extern const struct shape member_shape;
extern const char *const member_role_words[]; /* "admin", "viewer" */

struct member_settings {
    struct resource_settings settings;
    int role;
    struct strings accounts;
};
extern const struct shape member_settings_shape;

struct member_settings member_settings_of(const struct member *member);
enum result member_by_id(struct work *work, const char *team_id, const char *id,
                         struct member *out) MUST_CHECK;
enum result member_list(struct work *work, const char *team_id, const struct list_query *query,
                        struct db_rows *out) MUST_CHECK;
enum result member_create(struct work *work, const char *team_id,
                          const struct member_settings *settings, struct member *out) MUST_CHECK;
enum result member_update(struct work *work, const struct member *old,
                          const struct member_settings *settings, struct member *out) MUST_CHECK;
/* Revokes the member's tokens too. */
enum result member_remove(struct work *work, const struct member *member) MUST_CHECK;
