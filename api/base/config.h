/*
 * config: the configuration syntax of NATS, parsed to one tree that knows file and line.
 *
 * The whole grammar: `key: value`, `key = value`, `key value`, `key {`, `key [`; `#` and `//`
 * comments; quotes of both kinds; blocks ( ... ); bare words; integers with units, durations
 * as text, booleans, dates; $variables and environment; include; JSON as it is.  Facts:
 * broker-inventory 8.1, settled against the reference server.
 *
 * Ownership  the tree lives in the arena.
 * Thread     any.
 * Errors     ERR_SYNTAX, ERR_NOT_FOUND (an include or a variable), ERR_IO, ERR_LIMIT (include
 *            depth, nesting, size); `error` has file, line, column and a sentence.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/base/slice.h"

enum config_kind {
    CONFIG_MAP,
    CONFIG_LIST,
    CONFIG_STRING,
    CONFIG_INT,
    CONFIG_FLOAT,
    CONFIG_BOOL,
    CONFIG_TIME
};

struct config_node {
    const char *key; /* NULL in a list and at the root */
    enum config_kind kind;
    const char *file; /* as named: on the command line or by include */
    int line, column; /* of the key if there is one, else of the value; from 1 */
    union {
        const char *string; /* 0-terminated */
        int64_t integer;
        double real;
        bool boolean;
        int64_t time_ns;
    };
    bool quoted;               /* CONFIG_STRING: it stood in quotes */
    bool used;                 /* for callers that mark what they knew; config.c never looks */
    struct config_node *first; /* CONFIG_MAP, CONFIG_LIST: children in order */
    struct config_node *next;  /* sibling */
};

struct config_error {
    char file[256];
    int line, column;
    char message[256];
};

enum { CONFIG_INCLUDE_DEPTH_MAX = 16, CONFIG_NESTING_MAX = 64, CONFIG_FILE_MAX = 64 << 20 };

enum result config_parse_file(const char *path, struct arena *arena, struct config_node **root,
                              struct config_error *error) MUST_CHECK;
/* `file` names the text in errors; includes are relative to `folder` (NULL: none allowed). */
enum result config_parse(struct slice text, const char *file, const char *folder,
                         struct arena *arena, struct config_node **root,
                         struct config_error *error) MUST_CHECK;

/* The last child of that key, letters of either case; NULL if there is none. */
struct config_node *config_get(const struct config_node *map, const char *key);
/* Children of a map or a list. */
size_t config_count(const struct config_node *node);

/* "2s", "300ms", "1h30m", a plain number of seconds: nanoseconds. */
enum result config_duration(const struct config_node *node, int64_t *ns) MUST_CHECK;
