/*
 * shape: tables that describe a struct: decode, encode, bounds, compare.
 *
 * Every struct that crosses a border (JSON, configuration, database row) has one table of
 * fields; decoding, encoding, bounds, required fields, fields that an update may not
 * change and the names in error messages come from it.  The only code that takes JSON
 * objects apart.
 *
 * Ownership  decoded strings, lists and objects live in the arena given; a KIND_JSON member
 *            holds a reference that the arena drops.  Encoded trees are the caller's.
 * Thread     any; shapes are constants.
 * Errors     decode: ERR_SYNTAX (wrong JSON type), ERR_INVALID (out of bounds, not one of the
 *            words, required and missing, null where not allowed), ERR_NOT_FOUND (a member
 *            that the shape does not know, when unknown members are refused), ERR_LIMIT (too
 *            deep).  `error` says where and what, for a human.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/result.h"

enum field_kind {
    KIND_BOOL,       /* bool */
    KIND_INT,        /* int64_t; a JSON real or a number outside 64 bits is refused */
    KIND_REAL,       /* double; any JSON number; whole ones are written without a point */
    KIND_OPTIONAL,   /* struct optional_int: absent or null is {false, 0} */
    KIND_FLAG,       /* struct optional_int of 0 or 1; true and false in JSON */
    KIND_STRING,     /* const char *, NULL when absent */
    KIND_ENUM,       /* int: the index into .type, a NULL-terminated list of words */
    KIND_DURATION,   /* int64_t nanoseconds; an integer in JSON */
    KIND_TIME,       /* int64_t Unix nanoseconds, 0 when absent; RFC 3339 text */
    KIND_STRINGS,    /* struct strings */
    KIND_OBJECT,     /* a pointer to the struct of .type, NULL when absent */
    KIND_STRUCT,     /* the struct of .type, in place */
    KIND_FLATTEN,    /* as KIND_STRUCT, but its members stand among ours in the JSON */
    KIND_OBJECTS,    /* struct { T *items; size_t count; } with T of .type */
    KIND_STRING_MAP, /* struct string_map */
    KIND_INT_MAP,    /* struct int_map */
    KIND_JSON,       /* json_t *: kept whole */
    KIND_COUNT
};

enum {
    FIELD_REQUIRED = 1 << 0,   /* decode fails without it */
    FIELD_OMIT_EMPTY = 1 << 1, /* encode leaves out false, 0, NULL, "" and empty lists */
    FIELD_FIXED = 1 << 2,      /* an update may not change it */
    FIELD_READ_ONLY = 1 << 3,  /* encode only: decode treats it as unknown */
    FIELD_WRITE_ONLY = 1 << 4, /* decode only */
    FIELD_SECRET = 1 << 5,     /* never shown in errors or differences */
    FIELD_NULL = 1 << 6, /* encode writes null for NULL or an unset value; as absent to decode */
    FIELD_MS = 1 << 7,   /* KIND_TIME: encode writes milliseconds, always three digits */
};

/* KIND_TIME: what stands for 0 where something has to ("no time", as Go programs write it). */
#define SHAPE_NO_TIME "0001-01-01T00:00:00Z"

struct strings {
    const char **items;
    size_t count;
};
struct string_pair {
    const char *key, *value;
};
struct string_map {
    struct string_pair *items;
    size_t count;
};
struct int_pair {
    const char *key;
    int64_t value;
};
struct int_map {
    struct int_pair *items;
    size_t count;
};
struct optional_int {
    bool set;
    int64_t value;
};

struct field {
    const char *name; /* as on the wire */
    enum field_kind kind;
    size_t offset;
    unsigned flags;
    int64_t min, max; /* KIND_INT, OPTIONAL, DURATION: the value; STRING: the length of the text;
                         lists and maps: the count.  Both 0: no bounds */
    const void *type; /* KIND_ENUM: the words; OBJECT, STRUCT, FLATTEN, OBJECTS: its shape */
    /* Further check of a string (or of each of a list, or of a map's key); may be NULL. */
    bool (*valid)(const char *text);
    const char *rule; /* what `valid` wants, for the message: "must be ..." */
};

struct shape {
    const struct field *fields;
    size_t field_count, size;
};

/* A row's kind and offset together: the compiler rejects a member of another type. */
#define FIELD_AT(s, m, t) (offsetof(s, m) + 0 * sizeof(_Generic(((s *)0)->m, t : 0)))
#define BOOL_AT(s, m) KIND_BOOL, FIELD_AT(s, m, bool)
#define INT_AT(s, m) KIND_INT, FIELD_AT(s, m, int64_t)
#define REAL_AT(s, m) KIND_REAL, FIELD_AT(s, m, double)
#define OPTIONAL_AT(s, m) KIND_OPTIONAL, FIELD_AT(s, m, struct optional_int)
#define FLAG_AT(s, m) KIND_FLAG, FIELD_AT(s, m, struct optional_int)
#define STRING_AT(s, m) KIND_STRING, FIELD_AT(s, m, const char *)
#define ENUM_AT(s, m) KIND_ENUM, FIELD_AT(s, m, int)
#define DURATION_AT(s, m) KIND_DURATION, FIELD_AT(s, m, int64_t)
#define TIME_AT(s, m) KIND_TIME, FIELD_AT(s, m, int64_t)
#define STRINGS_AT(s, m) KIND_STRINGS, FIELD_AT(s, m, struct strings)
#define OBJECT_AT(s, m) KIND_OBJECT, offsetof(s, m)
#define STRUCT_AT(s, m) KIND_STRUCT, offsetof(s, m)
#define FLATTEN_AT(s, m) KIND_FLATTEN, offsetof(s, m)
#define OBJECTS_AT(s, m) KIND_OBJECTS, offsetof(s, m)
#define STRING_MAP_AT(s, m) KIND_STRING_MAP, FIELD_AT(s, m, struct string_map)
#define INT_MAP_AT(s, m) KIND_INT_MAP, FIELD_AT(s, m, struct int_map)
#define JSON_AT(s, m) KIND_JSON, FIELD_AT(s, m, json_t *)

#define SHAPE(s, table)                                        \
    {                                                          \
        (table), sizeof(table) / sizeof((table)[0]), sizeof(s) \
    }

enum { SHAPE_DEPTH_MAX = 32, SHAPE_PATH_MAX = 256, SHAPE_MESSAGE_MAX = 256 };

struct shape_error {
    char pointer[SHAPE_PATH_MAX];    /* RFC 6901, from the document's root: "/limits/conn" */
    char message[SHAPE_MESSAGE_MAX]; /* a sentence without the pointer */
    bool has_limit;                  /* limit and actual say something */
    int64_t limit, actual;
};

enum shape_mode {
    SHAPE_STRICT,  /* unknown members are refused (ERR_NOT_FOUND) */
    SHAPE_LENIENT, /* unknown members are ignored: documents of other programs */
};

/* *out is set from the table whole: members that are absent become zero. */
enum result shape_decode(const struct shape *shape, const json_t *in, enum shape_mode mode,
                         struct arena *arena, void *out, struct shape_error *error) MUST_CHECK;

/* Members in the table's order; a new reference. */
json_t *shape_encode(const struct shape *shape, const void *in);

/* The first FIELD_FIXED field that differs, or NULL. */
const char *shape_fixed_change(const struct shape *shape, const void *from, const void *to);

/*
 * Parses JSON text strictly: one value, UTF-8, no duplicate members, depth at most
 * SHAPE_DEPTH_MAX, integers within 64 bits.  *out is a new reference.
 */
enum result shape_parse(struct slice text, json_t **out, struct shape_error *error) MUST_CHECK;
/* For documents of other programs: duplicates allowed (the last counts). */
enum result shape_parse_lenient(struct slice text, json_t **out,
                                struct shape_error *error) MUST_CHECK;

/* shape_parse (or _lenient, as mode says), then shape_decode. */
enum result shape_decode_text(const struct shape *shape, struct slice text, enum shape_mode mode,
                              struct arena *arena, void *out, struct shape_error *error) MUST_CHECK;

/* Compact text (no blanks, table order, UTF-8); 0-terminated, mem_free. */
char *shape_encode_text(const struct shape *shape, const void *in);
/* Hands a tree to the arena, which lets it go; returns it. */
json_t *shape_own(struct arena *arena, json_t *tree);
/* Compact text of a tree; mem_free. */
char *shape_dump(const json_t *tree);
