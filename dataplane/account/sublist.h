/*
 * sublist: which subscriptions want a message on this subject?
 *
 * A trie with one level for each token; '*' and '>' are children with places of their own.
 * Writers insert and remove under the account's lock; readers never lock: nodes are updated by
 * single release stores, and what is replaced is retired.  A leaf keeps its subscriptions split
 * by worker, and its queue groups apart, ready for a random pick.
 *
 * Generations.  1,024 counters by the hash of a literal subject, 256 by the hash of the first
 * token of a wildcard subject with a literal first token, one for subjects that begin with a
 * wildcard.  A match result carries the three values it was built under; it is valid while its
 * three counters are unchanged.
 *
 * Ownership  a sublist links the subs it is given and frees none of them.
 * Thread     insert, remove: a worker; they take the lock.  match: any worker, no lock, inside
 *            its turn.  walk: a reader inside a reclaim section.
 * Errors     ERR_SYNTAX for a malformed subject, ERR_LIMIT beyond SUBJECT_TOKENS_MAX tokens.
 */
#pragma once

#include "api/base/result.h"
#include "dataplane/account/sub.h"

struct sublist;
struct match;

struct sublist *sublist_new(unsigned workers);
/* Empty by then. */
void sublist_free(struct sublist *list);

enum result sublist_insert(struct sublist *list, struct sub *sub) MUST_CHECK;
void sublist_remove(struct sublist *list, struct sub *sub);

/* Subscriptions in it, without hidden ones.  any thread */
uint64_t sublist_count(const struct sublist *list);

/* All subscriptions, or those that match a literal subject; false from fn ends the walk. */
void sublist_walk(struct sublist *list, struct slice literal_or_empty,
                  bool (*fn)(struct sub *sub, void *arg), void *arg);

/* Has anybody interest in this literal subject?  For answers, not for the message path. */
bool sublist_wants(struct sublist *list, struct slice subject);

/* As /subsz shows them. */
struct sublist_figures {
    uint64_t subs, inserts, removes, matches, cache_hits, cache_count;
};
void sublist_figures(const struct sublist *list, struct sublist_figures *out);
