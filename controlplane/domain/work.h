/*
 * work: one unit of work of the domain: who wants it, on which connection, with what at hand.
 *
 * Every function of the domain takes one.  Whoever starts the work (the REST router, a job)
 * begins and ends the transaction; functions of the domain only work inside it, so several make
 * one change.  What others must be woken for after the commit is gathered in `wake`.
 *
 * Ownership  all borrowed for the length of the work.
 * Thread     the worker's.
 * Errors     none of its own.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/clock.h"
#include "api/base/random.h"
#include "api/base/result.h"
#include "controlplane/db/db.h"
#include "controlplane/domain/refusal.h"
#include "controlplane/vault/vault.h"

struct principal; /* authz.h */

enum {
    WAKE_OUTBOX = 1 << 0,    /* claims to push */
    WAKE_OPERATION = 1 << 1, /* an operation to go on with */
    WAKE_RECONCILE = 1 << 2, /* a system to be compared at once */
    WAKE_TRUST = 1 << 3,     /* operator keys changed: read the nodes' trust again */
    WAKE_METER = 1 << 4,     /* a node is about to leave: read its counters */
};

/* What lives as long as the program. */
struct tools {
    struct vault *vault;
    struct clock *clock;
    struct random *random;
    _Atomic uint64_t *last_id; /* ids of this process rise; resource.c knows what is in it */
};

struct work {
    struct db *db;
    struct arena *arena;
    const struct tools *tools;
    const struct principal *who;
    struct refusal *refusal;
    unsigned wake; /* WAKE_..., to be told after the commit */
};

/* For jobs: begins a transaction as berth_service with principal_machine(). */
enum result work_begin(struct work *work) MUST_CHECK;
/* Commits or rolls back. */
enum result work_end(struct work *work, enum result rc) MUST_CHECK;

static inline int64_t work_now(const struct work *work)
{
    return clock_wall_ns(work->tools->clock);
}
