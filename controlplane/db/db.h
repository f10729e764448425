/*
 * db: one connection to PostgreSQL: transactions, statements in, structs out.
 *
 * Values travel as parameters; C never puts SQL together.  All statements of sql/queries are
 * prepared when the connection opens, so a mistake in them stops the program at start; lists are
 * planned anew each time, for the filters that they have.
 *
 * The connection works as the role berth_service.  A transaction begun for a team works as
 * berth_tenant and sees the rows of that team only (row-level security); db_as_service lifts
 * that for single statements that need what no tenant may read (the operator's signing key).
 *
 * Ownership  the caller owns the connection; results are copied into the caller's arena.
 * Thread     one at a time.
 * Errors     ERR_NOT_FOUND (db_one and its like: no row), ERR_EXISTS (unique index),
 *            ERR_INVALID (check), ERR_STATE (foreign key: still in use, or gone),
 *            ERR_DENIED (right or row policy missing), ERR_CONFLICT (serialization, deadlock),
 *            ERR_AGAIN (lock not available), ERR_TIMEOUT (statement timeout),
 *            ERR_UNAVAILABLE (connection lost), ERR_CORRUPT (a row that its shape refuses),
 *            ERR_DATABASE (anything else).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/base/shape.h"
#include "controlplane/db/statement.h"

struct db;

enum db_mode {
    DB_PREPARED, /* everything prepared, as berth_service: what serves */
    DB_PLAIN,    /* nothing prepared, as whoever logs in: migrations */
};

enum { DB_ARGS_MAX = 64, DB_MESSAGE_MAX = 256 };

/* A failure says in `message` what a human needs (never a password). */
enum result db_open(const char *conninfo, enum db_mode mode, struct db **out,
                    char message[DB_MESSAGE_MAX]) MUST_CHECK;
void db_close(struct db *db);
/* False once the server is lost; the pool then opens another. */
bool db_usable(const struct db *db);

/* What the server said about the last failure (for the log), and the constraint it named. */
const char *db_error(const struct db *db);
const char *db_constraint(const struct db *db);

enum db_kind { DB_NULL, DB_TEXT, DB_INT, DB_BOOL, DB_TIME, DB_STRINGS, DB_JSON };

struct db_value {
    enum db_kind kind;
    union {
        const char *text;
        int64_t integer; /* DB_INT; DB_TIME: Unix nanoseconds, kept to the microsecond */
        bool boolean;
        const struct strings *strings;
        const json_t *json; /* borrowed */
    };
};

struct db_args {
    const struct db_value *values;
    size_t count;
};

#define DB_ARGS(...)                                          \
    ((struct db_args){(const struct db_value[]){__VA_ARGS__}, \
                      sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)})
#define DB_NO_ARGS ((struct db_args){NULL, 0})

/* NULL text is SQL's NULL. */
static inline struct db_value db_text(const char *text)
{
    return (struct db_value){text != NULL ? DB_TEXT : DB_NULL, {.text = text}};
}
static inline struct db_value db_integer(int64_t integer)
{
    return (struct db_value){DB_INT, {.integer = integer}};
}
static inline struct db_value db_optional(struct optional_int value)
{
    return (struct db_value){value.set ? DB_INT : DB_NULL, {.integer = value.value}};
}
/* Of a KIND_FLAG. */
static inline struct db_value db_flag(struct optional_int value)
{
    return (struct db_value){value.set ? DB_BOOL : DB_NULL, {.boolean = value.value != 0}};
}
static inline struct db_value db_bool(bool boolean)
{
    return (struct db_value){DB_BOOL, {.boolean = boolean}};
}
/* 0 is SQL's NULL, as KIND_TIME has it. */
static inline struct db_value db_time(int64_t wall_ns)
{
    return (struct db_value){wall_ns != 0 ? DB_TIME : DB_NULL, {.integer = wall_ns}};
}
/* A text[]; NULL is SQL's NULL, no items an empty array. */
static inline struct db_value db_strings(const struct strings *strings)
{
    return (struct db_value){strings != NULL ? DB_STRINGS : DB_NULL, {.strings = strings}};
}
static inline struct db_value db_json(const json_t *json)
{
    return (struct db_value){json != NULL ? DB_JSON : DB_NULL, {.json = json}};
}

/*
 * A transaction has one beginning and one end.  team NULL: as berth_service.  db_end commits if
 * rc is OK, else rolls back; it returns the first failure.
 */
enum result db_begin(struct db *db, const char *team) MUST_CHECK;
enum result db_end(struct db *db, enum result rc) MUST_CHECK;
bool db_in_transaction(const struct db *db);

/* Inside a tenant's transaction: lift the wall, put it back.  Calls nest; no-ops elsewhere. */
enum result db_as_service(struct db *db) MUST_CHECK;
enum result db_as_tenant(struct db *db) MUST_CHECK;

/* How many rows it touched or found is not asked. */
enum result db_exec(struct db *db, enum statement statement, struct db_args args) MUST_CHECK;
/* As db_exec; ERR_NOT_FOUND if it touched none. */
enum result db_change(struct db *db, enum statement statement, struct db_args args) MUST_CHECK;
/* The first row, by the shape's field names; ERR_NOT_FOUND without one. */
enum result db_one(struct db *db, enum statement statement, struct db_args args,
                   const struct shape *shape, struct arena *arena, void *out) MUST_CHECK;

struct db_rows {
    void *items; /* an array of the shape's struct, in the arena */
    size_t count;
};
enum result db_all(struct db *db, enum statement statement, struct db_args args,
                   const struct shape *shape, struct arena *arena, struct db_rows *out) MUST_CHECK;

/* The first column of the first row. */
enum result db_get_int(struct db *db, enum statement statement, struct db_args args,
                       int64_t *out) MUST_CHECK;
enum result db_get_text(struct db *db, enum statement statement, struct db_args args,
                        struct arena *arena, const char **out) MUST_CHECK;

/* Runs the text of a migration: several statements, no parameters, no result. */
enum result db_script(struct db *db, const char *sql) MUST_CHECK;

/*
 * Waits until one of the channels that LISTEN statements named has news, or timeout_ms is over
 * (ERR_TIMEOUT).  wake_fd, if not -1, ends the wait too (ERR_AGAIN) when it becomes readable.
 */
enum result db_wait(struct db *db, int timeout_ms, int wake_fd) MUST_CHECK;
