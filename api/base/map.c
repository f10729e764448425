#include "api/base/map.h"

#include <pthread.h>
#include <sodium.h>

#include "api/base/check.h"
#include "api/base/mem.h"

enum { BUCKETS_MIN = 16 };

/* Drawn once, then constant. */
static unsigned char hash_key[crypto_shorthash_KEYBYTES];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void draw_hash_key(void)
{
    CHECK(sodium_init() >= 0);
    randombytes_buf(hash_key, sizeof(hash_key));
}

static struct map_link **bucket_of(const struct map *map, uint64_t hash)
{
    return &map->buckets[hash & (map->bucket_count - 1)];
}

static void grow(struct map *map)
{
    struct map old = *map;

    map->bucket_count = old.bucket_count > 0 ? old.bucket_count * 2 : BUCKETS_MIN;
    map->buckets = mem_alloc_array(map->bucket_count, sizeof(struct map_link *));
    for (size_t i = 0; i < old.bucket_count; i++) {
        struct map_link *link = old.buckets[i];

        while (link != NULL) {
            struct map_link *next = link->next;
            struct map_link **bucket = bucket_of(map, link->hash);

            link->next = *bucket;
            *bucket = link;
            link = next;
        }
    }
    mem_free(old.buckets);
}

static struct map_link *find(const struct map *map, struct slice key, uint64_t hash)
{
    if (map->bucket_count == 0)
        return NULL;
    for (struct map_link *link = *bucket_of(map, hash); link != NULL; link = link->next)
        if (link->hash == hash && slice_equal(link->key, key))
            return link;
    return NULL;
}

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_fini(struct map *map)
{
    mem_free(map->buckets);
    *map = (struct map){0};
}

bool map_insert(struct map *map, struct map_link *link, struct slice key)
{
    uint64_t hash = map_hash(key);
    struct map_link **bucket;

    if (find(map, key, hash) != NULL)
        return false;
    if (map->count >= map->bucket_count)
        grow(map);
    bucket = bucket_of(map, hash);
    *link = (struct map_link){.next = *bucket, .key = key, .hash = hash};
    *bucket = link;
    map->count++;
    return true;
}

struct map_link *map_find(const struct map *map, struct slice key)
{
    return map->count > 0 ? find(map, key, map_hash(key)) : NULL;
}

void map_remove(struct map *map, struct map_link *link)
{
    struct map_link **at;

    CHECK(map->count > 0);
    at = bucket_of(map, link->hash);
    while (*at != link) {
        CHECK(*at != NULL);
        at = &(*at)->next;
    }
    *at = link->next;
    link->next = NULL;
    map->count--;
}

struct map_link *map_next(const struct map *map, struct map_iter *iter)
{
    struct map_link *link = iter->next;

    while (link == NULL && iter->bucket < map->bucket_count)
        link = map->buckets[iter->bucket++];
    iter->next = link != NULL ? link->next : NULL;
    return link;
}

uint64_t map_hash(struct slice key)
{
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t hash;

    _Static_assert(sizeof(out) == sizeof(hash), "the hash has 64 bits");
    CHECK(pthread_once(&hash_key_once, draw_hash_key) == 0);
    crypto_shorthash(out, (const unsigned char *)key.data, key.len, hash_key);
    memcpy(&hash, out, sizeof(hash));
    return hash;
}
