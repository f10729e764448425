/*
 * peer: the clients of a conversation, as bytes.
 *
 * All are read while one is waited for, and the server's log too, so that nobody blocks
 * the server.
 *
 * Ownership  a set owns its connections; the server is borrowed.
 * Thread     one at a time.
 * Errors     connect: false.  A failed write is not one: what was to be read decides.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/base/buf.h"
#include "api/base/random.h"
#include "api/base/slice.h"
#include "tests/lib/server_process.h"

enum { PEERS_MAX = 26 };

/* How what is sent is cut. */
enum peer_cut { CUT_WHOLE, CUT_BYTES, CUT_RANDOM, CUTS };

struct peer {
    int fd;         /* -1: not connected */
    bool used;      /* it has been connected once */
    bool ended;     /* the server has closed */
    bool logged_in; /* a CONNECT was sent */
    struct buf in;  /* received and not yet asked for */
    struct buf out; /* to be sent */
    json_t *info;   /* the last INFO; NULL before the first */
};

struct peer_set {
    struct peer peers[PEERS_MAX]; /* by letter */
    struct server_process *server;
    enum peer_cut cut;
    struct random_seeded random; /* of CUT_RANDOM */
    int timeout_ms;              /* of each wait */
};

void peer_set_init(struct peer_set *set, struct server_process *server);
void peer_set_fini(struct peer_set *set);

/* from: an address of this machine, or NULL. */
bool peer_connect(struct peer_set *set, struct peer *peer, const char *from);
void peer_close(struct peer *peer);
/* Ends what we send and waits until the server has closed as well: until then its subscriptions may
 * still be there, and a member of a queue group take a message.  False: it does not close. */
bool peer_leave(struct peer_set *set, struct peer *peer);

/* Sends what is in out, cut. */
void peer_flush(struct peer_set *set, struct peer *peer);

enum peer_line { PEER_LINE, PEER_ENDED, PEER_SILENT };

/* Has it received a whole line, or its end?  PEER_SILENT: neither.  The line has no CRLF. */
enum peer_line peer_peek(const struct peer *peer, struct slice *line);
/* The same, waiting for it. */
enum peer_line peer_wait(struct peer_set *set, struct peer *peer, struct slice *line);
/* Waits until something comes to anybody; false after the timeout. */
bool peer_set_wait(struct peer_set *set, int64_t deadline_ms);
int64_t peer_deadline_ms(const struct peer_set *set);
/* Gives up the line that peek has shown. */
void peer_drop_line(struct peer *peer, struct slice line);
