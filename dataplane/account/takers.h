/*
 * takers: the subscriptions of one node of the trie: plain ones and queue groups.
 *
 * What a node's value holds: nothing (0), one plain subscription, or a block with arrays.  A
 * subscription stands there as a *slot*: its pointer, its worker in the upper 16 bits, and
 * whether it needs a look before delivery in bit 0; so that cutting by worker reads no
 * subscription.
 *
 * Arrays are append-only with holes: removing leaves a hole, a full array is replaced by a
 * compact one.  So a reader without a lock never sees a subscription twice.
 *
 * Ownership  blocks, groups and arrays are the trie's; what is replaced goes to the grave.
 * Thread     as the trie: one writer, any readers.
 * Errors     none.
 */
#pragma once

#include <stdatomic.h>

#include "api/base/map.h"
#include "dataplane/account/grave.h"
#include "dataplane/account/sub.h"

enum {
    SLOT_SPECIAL = 1, /* SUB_NO_ECHO or SUB_FILTERED */
    VALUE_BLOCK = 2,  /* a value that is a block, not a slot */
    SLOT_SHIFT = 48,
};
#define SLOT_POINTER ((UINT64_C(1) << SLOT_SHIFT) - 8)

static inline struct sub *slot_sub(uint64_t slot)
{
    return (struct sub *)(uintptr_t)(slot & SLOT_POINTER);
}

static inline unsigned slot_worker(uint64_t slot)
{
    return (unsigned)(slot >> SLOT_SHIFT);
}

/* Look at [0, used) and skip zeros. */
struct slots {
    uint32_t cap, live;    /* the writer's */
    _Atomic uint32_t used; /* those below are stored */
    _Atomic uint64_t at[];
};

struct group {
    _Atomic(struct group *) next;
    struct group *prev;   /* the writer's */
    struct map_link link; /* by name; the writer's */
    _Atomic(struct slots *) members;
    uint32_t name_len;
    char name[];
};

struct takers {
    _Atomic(struct slots *) plain;
    _Atomic(struct group *) groups;
    struct map by_name; /* the writer's */
};

static inline struct takers *value_block(uint64_t value)
{
    return (value & VALUE_BLOCK) != 0 ? (struct takers *)(uintptr_t)(value & SLOT_POINTER) : NULL;
}

/* The value with the sub in it; in it without; with its slot as its flags are now. */
uint64_t takers_add(uint64_t value, struct sub *sub, struct grave **grave);
uint64_t takers_remove(uint64_t value, struct sub *sub, struct grave **grave);
uint64_t takers_touch(uint64_t value, struct sub *sub);

/* All slots of a value, also the queues'; false from fn ends the walk and is returned. */
bool takers_walk(uint64_t value, bool (*fn)(struct sub *sub, void *arg), void *arg);
