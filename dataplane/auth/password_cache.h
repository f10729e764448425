/*
 * password_cache: passwords that bcrypt has said yes to lately, as keyed hashes.
 *
 * So that a storm of reconnecting clients does not cost 100 ms of a core each.
 *
 * Ownership  the caller's struct.
 * Thread     any; a lock inside.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/lock.h"
#include "api/base/slice.h"

enum {
    PASSWORD_CACHE_SLOTS = 1024, /* a newer one displaces an older one in its slot */
    PASSWORD_CACHE_KEY = 32,
    PASSWORD_CACHE_HASH = 32
};
#define PASSWORD_CACHE_NS (300 * NS_PER_S)

struct password_cache {
    struct lock lock;
    uint8_t key[PASSWORD_CACHE_KEY]; /* random, of this process */
    struct {
        uint8_t hash[PASSWORD_CACHE_HASH];
        int64_t until_ns; /* monotonic; 0: empty */
    } slots[PASSWORD_CACHE_SLOTS];
};

void password_cache_init(struct password_cache *cache);
void password_cache_fini(struct password_cache *cache);
void password_cache_add(struct password_cache *cache, struct slice stored, struct slice given,
                        int64_t now_ns);
bool password_cache_has(struct password_cache *cache, struct slice stored, struct slice given,
                        int64_t now_ns);
