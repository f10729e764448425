/*
 * shared: immutable bytes held by several workers and connections at once.
 *
 * Counted once for each holder (a delivery record, an output queue), not for each reader.
 *
 * Ownership  reference counted; the last unref frees.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct shared {
    _Atomic uint32_t refs;
    size_t len;
    char data[];
};

/* One reference, the caller's; data is to be filled before it is shared. */
struct shared *shared_new(size_t len);
struct shared *shared_ref(struct shared *shared);
void shared_unref(struct shared *shared);

/*
 * Bytes in those that this thread has made, less those that it has freed.  One thread's may be
 * negative; the sum over all threads is what there is.
 */
int64_t shared_balance(void);
