/*
 * conn: a stream of bytes: input in place, output queue, back-pressure.
 *
 * Embedded in its owner (a session).  Input is read into the worker's shared buffer and handed
 * to on_data where it lies; what on_data does not consume is kept by the conn and presented
 * again, contiguous with what comes next.  An idle conn owns no buffers.
 *
 * Output is appended to a chain of pooled chunks and flushed once at the end of the turn (at
 * once beyond CONN_FLUSH_AT).  Small pieces are copied; a large one is referenced (shared.h).
 * More than out_max bytes waiting, or a write deadline passed: on_end, once; nobody else waits.
 *
 * Closing: conn_close stops input at once, sends what is queued if `flush` (within
 * CONN_LINGER_NS, without holding up anything else), closes the socket, and calls on_closed
 * from the end of a turn: never inside a callback of the same conn; the owner may free itself
 * then.
 *
 * io: how bytes reach the socket.  conn_io_plain is recv/sendmsg; TLS and WebSocket are others.
 *
 * Ownership  the owner embeds it; the conn owns the fd and its buffers.
 * Thread     its worker's.
 * Errors     told by on_end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "api/base/result.h"
#include "dataplane/core/shared.h"
#include "dataplane/core/worker.h"

enum {
    CONN_FLUSH_AT = 64 << 10,
    CONN_COPY_MAX = 1 << 10,      /* always copied up to here */
    CONN_REFERENCE_MIN = 4 << 10, /* always referenced from here; between: by number of takers */
};
#define CONN_LINGER_NS (100 * NS_PER_MS)

enum conn_end {
    CONN_END_PEER,     /* the peer closed, in order */
    CONN_END_READ,     /* a read failed */
    CONN_END_WRITE,    /* a write failed */
    CONN_END_PENDING,  /* more than out_max waiting */
    CONN_END_DEADLINE, /* the peer took nothing for write_deadline_ns */
};

struct conn;

struct conn_ops {
    /*
     * Returns how many bytes of data were consumed.  If fewer than len, *want says how many
     * bytes (from the first one not consumed) are needed before calling again makes sense,
     * or 0 if not known.  data may be written to.
     */
    size_t (*on_data)(struct conn *conn, char *data, size_t len, size_t *want);
    /* The peer is gone or slow, or an error: the owner calls conn_close (it may write first). */
    void (*on_end)(struct conn *conn, enum conn_end end);
    /* Last call, from the end of a turn. */
    void (*on_closed)(struct conn *conn);
};

struct conn_io {
    const char *name;
    /* As recv and writev: bytes, 0 at the end, -1 with errno. */
    ssize_t (*read)(struct conn *conn, void *data, size_t len);
    ssize_t (*write)(struct conn *conn, const struct iovec *pieces, int count);
};
extern const struct conn_io conn_io_plain;

struct conn_options {
    size_t out_max;            /* bytes waiting (max_pending); 0: no limit */
    int64_t write_deadline_ns; /* 0: none */
};

struct conn {
    struct loop_io event; /* fd; -1 once closed */
    struct worker *worker;
    const struct conn_ops *ops;
    const struct conn_io *io;
    struct flushable flushable;
    struct out_piece *out_first, *out_last;
    size_t out_bytes; /* waiting in the queue */
    struct conn_options options;
    bool closing, ended; /* conn_close was called; on_end was called */
    bool blocked;        /* the socket took no more; EPOLLOUT is on */
    bool paused;         /* by the owner */
    uint32_t read_size;  /* adapts to the peer */
    size_t left_want;
    struct chunk *left; /* input not yet consumed; NULL when there is none */
    int64_t blocked_since_ns;
    struct timer timer; /* write deadline, linger */
    struct deferred deferred;
    uint64_t bytes_in, bytes_out; /* on the wire */
};

/* Takes the fd (made non-blocking, TCP_NODELAY); watches for input on this worker. */
enum result conn_open(struct conn *conn, struct worker *worker, int fd, const struct conn_ops *ops,
                      const struct conn_options *options) MUST_CHECK;

void conn_write(struct conn *conn, const void *data, size_t len);
/*
 * Room for len bytes (at most CONN_FLUSH_AT) at the end of the queue, contiguous, to be filled
 * at once; they count as written.  The fast way for MSG lines.  Never NULL: what is written to
 * a closed conn goes nowhere.
 */
char *conn_reserve(struct conn *conn, size_t len);
/* References bytes [offset, offset+len) of shared; takes a reference of its own. */
void conn_write_shared(struct conn *conn, struct shared *shared, size_t offset, size_t len);
/* Sends what can be sent now. */
void conn_flush(struct conn *conn);

/* No input until resumed; for log-ins that take time, and for moves. */
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);

void conn_close(struct conn *conn, bool flush);

/*
 * Moves the conn, its unread bytes and its output to another worker; on_moved runs there with
 * the same conn, which then belongs to that worker.  May be called from on_data, which then
 * consumes nothing more (it returns what it consumed so far): the rest is presented again there.
 * The owner has no timers armed and is in no list of the old worker.
 */
void conn_move(struct conn *conn, unsigned to, void (*on_moved)(struct conn *conn));

int conn_fd(const struct conn *conn);
