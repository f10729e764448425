/*
 * refusal: why a request was refused, from one table that code, documents and OpenAPI share.
 *
 * A function of the domain that refuses says which row of the table it is, with a sentence for
 * this case, and returns the row's result; the REST layer renders it (rest/problem.h).  A result
 * without a refusal is rendered by its general row.
 *
 * Ownership  a refusal belongs to the work it happened in; texts are copied into it.
 * Thread     one at a time.
 * Errors     refusal_set returns the row's result, never OK.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/base/shape.h"

/*   code, HTTP status, result, may be retried as it is, title, cause, remedy */
#define REFUSALS(X)                                                                                \
    X(malformed_json, 400, ERR_SYNTAX, false, "Malformed JSON",                                    \
      "The body is not one JSON value in UTF-8, has a member twice, is nested too deep, or holds " \
      "a number that does not fit 64 bits.",                                                       \
      "Send one well-formed JSON object.")                                                         \
    X(invalid_parameter, 400, ERR_SYNTAX, false, "Invalid parameter",                              \
      "A path, query or header parameter has a value that is not allowed.",                        \
      "Correct the parameter that is named.")                                                      \
    X(cursor_invalid, 400, ERR_SYNTAX, false, "Invalid cursor",                                    \
      "The cursor was made for another query or principal, was changed, or is older than 24 "      \
      "hours.",                                                                                    \
      "Start the list again without a cursor.")                                                    \
    X(unknown_filter, 400, ERR_SYNTAX, false, "Unknown filter",                                    \
      "The query has a parameter that this resource does not know.", "Leave the parameter out.")   \
    X(unauthenticated, 401, ERR_UNAUTHENTICATED, false, "Not authenticated",                       \
      "There is no valid token in the Authorization header.",                                      \
      "Send Authorization: Bearer with a valid token.")                                            \
    X(token_expired, 401, ERR_UNAUTHENTICATED, false, "Token expired",                             \
      "The token's time is over.", "Get a new token.")                                             \
    X(token_revoked, 401, ERR_UNAUTHENTICATED, false, "Token revoked",                             \
      "The token was deleted or its holder removed.", "Get a new token.")                          \
    X(forbidden, 403, ERR_DENIED, false, "Forbidden",                                              \
      "The token's role or scopes do not allow this.",                                             \
      "Use a token with the right role or scope.")                                                 \
    X(plan_forbids, 403, ERR_DENIED, false, "The plan forbids it",                                 \
      "The value is above what the team's plan allows.",                                           \
      "Ask the operator for another plan or an override.")                                         \
    X(suspended_by_operator, 403, ERR_DENIED, false, "Suspended by the operator",                  \
      "The operator of the platform suspended the account; a team cannot resume it.",              \
      "Ask the operator to resume it.")                                                            \
    X(address_not_allowed, 403, ERR_DENIED, false, "Address not allowed",                          \
      "The token may not be used from this address.",                                              \
      "Use it from an address that allowed_cidrs names.")                                          \
    X(not_found, 404, ERR_NOT_FOUND, false, "Not found",                                           \
      "There is no such resource, or it is outside of the caller's scope.", "Check the id.")       \
    X(method_not_allowed, 405, ERR_UNSUPPORTED, false, "Method not allowed",                       \
      "The resource does not know this method.", "See the Allow header.")                          \
    X(not_acceptable, 406, ERR_UNSUPPORTED, false, "Not acceptable",                               \
      "The resource cannot be had in the media type asked for.", "Accept application/json.")       \
    X(name_taken, 409, ERR_EXISTS, false, "Name taken", "Another resource has this name or key.",  \
      "Choose another one.")                                                                       \
    X(illegal_state, 409, ERR_STATE, false, "Illegal state",                                       \
      "The resource's state does not allow this.", "See the resource's state and what it allows.") \
    X(quota_exceeded, 409, ERR_LIMIT, false, "Quota exceeded",                                     \
      "A ceiling of the plan is reached.", "Remove what is not needed, or ask for more.")          \
    X(in_use, 409, ERR_STATE, false, "In use",                                                     \
      "Other resources still refer to it, or clients still use it.",                               \
      "Remove them first, or confirm what ends with it, as the detail says.")                      \
    X(idempotency_in_progress, 409, ERR_AGAIN, true, "Request in progress",                        \
      "A request with this Idempotency-Key is being worked on.", "Repeat it after Retry-After.")   \
    X(protected, 409, ERR_STATE, false, "Protected", "The account is protected against deletion.", \
      "Remove the protection first.")                                                              \
    X(streams_exist, 409, ERR_STATE, false, "Streams exist", "The account still holds streams.",   \
      "Delete them, or ask for mode=purge_now.")                                                   \
    X(over_quota, 409, ERR_LIMIT, false, "Below present use",                                      \
      "The new limit is below what is in use.",                                                    \
      "Repeat with allow_over_quota: true if that is meant.")                                      \
    X(secret_no_longer_available, 410, ERR_NOT_FOUND, false, "Secret no longer available",         \
      "The first answer held a secret, which is not kept.",                                        \
      "Rotate: make a new one and delete the old.")                                                \
    X(version_conflict, 412, ERR_CONFLICT, false, "Version conflict",                              \
      "The resource has changed since it was read.",                                               \
      "See conflict.changes, read it again, then repeat with its ETag.")                           \
    X(body_too_large, 413, ERR_LIMIT, false, "Body too large", "The body is larger than 1 MiB.",   \
      "Send less.")                                                                                \
    X(unsupported_media_type, 415, ERR_UNSUPPORTED, false, "Unsupported media type",               \
      "The body is not JSON.", "Send Content-Type: application/json.")                             \
    X(validation_failed, 422, ERR_INVALID, false, "Validation failed",                             \
      "One or more members have values that are not allowed.", "See errors.")                      \
    X(unknown_field, 422, ERR_INVALID, false, "Unknown field",                                     \
      "The body has a member that is not known here.", "Leave it out.")                            \
    X(not_supported, 422, ERR_UNSUPPORTED, false, "Not supported yet",                             \
      "The body asks for something that this version does not have.",                              \
      "Use what detail names in its place.")                                                       \
    X(idempotency_key_reused, 422, ERR_INVALID, false, "Idempotency key reused",                   \
      "The key was used for another body.", "Use a new key.")                                      \
    X(jwt_too_large, 422, ERR_LIMIT, false, "JWT too large",                                       \
      "The token would be larger than nodes accept.",                                              \
      "Use a scoped role in place of the user's own permissions.")                                 \
    X(signer_not_trusted_by_node, 422, ERR_UNTRUSTED, false, "Signer not trusted",                 \
      "At least one node does not trust this key.",                                                \
      "Give the nodes an operator JWT that names it, then try again.")                             \
    X(node_refused, 424, ERR_STATE, true, "A node refused", "A node did not accept the claims.",   \
      "See the account's sync.")                                                                   \
    X(precondition_required, 428, ERR_CONFLICT, false, "Precondition required",                    \
      "If-Match is missing.", "Read the resource, then send its ETag in If-Match.")                \
    X(rate_limited, 429, ERR_AGAIN, true, "Rate limited", "Too many requests.",                    \
      "Repeat after Retry-After.")                                                                 \
    X(internal, 500, ERR_CORRUPT, true, "Internal error",                                          \
      "The service failed; it is logged under the request id.",                                    \
      "Tell the operator the request id.")                                                         \
    X(unavailable, 503, ERR_UNAVAILABLE, true, "Unavailable",                                      \
      "A part that is needed cannot be reached.", "Repeat later.")                                 \
    X(signer_unavailable, 503, ERR_UNAVAILABLE, true, "Signer unavailable",                        \
      "No signing key can be used now.", "Repeat later; the operator sees why in the log.")        \
    X(database_unavailable, 503, ERR_DATABASE, true, "Database unavailable",                       \
      "The database cannot be reached, or has no room.",                                           \
      "Repeat later; the operator sees why in the log.")                                           \
    X(system_unreachable, 503, ERR_UNAVAILABLE, true, "System unreachable",                        \
      "No node of the system can be reached.", "Repeat later.")                                    \
    X(node_timeout, 504, ERR_TIMEOUT, true, "Timed out", "An answer did not come in time.",        \
      "Repeat later.")

enum refusal_code {
    REFUSAL_none,
#define X(code, status, result, retryable, title, cause, remedy) REFUSAL_##code,
    REFUSALS(X)
#undef X
        REFUSAL_COUNT
};

struct refusal_kind {
    const char *code;
    int status;
    enum result result;
    bool retryable;
    const char *title, *cause, *remedy;
};

const struct refusal_kind *refusal_kind(enum refusal_code code);
/* The general row of a result. */
enum refusal_code refusal_of(enum result rc);

enum { REFUSAL_ERRORS_MAX = 32 };

struct refusal_error {
    const char *pointer; /* RFC 6901 into the body, or a parameter's name */
    const char *code, *message;
    bool has_limit;
    int64_t limit, actual;
};

struct refusal {
    enum refusal_code code;
    const char *detail; /* in the arena */
    struct refusal_error errors[REFUSAL_ERRORS_MAX];
    size_t error_count;
    const char *conflict_resource; /* version_conflict */
    int64_t conflict_version;
    json_t *conflict_changes; /* [{field, then, now}] since then; NULL: not looked at */
    int64_t conflict_since;   /* the version that is compared with; 0: none is known */
    bool conflict_complete;   /* it is the caller's, and no change is left out */
    int64_t retry_after_s;    /* 0: not said */
    struct arena *arena;      /* borrowed from the request */
};

/* The first one counts; later ones are ignored.  Returns the row's result. */
enum result refusal_set(struct refusal *refusal, enum refusal_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds to errors[] and makes it validation_failed; returns ERR_INVALID. */
enum result refusal_field(struct refusal *refusal, const char *pointer, const char *code,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));
enum result refusal_limit(struct refusal *refusal, const char *pointer, const char *code,
                          int64_t limit, int64_t actual);
/* What this version does not have yet, and in a sentence what to use: not_supported. */
enum result refusal_later(struct refusal *refusal, const char *pointer, const char *instead);
/* What a shape said about a body: validation_failed, or unknown_field for ERR_NOT_FOUND. */
enum result refusal_shape(struct refusal *refusal, enum result rc, const struct shape_error *error);
