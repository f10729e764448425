/*
 * permissions: who may publish and subscribe where, as users, roles and accounts have it.
 *
 * Ownership  texts in the arena.
 * Thread     any.
 * Errors     refusals validation_failed with the place.
 */
#pragma once

#include "api/nats/claims.h"
#include "controlplane/domain/resource.h"

struct permission_list {
    struct strings allow, deny;
};
struct response_permission {
    int64_t max;    /* messages; -1 unlimited */
    int64_t ttl_ns; /* 0: for ever */
};
struct permissions {
    struct permission_list pub, sub;
    struct response_permission *resp; /* NULL: none */
};
extern const struct shape permissions_shape;          /* literal subjects */
extern const struct shape permissions_template_shape; /* with {{...}}: roles */

struct time_range {
    const char *start, *end; /* HH:MM:SS */
};
struct time_ranges {
    struct time_range *items;
    size_t count;
};
extern const struct shape time_range_shape;

/* What users and scoped roles have in common. */
struct user_rules {
    struct permissions permissions;
    struct optional_int subs, payload; /* not set or -1: unlimited */
    bool bearer;
    struct strings connection_types, src;
    struct time_ranges times;
    const char *times_location;
};
extern const struct shape user_rules_shape; /* for KIND_FLATTEN */
extern const struct shape user_rules_template_shape;

/* VAL-09, VAL-10: what the shape cannot say. */
enum result user_rules_check(struct work *work, const struct user_rules *rules) MUST_CHECK;
/* Nothing but defaults: what a user with a scoped role must have. */
bool user_rules_empty(const struct user_rules *rules);
/* As claims have them; the lists are borrowed. */
void permissions_claims(const struct permissions *permissions, struct claims_permissions *out,
                        struct arena *arena);
void user_rules_claims(const struct user_rules *rules, struct claims_user_limits *out,
                       struct arena *arena);
/* For statements. */
json_t *permissions_json(const struct permissions *permissions, struct arena *arena);
json_t *time_ranges_json(const struct time_ranges *times, struct arena *arena);
