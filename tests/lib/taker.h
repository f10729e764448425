/*
 * taker: subscriptions for tests of routing: what a session would embed, without a session.
 *
 * Ownership  takers_of_test allocates; the texts lie behind the struct.
 * Thread     as sub.h says.
 * Errors     none.
 */
#pragma once

#include "dataplane/account/sub.h"

struct taker {
    struct sub sub;
    unsigned index; /* the test's */
    _Atomic uint64_t got;
    void *test; /* the test's */
    char text[];
};

/* Subject and queue (NULL: none) are copied; mem_free. */
struct taker *taker_new(struct sub_owner *owner, const char *subject, const char *queue);
struct taker *taker_of(struct sub *sub);
/* Retires it, on a worker; it must be out of the trie. */
void taker_retire(struct taker *taker, struct reclaim_reader *reader);
