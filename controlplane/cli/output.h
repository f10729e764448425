/*
 * output: a list of objects as a table, as JSON, or as names.
 *
 * Ownership  borrowed for the call.
 * Thread     one.
 * Errors     none.
 */
#pragma once

#include <jansson.h>

enum output_format { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_NAME };

struct column {
    const char *title;
    const char *path; /* member, "a/b" for a nested one */
};

enum { COLUMNS_MAX = 16, CELL_MAX = 200 };

/* items: an array, or one object. */
void output_items(enum output_format format, const struct column *columns, const json_t *items);
/* One object as lines "member: value". */
void output_object(enum output_format format, const json_t *object);
/* The member at a path; NULL when it is not there. */
const json_t *output_at(const json_t *object, const char *path);
/* The value at a path as text, cut at the bound; "" when it is not there. */
const char *output_cell(const json_t *object, const char *path, char out[CELL_MAX]);
