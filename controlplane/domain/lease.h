/*
 * lease: which replica does what.
 *
 * A singleton (collector of a system, reconciler of a system, scheduler) holds a lease and passes
 * its epoch to lease_check inside every transaction that writes: once another replica took over,
 * the write fails, however late it comes.  Times are the database's.
 *
 * Ownership  the caller's struct.
 * Thread     the work's.
 * Errors     ERR_AGAIN: somebody else holds it; ERR_CONFLICT: lost.
 */
#pragma once

#include "controlplane/domain/work.h"

enum { LEASE_HOLDER_MAX = 64 };

struct lease {
    const char *role, *scope;      /* borrowed: "meter", a system's id */
    char holder[LEASE_HOLDER_MAX]; /* who we are; new at each start of the process */
    int64_t epoch;                 /* 0: not held */
};

/* Takes a free or expired one, or renews ours, for ttl_s. */
enum result lease_acquire(struct work *work, struct lease *lease, int64_t ttl_s) MUST_CHECK;
/* How long until it expires, unless its holder renews it: a dead one does not.  0: it is free. */
enum result lease_free_in_ms(struct work *work, const struct lease *lease, int64_t *out) MUST_CHECK;
/* Part of a transaction that writes: fails unless we still hold it. */
enum result lease_check(struct work *work, const struct lease *lease) MUST_CHECK;
enum result lease_release(struct work *work, struct lease *lease) MUST_CHECK;
/* All of a holder that ends: others need not wait until they expire. */
enum result lease_release_all(struct work *work, const char *holder) MUST_CHECK;
