/*
 * conn_talker: a conn with an owner that notes what happens, on workers of its own; the test holds
 * the other end of the socket.  Its language: lines; how they are understood is up to each test.
 *
 * Ownership  a talker is the test's; its workers live from start to finish.
 * Thread     the test's, but what says otherwise.
 * Errors     none: what goes wrong fails the test.
 */
#pragma once

#include <stdatomic.h>

#include "dataplane/core/conn.h"
#include "dataplane/core/worker.h"

struct talker {
    struct conn conn;
    struct workers *workers;
    size_t (*understand)(struct talker *talker, char *data, size_t len, size_t *want);
    struct conn_options options;
    struct clock *clock; /* NULL: the machine's */
    size_t memory_max;
    void (*at_end)(struct talker *talker);
    atomic_int ended, end, closed, moved;
    atomic_uint_fast64_t lines, calls;
    _Atomic unsigned worker;
    struct shared *kept;
    uint64_t next;
    int fd;   /* handed to conn_open */
    int peer; /* the test's end */
};

/* Has been closed?  On its worker. */
bool talker_is_closed(struct worker *worker, void *talker);
void talker_start(struct talker *talker, unsigned count);
/* Waits for on_closed, and that nothing is held any more. */
void talker_finish(struct talker *talker);

/* The test's end of the socket, in any thread. */
void talker_send(int fd, const void *data, size_t len);
void talker_receive(int fd, void *data, size_t len);
void talker_expect_end(int fd);

/* To be understood: "NUMBER xxxx\n", counting up, each answered by "NUMBER\n". */
size_t talker_lines(struct talker *talker, char *data, size_t len, size_t *want);

/* More than a socket takes, in all the ways that there are, on its worker; and what arrives. */
enum { TALKER_MUCH = 3 << 20 };
void talker_write_much(struct worker *worker, void *talker);
void talker_check_much(int fd);
