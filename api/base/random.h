/*
 * random: random numbers, as an interface; seeded in tests.
 *
 * Ownership  whoever makes one owns it; users borrow it.
 * Thread     random_system: any.  A seeded one: one thread at a time.
 * Errors     none (the system's generator failing stops the process).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct random {
    void (*fill)(struct random *random, void *out, size_t len);
};

/* Cryptographically strong, the machine's. */
struct random *random_system(void);

/* Repeatable, not secret: for tests and for choices that nobody gains by guessing. */
struct random_seeded {
    struct random random;
    uint64_t state[4]; /* xoshiro256** */
};
void random_seed(struct random_seeded *random, uint64_t seed);

void random_fill(struct random *random, void *out, size_t len);
uint64_t random_u64(struct random *random);
/* Uniform in [0, bound), bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);
