/*
 * scope_template: the permissions of a user whose signing key has a scope.
 *
 * Placeholders {{name()}}, {{subject()}}, {{account-name()}}, {{account-subject()}}, {{tag(x)}}
 * and {{account-tag(x)}} are filled in; a tag with several values gives several subjects.
 *
 * A value with a wildcard or a blank in it fills in nothing.
 *
 * In a list with placeholders every entry must be a subject in the end, without a queue.  One that
 * is not, or lacks a value, is dropped from an allow list and refuses the user in a deny list; an
 * allow list that ends up empty, and was not, denies everything.  Any other function refuses the
 * user.
 *
 * Ownership  the result lives in the arena given.
 * Thread     any.
 * Errors     ERR_DENIED: the user cannot come in.  ERR_LIMIT: more than TEMPLATE_EXPANSIONS_MAX.
 */
#pragma once

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/nats/claims.h"

struct scope_template_input {
    const char *user_name, *user_subject;
    const char *account_name, *account_subject;
    const struct strings *user_tags, *account_tags; /* NULL: none */
};

enum result scope_template_apply(const struct claims_user_limits *template,
                                 const struct scope_template_input *input, struct arena *arena,
                                 struct claims_user_limits *out) MUST_CHECK;
