#include "dataplane/account/match_cache.h"

#include <sys/mman.h>

#include "api/base/check.h"
#include "api/base/mem.h"

enum {
    GROWTH = 4,
    SEEN_TAGS = 1 << 17,
    HUGE_PAGE = 2 << 20,
};

static char *map_pages(size_t size)
{
    char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(area != MAP_FAILED);
    return area;
}

/* A large cache is read at random: huge pages spare misses of the address translation. */
static void *area_new(size_t size)
{
    char *area, *aligned;

    if (size < 2 * HUGE_PAGE)
        return map_pages(size);
    area = map_pages(size + HUGE_PAGE);
    aligned = area + (HUGE_PAGE - (uintptr_t)area % HUGE_PAGE) % HUGE_PAGE;
    if (aligned > area)
        munmap(area, (size_t)(aligned - area));
    munmap(aligned + size, (size_t)(area + HUGE_PAGE - aligned));
    (void)madvise(aligned, size, MADV_HUGEPAGE);
    return aligned;
}

static size_t area_size(uint32_t capacity)
{
    return capacity * sizeof(struct cache_entry);
}

static void allocate(struct match_cache *cache, uint32_t capacity)
{
    uint32_t sets = capacity / CACHE_WAYS;

    cache->capacity = capacity;
    cache->set_mask = sets - 1;
    cache->count = 0;
    cache->entries = area_new(area_size(capacity));
    cache->sets = mem_alloc_aligned(64, sets * sizeof(cache->sets[0]));
    cache->used = mem_alloc_aligned(64, sets);
}

struct match_cache *match_cache_new(size_t entries_max, struct reclaim_reader *reader)
{
    struct match_cache *cache = mem_alloc(sizeof(*cache));
    uint32_t max = CACHE_ENTRIES_MIN;

    while (max < entries_max && max < 1u << 24)
        max *= 2;
    cache->capacity_max = max;
    cache->reader = reader;
    allocate(cache, CACHE_ENTRIES_MIN);
    return cache;
}

static void entry_drop(struct match_cache *cache, struct cache_entry *entry)
{
    struct match *match = cache_entry_match(entry);

    if (match != NULL) {
        cache->bytes -= match->size;
        match_retire(match, cache->reader);
    }
    entry->kind = CACHE_EMPTY;
}

void match_cache_free(struct match_cache *cache)
{
    if (cache == NULL)
        return;
    for (uint32_t i = 0; i < cache->capacity; i++)
        entry_drop(cache, &cache->entries[i]);
    munmap(cache->entries, area_size(cache->capacity));
    mem_free(cache->sets);
    mem_free(cache->used);
    mem_free(cache->seen);
    mem_free(cache);
}

/* Tag and set come from other bits than the generation's (the lowest). */
static uint16_t tag_of(uint64_t hash)
{
    return (uint16_t)((hash >> 48) | 1);
}

static uint32_t set_of(const struct match_cache *cache, uint64_t hash)
{
    return (uint32_t)(hash >> 16) & cache->set_mask;
}

/* A bit in the lane of each tag that is equal: at least the lowest one is exact. */
static inline uint64_t lanes_equal(const uint16_t *tags, uint16_t tag)
{
    const uint64_t ones = UINT64_C(0x0001000100010001), tops = UINT64_C(0x8000800080008000);
    uint64_t word;

    memcpy(&word, tags, sizeof(word));
    word ^= tag * ones;
    return (word - ones) & ~word & tops;
}

/* The subject's entry in its set, or CACHE_NOWHERE. */
static inline uint32_t set_find(const struct match_cache *cache, const struct sublist *list,
                                struct slice subject, uint64_t hash)
{
    uint32_t set = set_of(cache, hash);

    for (uint32_t half = 0; half < CACHE_WAYS; half += 4) {
        uint64_t lanes = lanes_equal(&cache->sets[set].tags[half], tag_of(hash));

        for (; lanes != 0; lanes &= lanes - 1) {
            uint32_t way = half + (uint32_t)__builtin_ctzll(lanes) / 16;
            const struct cache_entry *entry = &cache->entries[set * CACHE_WAYS + way];

            if (entry->hash == hash && cache_entry_is(entry, list, subject))
                return set * CACHE_WAYS + way;
        }
    }
    return CACHE_NOWHERE;
}

bool match_cache_find(struct match_cache *cache, const struct sublist *list, struct slice subject,
                      struct cache_place *place, struct match_result *result)
{
    const struct cache_entry *entry;
    uint8_t *used, bit;

    place->hash = hash_bytes(list->trie.seed, subject);
    place->entry = set_find(cache, list, subject, place->hash);
    if (place->entry == CACHE_NOWHERE)
        return false;
    entry = &cache->entries[place->entry];
    if (!cache_entry_holds(entry, list))
        return false;
    used = &cache->used[place->entry / CACHE_WAYS];
    bit = (uint8_t)(1u << place->entry % CACHE_WAYS);
    if ((*used & bit) == 0)
        *used |= bit;
    cache_entry_result(entry, result);
    return true;
}

/* Was this subject asked for before?  From now on it was. */
static bool seen_before(struct match_cache *cache, uint64_t hash)
{
    uint32_t at = (uint32_t)(hash >> 16) % SEEN_TAGS;

    if (cache->seen == NULL)
        cache->seen = mem_alloc_array(SEEN_TAGS, sizeof(cache->seen[0]));
    if (cache->seen[at] == tag_of(hash))
        return true;
    cache->seen[at] = tag_of(hash);
    return false;
}

static void place_entry(struct match_cache *cache, uint32_t index, const struct cache_entry *entry)
{
    cache->entries[index] = *entry;
    cache->sets[index / CACHE_WAYS].tags[index % CACHE_WAYS] = tag_of(entry->hash);
    cache->count++;
}

/* An empty way of the hash's set, or CACHE_NOWHERE. */
static uint32_t empty_way(const struct match_cache *cache, uint64_t hash)
{
    uint32_t set = set_of(cache, hash);

    for (uint32_t way = 0; way < CACHE_WAYS; way++)
        if (cache->entries[set * CACHE_WAYS + way].kind == CACHE_EMPTY)
            return set * CACHE_WAYS + way;
    return CACHE_NOWHERE;
}

static void grow(struct match_cache *cache)
{
    struct match_cache old = *cache;

    cache->crowded = cache->asked_again = 0;
    if (old.capacity * GROWTH <= old.capacity_max)
        allocate(cache, old.capacity * GROWTH);
    else
        allocate(cache, old.capacity_max);
    for (uint32_t i = 0; i < old.capacity; i++) {
        uint32_t to;

        if (old.entries[i].kind == CACHE_EMPTY)
            continue;
        to = empty_way(cache, old.entries[i].hash);
        if (to != CACHE_NOWHERE)
            place_entry(cache, to, &old.entries[i]);
        else
            entry_drop(cache, &old.entries[i]);
    }
    munmap(old.entries, area_size(old.capacity));
    mem_free(old.sets);
    mem_free(old.used);
}

/* Not used since the hand came by last. */
static uint32_t victim(struct match_cache *cache, uint32_t set)
{
    uint8_t *used = &cache->used[set];

    for (unsigned i = 0; i < 2 * CACHE_WAYS; i++) {
        uint32_t way = cache->hand++ % CACHE_WAYS;

        if ((*used & (1u << way)) == 0)
            return set * CACHE_WAYS + way;
        *used &= (uint8_t) ~(1u << way);
    }
    return set * CACHE_WAYS;
}

/*
 * Where the new entry goes: its old place, an empty or a stale one; for a subject that was
 * asked for before, a victim's.  costly: it needs an allocation, which only a subject asked for
 * before is worth.
 */
static uint32_t choose_place(struct match_cache *cache, const struct sublist *list,
                             const struct cache_place *place, bool costly)
{
    uint32_t set = set_of(cache, place->hash), at;

    if (place->entry != CACHE_NOWHERE)
        return place->entry;
    if (costly && !seen_before(cache, place->hash))
        return CACHE_NOWHERE;
    at = empty_way(cache, place->hash);
    if (at != CACHE_NOWHERE)
        return at;
    for (uint32_t i = set * CACHE_WAYS; i < (set + 1) * CACHE_WAYS; i++)
        if (cache->entries[i].list == sublist_id(list) &&
            !cache_entry_holds(&cache->entries[i], list))
            return i; /* of another list one cannot tell: it may be gone */
    if (++cache->crowded > cache->capacity)
        cache->crowded = cache->asked_again = 0;
    if (!costly && !seen_before(cache, place->hash))
        return CACHE_NOWHERE;
    if (++cache->asked_again > cache->capacity / 4 && cache->capacity < cache->capacity_max) {
        grow(cache);
        at = empty_way(cache, place->hash);
    }
    return at != CACHE_NOWHERE ? at : victim(cache, set_of(cache, place->hash));
}

static uint8_t first_hash(const struct sublist *list, struct slice subject)
{
    const char *dot = memchr(subject.data, '.', subject.len);
    size_t len = dot != NULL ? (size_t)(dot - subject.data) : subject.len;

    return (uint8_t)hash_token(list->trie.seed, slice_make(subject.data, len));
}

static void forget_matches(struct match_cache *cache)
{
    for (uint32_t i = 0; i < cache->capacity; i++) {
        if (cache_entry_match(&cache->entries[i]) == NULL)
            continue;
        entry_drop(cache, &cache->entries[i]);
        cache->count--;
    }
}

/* May a match of that size be copied now?  Makes room for it. */
static bool afford(struct match_cache *cache, size_t size)
{
    uint64_t epoch = reclaim_entered(cache->reader);

    if (cache->epoch != epoch)
        cache->copied = 0;
    cache->epoch = epoch;
    if (size > CACHE_BYTES_MAX - cache->copied)
        return false;
    cache->copied += size;
    if (cache->bytes + size > CACHE_BYTES_MAX)
        forget_matches(cache);
    return true;
}

uint32_t match_cache_build(struct match_cache *cache, const struct sublist *list,
                           struct slice subject, struct cache_place *place,
                           struct match_builder *builder, struct match_result *result)
{
    struct cache_entry entry = {
        .list = sublist_id(list), .hash = place->hash, .kind = CACHE_INLINE};
    uint32_t work;
    bool costly;

    if (subject.len == 0 || subject.len > UINT16_MAX)
        return match_build(builder, list, subject, result);
    entry.len = (uint16_t)subject.len;
    entry.first = first_hash(list, subject);
    entry.sum = generation_sum(atomic_load_explicit(&list->generations, memory_order_acquire),
                               entry.hash, entry.first);
    work = match_build(builder, list, subject, result);
    costly = result->match != NULL || subject.len > CACHE_TEXT;
    place->entry = choose_place(cache, list, place, costly);
    if (place->entry == CACHE_NOWHERE)
        return work;
    if (costly && !afford(cache, subject.len + (result->match != NULL ? result->match->size : 0))) {
        place->entry = CACHE_NOWHERE;
        return work;
    }
    entry.value = result->one;
    if (costly) {
        struct match *kept =
            match_copy(result, subject.len > CACHE_TEXT ? subject : slice_make(NULL, 0));

        cache->bytes += kept->size;
        entry.kind = result->match != NULL ? CACHE_MATCH : CACHE_LONG;
        entry.value = (uint64_t)(uintptr_t)kept;
        result->match = result->match != NULL ? kept : NULL;
        result->lasting = true;
    }
    if (subject.len <= CACHE_TEXT)
        memcpy(entry.text, subject.data, subject.len);
    if (cache->entries[place->entry].kind != CACHE_EMPTY) {
        entry_drop(cache, &cache->entries[place->entry]);
        cache->count--;
    }
    place_entry(cache, place->entry, &entry);
    return work;
}
