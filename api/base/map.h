/*
 * map: hash table keyed by slices, seeded.
 *
 * Intrusive: an element embeds a struct map_link, so that linking cannot fail.  Hashing is
 * seeded at random (libsodium crypto_shorthash), so that peers cannot choose colliding keys.
 *
 * Ownership  keys and elements are the caller's; the key's bytes must live and stay equal
 *            while the element is linked.  The map owns its bucket array.
 * Thread     one at a time (the owner's, or under the owner's lock).
 * Errors     none; ERR_EXISTS is told by map_insert's return.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/check.h"
#include "api/base/slice.h"

struct map_link {
    struct map_link *next; /* in its bucket */
    struct slice key;      /* borrowed from the element */
    uint64_t hash;
};

struct map {
    struct map_link **buckets;
    size_t bucket_count; /* a power of two, or 0 before the first insert */
    size_t count;
};

/* {0} is a valid beginning. */
void map_init(struct map *map);
void map_fini(struct map *map);

/* False, and nothing changed, if the key is there already. */
bool map_insert(struct map *map, struct map_link *link, struct slice key);
struct map_link *map_find(const struct map *map, struct slice key);
/* The element must be in the map. */
void map_remove(struct map *map, struct map_link *link);

/*
 * Any order.  Begin with struct map_iter iter = {0}; NULL at the end.  The element returned
 * last may be removed (and freed); nothing else may change meanwhile.
 */
struct map_iter {
    size_t bucket;
    struct map_link *next;
};
struct map_link *map_next(const struct map *map, struct map_iter *iter);

/* The process's seeded hash of some bytes. */
uint64_t map_hash(struct slice key);

#define map_entry(link, type, member) container_of(link, type, member)
