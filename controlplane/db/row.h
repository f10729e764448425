/*
 * row: a result row -> a struct, by its shape.
 *
 * Each field takes the column of its name; KIND_FLATTEN takes its own fields from the same row.
 * SQL's NULL is the zero value.  Lists come as text[] or JSON; objects, maps and lists of objects
 * come as JSON.  A field without a column stays zero, a column without a field is ignored: one
 * shape serves several statements.  FIELD_REQUIRED, FIELD_READ_ONLY and bounds bind requests,
 * not rows.
 *
 * Ownership  what a row holds is copied into the arena.
 * Thread     any.
 * Errors     ERR_CORRUPT: a value that does not fit its field.
 */
#pragma once

#include <libpq-fe.h>

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/base/shape.h"

enum result row_decode(const struct shape *shape, const PGresult *result, int row,
                       struct arena *arena, void *out) MUST_CHECK;

/* A text[] as PostgreSQL writes it, {a,"b c",NULL}; NULL elements are refused. */
enum result row_strings(const char *text, struct arena *arena, struct strings *out) MUST_CHECK;
/* "2026-11-23 01:40:00.123456+00", as PostgreSQL writes it in UTC; "infinity" is refused. */
enum result row_time(const char *text, int64_t *wall_ns) MUST_CHECK;
