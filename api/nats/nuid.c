#include "api/nats/nuid.h"

#include <string.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

enum { BASE = 62, STEP_MIN = 33, STEP_MAX = 333 };

#define SEQ_END UINT64_C(839299365868340224) /* BASE to the tenth */

_Static_assert(sizeof(digits) - 1 == BASE, "digits");

static void draw_front(struct nuid *nuid)
{
    for (int i = 0; i < NUID_FRONT_LEN; i++)
        nuid->front[i] = digits[random_below(nuid->random, BASE)];
}

static void draw_counter(struct nuid *nuid)
{
    nuid->seq = random_below(nuid->random, SEQ_END);
    nuid->step = STEP_MIN + random_below(nuid->random, STEP_MAX - STEP_MIN);
}

void nuid_init(struct nuid *nuid, struct random *random)
{
    *nuid = (struct nuid){.random = random};
    draw_front(nuid);
    draw_counter(nuid);
}

void nuid_next(struct nuid *nuid, char out[NUID_TEXT_MAX])
{
    uint64_t seq;

    nuid->seq += nuid->step;
    if (nuid->seq >= SEQ_END) {
        draw_front(nuid);
        draw_counter(nuid);
    }
    memcpy(out, nuid->front, NUID_FRONT_LEN);
    seq = nuid->seq;
    for (int i = NUID_LEN - 1; i >= NUID_FRONT_LEN; i--) {
        out[i] = digits[seq % BASE];
        seq /= BASE;
    }
    out[NUID_LEN] = '\0';
}
