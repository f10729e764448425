#include "controlplane/domain/refusal.h"

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"

static const struct refusal_kind kinds[REFUSAL_COUNT] = {
#define X(code, status, result, retryable, title, cause, remedy) \
    [REFUSAL_##code] = {#code, status, result, retryable, title, cause, remedy},
    REFUSALS(X)
#undef X
};

/* What a result is called that nobody gave a row to. */
static const enum refusal_code general[RESULT_COUNT] = {
    [ERR_SYNTAX] = REFUSAL_invalid_parameter,
    [ERR_INVALID] = REFUSAL_validation_failed,
    [ERR_LIMIT] = REFUSAL_quota_exceeded,
    [ERR_NOT_FOUND] = REFUSAL_not_found,
    [ERR_EXISTS] = REFUSAL_name_taken,
    [ERR_CONFLICT] = REFUSAL_unavailable, /* a deadlock that retries did not mend */
    [ERR_STATE] = REFUSAL_in_use,
    [ERR_DENIED] = REFUSAL_internal, /* the database's wall: a mistake of ours */
    [ERR_UNAUTHENTICATED] = REFUSAL_unauthenticated,
    [ERR_AGAIN] = REFUSAL_unavailable,
    [ERR_TIMEOUT] = REFUSAL_node_timeout,
    [ERR_UNAVAILABLE] = REFUSAL_database_unavailable,
    [ERR_DATABASE] = REFUSAL_internal,
};

const struct refusal_kind *refusal_kind(enum refusal_code code)
{
    CHECK(code > REFUSAL_none && code < REFUSAL_COUNT);
    return &kinds[code];
}

enum refusal_code refusal_of(enum result rc)
{
    CHECK(rc != OK && rc < RESULT_COUNT);
    return general[rc] != REFUSAL_none ? general[rc] : REFUSAL_internal;
}

static const char *format_text(struct refusal *refusal, const char *format, va_list args)
{
    char text[512];

    vsnprintf(text, sizeof(text), format, args);
    return arena_strdup(refusal->arena, text);
}

enum result refusal_set(struct refusal *refusal, enum refusal_code code, const char *format, ...)
{
    va_list args;

    CHECK(code > REFUSAL_none && code < REFUSAL_COUNT);
    if (refusal->code == REFUSAL_none) {
        refusal->code = code;
        va_start(args, format);
        refusal->detail = format_text(refusal, format, args);
        va_end(args);
    }
    return kinds[code].result;
}

static struct refusal_error *add_error(struct refusal *refusal, const char *pointer,
                                       const char *code)
{
    struct refusal_error *error;

    (void)refusal_set(refusal, REFUSAL_validation_failed, "The request has invalid values.");
    if (refusal->error_count == REFUSAL_ERRORS_MAX)
        return NULL;
    error = &refusal->errors[refusal->error_count++];
    *error = (struct refusal_error){.pointer = arena_strdup(refusal->arena, pointer),
                                    .code = arena_strdup(refusal->arena, code),
                                    .message = ""};
    return error;
}

enum result refusal_field(struct refusal *refusal, const char *pointer, const char *code,
                          const char *format, ...)
{
    struct refusal_error *error = add_error(refusal, pointer, code);
    va_list args;

    if (error != NULL) {
        va_start(args, format);
        error->message = format_text(refusal, format, args);
        va_end(args);
    }
    return ERR_INVALID;
}

enum result refusal_limit(struct refusal *refusal, const char *pointer, const char *code,
                          int64_t limit, int64_t actual)
{
    struct refusal_error *error = add_error(refusal, pointer, code);

    if (error != NULL) {
        error->has_limit = true;
        error->limit = limit;
        error->actual = actual;
        error->message = "beyond what is allowed";
    }
    return ERR_INVALID;
}

enum result refusal_later(struct refusal *refusal, const char *pointer, const char *instead)
{
    enum result rc = refusal_set(refusal, REFUSAL_not_supported,
                                 "This value of %s is not supported yet. %s", pointer + 1, instead);
    struct refusal_error *error = add_error(refusal, pointer, "not_supported");

    if (error != NULL)
        error->message = instead;
    return rc;
}

enum result refusal_shape(struct refusal *refusal, enum result rc, const struct shape_error *error)
{
    struct refusal_error *entry;
    const char *pointer = error->pointer[0] != '\0' ? error->pointer : "/";

    if (rc == ERR_NOT_FOUND)
        (void)refusal_set(refusal, REFUSAL_unknown_field, "The body has an unknown member: %s",
                          pointer);
    entry = add_error(refusal, pointer, rc == ERR_NOT_FOUND ? "unknown_field" : "invalid");
    if (entry != NULL) {
        entry->message = arena_strdup(refusal->arena, error->message);
        entry->has_limit = error->has_limit;
        entry->limit = error->limit;
        entry->actual = error->actual;
    }
    return ERR_INVALID;
}
