#include "controlplane/rest/limit.h"

#include <pthread.h>

#include "api/base/check.h"
#include "api/base/map.h"
#include "api/base/mem.h"

/* How often buckets that are full again are looked for, when a new one is wanted. */
#define SWEEP_EVERY_NS (10 * NS_PER_S)

struct bucket {
    struct map_link link;
    int64_t per_minute;
    int64_t level_ns; /* tokens, as the time it takes to earn them */
    int64_t seen_ns;
    char key[];
};

struct limit {
    pthread_mutex_t mutex;
    struct clock *clock;
    struct map buckets;
    struct bucket *shared; /* of those that found no room */
    int64_t swept_ns;
};

static struct bucket *bucket_new(struct slice key, int64_t now)
{
    struct bucket *bucket = mem_alloc(sizeof(*bucket) + key.len + 1);

    memcpy(bucket->key, key.data, key.len);
    bucket->seen_ns = now;
    return bucket;
}

struct limit *limit_new(struct clock *clock)
{
    struct limit *limit = mem_alloc(sizeof(*limit));

    pthread_mutex_init(&limit->mutex, NULL);
    limit->clock = clock;
    map_init(&limit->buckets);
    limit->shared = bucket_new(SLICE("(shared)"), clock_mono_ns(clock));
    return limit;
}

/* Everybody's bucket, or only those that are full again. */
static void drop_buckets(struct limit *limit, int64_t now, bool all)
{
    struct map_iter iter = {0};
    struct map_link *link;

    while ((link = map_next(&limit->buckets, &iter)) != NULL) {
        struct bucket *bucket = map_entry(link, struct bucket, link);

        if (!all && now - bucket->seen_ns < 60 * NS_PER_S)
            continue;
        map_remove(&limit->buckets, link);
        mem_free(bucket);
    }
}

void limit_free(struct limit *limit)
{
    if (limit == NULL)
        return;
    drop_buckets(limit, 0, true);
    map_fini(&limit->buckets);
    mem_free(limit->shared);
    pthread_mutex_destroy(&limit->mutex);
    mem_free(limit);
}

/* Under the mutex. */
static struct bucket *obtain(struct limit *limit, struct slice key, int64_t now)
{
    struct map_link *link = map_find(&limit->buckets, key);
    struct bucket *bucket;

    if (link != NULL)
        return map_entry(link, struct bucket, link);
    if (now - limit->swept_ns >= SWEEP_EVERY_NS) {
        limit->swept_ns = now;
        drop_buckets(limit, now, false);
    }
    if (limit->buckets.count >= LIMIT_BUCKETS_MAX)
        return limit->shared;
    bucket = bucket_new(key, now);
    map_insert(&limit->buckets, &bucket->link, slice_make(bucket->key, key.len));
    return bucket;
}

static bool look(struct limit *limit, struct slice key, int64_t per_minute, bool take,
                 struct limit_state *state)
{
    int64_t now = clock_mono_ns(limit->clock);
    int64_t price = 60 * NS_PER_S / per_minute;
    struct bucket *bucket;
    bool open;

    pthread_mutex_lock(&limit->mutex);
    bucket = obtain(limit, key, now);
    if (bucket->per_minute != per_minute) { /* new, or its rate was changed */
        bucket->per_minute = per_minute;
        bucket->level_ns = price * per_minute;
    }
    bucket->level_ns += now - bucket->seen_ns;
    bucket->seen_ns = now;
    if (bucket->level_ns > price * per_minute)
        bucket->level_ns = price * per_minute;
    open = bucket->level_ns >= price;
    if (open && take)
        bucket->level_ns -= price;
    *state = (struct limit_state){
        .per_minute = per_minute,
        .left = bucket->level_ns / price,
        .wait_s = open ? 0 : (price - bucket->level_ns + NS_PER_S - 1) / NS_PER_S,
    };
    pthread_mutex_unlock(&limit->mutex);
    return open;
}

bool limit_take(struct limit *limit, struct slice key, int64_t per_minute,
                struct limit_state *state)
{
    return look(limit, key, per_minute, true, state);
}

bool limit_open(struct limit *limit, struct slice key, int64_t per_minute,
                struct limit_state *state)
{
    return look(limit, key, per_minute, false, state);
}
