#include "dataplane/account/takers.h"

#include "api/base/check.h"
#include "api/base/mem.h"

enum { SLOTS_MIN = 4 };

/* Readers see what was stored before; the writer reads what only it writes. */
#define LOAD(at) atomic_load_explicit((at), memory_order_acquire)
#define PUBLISH(at, value) atomic_store_explicit((at), (value), memory_order_release)
#define OWN(at) atomic_load_explicit((at), memory_order_relaxed)

static uint64_t slot_of(const struct sub *sub)
{
    uint64_t address = (uint64_t)(uintptr_t)sub;
    unsigned flags = OWN(&sub->flags);

    CHECK((address & ~SLOT_POINTER) == 0);
    return address | (uint64_t)sub->owner->worker << SLOT_SHIFT |
           ((flags & (SUB_NO_ECHO | SUB_FILTERED)) != 0 ? SLOT_SPECIAL : 0);
}

static uint64_t block_value(const struct takers *block)
{
    return (uint64_t)(uintptr_t)block | VALUE_BLOCK;
}

/* A compact copy with room for at least one more. */
static struct slots *slots_compact(const struct slots *from)
{
    uint32_t live = from != NULL ? from->live : 0;
    uint32_t cap = live < SLOTS_MIN / 2 ? SLOTS_MIN : live + live / 2 + 1;
    struct slots *to = mem_alloc(sizeof(*to) + cap * sizeof(to->at[0]));

    to->cap = cap;
    for (uint32_t i = 0; live > 0 && i < OWN(&from->used); i++) {
        uint64_t slot = OWN(&from->at[i]);

        if (slot == 0)
            continue;
        slot_sub(slot)->slot = to->live;
        atomic_store_explicit(&to->at[to->live++], slot, memory_order_relaxed);
    }
    atomic_store_explicit(&to->used, to->live, memory_order_relaxed);
    return to;
}

static void slots_add(_Atomic(struct slots *) *where, struct sub *sub, struct grave **grave)
{
    struct slots *slots = OWN(where);
    uint32_t used = slots != NULL ? OWN(&slots->used) : 0;

    if (slots == NULL || used == slots->cap) {
        grave_add(grave, slots);
        slots = slots_compact(slots);
        used = OWN(&slots->used);
        PUBLISH(where, slots);
    }
    sub->slot = used;
    slots->live++;
    atomic_store_explicit(&slots->at[used], slot_of(sub), memory_order_relaxed);
    PUBLISH(&slots->used, used + 1);
}

static void slots_remove(_Atomic(struct slots *) *where, struct sub *sub, struct grave **grave)
{
    struct slots *slots = OWN(where);

    CHECK(slots != NULL && sub->slot < OWN(&slots->used));
    CHECK(slot_sub(OWN(&slots->at[sub->slot])) == sub);
    atomic_store_explicit(&slots->at[sub->slot], 0, memory_order_relaxed);
    slots->live--;
    if (slots->live == 0 || (slots->cap > 4 * SLOTS_MIN && slots->live < slots->cap / 4)) {
        PUBLISH(where, slots->live > 0 ? slots_compact(slots) : NULL);
        grave_add(grave, slots);
    }
}

static struct group *group_obtain(struct takers *block, struct slice name)
{
    struct map_link *link = map_find(&block->by_name, name);
    struct group *group, *first = OWN(&block->groups);

    if (link != NULL)
        return map_entry(link, struct group, link);
    group = mem_alloc(sizeof(*group) + name.len);
    group->name_len = (uint32_t)name.len;
    memcpy(group->name, name.data, name.len);
    map_insert(&block->by_name, &group->link, slice_make(group->name, name.len));
    atomic_store_explicit(&group->next, first, memory_order_relaxed);
    if (first != NULL)
        first->prev = group;
    PUBLISH(&block->groups, group);
    return group;
}

/* Its own `next` stays: a reader may stand on it. */
static void group_drop(struct takers *block, struct group *group, struct grave **grave)
{
    struct group *next = OWN(&group->next);

    map_remove(&block->by_name, &group->link);
    PUBLISH(group->prev != NULL ? &group->prev->next : &block->groups, next);
    if (next != NULL)
        next->prev = group->prev;
    grave_add(grave, group);
}

static struct group *group_of(struct takers *block, const struct sub *sub)
{
    struct map_link *link = map_find(&block->by_name, sub_queue(sub));

    CHECK(link != NULL);
    return map_entry(link, struct group, link);
}

uint64_t takers_add(uint64_t value, struct sub *sub, struct grave **grave)
{
    struct takers *block = value_block(value);

    if (value == 0 && sub->queue_len == 0)
        return slot_of(sub);
    if (block == NULL) {
        block = mem_alloc(sizeof(*block));
        if (value != 0)
            slots_add(&block->plain, slot_sub(value), grave);
    }
    if (sub->queue_len == 0)
        slots_add(&block->plain, sub, grave);
    else
        slots_add(&group_obtain(block, sub_queue(sub))->members, sub, grave);
    return block_value(block);
}

/* What is left: the block, its last plain subscription alone, or nothing. */
static uint64_t simplified(struct takers *block, struct grave **grave)
{
    struct slots *plain = OWN(&block->plain);
    uint64_t last = 0;

    if (OWN(&block->groups) != NULL || (plain != NULL && plain->live > 1))
        return block_value(block);
    for (uint32_t i = 0; plain != NULL && last == 0; i++)
        last = OWN(&plain->at[i]);
    map_fini(&block->by_name);
    grave_add(grave, plain);
    grave_add(grave, block);
    return last;
}

uint64_t takers_remove(uint64_t value, struct sub *sub, struct grave **grave)
{
    struct takers *block = value_block(value);

    if (block == NULL) {
        CHECK(slot_sub(value) == sub);
        return 0;
    }
    if (sub->queue_len == 0) {
        slots_remove(&block->plain, sub, grave);
    } else {
        struct group *group = group_of(block, sub);

        slots_remove(&group->members, sub, grave);
        if (OWN(&group->members) == NULL)
            group_drop(block, group, grave);
    }
    return simplified(block, grave);
}

uint64_t takers_touch(uint64_t value, struct sub *sub)
{
    struct takers *block = value_block(value);
    struct slots *slots;

    if (block == NULL) {
        CHECK(slot_sub(value) == sub);
        return slot_of(sub);
    }
    slots = OWN(sub->queue_len == 0 ? &block->plain : &group_of(block, sub)->members);
    CHECK(slots != NULL && sub->slot < OWN(&slots->used));
    CHECK(slot_sub(OWN(&slots->at[sub->slot])) == sub);
    atomic_store_explicit(&slots->at[sub->slot], slot_of(sub), memory_order_relaxed);
    return value;
}

static bool slots_walk(struct slots *slots, bool (*fn)(struct sub *sub, void *arg), void *arg)
{
    uint32_t used = slots != NULL ? LOAD(&slots->used) : 0;

    for (uint32_t i = 0; i < used; i++) {
        uint64_t slot = LOAD(&slots->at[i]);

        if (slot != 0 && !fn(slot_sub(slot), arg))
            return false;
    }
    return true;
}

bool takers_walk(uint64_t value, bool (*fn)(struct sub *sub, void *arg), void *arg)
{
    struct takers *block = value_block(value);

    if (block == NULL)
        return fn(slot_sub(value), arg);
    if (!slots_walk(LOAD(&block->plain), fn, arg))
        return false;
    for (struct group *group = LOAD(&block->groups); group != NULL; group = LOAD(&group->next))
        if (!slots_walk(LOAD(&group->members), fn, arg))
            return false;
    return true;
}
