/*
 * pool: chunks by size class, one set for each worker.
 *
 * Classes 512 B, 2, 16 and 64 KiB.  Above a high mark chunks go back to the system.  A chunk
 * that travels to another worker leaves the books of one pool (pool_disown) and enters those of
 * the other (pool_adopt), so that no pool collects what another one lacks.
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
    _Alignas(16) char data[];
};

struct pool *pool_new(void);
void pool_free(struct pool *pool);
/* At least `size` bytes: the smallest class that fits, else exactly `size`. */
struct chunk *pool_take(struct pool *pool, size_t size);
void pool_put(struct pool *pool, struct chunk *chunk);
/* The taker hands the chunk to another thread, which adopts it, or frees it with chunk_free. */
void pool_disown(struct pool *pool, struct chunk *chunk);
void pool_adopt(struct pool *pool, struct chunk *chunk);
/* Without a pool: for threads that have none.  Such a chunk can be adopted. */
struct chunk *chunk_new(size_t size);
void chunk_free(struct chunk *chunk);
/* Bytes held by takers. */
size_t pool_taken(const struct pool *pool);
/* Bytes held by takers, and idle in the pool. */
void pool_usage(const struct pool *pool, size_t *taken, size_t *idle);
