/*
 * match_cache: what one worker remembers of subjects it routed.
 *
 * Set-associative, 8 ways.  An entry is one cache line: the subject (up to 32 bytes) and the
 * result itself when that is nobody or one plain taker; a match (with the subject, if it is
 * longer) else.  16-bit tags of a set lie apart, dense, so that a miss touches one line and a
 * hit two.  An entry holds while its generation sum does (generation.h), and is found while its
 * list has the id it had (sublist.h).
 *
 * What is kept: a subject that finds a free or stale place enters at once if its entry needs no
 * match; otherwise only when it was asked for before and missed (a table of tags remembers): so
 * the reply subjects of requests, each used once, neither push out others nor cost an allocation.
 * The victim is chosen by clock bits.  When a quarter of the subjects that find no place were
 * asked for before, the cache grows fourfold, up to its bound.
 *
 * Memory.  Matches may be large (many takers).  All that are kept are at most CACHE_BYTES_MAX:
 * beyond, all are dropped.  No more than that is copied between two grace periods, since what is
 * replaced waits for the second of them; a match that would be too much is built each time.
 *
 * Ownership  entries own their matches; dropped ones are retired.
 * Thread     the worker's.
 * Errors     none.
 */
#pragma once

#include "dataplane/account/hash.h"
#include "dataplane/account/match.h"

enum {
    CACHE_WAYS = 8,
    CACHE_TEXT = 32,
    CACHE_ENTRIES_MIN = 512,
    CACHE_BYTES_MAX = 32 << 20,
};

enum cache_kind {
    CACHE_EMPTY,
    CACHE_INLINE, /* value: a slot or 0; text in the entry */
    CACHE_MATCH,  /* value: a match; text in the entry, or in the match if it is longer */
    CACHE_LONG,   /* value: a match that stands for a slot or nobody, for its text */
};

struct cache_entry {
    uint64_t list; /* sublist's id */
    uint64_t hash;
    uint32_t sum; /* of the generations it was built under */
    uint8_t first;
    uint8_t kind;
    uint16_t len; /* of the subject */
    uint64_t value;
    char text[CACHE_TEXT];
};

_Static_assert(sizeof(struct cache_entry) == 64, "one cache line");

struct cache_set {
    _Alignas(16) uint16_t tags[CACHE_WAYS];
};

struct match_cache {
    struct cache_entry *entries;
    struct cache_set *sets;
    uint8_t *used; /* a clock bit for each way; one byte for each set */
    uint32_t set_mask;
    uint32_t capacity, capacity_max, count;
    uint32_t crowded;     /* subjects that found no place, of late */
    uint32_t asked_again; /* those of them that were asked for before */
    size_t bytes;         /* of the matches kept */
    size_t copied;        /* bytes of matches made in `epoch` */
    uint64_t epoch;
    uint8_t hand;
    uint16_t *seen; /* tags of subjects that missed, by hash; NULL until it is needed */
    struct reclaim_reader *reader;
};

/* entries_max is rounded to a power of two. */
struct match_cache *match_cache_new(size_t entries_max, struct reclaim_reader *reader);
/* Retires every match. */
void match_cache_free(struct match_cache *cache);

/* Where a search ended: the entry (also a stale one), for the next search and for putting. */
struct cache_place {
    uint64_t hash;
    uint32_t entry; /* index; CACHE_NOWHERE: not there */
};
enum { CACHE_NOWHERE = UINT32_MAX };

/* True: *result holds.  False: it is not there or stale. */
bool match_cache_find(struct match_cache *cache, const struct sublist *list, struct slice subject,
                      struct cache_place *place, struct match_result *result);

/*
 * After a search that found nothing: builds the result, and keeps it if that is worth while; it
 * is valid until the builder's next use or the end of the turn, whichever is first.  Returns the
 * work it was, as match_build does.
 */
uint32_t match_cache_build(struct match_cache *cache, const struct sublist *list,
                           struct slice subject, struct cache_place *place,
                           struct match_builder *builder, struct match_result *result);

/* --- the way of a repeated subject, inline ------------------------------------------------- */

static inline struct match *cache_entry_match(const struct cache_entry *entry)
{
    return entry->kind >= CACHE_MATCH ? (struct match *)(uintptr_t)entry->value : NULL;
}

/* Short texts: by overlapping words rather than a call. */
static inline bool cache_text_equal(const char *a, const char *b, size_t len)
{
    if (len > 32)
        return memcmp(a, b, len) == 0;
    if (len >= 8) {
        for (size_t i = 0; i + 8 < len; i += 8)
            if (hash_load8(a + i) != hash_load8(b + i))
                return false;
        return hash_load8(a + len - 8) == hash_load8(b + len - 8);
    }
    if (len >= 4)
        return hash_load4(a) == hash_load4(b) && hash_load4(a + len - 4) == hash_load4(b + len - 4);
    for (size_t i = 0; i < len; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static inline bool cache_entry_is(const struct cache_entry *entry, const struct sublist *list,
                                  struct slice subject)
{
    if (entry->list != sublist_id(list) || entry->len != subject.len || entry->kind == CACHE_EMPTY)
        return false;
    if (subject.len <= CACHE_TEXT)
        return cache_text_equal(entry->text, subject.data, subject.len);
    return cache_text_equal(match_text(cache_entry_match(entry)).data, subject.data, subject.len);
}

static inline bool cache_entry_holds(const struct cache_entry *entry, const struct sublist *list)
{
    /* Acquire: the counters of the set were set before it was published. */
    const struct generations *set = atomic_load_explicit(&list->generations, memory_order_acquire);

    return generation_sum(set, entry->hash, entry->first) == entry->sum;
}

static inline void cache_entry_result(const struct cache_entry *entry, struct match_result *result)
{
    const struct match *match = cache_entry_match(entry);

    result->one = entry->kind == CACHE_INLINE ? entry->value : 0;
    result->match = match;
    result->lasting = true;
    if (entry->kind == CACHE_LONG) {
        result->one = match->plain > 0 ? match->slots[0] : 0;
        result->match = NULL;
    }
}

/* As match_cache_find, by looking at one entry only: no hash. */
static inline bool match_cache_again(const struct match_cache *cache, const struct sublist *list,
                                     struct slice subject, uint32_t entry,
                                     struct match_result *result)
{
    const struct cache_entry *at;

    if (entry >= cache->capacity)
        return false;
    at = &cache->entries[entry];
    if (!cache_entry_is(at, list, subject) || !cache_entry_holds(at, list))
        return false;
    cache_entry_result(at, result);
    return true;
}
