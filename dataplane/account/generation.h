/*
 * generation: counters that tell a cached match result whether it still holds.
 *
 * By the hash of a literal subject, by the hash of the first token of a wildcard subject whose
 * first token is literal, and one for subjects that begin with a wildcard.  A writer raises one
 * counter after each change of the trie; a reader takes the sum of its three *before* it builds
 * a result.  Counters only rise, so an unchanged sum is three unchanged counters, as long as it is
 * compared before 2^32 changes have come: sublist.h sees to that.
 *
 * A small list has few counters; when it grows, a larger set takes over, whose counters begin
 * above all of the old ones, so that every older result ends.
 *
 * Ownership  the sublist's; a replaced set goes to its grave.
 * Thread     raise, grow: under the list's lock.  sum: any.
 * Errors     none.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "api/base/slice.h"
#include "dataplane/account/grave.h"

enum {
    GENERATION_LITERALS = 1024,
    GENERATION_FIRSTS = 256,
    GENERATION_SMALL = 16, /* of each, to begin */
};

struct generations {
    uint32_t literal_mask, first_mask;
    _Atomic uint32_t wild;
    _Atomic uint32_t at[]; /* literals, then firsts */
};

/* first: the low bits of the hash of the first token. */
static inline uint32_t generation_sum(const struct generations *set, uint64_t hash, uint8_t first)
{
    const _Atomic uint32_t *literal = &set->at[hash & set->literal_mask];
    const _Atomic uint32_t *token = &set->at[set->literal_mask + 1 + (first & set->first_mask)];

    /* Acquire: what is built after this has seen the changes that are counted here. */
    return atomic_load_explicit(literal, memory_order_acquire) +
           atomic_load_explicit(token, memory_order_acquire) +
           atomic_load_explicit(&set->wild, memory_order_acquire);
}

struct generations *generations_new(void);
/* One with all counters; from goes to the grave. */
struct generations *generations_grown(struct generations *from, struct grave **grave);
/* After a change of a subscription on this valid subject; seed: of the hashes. */
void generations_raise(struct generations *set, uint64_t seed, struct slice subject, bool literal);
