/*
 * sublist: which subscriptions want a message on this subject?
 *
 * A trie with one level for each token; '*' and '>' are children with places of their own
 * (trie.h).  Writers insert and remove under the list's lock; readers never lock: nodes are
 * updated by single release stores, and what is replaced is retired.
 *
 * Generations.  1,024 counters by the hash of a literal subject, 256 by the hash of the first
 * token of a wildcard subject with a literal first token, one for subjects that begin with a
 * wildcard: a match result is valid while its three counters are what they were (generation.h).
 * They have 32 bits, and a sum of them would come again after 2^32 changes.  Long before, the list
 * takes a new id, and every result that was kept under the old one is no longer found.
 *
 * Matching itself is match.h's; the message path goes through deliver.h, which caches.
 *
 * Ownership  a sublist links the subs it is given and frees none of them.
 * Thread     insert, remove, touch: a worker (or no worker runs); they take the lock.  walk,
 *            wants: a reader inside a reclaim section (a worker in its turn).  No lock is held
 *            while fn runs.
 * Errors     ERR_SYNTAX for a malformed subject, ERR_LIMIT beyond SUBJECT_TOKENS_MAX tokens or
 *            SUB_QUEUE_LEN_MAX bytes of queue.
 */
#pragma once

#include "api/base/lock.h"
#include "api/base/result.h"
#include "dataplane/account/generation.h"
#include "dataplane/account/sub.h"
#include "dataplane/account/trie.h"

enum { SUBLIST_ERA = 1 << 30 };

/* The fields are for sublist.c, match.c and match_cache.c. */
struct sublist {
    _Atomic uint64_t
        id;           /* random: tells lists apart in caches; another every SUBLIST_ERA changes */
    struct trie trie; /* values: takers.h; its seed is that of all hashes */
    _Atomic(struct generations *) generations;
    struct lock lock;                        /* writers */
    uint32_t changes;                        /* since it has this id; under the lock */
    _Atomic uint64_t subs, inserts, removes; /* without hidden ones */
};

struct sublist *sublist_new(void);
/* Empty by then; nobody reads it any more. */
void sublist_free(struct sublist *list);

/* Any thread. */
static inline uint64_t sublist_id(const struct sublist *list)
{
    /* Relaxed: who reads the former one a moment too long finds results that still hold. */
    return atomic_load_explicit(&list->id, memory_order_relaxed);
}

/* A sub that was removed is not inserted again: it is retired. */
enum result sublist_insert(struct sublist *list, struct sub *sub) MUST_CHECK;
void sublist_remove(struct sublist *list, struct sub *sub);

/* After its NO_ECHO or FILTERED flag or its owner's filter changed: results are built again. */
void sublist_touch(struct sublist *list, struct sub *sub);

/* Subscriptions in it, without hidden ones.  any thread */
uint64_t sublist_count(const struct sublist *list);

/* All subscriptions, or those that match a literal subject; false from fn ends the walk. */
void sublist_walk(struct sublist *list, struct slice literal_or_empty,
                  bool (*fn)(struct sub *sub, void *arg), void *arg);

/* Has anybody interest in this literal subject?  For answers, not for the message path. */
bool sublist_wants(struct sublist *list, struct slice subject);

/* As /subsz shows them; those of the caches are deliver_figures'. */
struct sublist_figures {
    uint64_t subs, inserts, removes; /* without hidden ones */
};
void sublist_figures(const struct sublist *list, struct sublist_figures *out);
