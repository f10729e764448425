#include "dataplane/core/pool.h"

#include "api/base/check.h"
#include "api/base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(chunk) ASAN_POISON_MEMORY_REGION((chunk)->data, (chunk)->cap)
#define UNPOISON(chunk) ASAN_UNPOISON_MEMORY_REGION((chunk)->data, (chunk)->cap)
#else
#define POISON(chunk) ((void)(chunk))
#define UNPOISON(chunk) ((void)(chunk))
#endif

enum { CLASSES = 4 };

static const struct {
    uint32_t size;
    size_t idle_max; /* bytes kept for reuse */
} classes[CLASSES] = {
    {512, 256 << 10},
    {2 << 10, 512 << 10},
    {16 << 10, 1 << 20},
    {64 << 10, 2 << 20},
};

struct pool {
    struct {
        struct chunk *idle;
        size_t idle_bytes;
    } classes[CLASSES];
    size_t taken;
};

struct pool *pool_new(void)
{
    return mem_alloc(sizeof(struct pool));
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    for (int i = 0; i < CLASSES; i++) {
        while (pool->classes[i].idle != NULL) {
            struct chunk *chunk = pool->classes[i].idle;

            pool->classes[i].idle = chunk->next;
            UNPOISON(chunk);
            mem_free(chunk);
        }
    }
    mem_free(pool);
}

/* The smallest class that holds size bytes; CLASSES when none does. */
static int class_for(size_t size)
{
    int class = 0;

    while (class < CLASSES && classes[class].size < size)
        class ++;
    return class;
}

struct chunk *chunk_new(size_t size)
{
    int class = class_for(size);
    uint32_t cap = class < CLASSES ? classes[class].size : (uint32_t)size;
    struct chunk *chunk;

    CHECK(size <= UINT32_MAX);
    /* Not zeroed: it is about to be filled. */
    chunk = mem_realloc(NULL, sizeof *chunk + cap);
    chunk->next = NULL;
    chunk->cap = cap;
    chunk->begin = chunk->end = 0;
    return chunk;
}

void chunk_free(struct chunk *chunk)
{
    mem_free(chunk);
}

struct chunk *pool_take(struct pool *pool, size_t size)
{
    int class = class_for(size);
    struct chunk *chunk;

    if (class < CLASSES && pool->classes[class].idle != NULL) {
        chunk = pool->classes[class].idle;
        pool->classes[class].idle = chunk->next;
        pool->classes[class].idle_bytes -= chunk->cap;
        UNPOISON(chunk);
        chunk->next = NULL;
        chunk->begin = chunk->end = 0;
    } else {
        chunk = chunk_new(size);
    }
    pool->taken += chunk->cap;
    return chunk;
}

void pool_put(struct pool *pool, struct chunk *chunk)
{
    int class = class_for(chunk->cap);

    pool->taken -= chunk->cap;
    if (class == CLASSES || classes[class].size != chunk->cap ||
        pool->classes[class].idle_bytes + chunk->cap > classes[class].idle_max) {
        mem_free(chunk);
        return;
    }
    POISON(chunk);
    chunk->next = pool->classes[class].idle;
    pool->classes[class].idle = chunk;
    pool->classes[class].idle_bytes += chunk->cap;
}

void pool_disown(struct pool *pool, struct chunk *chunk)
{
    pool->taken -= chunk->cap;
}

void pool_adopt(struct pool *pool, struct chunk *chunk)
{
    pool->taken += chunk->cap;
}

size_t pool_taken(const struct pool *pool)
{
    return pool->taken;
}

void pool_usage(const struct pool *pool, size_t *taken, size_t *idle)
{
    *taken = pool->taken;
    *idle = 0;
    for (int i = 0; i < CLASSES; i++)
        *idle += pool->classes[i].idle_bytes;
}
