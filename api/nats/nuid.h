/*
 * nuid: unique ids of 22 letters and digits.
 *
 * Twelve random characters, then a counter that begins and steps at random; the front is drawn
 * anew when the counter is used up.
 *
 * Ownership  the caller's struct.
 * Thread     one at a time for each struct.
 * Errors     none.
 */
#pragma once

#include <stdint.h>

#include "api/base/random.h"

enum { NUID_LEN = 22, NUID_FRONT_LEN = 12, NUID_TEXT_MAX = NUID_LEN + 1 };

struct nuid {
    struct random *random;
    char front[NUID_FRONT_LEN];
    uint64_t seq, step;
};

void nuid_init(struct nuid *nuid, struct random *random);
/* 22 characters and a 0. */
void nuid_next(struct nuid *nuid, char out[NUID_TEXT_MAX]);
