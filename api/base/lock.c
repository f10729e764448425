#include "api/base/lock.h"

#include <stddef.h>

#include "api/base/check.h"

static _Thread_local const struct lock *held;

void lock_init(struct lock *lock)
{
    pthread_rwlockattr_t attr;

    /* Readers that keep coming do not starve a writer; safe since nobody locks twice. */
    CHECK(pthread_rwlockattr_init(&attr) == 0);
    CHECK(pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0);
    CHECK(pthread_rwlock_init(&lock->rw, &attr) == 0);
    pthread_rwlockattr_destroy(&attr);
}

void lock_fini(struct lock *lock)
{
    CHECK(pthread_rwlock_destroy(&lock->rw) == 0);
}

void lock_read(struct lock *lock)
{
    CHECK(held == NULL); /* one at a time */
    CHECK(pthread_rwlock_rdlock(&lock->rw) == 0);
    held = lock;
}

void lock_write(struct lock *lock)
{
    CHECK(held == NULL); /* one at a time */
    CHECK(pthread_rwlock_wrlock(&lock->rw) == 0);
    held = lock;
}

void lock_release(struct lock *lock)
{
    CHECK(held == lock);
    held = NULL;
    CHECK(pthread_rwlock_unlock(&lock->rw) == 0);
}
