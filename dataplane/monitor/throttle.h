/*
 * throttle: so many of something in a second, for each of many keys, in bounded memory.
 *
 * A slot holds the time at which its allowance is whole again; keys that meet in a slot share
 * it, which only makes them wait a little longer.
 *
 * Ownership  the caller's struct; {0} is a valid beginning.
 * Thread     one at a time.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { THROTTLE_SLOTS = 256 };

struct throttle {
    int64_t whole_at_ns[THROTTLE_SLOTS];
};

/* every_ns for each in the long run, and burst of them at once. */
bool throttle_allows(struct throttle *throttle, uint64_t key, int64_t now_ns, int64_t every_ns,
                     unsigned burst);
