/*
 * buf: growable bytes with a hard cap.
 *
 * Zero is a valid beginning, with no cap.  Beyond the cap an append fails whole and sets
 * `full`, which stays; so a document can be built without a test on every line and
 * refused once at the end.
 *
 * Ownership  the buf owns its bytes; buf_fini gives them back, buf_take hands them over.
 * Thread     one at a time.
 * Errors     `full`; nothing else can fail.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/base/slice.h"

struct buf {
    char *data;      /* 0-terminated whenever not NULL; the 0 is not counted */
    size_t len, cap; /* bytes used, bytes allocated */
    size_t max;      /* len never exceeds it; 0: no limit */
    bool full;       /* an append was refused */
};

void buf_init(struct buf *buf, size_t max);
void buf_fini(struct buf *buf);
/* Empties, keeps the memory and the cap. */
void buf_clear(struct buf *buf);

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_add_slice(struct buf *buf, struct slice s);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
/* In double quotes, what does not print and invalid UTF-8 as \n, \x7f, \u00a0, \U000e0001. */
void buf_add_quoted(struct buf *buf, struct slice s);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* len bytes at the end to be written by the caller, then buf_commit; NULL beyond the cap. */
char *buf_reserve(struct buf *buf, size_t len);
void buf_commit(struct buf *buf, size_t len);

/* Removes the first len bytes. */
void buf_drop_front(struct buf *buf, size_t len);

struct slice buf_slice(const struct buf *buf);
/* 0-terminated, "" when empty; the buf's. */
const char *buf_text(const struct buf *buf);
/* Hands the 0-terminated bytes to the caller (mem_free) and is empty; never NULL. */
char *buf_take(struct buf *buf);
