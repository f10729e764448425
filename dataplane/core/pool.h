/*
 * pool: chunks by size class, one set for each worker.
 *
 * Classes 512 B, 2, 16 and 64 KiB.  Chunks come back to the pool they were taken from; above a
 * high mark they go back to the system.
 *
 * Ownership  a chunk is the taker's until pool_put.
 * Thread     the worker's.
 * Errors     none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct pool;

struct chunk {
    struct chunk *next;  /* the taker's to use */
    uint32_t cap;        /* bytes of data */
    uint32_t begin, end; /* the taker's to use: what is filled and not yet consumed */
    char data[];
};

struct pool *pool_new(void);
void pool_free(struct pool *pool);
/* At least `size` bytes: the smallest class that fits, else exactly `size`. */
struct chunk *pool_take(struct pool *pool, size_t size);
void pool_put(struct pool *pool, struct chunk *chunk);
/* Bytes held by takers, and idle in the pool. */
void pool_usage(const struct pool *pool, size_t *taken, size_t *idle);
