#include "dataplane/core/output.h"

#include "api/base/check.h"

enum {
    SIZE_FIRST = 2 << 10,
    SIZE_SECOND = 16 << 10,
    SIZE_MAX_CLASS = 64 << 10,
    ROOM_USEFUL = 256, /* less behind a reference is not worth a piece */
};

#define ALIGN_UP(n) (((n) + 15) & ~(size_t)15)

static void append(struct output *output, struct output_piece *piece)
{
    piece->next = NULL;
    if (output->last != NULL)
        output->last->next = piece;
    else
        output->first = piece;
    output->last = piece;
}

/* A piece at the beginning of a fresh chunk with room for at least len bytes. */
static void open_chunk(struct output *output, struct pool *pool, size_t len)
{
    size_t head = ALIGN_UP(sizeof(struct output_piece));
    size_t size = output->size != 0 ? output->size : SIZE_FIRST;
    struct output_piece *piece;
    struct chunk *chunk;

    if (output->last != NULL)
        size = output->bytes < SIZE_SECOND ? SIZE_SECOND : SIZE_MAX_CLASS;
    if (size < len + head)
        size = len + head;
    chunk = pool_take(pool, size);
    piece = (struct output_piece *)(void *)chunk->data;
    *piece = (struct output_piece){
        .data = chunk->data + head, .cap = chunk->cap - (uint32_t)head, .chunk = chunk};
    append(output, piece);
}

/* A piece behind what fills the last chunk; NULL when `room` bytes more do not fit there. */
static struct output_piece *open_behind(struct output *output, size_t room)
{
    struct output_piece *last = output->last, *piece;
    size_t at, head = ALIGN_UP(sizeof *piece);
    struct chunk *chunk;

    if (last == NULL || last->chunk == NULL)
        return NULL;
    chunk = last->chunk;
    /* A reference lies in front of the room that is left: chunk->end says where. */
    at = last->shared != NULL ? chunk->end : (size_t)(last->data + last->end - chunk->data);
    at = ALIGN_UP(at);
    if (at + head + room > chunk->cap)
        return NULL;
    piece = (struct output_piece *)(void *)(chunk->data + at);
    *piece = (struct output_piece){
        .data = chunk->data + at + head, .cap = chunk->cap - (uint32_t)(at + head), .chunk = chunk};
    last->chunk = NULL;
    last->cap = last->end;
    chunk->end = (uint32_t)(at + head);
    append(output, piece);
    return piece;
}

char *output_extend(struct output *output, struct pool *pool, size_t len)
{
    struct output_piece *last = output->last;
    char *at;

    CHECK(len <= OUTPUT_RESERVE_MAX);
    if (last == NULL || last->cap - last->end < len) {
        size_t room = len > ROOM_USEFUL ? len : ROOM_USEFUL;

        if (last == NULL || last->shared == NULL || open_behind(output, room) == NULL)
            open_chunk(output, pool, len);
    }
    last = output->last;
    at = last->data + last->end;
    last->end += (uint32_t)len;
    output->bytes += len;
    return at;
}

void output_refer(struct output *output, struct pool *pool, struct shared *shared, size_t offset,
                  size_t len)
{
    struct output_piece *piece = open_behind(output, 0);

    CHECK(offset + len <= shared->len && len <= UINT32_MAX);
    if (piece == NULL) {
        open_chunk(output, pool, 0);
        piece = output->last;
        piece->chunk->end = (uint32_t)(piece->data - piece->chunk->data);
    }
    piece->data = shared->data + offset;
    piece->end = piece->cap = (uint32_t)len;
    piece->shared = shared_ref(shared);
    output->bytes += len;
}

int output_gather(const struct output *output, struct iovec *parts, int max)
{
    int count = 0;

    for (struct output_piece *piece = output->first; piece != NULL && count < max;
         piece = piece->next) {
        if (piece->end == piece->begin)
            continue;
        parts[count].iov_base = piece->data + piece->begin;
        parts[count].iov_len = piece->end - piece->begin;
        count++;
    }
    return count;
}

/* The first piece goes. */
static void drop_first(struct output *output, struct pool *pool)
{
    struct output_piece *piece = output->first;
    struct chunk *chunk = piece->chunk;

    output->first = piece->next;
    if (output->first == NULL)
        output->last = NULL;
    shared_unref(piece->shared);
    if (chunk != NULL)
        pool_put(pool, chunk);
}

/* What went out at once says how large the first chunk should be next time. */
static void adapt(struct output *output, size_t sent)
{
    if (output->size == 0)
        output->size = SIZE_FIRST;
    if (sent > output->size)
        output->size = output->size == SIZE_FIRST ? SIZE_SECOND : SIZE_MAX_CLASS;
    else if (sent < output->size / 16 && output->size > SIZE_FIRST)
        output->size = output->size == SIZE_MAX_CLASS ? SIZE_SECOND : SIZE_FIRST;
}

void output_sent(struct output *output, struct pool *pool, size_t len)
{
    adapt(output, len);
    output->bytes -= len;
    while (output->first != NULL) {
        struct output_piece *piece = output->first;
        uint32_t waiting = piece->end - piece->begin;

        if (len < waiting) {
            piece->begin += (uint32_t)len;
            return;
        }
        len -= waiting;
        /* Bytes may still be written behind it only if it is the last: then keep nothing. */
        drop_first(output, pool);
    }
    CHECK(len == 0);
}

void output_clear(struct output *output, struct pool *pool)
{
    while (output->first != NULL)
        drop_first(output, pool);
    output->bytes = 0;
}

void output_disown(struct output *output, struct pool *pool)
{
    for (struct output_piece *piece = output->first; piece != NULL; piece = piece->next) {
        if (piece->chunk != NULL)
            pool_disown(pool, piece->chunk);
    }
}

void output_adopt(struct output *output, struct pool *pool)
{
    for (struct output_piece *piece = output->first; piece != NULL; piece = piece->next) {
        if (piece->chunk != NULL)
            pool_adopt(pool, piece->chunk);
    }
}
