#include "dataplane/account/trie.h"

#include <stdatomic.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/account/hash.h"

enum {
    TABLE_MIN = 4,
    /* What `below` is, in its lowest bits: an only child, and of which kind; else a branch. */
    ONLY_LITERAL = 1,
    ONLY_STAR = 2,
    ONLY_FULL = 3,
    ONLY = 3,
};

/*
 * Open addressing, linear probing.  A slot whose hash is 0 was never used and ends a search; a
 * slot with a hash and no node is free again (or is just being filled).  Hash first, then node
 * (release): a reader that finds the node finds its token.
 */
struct table {
    uint32_t mask;
    uint32_t live, used;      /* the writer's: nodes; nodes and freed slots */
    _Atomic uint32_t *hashes; /* behind the nodes, in the same allocation */
    _Atomic(struct trie_node *) nodes[];
};

struct branch {
    _Atomic(struct trie_node *) star, full;
    _Atomic(struct table *) table;
};

/* Both see what was stored before the pointer was published. */
#define LOAD(at) atomic_load_explicit((at), memory_order_acquire)
#define PUBLISH(at, value) atomic_store_explicit((at), (value), memory_order_release)
/* The writer reads what only it writes. */
#define OWN(at) atomic_load_explicit((at), memory_order_relaxed)

static bool is_token(const struct trie_node *node, struct slice token)
{
    return node->len == token.len && memcmp(node->token, token.data, token.len) == 0;
}

static bool is_star(struct slice token)
{
    return token.len == 1 && token.data[0] == '*';
}

static bool is_full(struct slice token)
{
    return token.len == 1 && token.data[0] == '>';
}

static struct trie_node *node_new(struct slice token)
{
    struct trie_node *node = mem_alloc(sizeof(*node) + token.len);

    node->len = (uint32_t)token.len;
    if (token.len > 0)
        memcpy(node->token, token.data, token.len);
    return node;
}

static uintptr_t only_kind(struct slice token)
{
    return is_star(token) ? ONLY_STAR : is_full(token) ? ONLY_FULL : ONLY_LITERAL;
}

static struct trie_node *only_child(uintptr_t below)
{
    return (below & ONLY) != 0 ? (struct trie_node *)(below & ~(uintptr_t)ONLY) : NULL;
}

static struct branch *branch_of(uintptr_t below)
{
    return (below & ONLY) == 0 ? (struct branch *)below : NULL;
}

static struct table *table_new(uint32_t slots)
{
    struct table *table =
        mem_alloc(sizeof(*table) + slots * (sizeof(table->nodes[0]) + sizeof(table->hashes[0])));

    table->mask = slots - 1;
    table->hashes = (_Atomic uint32_t *)&table->nodes[slots];
    return table;
}

static struct trie_node *table_find(struct table *table, struct slice token, uint32_t hash)
{
    uint32_t at = hash & table->mask;

    for (uint32_t n = 0; n <= table->mask; n++, at = (at + 1) & table->mask) {
        uint32_t there = OWN(&table->hashes[at]);
        struct trie_node *node;

        if (there == 0)
            return NULL;
        if (there != hash)
            continue;
        node = LOAD(&table->nodes[at]);
        if (node != NULL && is_token(node, token))
            return node;
    }
    return NULL;
}

/* There is room, and the token is not there. */
static void table_put(struct table *table, struct trie_node *node, uint32_t hash)
{
    uint32_t at = hash & table->mask;

    while (OWN(&table->nodes[at]) != NULL)
        at = (at + 1) & table->mask;
    if (OWN(&table->hashes[at]) == 0)
        table->used++;
    table->live++;
    atomic_store_explicit(&table->hashes[at], hash, memory_order_relaxed);
    PUBLISH(&table->nodes[at], node);
}

static void table_take(struct table *table, const struct trie_node *node, uint32_t hash)
{
    uint32_t at = hash & table->mask;

    while (OWN(&table->nodes[at]) != node)
        at = (at + 1) & table->mask;
    PUBLISH(&table->nodes[at], NULL);
    table->live--;
}

/* The same children in a table of a size that suits them and `more`. */
static struct table *table_resized(const struct table *table, uint32_t more)
{
    uint32_t slots = TABLE_MIN;
    struct table *to;

    while (slots / 4 * 3 < table->live + more)
        slots *= 2;
    to = table_new(slots);
    for (uint32_t i = 0; i <= table->mask; i++)
        if (OWN(&table->nodes[i]) != NULL)
            table_put(to, OWN(&table->nodes[i]), OWN(&table->hashes[i]));
    return to;
}

/* The child of that token; hash is of a literal token and else ignored. */
static struct trie_node *child_find(const struct trie_node *node, struct slice token, uint32_t hash)
{
    uintptr_t below = LOAD(&node->below);
    struct trie_node *only = only_child(below);
    struct branch *branch = branch_of(below);
    struct table *table;

    if (only != NULL)
        return is_token(only, token) ? only : NULL;
    if (branch == NULL)
        return NULL;
    if (is_star(token))
        return LOAD(&branch->star);
    if (is_full(token))
        return LOAD(&branch->full);
    table = LOAD(&branch->table);
    return table != NULL ? table_find(table, token, hash) : NULL;
}

static void literal_put(struct branch *branch, struct trie_node *child, uint32_t hash,
                        struct grave **grave)
{
    struct table *table = OWN(&branch->table);

    if (table == NULL || table->used >= (table->mask + 1) / 4 * 3) {
        struct table *larger =
            table != NULL ? table_resized(table, table->live / 2 + 1) : table_new(TABLE_MIN);

        table_put(larger, child, hash);
        PUBLISH(&branch->table, larger);
        grave_add(grave, table);
        return;
    }
    table_put(table, child, hash);
}

static void branch_put(struct trie *trie, struct branch *branch, struct trie_node *child,
                       struct grave **grave)
{
    struct slice token = slice_make(child->token, child->len);

    if (is_star(token))
        PUBLISH(&branch->star, child);
    else if (is_full(token))
        PUBLISH(&branch->full, child);
    else
        literal_put(branch, child, hash_token(trie->seed, token), grave);
}

static struct trie_node *child_add(struct trie *trie, struct trie_node *node, struct slice token,
                                   struct grave **grave)
{
    uintptr_t below = OWN(&node->below);
    struct trie_node *child = node_new(token);
    struct branch *branch = branch_of(below);

    trie->nodes++;
    if (below == 0) {
        PUBLISH(&node->below, (uintptr_t)child | only_kind(token));
        return child;
    }
    if (branch == NULL) {
        branch = mem_alloc(sizeof(*branch));
        branch_put(trie, branch, only_child(below), grave);
    }
    branch_put(trie, branch, child, grave);
    PUBLISH(&node->below, (uintptr_t)branch);
    return child;
}

/* The child carries nothing; it and what held only it go to the grave. */
static void child_drop(struct trie *trie, struct trie_node *node, struct trie_node *child,
                       struct grave **grave)
{
    struct branch *branch = branch_of(OWN(&node->below));
    struct slice token = slice_make(child->token, child->len);
    struct table *table;

    trie->nodes--;
    grave_add(grave, child);
    if (branch == NULL) {
        PUBLISH(&node->below, 0);
        return;
    }
    table = OWN(&branch->table);
    if (is_star(token))
        PUBLISH(&branch->star, NULL);
    else if (is_full(token))
        PUBLISH(&branch->full, NULL);
    else
        table_take(table, child, hash_token(trie->seed, token));
    if (table != NULL && table->live == 0) {
        PUBLISH(&branch->table, NULL);
        grave_add(grave, table);
        table = NULL;
    } else if (table != NULL && table->live < (table->mask + 1) / 8) {
        PUBLISH(&branch->table, table_resized(table, table->live / 2 + 1));
        grave_add(grave, table);
    }
    if (table == NULL && OWN(&branch->star) == NULL && OWN(&branch->full) == NULL) {
        PUBLISH(&node->below, 0);
        grave_add(grave, branch);
    }
}

/* The next token off the front; false when there is none. */
static bool next_token(struct slice *rest, struct slice *token)
{
    const char *dot;

    if (rest->data == NULL)
        return false;
    dot = rest->len > 0 ? memchr(rest->data, '.', rest->len) : NULL;
    if (dot == NULL) {
        *token = *rest;
        *rest = slice_make(NULL, 0);
        return true;
    }
    *token = slice_make(rest->data, (size_t)(dot - rest->data));
    *rest = slice_make(dot + 1, rest->len - token->len - 1);
    return true;
}

void trie_init(struct trie *trie, uint64_t seed)
{
    trie->seed = seed;
    trie->root = node_new(slice_make(NULL, 0));
    trie->nodes = 0;
}

struct trie_node *trie_find(const struct trie *trie, struct slice subject)
{
    struct trie_node *node = trie->root;
    struct slice token;

    while (node != NULL && next_token(&subject, &token))
        node = child_find(node, token, hash_token(trie->seed, token));
    return node;
}

struct trie_node *trie_obtain(struct trie *trie, struct slice subject, struct grave **grave)
{
    struct trie_node *node = trie->root;
    struct slice token;

    while (next_token(&subject, &token)) {
        struct trie_node *child = child_find(node, token, hash_token(trie->seed, token));

        node = child != NULL ? child : child_add(trie, node, token, grave);
    }
    return node;
}

void trie_prune(struct trie *trie, struct slice subject, struct grave **grave)
{
    struct trie_node *path[SUBJECT_TOKENS_MAX + 1];
    unsigned depth = 0;
    struct slice token;

    path[0] = trie->root;
    while (next_token(&subject, &token)) {
        CHECK(depth < SUBJECT_TOKENS_MAX);
        path[depth + 1] = child_find(path[depth], token, hash_token(trie->seed, token));
        CHECK(path[depth + 1] != NULL);
        depth++;
    }
    for (; depth > 0; depth--) {
        if (OWN(&path[depth]->value) != 0 || OWN(&path[depth]->below) != 0)
            return;
        child_drop(trie, path[depth - 1], path[depth], grave);
    }
}

bool trie_path_cut(struct trie_path *path, uint64_t seed, struct slice subject)
{
    struct slice token;

    path->count = 0;
    path->more = false;
    while (next_token(&subject, &token)) {
        if (token.len == 0)
            return false;
        if (path->count == SUBJECT_TOKENS_MAX) {
            path->more = true;
            continue;
        }
        path->tokens[path->count++] =
            (struct trie_token){token.data, (uint32_t)token.len, hash_token(seed, token)};
    }
    return path->count > 0;
}

struct hits {
    const struct trie_path *path;
    void (*fn)(uint64_t value, void *arg);
    void *arg;
};

static void hit(const struct hits *hits, const struct trie_node *node)
{
    uint64_t value = LOAD(&node->value);

    if (value != 0)
        hits->fn(value, hits->arg);
}

/* Recurses only for '*', so no deeper than a subscription has tokens. */
static void match_from(const struct hits *hits, const struct trie_node *node, unsigned at)
{
    const struct trie_path *path = hits->path;

    for (; at < path->count; at++) {
        const struct trie_token *token = &path->tokens[at];
        struct slice text = slice_make(token->data, token->len);
        uintptr_t below = LOAD(&node->below);
        struct branch *branch = branch_of(below);
        struct trie_node *wild;
        struct table *table;

        if (branch == NULL) {
            node = only_child(below);
            if ((below & ONLY) == ONLY_FULL)
                hit(hits, node);
            if ((below & ONLY) != ONLY_STAR &&
                ((below & ONLY) != ONLY_LITERAL || !is_token(node, text)))
                return;
            continue;
        }
        if ((wild = LOAD(&branch->full)) != NULL)
            hit(hits, wild);
        if ((wild = LOAD(&branch->star)) != NULL)
            match_from(hits, wild, at + 1);
        table = LOAD(&branch->table);
        node = table != NULL ? table_find(table, text, token->hash) : NULL;
        if (node == NULL)
            return;
    }
    if (!path->more)
        hit(hits, node);
}

void trie_match(const struct trie *trie, const struct trie_path *path,
                void (*fn)(uint64_t value, void *arg), void *arg)
{
    struct hits hits = {path, fn, arg};

    match_from(&hits, trie->root, 0);
}

/* visit: with each child; false ends it. */
static bool each_child(const struct trie_node *node,
                       bool (*visit)(struct trie_node *child, void *arg), void *arg)
{
    uintptr_t below = LOAD(&node->below);
    struct trie_node *only = only_child(below), *wild;
    struct branch *branch = branch_of(below);
    struct table *table;

    if (only != NULL)
        return visit(only, arg);
    if (branch == NULL)
        return true;
    if ((wild = LOAD(&branch->full)) != NULL && !visit(wild, arg))
        return false;
    if ((wild = LOAD(&branch->star)) != NULL && !visit(wild, arg))
        return false;
    table = LOAD(&branch->table);
    for (uint32_t i = 0; table != NULL && i <= table->mask; i++) {
        struct trie_node *child = LOAD(&table->nodes[i]);

        if (child != NULL && !visit(child, arg))
            return false;
    }
    return true;
}

struct walk {
    bool (*fn)(uint64_t value, void *arg);
    void *arg;
};

static bool walk_node(struct trie_node *node, void *arg)
{
    struct walk *walk = arg;
    uint64_t value = LOAD(&node->value);

    return (value == 0 || walk->fn(value, walk->arg)) && each_child(node, walk_node, walk);
}

bool trie_walk(const struct trie *trie, bool (*fn)(uint64_t value, void *arg), void *arg)
{
    struct walk walk = {fn, arg};

    return walk_node(trie->root, &walk);
}

static bool node_free(struct trie_node *node, void *arg)
{
    struct branch *branch = branch_of(OWN(&node->below));

    each_child(node, node_free, arg);
    if (branch != NULL) {
        mem_free(OWN(&branch->table));
        mem_free(branch);
    }
    mem_free(node);
    return true;
}

void trie_fini(struct trie *trie)
{
    if (trie->root != NULL)
        node_free(trie->root, NULL);
    *trie = (struct trie){0};
}
