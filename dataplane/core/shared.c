#include "dataplane/core/shared.h"

#include <stdatomic.h>

#include "api/base/check.h"
#include "api/base/mem.h"

static _Thread_local int64_t balance;

struct shared *shared_new(size_t len)
{
    /* Not zeroed: it is about to be filled. */
    struct shared *shared = mem_realloc(NULL, sizeof *shared + len);

    atomic_init(&shared->refs, 1);
    shared->len = len;
    balance += (int64_t)(sizeof *shared + len);
    return shared;
}

struct shared *shared_ref(struct shared *shared)
{
    /* Relaxed: who passes it on orders it, by a mailbox. */
    uint32_t before = atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);

    CHECK(before > 0);
    return shared;
}

void shared_unref(struct shared *shared)
{
    uint32_t before;

    if (shared == NULL)
        return;
    /* Release: our reading is over.  Acquire: that of all others is over before it is freed. */
    before = atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before > 1)
        return;
    balance -= (int64_t)(sizeof *shared + shared->len);
    mem_free(shared);
}

int64_t shared_balance(void)
{
    return balance;
}
