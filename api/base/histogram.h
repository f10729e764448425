/*
 * histogram: how often something took how long, as Prometheus wants it.
 *
 * Ownership  the struct is the caller's and holds nothing; the bounds are a constant table.
 *            {0} counts, without bounds.
 * Thread     one at a time: whoever shares one locks it.
 * Errors     none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "api/base/buf.h"

enum { HISTOGRAM_BOUNDS_MAX = 16 };

struct histogram {
    const int64_t *bounds_ms; /* rising; a time that equals a bound is within it */
    size_t bound_count;
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* the last: beyond all bounds */
    uint64_t total, total_us;
};

void histogram_init(struct histogram *histogram, const int64_t *bounds_ms, size_t count);
/* A negative time (a clock was set back) counts as none. */
void histogram_add(struct histogram *histogram, int64_t ns);
/* HELP, TYPE, the buckets in seconds, sum and count. */
void histogram_write(const struct histogram *histogram, const char *name, const char *help,
                     struct buf *out);
