/*
 * trie: subjects by their tokens, one 64-bit value each.
 *
 * A node has one child for each literal token, and places for '*' and '>'.  Most nodes have no
 * child or one, which is then linked directly; more go into a branch with a table
 * (token_table.h).  A node is 20 bytes and its token.
 *
 * Readers take no lock: every change is one release store, and what it replaces goes into the
 * caller's grave.  A reader sees each node whole; it may miss a change that is under way.
 *
 * Ownership  the trie owns nodes and tables; values are the user's.
 * Thread     one writer at a time; any number of readers, inside reclaim sections.
 * Errors     none: subjects to obtain are valid (subject_scan) and have at most
 *            SUBJECT_TOKENS_MAX tokens.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/slice.h"
#include "api/nats/limits.h"
#include "dataplane/account/grave.h"
#include "dataplane/account/token_table.h"

struct trie {
    uint64_t seed; /* of the tokens' hashes */
    struct trie_node *root;
    size_t nodes; /* without the root */
};

void trie_init(struct trie *trie, uint64_t seed);
/* Nobody reads it any more; values are not looked at. */
void trie_fini(struct trie *trie);

/* The node of that subject, made if it is not there. */
struct trie_node *trie_obtain(struct trie *trie, struct slice subject, struct grave **grave);
/* NULL when it is not there. */
struct trie_node *trie_find(const struct trie *trie, struct slice subject);
/* Takes away the nodes of that subject that carry nothing any more. */
void trie_prune(struct trie *trie, struct slice subject, struct grave **grave);

/* A literal subject, cut and hashed. */
struct trie_token {
    const char *data;
    uint32_t len, hash;
};
struct trie_path {
    unsigned count;
    bool more; /* it goes on beyond the tokens here: only '>' can match */
    struct trie_token tokens[SUBJECT_TOKENS_MAX];
};

/* False for a subject that nothing can match: it is empty or a token is. */
bool trie_path_cut(struct trie_path *path, uint64_t seed, struct slice subject);

/* Calls fn with every value whose subject matches; a token '*' or '>' in the path is literal. */
uint32_t trie_match(const struct trie *trie, const struct trie_path *path,
                    void (*fn)(uint64_t value, void *arg), void *arg);

/* All values; false from fn ends the walk and is returned. */
bool trie_walk(const struct trie *trie, bool (*fn)(uint64_t value, void *arg), void *arg);
