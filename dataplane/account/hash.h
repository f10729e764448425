/*
 * hash: the keyed hash of subjects and tokens.
 *
 * Computed for every message, so it is short: 16 bytes a step, one multiplication each.  The
 * seed is random and secret for each sublist, so that nobody can choose colliding subjects.
 * Reads only the bytes given.
 *
 * Ownership  nothing is kept.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#include "api/base/slice.h"

/* The halves of the 128-bit product, folded. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_load8(const char *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint64_t hash_load4(const char *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint64_t hash_bytes(uint64_t seed, struct slice text)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15), even = UINT64_C(0xc2b2ae3d27d4eb4f);
    uint64_t h = seed ^ (text.len * odd), a = 0, b = 0;
    const char *at = text.data;
    size_t left = text.len;

    for (; left > 16; at += 16, left -= 16)
        h = hash_fold(hash_load8(at) ^ h, hash_load8(at + 8) ^ seed ^ even);
    if (left >= 8) {
        a = hash_load8(at);
        b = hash_load8(at + left - 8);
    } else if (left >= 4) {
        a = hash_load4(at);
        b = hash_load4(at + left - 4);
    } else if (left > 0) {
        a = (uint64_t)(unsigned char)at[0] | (uint64_t)(unsigned char)at[left / 2] << 8 |
            (uint64_t)(unsigned char)at[left - 1] << 16;
    }
    return hash_fold(hash_fold(a ^ h, b ^ seed ^ even), odd);
}

/* Never 0. */
static inline uint32_t hash_token(uint64_t seed, struct slice token)
{
    uint32_t hash = (uint32_t)(hash_bytes(seed, token) >> 32);

    return hash != 0 ? hash : 1;
}
