/*
 * mailbox: batches of mail from one worker to another.
 *
 * A chunk holds records, oldest first; a mailbox is a stack of chunks that its owner takes
 * whole and turns round.  Pushing is one exchange for a chunk, not for a record.
 *
 * Sleep.  The owner's state is running, about to sleep, or asleep.  The owner says that it is
 * about to sleep and *then* looks into its mailbox; a writer pushes and *then* looks at the state.
 * So one of them sees the other.  Only who turns "asleep" into "running" writes to the eventfd.
 *
 * Ownership  chunks in the mailbox are the mailbox's; the taker of a chunk frees it.
 * Thread     push, wake, bytes, empty: any.  The rest: the owner.
 * Errors     none.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/core/pool.h"

struct worker;

/* A record: this, then its body, aligned to 16. */
struct mail {
    void (*fn)(struct worker *worker, void *body, size_t len);
    uint32_t len;  /* of the body */
    uint32_t size; /* of all, with what fills it up to 16 */
};

/* What stands at the beginning of a chunk's data. */
struct mail_head {
    size_t weight; /* bytes that this chunk counts for in the backlog */
    uint32_t count;
};

enum mailbox_state { MAILBOX_RUNNING, MAILBOX_DOZING, MAILBOX_ASLEEP };

struct mailbox {
    _Alignas(64) _Atomic(struct chunk *) newest;
    atomic_size_t bytes;
    _Alignas(64) _Atomic int state; /* enum mailbox_state */
    int wake_fd;                    /* borrowed: an eventfd, never read (edge-triggered) */
};

void mailbox_init(struct mailbox *mailbox, int wake_fd);
/* Frees what nobody took. */
void mailbox_fini(struct mailbox *mailbox);

/* An empty chunk becomes one for records. */
void mail_begin(struct chunk *chunk);
/* Room for a record; NULL when it does not fit. */
void *mail_add(struct chunk *chunk, void (*fn)(struct worker *worker, void *body, size_t len),
               size_t len);
/* The size of a chunk that takes one record of that length. */
size_t mail_chunk_size(size_t len);
struct mail_head *mail_head(struct chunk *chunk);
/* The next record of a chunk, or NULL; the chunk's begin moves on. */
struct mail *mail_next(struct chunk *chunk);

void mailbox_push(struct mailbox *mailbox, struct chunk *chunk);
/* After pushing.  True when the owner slept and was woken. */
bool mailbox_wake(struct mailbox *mailbox);
bool mailbox_empty(struct mailbox *mailbox);
/* Everything that is in it, oldest first. */
struct chunk *mailbox_take(struct mailbox *mailbox);
/* Chunks of that weight were taken and run. */
void mailbox_done(struct mailbox *mailbox, size_t weight);
/* Weight of what is pushed and not yet run. */
size_t mailbox_bytes(struct mailbox *mailbox);

/* First step to sleep; then look whether the mailbox is empty. */
void mailbox_doze(struct mailbox *mailbox);
/* Second step; false: a writer has been here since, do not sleep. */
bool mailbox_sleep(struct mailbox *mailbox);
/* After sleep, or instead of it. */
void mailbox_awake(struct mailbox *mailbox);
bool mailbox_asleep(struct mailbox *mailbox);
