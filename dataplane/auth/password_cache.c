#include "dataplane/auth/password_cache.h"

#include <sodium.h>
#include <string.h>

#include "api/base/clock.h"
#include "api/base/random.h"

void password_cache_init(struct password_cache *cache)
{
    *cache = (struct password_cache){0};
    lock_init(&cache->lock);
    random_fill(random_system(), cache->key, sizeof(cache->key));
}

void password_cache_fini(struct password_cache *cache)
{
    sodium_memzero(cache->key, sizeof(cache->key));
    lock_fini(&cache->lock);
}

/* The length of the first tells where the second begins. */
static void hash_of(const struct password_cache *cache, struct slice stored, struct slice given,
                    uint8_t out[PASSWORD_CACHE_HASH])
{
    crypto_generichash_state state;
    uint64_t len = stored.len;

    crypto_generichash_init(&state, cache->key, sizeof(cache->key), PASSWORD_CACHE_HASH);
    crypto_generichash_update(&state, (const uint8_t *)&len, sizeof(len));
    crypto_generichash_update(&state, (const uint8_t *)stored.data, stored.len);
    crypto_generichash_update(&state, (const uint8_t *)given.data, given.len);
    crypto_generichash_final(&state, out, PASSWORD_CACHE_HASH);
}

static size_t slot_of(const uint8_t hash[PASSWORD_CACHE_HASH])
{
    uint32_t low;

    memcpy(&low, hash, sizeof(low));
    return low % PASSWORD_CACHE_SLOTS;
}

void password_cache_add(struct password_cache *cache, struct slice stored, struct slice given,
                        int64_t now_ns)
{
    uint8_t hash[PASSWORD_CACHE_HASH];
    size_t slot;

    hash_of(cache, stored, given, hash);
    slot = slot_of(hash);
    lock_write(&cache->lock);
    memcpy(cache->slots[slot].hash, hash, sizeof(hash));
    cache->slots[slot].until_ns = now_ns + PASSWORD_CACHE_NS;
    lock_release(&cache->lock);
}

bool password_cache_has(struct password_cache *cache, struct slice stored, struct slice given,
                        int64_t now_ns)
{
    uint8_t hash[PASSWORD_CACHE_HASH];
    size_t slot;
    bool found;

    hash_of(cache, stored, given, hash);
    slot = slot_of(hash);
    lock_read(&cache->lock);
    found = cache->slots[slot].until_ns > now_ns &&
            sodium_memcmp(cache->slots[slot].hash, hash, sizeof(hash)) == 0;
    lock_release(&cache->lock);
    return found;
}
