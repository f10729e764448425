#include "dataplane/account/trie.h"

#include <stdatomic.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/account/hash.h"

enum {
    /* What `below` is, in its lowest bits: an only child, and of which kind; else a branch. */
    ONLY_LITERAL = 1,
    ONLY_STAR = 2,
    ONLY_FULL = 3,
    ONLY = 3,
};

struct branch {
    _Atomic(struct trie_node *) star, full;
    _Atomic(struct token_table *) table;
};

/* Both see what was stored before the pointer was published. */
#define LOAD(at) atomic_load_explicit((at), memory_order_acquire)
#define PUBLISH(at, value) atomic_store_explicit((at), (value), memory_order_release)
/* The writer reads what only it writes. */
#define OWN(at) atomic_load_explicit((at), memory_order_relaxed)

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

/* The child of that token; hash is of a literal token and else ignored. */
static struct trie_node *child_find(const struct trie_node *node, struct slice token, uint32_t hash)
{
    uintptr_t below = LOAD(&node->below);
    struct trie_node *only = only_child(below);
    struct branch *branch = branch_of(below);

    if (only != NULL)
        return trie_node_is(only, token) ? only : NULL;
    if (branch == NULL)
        return NULL;
    if (is_star(token))
        return LOAD(&branch->star);
    if (is_full(token))
        return LOAD(&branch->full);
    return token_table_find(LOAD(&branch->table), token, hash);
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
        PUBLISH(&branch->table,
                token_table_put(OWN(&branch->table), child, hash_token(trie->seed, token), grave));
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

    trie->nodes--;
    grave_add(grave, child);
    if (branch == NULL) {
        PUBLISH(&node->below, 0);
        return;
    }
    if (is_star(token))
        PUBLISH(&branch->star, NULL);
    else if (is_full(token))
        PUBLISH(&branch->full, NULL);
    else
        PUBLISH(&branch->table,
                token_table_take(OWN(&branch->table), child, hash_token(trie->seed, token), grave));
    if (OWN(&branch->table) == NULL && OWN(&branch->star) == NULL && OWN(&branch->full) == NULL) {
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
    uint32_t seen; /* nodes */
};

static void hit(const struct hits *hits, const struct trie_node *node)
{
    uint64_t value = LOAD(&node->value);

    if (value != 0)
        hits->fn(value, hits->arg);
}

/* Recurses only for '*', so no deeper than a subscription has tokens. */
static void match_from(struct hits *hits, const struct trie_node *node, unsigned at)
{
    const struct trie_path *path = hits->path;

    for (; at < path->count; at++) {
        const struct trie_token *token = &path->tokens[at];
        struct slice text = slice_make(token->data, token->len);
        uintptr_t below = LOAD(&node->below);
        struct branch *branch = branch_of(below);
        struct trie_node *wild;

        hits->seen++;
        if (branch == NULL) {
            node = only_child(below);
            if ((below & ONLY) == ONLY_FULL)
                hit(hits, node);
            if ((below & ONLY) != ONLY_STAR &&
                ((below & ONLY) != ONLY_LITERAL || !trie_node_is(node, text)))
                return;
            continue;
        }
        if ((wild = LOAD(&branch->full)) != NULL)
            hit(hits, wild);
        if ((wild = LOAD(&branch->star)) != NULL)
            match_from(hits, wild, at + 1);
        node = token_table_find(LOAD(&branch->table), text, token->hash);
        if (node == NULL)
            return;
    }
    if (!path->more)
        hit(hits, node);
}

uint32_t trie_match(const struct trie *trie, const struct trie_path *path,
                    void (*fn)(uint64_t value, void *arg), void *arg)
{
    struct hits hits = {path, fn, arg, 0};

    match_from(&hits, trie->root, 0);
    return hits.seen;
}

/* visit: with each child; false ends it. */
static bool each_child(const struct trie_node *node,
                       bool (*visit)(struct trie_node *child, void *arg), void *arg)
{
    uintptr_t below = LOAD(&node->below);
    struct trie_node *only = only_child(below), *wild;
    struct branch *branch = branch_of(below);

    if (only != NULL)
        return visit(only, arg);
    if (branch == NULL)
        return true;
    if ((wild = LOAD(&branch->full)) != NULL && !visit(wild, arg))
        return false;
    if ((wild = LOAD(&branch->star)) != NULL && !visit(wild, arg))
        return false;
    return token_table_each(LOAD(&branch->table), visit, arg);
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
        token_table_free(OWN(&branch->table));
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
