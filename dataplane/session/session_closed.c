#include "dataplane/session/session_closed.h"

#include <string.h>

#include "api/base/lock.h"
#include "api/base/mem.h"

struct session_closed_entry {
    struct session_snapshot snapshot;
    size_t bytes;
};

struct session_closed {
    struct lock lock;
    unsigned max, first, count;
    size_t bytes;
    struct session_closed_entry *entries[]; /* [max] */
};

struct session_closed *session_closed_new(unsigned max)
{
    struct session_closed *closed = mem_alloc(sizeof(*closed) + max * sizeof(closed->entries[0]));

    closed->max = max;
    lock_init(&closed->lock);
    return closed;
}

static void drop_oldest(struct session_closed *closed)
{
    struct session_closed_entry *entry = closed->entries[closed->first];

    closed->bytes -= entry->bytes;
    mem_free(entry);
    closed->entries[closed->first] = NULL;
    closed->first = (closed->first + 1) % closed->max;
    closed->count--;
}

void session_closed_free(struct session_closed *closed)
{
    if (closed == NULL)
        return;
    while (closed->count > 0)
        drop_oldest(closed);
    lock_fini(&closed->lock);
    mem_free(closed);
}

/* Text, its place in a snapshot. */
static const size_t texts[] = {
    offsetof(struct session_snapshot, host),          offsetof(struct session_snapshot, name),
    offsetof(struct session_snapshot, lang),          offsetof(struct session_snapshot, version),
    offsetof(struct session_snapshot, user),          offsetof(struct session_snapshot, account),
    offsetof(struct session_snapshot, jwt),           offsetof(struct session_snapshot, issuer_key),
    offsetof(struct session_snapshot, name_tag),      offsetof(struct session_snapshot, nonce),
    offsetof(struct session_snapshot, account_label),
};

static const char **text_at(const struct session_snapshot *snapshot, size_t i)
{
    return (const char **)(void *)((char *)(uintptr_t)snapshot + texts[i]);
}

static size_t room(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static const char *put(char **at, const char *text)
{
    char *copy = *at;

    if (text == NULL)
        return NULL;
    memcpy(copy, text, room(text));
    *at += room(text);
    return copy;
}

static struct session_closed_entry *entry_new(const struct session_snapshot *from)
{
    size_t tags = from->tags.count * sizeof(from->tags.items[0]);
    size_t bytes = sizeof(struct session_closed_entry) + tags;
    struct session_closed_entry *entry;
    char *at;

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        bytes += room(*text_at(from, i));
    for (size_t i = 0; i < from->tags.count; i++)
        bytes += room(from->tags.items[i]);
    entry = mem_alloc(bytes);
    entry->bytes = bytes;
    entry->snapshot = *from;
    entry->snapshot.tags.items = (const char **)(void *)(entry + 1);
    at = (char *)(entry + 1) + tags;
    for (size_t i = 0; i < from->tags.count; i++)
        entry->snapshot.tags.items[i] = put(&at, from->tags.items[i]);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        *text_at(&entry->snapshot, i) = put(&at, *text_at(from, i));
    return entry;
}

void session_closed_add(struct session_closed *closed, const struct session_snapshot *snapshot)
{
    struct session_closed_entry *entry;

    if (closed->max == 0)
        return;
    entry = entry_new(snapshot);
    lock_write(&closed->lock);
    if (closed->count == closed->max)
        drop_oldest(closed);
    closed->entries[(closed->first + closed->count) % closed->max] = entry;
    closed->count++;
    closed->bytes += entry->bytes;
    while (closed->bytes > SESSION_CLOSED_BYTES && closed->count > 1)
        drop_oldest(closed);
    lock_release(&closed->lock);
}

void session_closed_walk(struct session_closed *closed,
                         bool (*fn)(const struct session_snapshot *snapshot, void *arg), void *arg)
{
    lock_read(&closed->lock);
    for (unsigned i = closed->count; i > 0; i--) {
        const struct session_closed_entry *entry =
            closed->entries[(closed->first + i - 1) % closed->max];

        if (!fn(&entry->snapshot, arg))
            break;
    }
    lock_release(&closed->lock);
}
