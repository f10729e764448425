/*
 * option_table: a block of the configuration -> a struct, by one table of keys.
 *
 * Every key that the reference server knows stands in a table: applied, read by a function,
 * accepted without effect, or refused as belonging to a part that does not exist yet.  Any
 * other key is an error, unless it only served as a variable.  All mistakes of a file are
 * collected; the last of two equal keys counts.
 *
 * Ownership  texts live in the reader's arena (or the tree's, which must be the same).
 * Thread     one at a time.
 * Errors     collected in the reader, one line each: "file:line:column: sentence".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/buf.h"
#include "api/base/config.h"
#include "api/base/shape.h"

struct option_reader {
    struct arena *arena;
    struct buf errors;
    struct buf warnings;
};

void option_reader_init(struct option_reader *reader, struct arena *arena);
void option_reader_fini(struct option_reader *reader);

enum option_kind {
    OPTION_BOOL,     /* bool */
    OPTION_TEXT,     /* const char * */
    OPTION_NUMBER,   /* int64_t within min..max, if those are not both 0 */
    OPTION_DURATION, /* int64_t nanoseconds; a bare number is seconds, with a warning */
    OPTION_TEXTS,    /* struct strings; one text or a list of them */
    OPTION_READ,     /* .read does it, with `out` pointing at the member */
    OPTION_NONE,     /* accepted; nothing follows from it here */
    OPTION_LATER,    /* refused: "not supported yet" */
};

struct option {
    const char *names; /* separated by '|', lower case */
    enum option_kind kind;
    size_t offset;
    int64_t min, max;
    void (*read)(struct option_reader *reader, const struct config_node *node, void *out);
};

/* The compiler rejects a member of another type. */
#define OPTION_AT(s, m, t) (offsetof(s, m) + 0 * sizeof(_Generic(((s *)0)->m, t : 0)))
#define OPTION_BOOL_AT(s, m) OPTION_BOOL, OPTION_AT(s, m, bool)
#define OPTION_TEXT_AT(s, m) OPTION_TEXT, OPTION_AT(s, m, const char *)
#define OPTION_NUMBER_AT(s, m) OPTION_NUMBER, OPTION_AT(s, m, int64_t)
#define OPTION_DURATION_AT(s, m) OPTION_DURATION, OPTION_AT(s, m, int64_t)
#define OPTION_TEXTS_AT(s, m) OPTION_TEXTS, OPTION_AT(s, m, struct strings)
#define OPTION_READ_AT(s, m) OPTION_READ, offsetof(s, m)

/* The table ends with a row without names.  What the map does not name stays as it is. */
void option_table_read(struct option_reader *reader, const struct option *table,
                       const struct config_node *map, void *out);

/* For functions of OPTION_READ: false (and an error) if the node is of another kind. */
bool option_is(struct option_reader *reader, const struct config_node *node, enum config_kind kind);
/* A text, or a list of texts; false and an error otherwise. */
bool option_texts(struct option_reader *reader, const struct config_node *node,
                  struct strings *out);
/* Duration text, or bare seconds with a warning. */
bool option_duration(struct option_reader *reader, const struct config_node *node, int64_t *ns);

void option_error(struct option_reader *reader, const struct config_node *node, const char *format,
                  ...) __attribute__((format(printf, 3, 4)));
void option_warning(struct option_reader *reader, const struct config_node *node,
                    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "not supported yet: KEY (file:line)" */
void option_later(struct option_reader *reader, const struct config_node *node);
