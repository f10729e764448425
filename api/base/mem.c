#include "api/base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/check.h"

void *mem_alloc(size_t size)
{
    void *ptr = calloc(1, size > 0 ? size : 1);

    CHECK(ptr != NULL); /* out of memory */
    return ptr;
}

void *mem_alloc_array(size_t count, size_t size)
{
    void *ptr = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    CHECK(ptr != NULL); /* out of memory, or count * size does not fit */
    return ptr;
}

void *mem_alloc_aligned(size_t align, size_t size)
{
    void *ptr = NULL;

    CHECK(align >= 16 && (align & (align - 1)) == 0);
    if (size == 0)
        size = 1;
    CHECK(posix_memalign(&ptr, align, size) == 0); /* out of memory */
    memset(ptr, 0, size);
    return ptr;
}

void *mem_realloc(void *ptr, size_t size)
{
    ptr = realloc(ptr, size > 0 ? size : 1);
    CHECK(ptr != NULL); /* out of memory */
    return ptr;
}

char *mem_strdup(const char *text)
{
    return mem_strndup(text, strlen(text));
}

char *mem_strndup(const char *text, size_t len)
{
    char *copy;

    CHECK(len < SIZE_MAX);
    copy = mem_realloc(NULL, len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void mem_free(void *ptr)
{
    free(ptr);
}
