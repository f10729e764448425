#include "dataplane/account/match.h"

#include <stdlib.h>

#include "api/base/check.h"
#include "api/base/mem.h"

enum { NODE_WORK = 2 }; /* to look at one of the trie, in deliveries */

/* Grows by doubling; zero is a valid beginning. */
struct slot_list {
    uint64_t *at;
    uint32_t count, cap;
};

struct group_list {
    const struct group **at;
    uint32_t count, cap;
};

struct match_builder {
    struct slot_list plain, sorted, members;
    struct group_list groups;
    struct match_group *group_ranges; /* [groups.cap] */
    uint32_t group_nodes;             /* nodes that gave groups */
    uint32_t by_worker[WORKERS_MAX];  /* plain takers; then where the next one goes */
    uint64_t special;                 /* workers with a special plain taker, a bit each */
    struct match *match;
    size_t match_cap;
    struct trie_path path;
};

#define LOAD(at) atomic_load_explicit((at), memory_order_acquire)

struct match_builder *match_builder_new(void)
{
    return mem_alloc(sizeof(struct match_builder));
}

void match_builder_free(struct match_builder *builder)
{
    if (builder == NULL)
        return;
    mem_free(builder->plain.at);
    mem_free(builder->sorted.at);
    mem_free(builder->members.at);
    mem_free(builder->groups.at);
    mem_free(builder->group_ranges);
    mem_free(builder->match);
    mem_free(builder);
}

static void slot_push(struct slot_list *list, uint64_t slot)
{
    if (list->count == list->cap) {
        list->cap = list->cap > 0 ? 2 * list->cap : 16;
        list->at = mem_realloc(list->at, list->cap * sizeof(list->at[0]));
    }
    list->at[list->count++] = slot;
}

static void plain_push(struct match_builder *builder, uint64_t slot)
{
    unsigned worker = slot_worker(slot);

    builder->by_worker[worker]++;
    if ((slot & SLOT_SPECIAL) != 0)
        builder->special |= UINT64_C(1) << worker;
    slot_push(&builder->plain, slot);
}

static void group_push(struct match_builder *builder, const struct group *group)
{
    struct group_list *list = &builder->groups;

    if (list->count == list->cap) {
        list->cap = list->cap > 0 ? 2 * list->cap : 4;
        list->at = mem_realloc(list->at, list->cap * sizeof(list->at[0]));
        builder->group_ranges =
            mem_realloc(builder->group_ranges, list->cap * sizeof(builder->group_ranges[0]));
    }
    list->at[list->count++] = group;
}

/* One node of the trie that matches. */
static void add_value(uint64_t value, void *arg)
{
    struct match_builder *builder = arg;
    struct takers *block = value_block(value);
    const struct slots *plain;
    struct group *group;

    if (block == NULL) {
        plain_push(builder, value);
        return;
    }
    plain = LOAD(&block->plain);
    for (uint32_t i = 0, used = plain != NULL ? LOAD(&plain->used) : 0; i < used; i++) {
        uint64_t slot = LOAD(&plain->at[i]);

        if (slot != 0)
            plain_push(builder, slot);
    }
    group = LOAD(&block->groups);
    builder->group_nodes += group != NULL;
    for (; group != NULL; group = LOAD(&group->next))
        group_push(builder, group);
}

static struct slice group_name(const struct group *group)
{
    return slice_make(group->name, group->name_len);
}

static int by_name(const void *a, const void *b)
{
    return slice_compare(group_name(*(const struct group *const *)a),
                         group_name(*(const struct group *const *)b));
}

/* The members of all groups one behind the other, groups of one name together. */
static uint32_t gather_members(struct match_builder *builder)
{
    struct group_list *list = &builder->groups;
    const struct group *last = NULL; /* of the range made last */
    uint32_t made = 0;

    if (builder->group_nodes > 1)
        qsort(list->at, list->count, sizeof(list->at[0]), by_name);
    for (uint32_t g = 0; g < list->count; g++) {
        const struct slots *slots = LOAD(&list->at[g]->members);
        uint32_t used = slots != NULL ? LOAD(&slots->used) : 0, before = builder->members.count;

        for (uint32_t i = 0; i < used; i++) {
            uint64_t slot = LOAD(&slots->at[i]);

            if (slot != 0)
                slot_push(&builder->members, slot);
        }
        if (builder->members.count == before)
            continue; /* it is being taken away */
        if (last == NULL || !slice_equal(group_name(last), group_name(list->at[g])))
            builder->group_ranges[made++] = (struct match_group){before, 0};
        builder->group_ranges[made - 1].count += builder->members.count - before;
        last = list->at[g];
    }
    return made;
}

/* Room for a match of that size in the builder. */
static struct match *match_room(struct match_builder *builder, size_t size)
{
    CHECK(size <= UINT32_MAX);
    if (size > builder->match_cap) {
        mem_free(builder->match);
        builder->match_cap = size + size / 2;
        builder->match = mem_alloc_aligned(64, builder->match_cap);
    }
    memset(builder->match, 0, sizeof(*builder->match));
    builder->match->size = (uint32_t)size;
    return builder->match;
}

/* Counting sort of the plain takers, and a range for each worker that has some. */
static void lay_plain(struct match_builder *builder, struct match *match)
{
    struct match_range *ranges = (struct match_range *)match_ranges(match);
    uint32_t next[WORKERS_MAX], first = 0, made = 0;

    for (unsigned w = 0; w < WORKERS_MAX; w++) {
        uint32_t count = builder->by_worker[w];

        next[w] = first;
        if (count == 0)
            continue;
        ranges[made++] =
            (struct match_range){(uint16_t)w, ((builder->special >> w) & 1) != 0, first, count};
        first += count;
    }
    for (uint32_t i = 0; i < builder->plain.count; i++) {
        uint64_t slot = builder->plain.at[i];

        match->slots[next[slot_worker(slot)]++] = slot;
    }
}

static const struct match *lay_out(struct match_builder *builder, uint32_t groups)
{
    uint32_t plain = builder->plain.count, members = builder->members.count, ranges = 0;
    struct match *match;

    for (unsigned w = 0; w < WORKERS_MAX; w++)
        ranges += builder->by_worker[w] > 0;
    match = match_room(
        builder, sizeof(*match) + ((size_t)plain + members) * sizeof(match->slots[0]) +
                     ranges * sizeof(struct match_range) + groups * sizeof(struct match_group));
    match->plain = plain;
    match->members = members;
    match->ranges = ranges;
    match->groups = groups;
    lay_plain(builder, match);
    if (members > 0)
        memcpy(&match->slots[plain], builder->members.at, members * sizeof(match->slots[0]));
    if (groups > 0)
        memcpy((void *)match_groups(match), builder->group_ranges,
               groups * sizeof(struct match_group));
    for (uint32_t g = 0; g < groups; g++)
        ((struct match_group *)match_groups(match))[g].first += plain;
    return match;
}

static void clear(struct match_builder *builder)
{
    if (builder->plain.count > 0)
        memset(builder->by_worker, 0, sizeof(builder->by_worker));
    builder->plain.count = builder->members.count = builder->groups.count = 0;
    builder->group_nodes = 0;
    builder->special = 0;
}

uint32_t match_build(struct match_builder *builder, const struct sublist *list,
                     struct slice subject, struct match_result *result)
{
    uint32_t groups, nodes;

    *result = (struct match_result){0};
    clear(builder);
    if (!trie_path_cut(&builder->path, list->trie.seed, subject))
        return 1;
    nodes = trie_match(&list->trie, &builder->path, add_value, builder);
    groups = builder->groups.count > 0 ? gather_members(builder) : 0;
    if (groups > 0 || builder->plain.count > 1)
        result->match = lay_out(builder, groups);
    else if (builder->plain.count == 1)
        result->one = builder->plain.at[0];
    return NODE_WORK * nodes + builder->plain.count + builder->members.count;
}

struct match *match_copy(const struct match_result *result, struct slice subject)
{
    size_t slots = result->one != 0 ? 1 : 0;
    size_t base = result->match != NULL ? result->match->size
                                        : sizeof(struct match) + slots * sizeof(uint64_t) +
                                              slots * sizeof(struct match_range);
    struct match *copy = mem_alloc_aligned(64, base + subject.len);

    if (result->match != NULL) {
        memcpy(copy, result->match, base);
    } else if (slots > 0) {
        copy->plain = copy->ranges = 1;
        copy->slots[0] = result->one;
        *(struct match_range *)match_ranges(copy) = (struct match_range){
            (uint16_t)slot_worker(result->one), (result->one & SLOT_SPECIAL) != 0, 0, 1};
    }
    copy->size = (uint32_t)(base + subject.len);
    copy->text_len = (uint32_t)subject.len;
    if (subject.len > 0)
        memcpy((char *)copy + base, subject.data, subject.len);
    return copy;
}

static void free_retired(struct reclaim_node *node)
{
    mem_free(container_of(node, struct match, retire));
}

void match_retire(struct match *match, struct reclaim_reader *reader)
{
    reclaim_retire(reader, &match->retire, free_retired);
}

void match_free(struct match *match)
{
    mem_free(match);
}
