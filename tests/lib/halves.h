/*
 * halves: half requests of HTTP that never end: a thread adds a header to each now and then, so
 * that no idle timeout ends them.
 *
 * Ownership  the caller's memory; halves_fini closes the sockets.
 * Thread     init, stop, fini: the test's.
 * Errors     a failed assertion.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { HALVES_MAX = 512 };

struct halves {
    int fds[HALVES_MAX];
    size_t count;
    atomic_bool stop;
    pthread_t thread;
};

/* count of them from 127.0.0.1, in order, each asks for `path`. */
void halves_init(struct halves *halves, int port, size_t count, const char *path);
/* No more headers. */
void halves_stop(struct halves *halves);
void halves_fini(struct halves *halves);

int halves_dial(int port);
/* Ends the request at `index`: was it answered with 200? */
bool halves_answered(const struct halves *halves, size_t index);
/* The server has closed the one at `index`, or does now. */
bool halves_closed(const struct halves *halves, size_t index);
