/*
 * watched: a station that is watched: accounts $SYS, A and B, each with one user, and two guests
 * who are in: the system's, who asks, and A's, who is seen.
 *
 * A test program has one.
 *
 * Ownership  lives from watched_set_up to watched_tear_down.
 * Thread     the test's main thread.
 * Errors     none; what goes wrong fails the test.
 */
#pragma once

#include "tests/lib/station.h"

/* CONNECT of the user sys, a or b. */
#define WATCHED_AS(who) \
    "{\"verbose\":false,\"user\":\"" who "\",\"pass\":\"" who "\",\"name\":\"n" who "\"}"

struct watched {
    struct station station; /* server srv, HTTP on any free port, two workers */
    struct guest sys, a;
};
extern struct watched watched;

/* For cmocka_run_group_tests. */
int watched_set_up(void **state);
int watched_tear_down(void **state);
