#include "api/base/random.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "api/base/check.h"

static void open_generator(void)
{
    CHECK(sodium_init() >= 0);
}

static void system_fill(struct random *random, void *out, size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    CHECK(pthread_once(&once, open_generator) == 0);
    randombytes_buf(out, len);
}

struct random *random_system(void)
{
    static struct random system = {.fill = system_fill};

    return &system;
}

static uint64_t rotate(uint64_t value, unsigned by)
{
    return (value << by) | (value >> (64 - by));
}

/* xoshiro256**, after Blackman and Vigna. */
static uint64_t seeded_next(uint64_t state[4])
{
    uint64_t out = rotate(state[1] * 5, 7) * 9;
    uint64_t carry = state[1] << 17;

    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= carry;
    state[3] = rotate(state[3], 45);
    return out;
}

static void seeded_fill(struct random *random, void *out, size_t len)
{
    struct random_seeded *seeded = container_of(random, struct random_seeded, random);
    char *to = out;

    while (len > 0) {
        uint64_t value = seeded_next(seeded->state);
        size_t part = len < sizeof(value) ? len : sizeof(value);

        memcpy(to, &value, part);
        to += part;
        len -= part;
    }
}

void random_seed(struct random_seeded *random, uint64_t seed)
{
    random->random.fill = seeded_fill;
    /* splitmix64 spreads the seed, so that a small one does not begin with small numbers. */
    for (size_t i = 0; i < COUNT_OF(random->state); i++) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        random->state[i] = z ^ (z >> 31);
    }
}

void random_fill(struct random *random, void *out, size_t len)
{
    random->fill(random, out, len);
}

uint64_t random_u64(struct random *random)
{
    uint64_t value;

    random_fill(random, &value, sizeof(value));
    return value;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    uint64_t unfair, value;

    CHECK(bound > 0);
    unfair = (0 - bound) % bound; /* 2^64 mod bound: so many of the lowest values are too many */
    do
        value = random_u64(random);
    while (value < unfair);
    return value % bound;
}
