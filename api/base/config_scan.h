/*
 * config_scan: the words of the NATS configuration syntax.
 *
 * A cursor over a text that takes blanks, comments, keys and single values off its front;
 * config.c puts them together.  What a word is depends on how it begins and ends:
 *
 *     5 -5 64k 64KiB      integers; k, m, g, t, p, e count in thousands, with b, i or ib
 *                         behind it in 1024s
 *     1.5                 a number with a fraction
 *     2026-01-02T03:04:05Z a time
 *     true yes on false no off   in letters of either case
 *     $NAME               a variable; but $2a$..., a bcrypt hash, is text
 *     "..." with \xXX \t \n \r \" \\, '...' without, ( ... ) to a line that is just )
 *     anything else       text, to a blank or one of , ; ] } '
 *
 * Ownership  texts are copied to the arena.
 * Thread     one at a time.
 * Errors     ERR_SYNTAX, ERR_LIMIT (a number too large); message, line and column say more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/base/slice.h"

enum scan_kind { SCAN_STRING, SCAN_INT, SCAN_FLOAT, SCAN_BOOL, SCAN_TIME, SCAN_VARIABLE };

struct scan_value {
    enum scan_kind kind;
    bool quoted;
    union {
        const char *string; /* SCAN_STRING; SCAN_VARIABLE: the name without $ */
        int64_t integer;
        double real;
        bool boolean;
        int64_t time_ns;
    };
};

enum { SCAN_END = -1, SCAN_MESSAGE_MAX = 200 };

struct config_scan {
    struct slice text;
    struct arena *arena;
    size_t at, line_start;
    int line;
    char message[SCAN_MESSAGE_MAX]; /* of the failure */
    int error_line, error_column;
};

void config_scan_init(struct config_scan *scan, struct slice text, struct arena *arena);

/* The next byte, or SCAN_END. */
int config_scan_peek(const struct config_scan *scan);
void config_scan_next(struct config_scan *scan);
/* Takes the byte if it is the next. */
bool config_scan_take(struct config_scan *scan, char c);
int config_scan_column(const struct config_scan *scan);

/* Blanks of one line; a comment to the end of its line, if there is one. */
void config_scan_blanks(struct config_scan *scan);
bool config_scan_comment(struct config_scan *scan);
/* Any white space, line ends too; no comments. */
void config_scan_spaces(struct config_scan *scan);
/* Whether white space of any kind or the end of the text is next. */
bool config_scan_at_space(const struct config_scan *scan);

/* bare: it stood without quotes. */
enum result config_scan_key(struct config_scan *scan, const char **key, bool *bare) MUST_CHECK;
/* A value that is neither a map nor a list. */
enum result config_scan_value(struct config_scan *scan, bool in_list,
                              struct scan_value *value) MUST_CHECK;
/* The path behind the word include. */
enum result config_scan_path(struct config_scan *scan, const char **path) MUST_CHECK;

/* Sets the message, for the present place; returns rc. */
enum result config_scan_fail(struct config_scan *scan, enum result rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
