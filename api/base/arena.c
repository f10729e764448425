#include "api/base/arena.h"

#include <stdint.h>
#include <stdio.h>

#include "api/base/check.h"
#include "api/base/mem.h"

enum {
#ifdef __SANITIZE_ADDRESS__
    BLOCK_MIN = 0, /* a block for each piece, so that a write beyond one is seen */
#else
    BLOCK_MIN = 2048,
#endif
    BLOCK_KEEP_MAX = 64 << 10, /* what arena_reset keeps is not larger */
    ALIGN = 16
};

struct arena_block {
    struct arena_block *next; /* older */
    size_t used, cap;
    _Alignas(ALIGN) char data[];
};

struct arena_hook {
    struct arena_hook *next; /* added before */
    void (*fn)(void *arg);
    void *arg;
};

static void run_hooks(struct arena *arena)
{
    while (arena->hooks != NULL) {
        struct arena_hook *hook = arena->hooks;

        arena->hooks = hook->next;
        hook->fn(hook->arg);
    }
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    size_t cap = arena->blocks != NULL ? arena->blocks->cap * 2 : BLOCK_MIN;
    struct arena_block *block;

    if (cap > BLOCK_KEEP_MAX)
        cap = BLOCK_KEEP_MAX;
    if (cap < size || BLOCK_MIN == 0)
        cap = size;
    block = mem_realloc(NULL, sizeof(*block) + cap);
    *block = (struct arena_block){.next = arena->blocks, .cap = cap};
    arena->blocks = block;
    return block;
}

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

void arena_fini(struct arena *arena)
{
    run_hooks(arena);
    while (arena->blocks != NULL) {
        struct arena_block *block = arena->blocks;

        arena->blocks = block->next;
        mem_free(block);
    }
}

void arena_wipe(struct arena *arena)
{
    run_hooks(arena); /* they may still read it */
    for (struct arena_block *block = arena->blocks; block != NULL; block = block->next)
        explicit_bzero(block->data, block->used);
    arena_fini(arena);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *block;

    run_hooks(arena);
    while ((block = arena->blocks) != NULL && block->next != NULL) {
        arena->blocks = block->next;
        mem_free(block);
    }
    if (block == NULL)
        return;
    block->used = 0;
    if (block->cap > BLOCK_KEEP_MAX) {
        arena->blocks = NULL;
        mem_free(block);
    }
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    char *piece;

    CHECK(size < SIZE_MAX / 4);
    size = size > 0 ? (size + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    if (block == NULL || size > block->cap - block->used)
        block = add_block(arena, size);
    piece = block->data + block->used;
    block->used += size;
    memset(piece, 0, size);
    return piece;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    CHECK(size == 0 || count <= SIZE_MAX / 4 / size);
    return arena_alloc(arena, count * size);
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_copy(arena, slice_of(text));
}

char *arena_copy(struct arena *arena, struct slice s)
{
    char *copy = arena_alloc(arena, s.len + 1);

    if (s.len > 0)
        memcpy(copy, s.data, s.len);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text;
    int len;

    CHECK(format != NULL);
    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(len >= 0);
    text = arena_alloc(arena, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

void arena_on_free(struct arena *arena, void (*fn)(void *arg), void *arg)
{
    struct arena_hook *hook = arena_alloc(arena, sizeof(*hook));

    *hook = (struct arena_hook){.next = arena->hooks, .fn = fn, .arg = arg};
    arena->hooks = hook;
}
