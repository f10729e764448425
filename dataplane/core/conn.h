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
 * From then on what is written goes nowhere.
 *
 * on_end and on_closed are called from the loop, never from inside conn_write and the like.
 *
 * Large input: when on_data wants more than CONN_LARGE_MIN bytes, the rest is received straight
 * into a shared of that size, and conn_input_shared gives it to whoever wants to keep it.
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
#include "dataplane/core/output.h"
#include "dataplane/core/shared.h"
#include "dataplane/core/worker.h"

enum {
    CONN_FLUSH_AT = 256 << 10, /* more than one quantum of input makes for one taker */
    CONN_RESERVE_MAX = OUTPUT_RESERVE_MAX,
    CONN_COPY_MAX = 1 << 10,      /* always copied up to here */
    CONN_REFERENCE_MIN = 4 << 10, /* always referenced from here; between: by number of takers */
    CONN_LARGE_MIN = 16 << 10,    /* input that gets memory of its own */
};
#define CONN_LINGER_NS (100 * NS_PER_MS)

enum conn_end {
    CONN_END_PEER,     /* the peer closed, in order */
    CONN_END_READ,     /* a read failed */
    CONN_END_WRITE,    /* a write failed */
    CONN_END_PENDING,  /* more than out_max waiting */
    CONN_END_DEADLINE, /* what waited was not taken within write_deadline_ns */
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
    /* As readv and writev: bytes, 0 at the end, -1 with errno. */
    ssize_t (*read)(struct conn *conn, const struct iovec *parts, int count);
    ssize_t (*write)(struct conn *conn, const struct iovec *pieces, int count);
};
extern const struct conn_io conn_io_plain;

struct conn_options {
    size_t out_max;            /* bytes waiting (max_pending); 0: no limit */
    int64_t write_deadline_ns; /* 0: none */
};

struct conn {
    struct loop_io event;  /* fd; -1 once closed */
    struct worker *worker; /* NULL while it moves */
    const struct conn_ops *ops;
    const struct conn_io *io;
    struct output out;
    size_t out_press;     /* more waiting than that: flush, or the end; 0: nothing is taken */
    bool closing, ended;  /* conn_close was called; on_end was called */
    bool dead, failed;    /* nothing is sent any more; `end` says why, on_end is due */
    bool blocked;         /* the socket took no more; EPOLLOUT is on */
    bool paused, held;    /* no input: by the owner; by back-pressure */
    bool in_data, again;  /* on_data is running; present what is left without reading */
    bool moving;          /* conn_move was called */
    uint8_t end;          /* enum conn_end, when failed */
    uint32_t read_size;   /* adapts to the peer */
    struct chunk *left;   /* input not yet consumed; NULL when there is none */
    struct shared *large; /* instead of left: being filled; or NULL */
    size_t left_want;     /* bytes that on_data needs; 0: not known */
    size_t large_len;     /* of large: filled */
    struct flushable flushable;
    struct deferred deferred;
    struct timer timer;      /* write deadline, linger */
    uint64_t deadline_bytes; /* bytes_out that is to be reached when the timer fires */
    struct conn_options options;
    void (*on_moved)(struct conn *conn);
    unsigned move_to;
    int error;                    /* errno of the read or write that failed */
    uint64_t bytes_in, bytes_out; /* on the wire */
};

/* Takes the fd (made non-blocking, TCP_NODELAY); watches for input on this worker. */
enum result conn_open(struct conn *conn, struct worker *worker, int fd, const struct conn_ops *ops,
                      const struct conn_options *options) MUST_CHECK;

void conn_write(struct conn *conn, const void *data, size_t len);
/*
 * Room for len bytes (at most CONN_RESERVE_MAX) at the end of the queue, contiguous, to be filled
 * at once; they count as written.  The fast way for MSG lines.  Never NULL: what is written to
 * a closed conn goes nowhere.
 */
static inline char *conn_reserve(struct conn *conn, size_t len);
/* Not for callers: conn_reserve when the queue is empty or full. */
char *conn_reserve_slow(struct conn *conn, size_t len);
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

/*
 * Inside on_data: the shared in which data lies from its first byte on, or NULL.  Who keeps it
 * takes a reference; its bytes are not written to any more then.
 */
struct shared *conn_input_shared(const struct conn *conn);

/* Bytes that wait to be sent. */
static inline size_t conn_pending(const struct conn *conn)
{
    return conn->out.bytes;
}

static inline char *conn_reserve(struct conn *conn, size_t len)
{
    if (__builtin_expect(conn->out.last == NULL || conn->out.bytes > conn->out_press, 0))
        return conn_reserve_slow(conn, len);
    return output_reserve(&conn->out, conn->worker->pool, len);
}
