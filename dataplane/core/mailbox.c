#include "dataplane/core/mailbox.h"

#include <errno.h>
#include <unistd.h>

#include "api/base/check.h"

enum { ALIGN = 16, HEAD = 16 };

_Static_assert(sizeof(struct mail) == ALIGN, "bodies are aligned to 16");
_Static_assert(sizeof(struct mail_head) <= HEAD, "the first record is aligned to 16");

void mailbox_init(struct mailbox *mailbox, int wake_fd)
{
    atomic_init(&mailbox->newest, NULL);
    atomic_init(&mailbox->bytes, 0);
    atomic_init(&mailbox->state, MAILBOX_RUNNING);
    mailbox->wake_fd = wake_fd;
}

void mailbox_fini(struct mailbox *mailbox)
{
    struct chunk *chunk = mailbox_take(mailbox);

    while (chunk != NULL) {
        struct chunk *next = chunk->next;

        chunk_free(chunk);
        chunk = next;
    }
}

void mail_begin(struct chunk *chunk)
{
    *mail_head(chunk) = (struct mail_head){0};
    chunk->begin = chunk->end = HEAD;
}

static size_t record_size(size_t len)
{
    return (sizeof(struct mail) + len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

size_t mail_chunk_size(size_t len)
{
    return HEAD + record_size(len);
}

struct mail_head *mail_head(struct chunk *chunk)
{
    return (struct mail_head *)(void *)chunk->data;
}

void *mail_add(struct chunk *chunk, void (*fn)(struct worker *worker, void *body, size_t len),
               size_t len)
{
    size_t size = record_size(len);
    struct mail *mail;

    if (chunk->cap - chunk->end < size)
        return NULL;
    mail = (struct mail *)(void *)(chunk->data + chunk->end);
    *mail = (struct mail){fn, (uint32_t)len, (uint32_t)size};
    chunk->end += (uint32_t)size;
    mail_head(chunk)->weight += size;
    mail_head(chunk)->count++;
    return mail + 1;
}

struct mail *mail_next(struct chunk *chunk)
{
    struct mail *mail;

    if (chunk->begin == chunk->end)
        return NULL;
    mail = (struct mail *)(void *)(chunk->data + chunk->begin);
    chunk->begin += mail->size;
    return mail;
}

void mailbox_push(struct mailbox *mailbox, struct chunk *chunk)
{
    struct chunk *before = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);

    atomic_fetch_add_explicit(&mailbox->bytes, mail_head(chunk)->weight, memory_order_relaxed);
    do {
        chunk->next = before;
        /* Sequentially consistent: publishes the records, and comes before the look at the
           owner's state. */
    } while (!atomic_compare_exchange_weak(&mailbox->newest, &before, chunk));
}

bool mailbox_wake(struct mailbox *mailbox)
{
    uint64_t one = 1;

    /* Sequentially consistent: after the push, against doze and the look that follows it. */
    if (atomic_load(&mailbox->state) == MAILBOX_RUNNING)
        return false;
    if (atomic_exchange(&mailbox->state, MAILBOX_RUNNING) != MAILBOX_ASLEEP)
        return false;
    while (write(mailbox->wake_fd, &one, sizeof one) < 0)
        CHECK(errno == EINTR);
    return true;
}

bool mailbox_empty(struct mailbox *mailbox)
{
    return atomic_load(&mailbox->newest) == NULL;
}

struct chunk *mailbox_take(struct mailbox *mailbox)
{
    struct chunk *chunk, *oldest = NULL;

    if (atomic_load_explicit(&mailbox->newest, memory_order_relaxed) == NULL)
        return NULL;
    /* Acquire: the records as they were pushed. */
    chunk = atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire);
    while (chunk != NULL) {
        struct chunk *next = chunk->next;

        chunk->next = oldest;
        oldest = chunk;
        chunk = next;
    }
    return oldest;
}

void mailbox_done(struct mailbox *mailbox, size_t weight)
{
    atomic_fetch_sub_explicit(&mailbox->bytes, weight, memory_order_relaxed);
}

size_t mailbox_bytes(struct mailbox *mailbox)
{
    return atomic_load_explicit(&mailbox->bytes, memory_order_relaxed);
}

void mailbox_doze(struct mailbox *mailbox)
{
    /* Sequentially consistent: before the look into the mailbox. */
    atomic_store(&mailbox->state, MAILBOX_DOZING);
}

bool mailbox_sleep(struct mailbox *mailbox)
{
    int dozing = MAILBOX_DOZING;

    return atomic_compare_exchange_strong(&mailbox->state, &dozing, MAILBOX_ASLEEP);
}

void mailbox_awake(struct mailbox *mailbox)
{
    atomic_store_explicit(&mailbox->state, MAILBOX_RUNNING, memory_order_relaxed);
}

bool mailbox_asleep(struct mailbox *mailbox)
{
    return atomic_load_explicit(&mailbox->state, memory_order_relaxed) == MAILBOX_ASLEEP;
}
