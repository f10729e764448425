/*
 * limit: how often somebody may ask: token buckets by key.
 *
 * A bucket holds as many tokens as its rate gives in a minute and is refilled from the clock when
 * it is looked at.  Buckets that are full again are forgotten; at most LIMIT_BUCKETS_MAX are kept,
 * and when there is no room a new key shares one bucket with all others that found none.
 *
 * Ownership  keys are copied.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/clock.h"
#include "api/base/slice.h"

enum { LIMIT_BUCKETS_MAX = 50000 };

struct limit;

struct limit_state {
    int64_t per_minute, left;
    int64_t wait_s; /* until one is there; 0: now */
};

struct limit *limit_new(struct clock *clock);
void limit_free(struct limit *limit);
/* Takes one; false if there is none. */
bool limit_take(struct limit *limit, struct slice key, int64_t per_minute,
                struct limit_state *state);
/* Looks without taking. */
bool limit_open(struct limit *limit, struct slice key, int64_t per_minute,
                struct limit_state *state);
