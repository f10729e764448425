/*
 * slice: bytes that somebody else owns.
 *
 * Passed by value; kept only by copying.  Not 0-terminated unless it says so.
 *
 * Ownership  borrowed from whoever made it, valid as long as its bytes are.
 * Thread     as its bytes.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *data;
    size_t len;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice slice_make(const char *data, size_t len)
{
    return (struct slice){data, len};
}

/* Of a 0-terminated text; NULL gives the empty slice. */
static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, text != NULL ? strlen(text) : 0};
}

/* A 0-terminated text that says something: neither NULL nor "". */
static inline bool slice_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static inline bool slice_empty(struct slice s)
{
    return s.len == 0;
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

static inline bool slice_ends(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.data + s.len - suffix.len, suffix.data, suffix.len) == 0);
}

/* From offset to the end; an offset beyond the end gives the empty slice. */
static inline struct slice slice_from(struct slice s, size_t offset)
{
    return offset < s.len ? slice_make(s.data + offset, s.len - offset) : slice_make(s.data, 0);
}

/* ASCII letters of either case are equal. */
bool slice_equal_nocase(struct slice a, struct slice b);

/* Without blanks and line ends at both sides. */
struct slice slice_trim(struct slice s);

/* memcmp order, a prefix before what it begins. */
int slice_compare(struct slice a, struct slice b);

/*
 * Takes the part before the next separator off the front of *rest, and the separator.
 * False when *rest is used up (a text that ends in a separator has an empty last part).
 * To begin, set rest to the whole; a slice with data == NULL is used up.
 */
bool slice_cut(struct slice *rest, char separator, struct slice *part);

/* Digits only, no sign; false if empty, another character, or above max. */
bool slice_uint(struct slice s, uint64_t max, uint64_t *out);

/* Bytes of the well-formed UTF-8 character that s begins with; 0 if it begins with none. */
size_t slice_utf8(struct slice s);
