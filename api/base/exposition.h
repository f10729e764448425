/*
 * exposition: figures in the text format that Prometheus reads, version 0.0.4.
 *
 * All lines of a figure follow its head, without another figure's between them.
 *
 * Ownership  the buffer is the caller's; texts are copied into it.
 * Thread     any; one at a time for a buffer.
 * Errors     none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "api/base/buf.h"

#define EXPOSITION_MEDIA_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A label with an empty value is left out: to Prometheus that is the same. */
struct exposition_label {
    const char *name, *value;
};

/* type: "counter", "gauge" or "histogram".  help: one sentence, no line break. */
void exposition_head(struct buf *out, const char *name, const char *type, const char *help);
/* One line.  Values of labels may be any text. */
void exposition_line(struct buf *out, const char *name, const struct exposition_label *labels,
                     size_t count, int64_t value);
/* The head, and the only line of a figure without labels. */
void exposition_single(struct buf *out, const char *name, const char *type, const char *help,
                       int64_t value);
