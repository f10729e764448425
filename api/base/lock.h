/*
 * lock: a read-write lock that refuses to be the second one held.
 *
 * At most one lock is held by a thread at a time, so there is no order to get wrong.
 * Nothing is called out to while one is held.
 *
 * Ownership  the caller's memory; init/fini.
 * Thread     any.
 * Errors     none; misuse is a CHECK.
 */
#pragma once

#include <pthread.h>

struct lock {
    pthread_rwlock_t rw;
};

void lock_init(struct lock *lock);
void lock_fini(struct lock *lock);
void lock_read(struct lock *lock);
void lock_write(struct lock *lock);
void lock_release(struct lock *lock);
