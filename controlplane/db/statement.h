/*
 * statement: an enum of every statement in sql/queries, made by the build.
 *
 * A statement begins with a line "-- name: x" and is SQL_x here, so a misspelled one does
 * not compile.
 *
 * Ownership  none.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>

#include "api/base/slice.h"

enum statement {
#define STATEMENT(name) SQL_##name,
#include "statements.def" /* made from sql/queries by the Makefile */
#undef STATEMENT
    STATEMENTS
};

/* As in sql/queries: "account_by_id". */
const char *statement_name(enum statement statement);

/* "account_list": most of its parameters are filters, which mean nothing when they are NULL. */
bool statement_is_list(enum statement statement);

/* The SQL between this name and the next. */
struct slice statement_text(enum statement statement);

/* All of them in the order of the enum; to begin, set rest to {0}. */
bool statement_next(struct slice *rest, struct slice *name, struct slice *text);
