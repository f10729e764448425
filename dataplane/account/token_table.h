/*
 * token_table: the children of a node of the trie, by their tokens.
 *
 * Open addressing with linear probing while there are few; more are spread over leaves by the
 * upper bits of their hash, which split one at a time (extendible hashing), so that a million
 * children never cost a pause.  12 bytes a slot, half of them filled on average.
 *
 * Readers take no lock.  Every change is one release store, or a table that replaces another:
 * what the functions below return is to be published in place of what they were given, which is
 * in the grave by then.  A walk beside a change may meet a node twice.
 *
 * Ownership  tables are the caller's, by the pointer returned last; nodes are never touched.
 * Thread     one writer at a time; any number of readers, inside reclaim sections.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "api/base/slice.h"
#include "dataplane/account/grave.h"

struct trie_node {
    _Atomic uint64_t value;  /* 0: none */
    _Atomic uintptr_t below; /* trie.c's */
    uint32_t len;            /* of the token */
    char token[];
};

static inline bool trie_node_is(const struct trie_node *node, struct slice token)
{
    return node->len == token.len && memcmp(node->token, token.data, token.len) == 0;
}

struct token_table;

/* NULL is an empty table.  hash: of the token, not 0. */
struct trie_node *token_table_find(const struct token_table *table, struct slice token,
                                   uint32_t hash);
/* The node's token is not there; NULL makes a table. */
struct token_table *token_table_put(struct token_table *table, struct trie_node *node,
                                    uint32_t hash, struct grave **grave);
/* The node is there; NULL when it was the last. */
struct token_table *token_table_take(struct token_table *table, const struct trie_node *node,
                                     uint32_t hash, struct grave **grave);
/* False from visit ends it and is returned. */
bool token_table_each(const struct token_table *table,
                      bool (*visit)(struct trie_node *node, void *arg), void *arg);
/* When nobody reads it any more. */
void token_table_free(struct token_table *table);
