#include "dataplane/account/token_table.h"

#include <stdatomic.h>

#include "api/base/check.h"
#include "api/base/mem.h"

enum {
    SLOTS_MIN = 4,
    LEAF_FULL = 384,   /* nodes of a leaf that is split rather than grown */
    FAN_EMPTY = 96,    /* nodes of a fan that becomes a leaf again */
    FAN_BITS_MAX = 22, /* of the hash; those of a leaf's slots are others */
};

/* Which of the two it is. */
struct token_table {
    bool fan;
};

/*
 * A slot whose hash is 0 was never used and ends a search; a slot with a hash and no node is
 * free again (or is just being filled).  Hash first, then node (release): a reader that finds
 * the node finds its token.
 */
struct leaf {
    struct token_table table;
    uint32_t bits; /* upper bits of the hash that all nodes here share; the writer's */
    uint32_t mask;
    uint32_t live, used;      /* the writer's: nodes; nodes and freed slots */
    _Atomic uint32_t *hashes; /* behind the nodes, in the same allocation */
    _Atomic(struct trie_node *) nodes[];
};

/* Leaves by the upper `bits` bits; a leaf that shares fewer stands in several places. */
struct fan {
    struct token_table table;
    uint32_t bits;
    uint32_t live; /* nodes in all leaves; the writer's */
    _Atomic(struct leaf *) leaves[];
};

/* Both see what was stored before the pointer was published. */
#define LOAD(at) atomic_load_explicit((at), memory_order_acquire)
#define PUBLISH(at, value) atomic_store_explicit((at), (value), memory_order_release)
/* The writer reads what only it writes. */
#define OWN(at) atomic_load_explicit((at), memory_order_relaxed)

static struct leaf *as_leaf(const struct token_table *table)
{
    return container_of(table, struct leaf, table);
}

static struct fan *as_fan(const struct token_table *table)
{
    return container_of(table, struct fan, table);
}

/* --- leaves ------------------------------------------------------------------------------- */

/* Room for so many nodes, and bits of the hash that they share. */
static struct leaf *leaf_new(uint32_t room, uint32_t bits)
{
    uint32_t slots = SLOTS_MIN;
    struct leaf *leaf;

    while (slots / 4 * 3 < room)
        slots *= 2;
    leaf = mem_alloc(sizeof(*leaf) + slots * (sizeof(leaf->nodes[0]) + sizeof(leaf->hashes[0])));
    leaf->mask = slots - 1;
    leaf->bits = bits;
    leaf->hashes = (_Atomic uint32_t *)&leaf->nodes[slots];
    return leaf;
}

static struct trie_node *leaf_find(const struct leaf *leaf, struct slice token, uint32_t hash)
{
    uint32_t at = hash & leaf->mask;

    for (uint32_t n = 0; n <= leaf->mask; n++, at = (at + 1) & leaf->mask) {
        uint32_t there = OWN(&leaf->hashes[at]);
        struct trie_node *node;

        if (there == 0)
            return NULL;
        if (there != hash)
            continue;
        node = LOAD(&leaf->nodes[at]);
        if (node != NULL && trie_node_is(node, token))
            return node;
    }
    return NULL;
}

static bool leaf_has_room(const struct leaf *leaf)
{
    return leaf->used < (leaf->mask + 1) / 4 * 3;
}

static void leaf_put(struct leaf *leaf, struct trie_node *node, uint32_t hash)
{
    uint32_t at = hash & leaf->mask;

    while (OWN(&leaf->nodes[at]) != NULL)
        at = (at + 1) & leaf->mask;
    if (OWN(&leaf->hashes[at]) == 0)
        leaf->used++;
    leaf->live++;
    atomic_store_explicit(&leaf->hashes[at], hash, memory_order_relaxed);
    PUBLISH(&leaf->nodes[at], node);
}

static void leaf_take(struct leaf *leaf, const struct trie_node *node, uint32_t hash)
{
    uint32_t at = hash & leaf->mask;

    while (OWN(&leaf->nodes[at]) != node)
        at = (at + 1) & leaf->mask;
    PUBLISH(&leaf->nodes[at], NULL);
    leaf->live--;
}

/* Puts the nodes whose hash has this value under the mask into another leaf. */
static void leaf_pour(const struct leaf *from, struct leaf *to, uint32_t mask, uint32_t value)
{
    for (uint32_t i = 0; i <= from->mask; i++) {
        struct trie_node *node = OWN(&from->nodes[i]);
        uint32_t hash = OWN(&from->hashes[i]);

        if (node != NULL && (hash & mask) == value)
            leaf_put(to, node, hash);
    }
}

/* The same nodes, without freed slots, and room for half as many more. */
static struct leaf *leaf_resized(const struct leaf *leaf)
{
    struct leaf *to = leaf_new(leaf->live + leaf->live / 2 + 1, leaf->bits);

    leaf_pour(leaf, to, 0, 0);
    return to;
}

static bool leaf_is_too_large(const struct leaf *leaf)
{
    return leaf->mask + 1 > SLOTS_MIN && leaf->live < (leaf->mask + 1) / 8;
}

/* --- fans --------------------------------------------------------------------------------- */

static struct fan *fan_new(uint32_t bits)
{
    struct fan *fan = mem_alloc(sizeof(*fan) + (sizeof(fan->leaves[0]) << bits));

    fan->table.fan = true;
    fan->bits = bits;
    return fan;
}

static uint32_t fan_at(const struct fan *fan, uint32_t hash)
{
    return hash >> (32 - fan->bits);
}

/* The leaf that shares the upper `bits` bits of the hash, in all its places. */
static void fan_set(struct fan *fan, uint32_t hash, uint32_t bits, struct leaf *leaf)
{
    uint32_t places = 1u << (fan->bits - bits);
    uint32_t first = fan_at(fan, hash) & ~(places - 1);

    for (uint32_t i = 0; i < places; i++)
        PUBLISH(&fan->leaves[first + i], leaf);
}

/* One bit more, the same leaves. */
static struct fan *fan_doubled(const struct fan *fan)
{
    struct fan *to = fan_new(fan->bits + 1);

    to->live = fan->live;
    for (uint32_t i = 0; i < 1u << to->bits; i++)
        atomic_store_explicit(&to->leaves[i], OWN(&fan->leaves[i / 2]), memory_order_relaxed);
    return to;
}

/* A fan with a full leaf in both places, to be split. */
static struct fan *fan_of(struct leaf *leaf)
{
    struct fan *fan = fan_new(1);

    fan->live = leaf->live;
    fan_set(fan, 0, 0, leaf);
    return fan;
}

/* The leaf becomes two, by one bit more. */
static void fan_split(struct fan *fan, struct leaf *leaf, uint32_t hash, struct grave **grave)
{
    uint32_t bit = 1u << (31 - leaf->bits);

    for (unsigned half = 0; half < 2; half++) {
        uint32_t value = half == 0 ? 0 : bit, count = 0;
        struct leaf *to;

        for (uint32_t i = 0; i <= leaf->mask; i++)
            count += OWN(&leaf->nodes[i]) != NULL && (OWN(&leaf->hashes[i]) & bit) == value;
        to = leaf_new(count + count / 2 + 1, leaf->bits + 1);
        leaf_pour(leaf, to, bit, value);
        fan_set(fan, (hash & ~bit) | value, to->bits, to);
    }
    grave_add(grave, leaf);
}

static struct fan *fan_put(struct fan *fan, struct trie_node *node, uint32_t hash,
                           struct grave **grave)
{
    for (;;) {
        struct leaf *leaf = OWN(&fan->leaves[fan_at(fan, hash)]), *resized;

        if (leaf_has_room(leaf)) {
            leaf_put(leaf, node, hash);
            fan->live++;
            return fan;
        }
        if (leaf->live < LEAF_FULL || leaf->bits == FAN_BITS_MAX) {
            resized = leaf_resized(leaf);
            fan_set(fan, hash, leaf->bits, resized);
            grave_add(grave, leaf);
            continue;
        }
        if (leaf->bits == fan->bits) {
            grave_add(grave, fan);
            fan = fan_doubled(fan);
        }
        fan_split(fan, leaf, hash, grave);
    }
}

/* The next leaf after place *at, which begins with 0; NULL at the end. */
static struct leaf *fan_next(const struct fan *fan, uint32_t *at)
{
    while (*at < 1u << fan->bits) {
        struct leaf *leaf = LOAD(&fan->leaves[*at]);
        bool seen = *at > 0 && leaf == LOAD(&fan->leaves[*at - 1]);

        ++*at;
        if (!seen)
            return leaf;
    }
    return NULL;
}

static struct leaf *fan_collapsed(struct fan *fan, struct grave **grave)
{
    struct leaf *to = leaf_new(fan->live + fan->live / 2 + 1, 0), *leaf;

    for (uint32_t at = 0; (leaf = fan_next(fan, &at)) != NULL;) {
        leaf_pour(leaf, to, 0, 0);
        grave_add(grave, leaf);
    }
    grave_add(grave, fan);
    return to;
}

static struct token_table *fan_take(struct fan *fan, const struct trie_node *node, uint32_t hash,
                                    struct grave **grave)
{
    struct leaf *leaf = OWN(&fan->leaves[fan_at(fan, hash)]);

    leaf_take(leaf, node, hash);
    fan->live--;
    if (fan->live < FAN_EMPTY)
        return &fan_collapsed(fan, grave)->table;
    if (leaf_is_too_large(leaf)) {
        fan_set(fan, hash, leaf->bits, leaf_resized(leaf));
        grave_add(grave, leaf);
    }
    return &fan->table;
}

/* --- tables ------------------------------------------------------------------------------- */

struct trie_node *token_table_find(const struct token_table *table, struct slice token,
                                   uint32_t hash)
{
    const struct leaf *leaf;

    if (table == NULL)
        return NULL;
    leaf = table->fan ? LOAD(&as_fan(table)->leaves[fan_at(as_fan(table), hash)]) : as_leaf(table);
    return leaf_find(leaf, token, hash);
}

struct token_table *token_table_put(struct token_table *table, struct trie_node *node,
                                    uint32_t hash, struct grave **grave)
{
    struct leaf *leaf;

    if (table != NULL && table->fan)
        return &fan_put(as_fan(table), node, hash, grave)->table;
    leaf = table != NULL ? as_leaf(table) : leaf_new(1, 0);
    if (!leaf_has_room(leaf)) {
        if (leaf->live >= LEAF_FULL)
            return &fan_put(fan_of(leaf), node, hash, grave)->table;
        grave_add(grave, leaf);
        leaf = leaf_resized(leaf);
    }
    leaf_put(leaf, node, hash);
    return &leaf->table;
}

struct token_table *token_table_take(struct token_table *table, const struct trie_node *node,
                                     uint32_t hash, struct grave **grave)
{
    struct leaf *leaf;

    if (table->fan)
        return fan_take(as_fan(table), node, hash, grave);
    leaf = as_leaf(table);
    leaf_take(leaf, node, hash);
    if (leaf->live > 0 && !leaf_is_too_large(leaf))
        return table;
    grave_add(grave, leaf);
    return leaf->live > 0 ? &leaf_resized(leaf)->table : NULL;
}

static bool leaf_each(const struct leaf *leaf, bool (*visit)(struct trie_node *node, void *arg),
                      void *arg)
{
    for (uint32_t i = 0; i <= leaf->mask; i++) {
        struct trie_node *node = LOAD(&leaf->nodes[i]);

        if (node != NULL && !visit(node, arg))
            return false;
    }
    return true;
}

bool token_table_each(const struct token_table *table,
                      bool (*visit)(struct trie_node *node, void *arg), void *arg)
{
    const struct leaf *leaf;

    if (table == NULL)
        return true;
    if (!table->fan)
        return leaf_each(as_leaf(table), visit, arg);
    for (uint32_t at = 0; (leaf = fan_next(as_fan(table), &at)) != NULL;)
        if (!leaf_each(leaf, visit, arg))
            return false;
    return true;
}

void token_table_free(struct token_table *table)
{
    struct leaf *leaf;

    if (table == NULL)
        return;
    if (table->fan) {
        for (uint32_t at = 0; (leaf = fan_next(as_fan(table), &at)) != NULL;)
            mem_free(leaf);
        mem_free(as_fan(table));
        return;
    }
    mem_free(as_leaf(table));
}
