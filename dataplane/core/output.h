/*
 * output: the queue of bytes that wait to be sent.
 *
 * A chain of pieces.  A piece is copied bytes with room behind them, or a reference to a part of
 * a shared.  Pieces lie in pooled chunks, several in one where references and small copies
 * alternate.  Sent whole, the queue owns nothing.
 *
 * Ownership  the queue owns its chunks and holds a reference for each referring piece.
 * Thread     the conn's worker.
 * Errors     none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "dataplane/core/pool.h"
#include "dataplane/core/shared.h"

enum { OUTPUT_RESERVE_MAX = 64 << 10 };

struct output_piece {
    struct output_piece *next;
    char *data;
    uint32_t begin, end, cap; /* sent, filled, room: offsets into data */
    struct shared *shared;    /* goes when the piece is sent; NULL for copied bytes */
    struct chunk *chunk;      /* where pieces lie, if this is the last one in it; or NULL */
};

struct output {
    struct output_piece *first, *last;
    size_t bytes;  /* waiting */
    uint32_t size; /* of the first chunk: adapts to what is sent at a time; 0 to begin */
};

/* Room for len bytes at the end, contiguous; they count as waiting. */
char *output_extend(struct output *output, struct pool *pool, size_t len);
void output_refer(struct output *output, struct pool *pool, struct shared *shared, size_t offset,
                  size_t len);
/* The first bytes that wait, as at most max parts; how many parts. */
int output_gather(const struct output *output, struct iovec *parts, int max);
/* So many bytes were sent. */
void output_sent(struct output *output, struct pool *pool, size_t len);
void output_clear(struct output *output, struct pool *pool);
/* The queue goes to another thread, with another pool: pool_disown, pool_adopt. */
void output_disown(struct output *output, struct pool *pool);
void output_adopt(struct output *output, struct pool *pool);

static inline char *output_reserve(struct output *output, struct pool *pool, size_t len)
{
    struct output_piece *piece = output->last;
    char *at;

    if (__builtin_expect(piece == NULL || piece->cap - piece->end < len, 0))
        return output_extend(output, pool, len);
    at = piece->data + piece->end;
    piece->end += (uint32_t)len;
    output->bytes += len;
    return at;
}
