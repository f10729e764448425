/*
 * mem: allocation that stops the process rather than fail.
 *
 * What a peer can size was bounded before it comes here, so running out of memory is
 * not a case to be handled but the end of the process.
 *
 * Ownership  the caller owns what is returned and gives it back with mem_free.
 * Thread     any.
 * Errors     none; the process stops.
 */
#pragma once

#include <stddef.h>

/* Zeroed. */
void *mem_alloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *mem_alloc_array(size_t count, size_t size) __attribute__((malloc, alloc_size(1, 2)));
/* Aligned to a power of two (at least 16), zeroed. */
void *mem_alloc_aligned(size_t align, size_t size) __attribute__((malloc, alloc_size(2)));
/* Grown part is not zeroed. */
void *mem_realloc(void *ptr, size_t size) __attribute__((alloc_size(2)));
char *mem_strdup(const char *text) __attribute__((malloc));
/* len bytes and a 0 behind them. */
char *mem_strndup(const char *text, size_t len) __attribute__((malloc));
void mem_free(void *ptr);
