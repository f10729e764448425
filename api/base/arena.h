/*
 * arena: memory released all at once.
 *
 * For what lives as long as a request, a parsed configuration, a decoded token.
 *
 * Ownership  everything allocated belongs to the arena and dies with it (arena_fini) or
 *            with arena_reset.  arena_on_free hooks are run then, last added first.
 * Thread     one at a time.
 * Errors     none; what a peer can size is bounded before it comes here.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "api/base/slice.h"

struct arena {
    struct arena_block *blocks; /* newest first */
    struct arena_hook *hooks;   /* newest first */
};

/* {0} is a valid beginning too. */
void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);
/* The same, with all memory zeroed first: for what held secrets. */
void arena_wipe(struct arena *arena);
/* Gives back all but one block. */
void arena_reset(struct arena *arena);

/* Zeroed, aligned to 16. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);
/* Copies, 0-terminated. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_copy(struct arena *arena, struct slice s);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void arena_on_free(struct arena *arena, void (*fn)(void *arg), void *arg);
