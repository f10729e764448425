/*
 * result: the one enum of failures of the world.
 *
 * A function that can fail because of bytes from a peer, a file, the database, the
 * command line or the clock returns one of these.  The code says what happened; the
 * place that talks to somebody puts it in his language (session.c, api_error.c,
 * problem.c).  Mistakes of ours are not results: they are CHECKs (check.h).
 *
 * Ownership  none.
 * Thread     any.
 * Errors     this is them.
 */
#pragma once

/* clang-format off */
#define RESULTS(X)                                                                  \
    X(OK,                  "ok")                                                    \
    X(ERR_SYNTAX,          "malformed")                                             \
    X(ERR_INVALID,         "well formed but not allowed")                           \
    X(ERR_LIMIT,           "a limit was reached")                                   \
    X(ERR_NOT_FOUND,       "not found")                                             \
    X(ERR_EXISTS,          "exists already")                                        \
    X(ERR_CONFLICT,        "changed by somebody else in the meantime")              \
    X(ERR_STATE,           "not possible in the present state")                     \
    X(ERR_DENIED,          "not permitted")                                         \
    X(ERR_UNAUTHENTICATED, "not authenticated")                                     \
    X(ERR_SIGNATURE,       "the signature does not verify")                         \
    X(ERR_UNTRUSTED,       "signed by a key that is not trusted")                   \
    X(ERR_EXPIRED,         "expired")                                               \
    X(ERR_REVOKED,         "revoked")                                               \
    X(ERR_STALE,           "older than what is known")                              \
    X(ERR_UNSUPPORTED,     "not supported")                                         \
    X(ERR_CORRUPT,         "damaged data")                                          \
    X(ERR_AGAIN,           "not now, try again")                                    \
    X(ERR_TIMEOUT,         "timed out")                                             \
    X(ERR_CLOSED,          "closed")                                                \
    X(ERR_UNAVAILABLE,     "a part that is needed cannot be reached")               \
    X(ERR_IO,              "input or output failed")                                \
    X(ERR_DATABASE,        "the database refused")
/* clang-format on */

enum result {
#define X(name, text) name,
    RESULTS(X)
#undef X
        RESULT_COUNT
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* The name, as in the code: "ERR_LIMIT". */
const char *result_name(enum result rc);

/* A phrase for logs and plain error messages: "a limit was reached". */
const char *result_text(enum result rc);
