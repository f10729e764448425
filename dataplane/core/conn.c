/*
 * How bytes flow.
 *
 *   in    an event, or being made ready -> read behind what is left from last time, in the
 *         worker's buffer -> on_data -> what it leaves moves to the front and is read behind
 *         again, until the quantum is used or the socket is empty -> what is left then is copied
 *         to a chunk
 *   out   conn_write and the like append and make the conn dirty -> at the end of the turn it is
 *         sent -> what the socket does not take waits for EPOLLOUT, with a deadline
 *   end   whatever goes wrong on the way out marks the conn as failed; on_end is told at the end
 *         of the turn, since the writer may be in the middle of something.  What goes wrong on
 *         the way in is told at once.
 *   close the queue is sent if that was asked for, then the socket is closed at the end of a turn.
 */
#include "dataplane/core/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/base/check.h"

enum {
    READ_SIZE_MIN = 4 << 10,
    PARTS_MAX = 64,
    DISCARD_MAX = 1 << 20, /* unread input thrown away on closing */
};

static ssize_t plain_read(struct conn *conn, const struct iovec *parts, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};

    if (count == 1)
        return recv(conn->event.fd, parts->iov_base, parts->iov_len, MSG_DONTWAIT);
    return recvmsg(conn->event.fd, &message, MSG_DONTWAIT);
}

static ssize_t plain_write(struct conn *conn, const struct iovec *parts, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};

    if (count == 1)
        return send(conn->event.fd, parts->iov_base, parts->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sendmsg(conn->event.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

const struct conn_io conn_io_plain = {"plain", plain_read, plain_write};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* --- interest, ends -------------------------------------------------------------------------- */

static bool wants_input(const struct conn *conn)
{
    return !conn->closing && !conn->ended && !conn->paused && !conn->held && !conn->moving;
}

static void update_interest(struct conn *conn)
{
    uint32_t interest = (wants_input(conn) ? EPOLLIN : 0) | (conn->blocked ? EPOLLOUT : 0);

    if (conn->worker != NULL && conn->event.fd >= 0)
        worker_rewatch(conn->worker, &conn->event, interest);
}

static void drop_input(struct conn *conn)
{
    if (conn->left != NULL)
        pool_put(conn->worker->pool, conn->left);
    conn->left = NULL;
    if (!conn->in_data) {
        shared_unref(conn->large);
        conn->large = NULL;
    }
}

static void count_conn(struct worker *worker, int more)
{
    /* Relaxed: one writer, and whoever else looks only compares. */
    int now = atomic_load_explicit(&worker->conns, memory_order_relaxed);

    atomic_store_explicit(&worker->conns, now + more, memory_order_relaxed);
}

/* Unread input would turn the end into a reset, and the peer might lose our last words. */
static void discard_input(struct conn *conn)
{
    for (int i = 0; i < DISCARD_MAX / WORKER_INPUT; i++) {
        if (recv(conn->event.fd, conn->worker->input, WORKER_INPUT, MSG_DONTWAIT) < WORKER_INPUT)
            return;
    }
}

static void finish(struct conn *conn)
{
    worker_unwatch(conn->worker, &conn->event);
    discard_input(conn);
    (void)close(conn->event.fd);
    conn->event.fd = -1;
    timer_cancel(&conn->worker->timers, &conn->timer);
    list_remove(&conn->flushable.link);
    drop_input(conn);
    output_clear(&conn->out, conn->worker->pool);
    count_conn(conn->worker, -1);
    conn->ops->on_closed(conn);
}

static void conn_late(struct deferred *deferred)
{
    struct conn *conn = container_of(deferred, struct conn, deferred);

    if (conn->failed && !conn->ended && !conn->closing) {
        conn->ended = true;
        update_interest(conn);
        conn->ops->on_end(conn, (enum conn_end)conn->end);
        return;
    }
    if (conn->closing && conn->out.bytes == 0)
        finish(conn);
}

/* Nothing is sent any more, and what is written from now on goes nowhere. */
static void stop_output(struct conn *conn)
{
    conn->dead = true;
    conn->out_press = 0;
    output_clear(&conn->out, conn->worker->pool);
    timer_cancel(&conn->worker->timers, &conn->timer);
    list_remove(&conn->flushable.link);
    if (conn->blocked) {
        conn->blocked = false;
        update_interest(conn);
    }
}

static void fail(struct conn *conn, enum conn_end end, int error)
{
    if (!conn->failed) {
        conn->failed = true;
        conn->end = (uint8_t)end;
        conn->error = error;
    }
    stop_output(conn);
    worker_defer(conn->worker, &conn->deferred, conn_late);
}

/* --- output ---------------------------------------------------------------------------------- */

static void conn_deadline(struct timer *timer)
{
    struct conn *conn = container_of(timer, struct conn, timer);

    if (conn->closing) {
        stop_output(conn);
        worker_defer(conn->worker, &conn->deferred, conn_late);
    } else if (conn->bytes_out < conn->deadline_bytes) {
        fail(conn, CONN_END_DEADLINE, ETIMEDOUT);
    } else if (conn->blocked) {
        conn->deadline_bytes = conn->bytes_out + conn->out.bytes;
        timer_arm(&conn->worker->timers, &conn->timer,
                  conn->worker->now_ns + conn->options.write_deadline_ns, conn_deadline);
    }
}

/* When to look again before more is queued. */
static void set_press(struct conn *conn)
{
    size_t max = conn->options.out_max != 0 ? conn->options.out_max : SIZE_MAX;

    conn->out_press = conn->blocked || max < CONN_FLUSH_AT ? max : CONN_FLUSH_AT;
}

static void block(struct conn *conn)
{
    if (conn->blocked)
        return;
    conn->blocked = true;
    set_press(conn);
    update_interest(conn);
    if (conn->closing || conn->options.write_deadline_ns == 0)
        return;
    conn->deadline_bytes = conn->bytes_out + conn->out.bytes;
    timer_arm(&conn->worker->timers, &conn->timer,
              conn->worker->now_ns + conn->options.write_deadline_ns, conn_deadline);
}

static void unblock(struct conn *conn)
{
    if (!conn->blocked)
        return;
    conn->blocked = false;
    set_press(conn);
    update_interest(conn);
    if (!conn->closing)
        timer_cancel(&conn->worker->timers, &conn->timer);
}

/* Sends until all is sent or the socket takes no more. */
static void send_waiting(struct conn *conn)
{
    struct iovec parts[PARTS_MAX];

    while (conn->out.bytes > 0) {
        size_t asked = 0;
        int count = output_gather(&conn->out, parts, PARTS_MAX);
        ssize_t sent;

        for (int i = 0; i < count; i++)
            asked += parts[i].iov_len;
        sent = conn->io->write(conn, parts, count);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            fail(conn, CONN_END_WRITE, errno);
            return;
        }
        if (sent > 0) {
            conn->bytes_out += (size_t)sent;
            output_sent(&conn->out, conn->worker->pool, (size_t)sent);
        }
        if (sent < (ssize_t)asked) {
            block(conn);
            return;
        }
    }
    unblock(conn);
    if (conn->closing)
        worker_defer(conn->worker, &conn->deferred, conn_late);
}

static void flush_dirty(struct flushable *flushable)
{
    struct conn *conn = container_of(flushable, struct conn, flushable);

    if (!conn->dead && !conn->blocked)
        send_waiting(conn);
    if (conn->blocked && conn->options.out_max != 0 && conn->out.bytes > conn->options.out_max)
        fail(conn, CONN_END_PENDING, 0);
}

void conn_flush(struct conn *conn)
{
    if (conn->dead || conn->blocked || conn->out.bytes == 0)
        return;
    /* What others are to get because of the same input is on its way first. */
    worker_publish(conn->worker);
    list_remove(&conn->flushable.link);
    send_waiting(conn);
}

/* More waits than should: send, and if that does not help and it is too much, give up. */
static void relieve(struct conn *conn)
{
    conn_flush(conn);
    if (conn->options.out_max != 0 && conn->out.bytes > conn->options.out_max)
        fail(conn, CONN_END_PENDING, 0);
}

/* Makes sure that something may be queued; false: it goes nowhere. */
static bool may_write(struct conn *conn)
{
    if (conn->dead || conn->worker == NULL)
        return false;
    if (conn->out.bytes > conn->out_press)
        relieve(conn);
    if (conn->dead)
        return false;
    if (!conn->blocked)
        worker_dirty(conn->worker, &conn->flushable);
    return true;
}

char *conn_reserve_slow(struct conn *conn, size_t len)
{
    CHECK(len <= OUTPUT_RESERVE_MAX);
    if (!may_write(conn))
        return worker_current()->scrap;
    return output_reserve(&conn->out, conn->worker->pool, len);
}

void conn_write(struct conn *conn, const void *data, size_t len)
{
    const char *from = data;

    while (len > 0) {
        size_t part = len;

        if (!may_write(conn))
            return;
        if (conn->out.last != NULL && conn->out.last->cap > conn->out.last->end)
            part = conn->out.last->cap - conn->out.last->end;
        if (part > OUTPUT_RESERVE_MAX / 2)
            part = OUTPUT_RESERVE_MAX / 2;
        if (part > len)
            part = len;
        memcpy(output_reserve(&conn->out, conn->worker->pool, part), from, part);
        from += part;
        len -= part;
    }
}

void conn_write_shared(struct conn *conn, struct shared *shared, size_t offset, size_t len)
{
    if (len <= CONN_COPY_MAX)
        conn_write(conn, shared->data + offset, len);
    else if (may_write(conn))
        output_refer(&conn->out, conn->worker->pool, shared, offset, len);
}

/* --- input ----------------------------------------------------------------------------------- */

/* Keeps what on_data left, which lies in data, until more comes. */
static void keep(struct conn *conn, const char *data, size_t len)
{
    struct chunk *chunk;

    if (len == 0)
        return;
    CHECK(conn->left == NULL && conn->large == NULL);
    if (conn->left_want > CONN_LARGE_MIN && conn->left_want > len) {
        conn->large = shared_new(conn->left_want);
        conn->large_len = len;
        memcpy(conn->large->data, data, len);
        return;
    }
    chunk = pool_take(conn->worker->pool, len);
    memcpy(chunk->data, data, len);
    chunk->end = (uint32_t)len;
    conn->left = chunk;
}

/* May on_data be called, or read from the socket?  Changes under the hands of callbacks. */
static bool may_read(struct conn *conn)
{
    return wants_input(conn) && !conn->failed;
}

/* Calls on_data; how many bytes it consumed. */
static size_t call_on_data(struct conn *conn, char *data, size_t len)
{
    size_t want = 0, used;

    conn->in_data = true;
    used = conn->ops->on_data(conn, data, len, &want);
    conn->in_data = false;
    CHECK(used <= len);
    conn->left_want = want;
    if (used < len && want == 0 && worker_tired(conn->worker) && may_read(conn) && !conn->moving) {
        conn->again = true;
        worker_ready(conn->worker, &conn->event);
    }
    return used;
}

/* Presents len bytes at the front of the worker's buffer; how many are left there. */
static size_t present(struct conn *conn, size_t len)
{
    char *input = conn->worker->input;
    size_t used = call_on_data(conn, input, len);

    if (used > 0 && used < len)
        memmove(input, input + used, len - used);
    return len - used;
}

/*
 * Presents the large input, which `extra` bytes at the front of the worker's buffer follow; how
 * many are left there.  What does not fit there stays large: on_data was made to stop.
 */
static size_t present_large(struct conn *conn, size_t extra)
{
    struct shared *large = conn->large;
    char *input = conn->worker->input;
    size_t used = call_on_data(conn, large->data, conn->large_len);
    size_t rest = conn->large_len - used;

    conn->large = NULL;
    if (rest + extra > WORKER_INPUT) {
        conn->large = shared_new(rest + extra);
        conn->large_len = rest + extra;
        memcpy(conn->large->data, large->data + used, rest);
        memcpy(conn->large->data + rest, input, extra);
        rest = extra = 0;
    } else if (rest > 0) {
        memmove(input + rest, input, extra);
        memcpy(input, large->data + used, rest);
    }
    shared_unref(large);
    return rest + extra;
}

/* A failed read, or the end. */
static void end_input(struct conn *conn, ssize_t got)
{
    int error = got < 0 ? errno : 0;

    if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR)
        return;
    conn->error = error;
    conn->ended = true;
    update_interest(conn);
    conn->ops->on_end(conn, got == 0 ? CONN_END_PEER : CONN_END_READ);
}

static void adapt_read(struct conn *conn, size_t asked, size_t got)
{
    if (got == asked && conn->read_size < WORKER_INPUT)
        conn->read_size *= 4;
    else if (got < conn->read_size / 8 && conn->read_size > READ_SIZE_MIN)
        conn->read_size /= 2;
    if (conn->read_size > WORKER_INPUT)
        conn->read_size = WORKER_INPUT;
}

/* One read; 0 when there is nothing more to be had now. */
static size_t receive(struct conn *conn, const struct iovec *parts, int count)
{
    ssize_t got = conn->io->read(conn, parts, count);

    if (got <= 0) {
        end_input(conn, got);
        return 0;
    }
    conn->bytes_in += (size_t)got;
    return (size_t)got;
}

/* More is wanted than was wanted first. */
static bool enlarge(struct conn *conn)
{
    struct shared *large;

    if (conn->left_want <= conn->large_len)
        return false;
    large = shared_new(conn->left_want);
    memcpy(large->data, conn->large->data, conn->large_len);
    shared_unref(conn->large);
    conn->large = large;
    return true;
}

/*
 * Receives what is missing of the large input, and what follows it into the worker's buffer;
 * *left is then what lies there.  False: there is nothing more to be had now.
 */
static bool read_large(struct conn *conn, size_t *quantum, size_t *left)
{
    size_t missing = least(conn->large->len - conn->large_len, *quantum);
    size_t asked = least(conn->large->len - conn->large_len + conn->read_size, *quantum);
    struct iovec parts[2] = {{conn->large->data + conn->large_len, missing},
                             {conn->worker->input, asked - missing}};
    size_t got = receive(conn, parts, asked > missing ? 2 : 1);

    *quantum -= got;
    conn->large_len += least(got, missing);
    if (got == 0 || conn->large_len < conn->large->len)
        return got == asked;
    *left = present_large(conn, got - missing);
    if (*left > 0 && conn->left_want <= *left && may_read(conn))
        *left = present(conn, *left);
    return got == asked;
}

/* Receives behind the *left bytes at the front of the worker's buffer, and presents all. */
static bool read_more(struct conn *conn, size_t *quantum, size_t *left)
{
    size_t asked = least(least(conn->read_size, *quantum), WORKER_INPUT - *left);
    struct iovec part = {conn->worker->input + *left, asked};
    size_t got = receive(conn, &part, 1);

    if (got == 0)
        return false;
    *quantum -= got;
    adapt_read(conn, asked, got);
    *left += got;
    if (conn->left_want <= *left)
        *left = present(conn, *left);
    return got == asked;
}

/* What on_data has left goes to memory of its size, or the peer has gone too far. */
static bool make_room(struct conn *conn, size_t *left)
{
    if (*left > 0 && conn->left_want > CONN_LARGE_MIN && conn->left_want > *left) {
        keep(conn, conn->worker->input, *left);
        *left = 0;
    }
    if (*left < WORKER_INPUT &&
        (conn->large == NULL || conn->large_len < conn->large->len || enlarge(conn)))
        return true;
    errno = EMSGSIZE;
    end_input(conn, -1);
    return false;
}

/* What was kept goes to the front of the worker's buffer. */
static size_t unpack(struct conn *conn)
{
    struct chunk *chunk = conn->left;
    size_t len;

    if (chunk == NULL)
        return 0;
    len = chunk->end;
    memcpy(conn->worker->input, chunk->data, len);
    pool_put(conn->worker->pool, chunk);
    conn->left = NULL;
    return len;
}

static void conn_leave(struct conn *conn);

static void conn_input(struct conn *conn)
{
    size_t quantum = worker_quantum(conn->worker), left = unpack(conn);
    bool more = true, again = conn->again;

    conn->again = false;
    if (again && conn->large != NULL && conn->large_len == conn->large->len)
        left = present_large(conn, 0);
    else if (again && left > 0 && conn->left_want <= left)
        left = present(conn, left);
    while (more && quantum > 0 && !worker_tired(conn->worker) && may_read(conn) &&
           make_room(conn, &left)) {
        if (conn->large != NULL)
            more = read_large(conn, &quantum, &left);
        else
            more = read_more(conn, &quantum, &left);
    }
    if (conn->closing)
        return;
    if (!conn->ended)
        keep(conn, conn->worker->input, left);
    if (conn->moving)
        conn_leave(conn);
}

static void conn_event(struct loop_io *io, uint32_t events)
{
    struct conn *conn = container_of(io, struct conn, event);

    if ((events & EPOLLOUT) != 0 && conn->blocked && !conn->dead) {
        worker_publish(conn->worker);
        send_waiting(conn);
    }
    if ((events & ~(uint32_t)EPOLLOUT) == 0)
        return;
    if (conn->blocked && !wants_input(conn) && (events & (EPOLLHUP | EPOLLERR)) != 0) {
        send_waiting(conn);
        return;
    }
    if (conn->held) {
        conn->held = false;
        update_interest(conn);
    }
    if (!may_read(conn))
        return;
    if (worker_feeds_backlog(conn->worker)) {
        conn->held = true;
        update_interest(conn);
        worker_hold(conn->worker, &conn->event);
        return;
    }
    conn_input(conn);
}

struct shared *conn_input_shared(const struct conn *conn)
{
    return conn->in_data ? conn->large : NULL;
}

void conn_pause(struct conn *conn)
{
    conn->paused = true;
    update_interest(conn);
}

void conn_resume(struct conn *conn)
{
    if (!conn->paused)
        return;
    conn->paused = false;
    update_interest(conn);
    /* Also what on_data is about to leave, if it is running. */
    conn->again = true;
    if (!conn->moving && !conn->closing)
        worker_ready(conn->worker, &conn->event);
}

/* --- opening, closing, moving ---------------------------------------------------------------- */

enum result conn_open(struct conn *conn, struct worker *worker, int fd, const struct conn_ops *ops,
                      const struct conn_options *options)
{
    int on = 1, flags = fcntl(fd, F_GETFL);

    *conn = (struct conn){.event = {.fd = fd, .on_event = conn_event},
                          .worker = worker,
                          .ops = ops,
                          .io = &conn_io_plain,
                          .read_size = READ_SIZE_MIN,
                          .flushable.flush = flush_dirty,
                          .options = *options};
    set_press(conn);
    if (flags < 0 || ((flags & O_NONBLOCK) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)) {
        conn->event.fd = -1;
        return ERR_IO;
    }
    /* Not for sockets of other kinds, which need it less. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (worker_watch(worker, &conn->event, EPOLLIN) != OK) {
        conn->event.fd = -1;
        return ERR_IO;
    }
    count_conn(worker, 1);
    return OK;
}

void conn_close(struct conn *conn, bool flush)
{
    if (conn->closing)
        return;
    conn->closing = true;
    update_interest(conn);
    list_remove(&conn->event.ready);
    drop_input(conn);
    if (!flush || conn->dead || conn->out.bytes == 0) {
        stop_output(conn);
        worker_defer(conn->worker, &conn->deferred, conn_late);
        return;
    }
    if (!conn->blocked)
        worker_dirty(conn->worker, &conn->flushable);
    timer_arm(&conn->worker->timers, &conn->timer, conn->worker->now_ns + CONN_LINGER_NS,
              conn_deadline);
}

/* On the worker it moved to. */
static void conn_arrive(struct worker *worker, void *body, size_t len)
{
    struct conn *conn;

    CHECK(len == sizeof(struct conn *));
    memcpy(&conn, body, sizeof conn);
    conn->worker = worker;
    count_conn(worker, 1);
    conn->moving = false;
    output_adopt(&conn->out, worker->pool);
    if (conn->left != NULL)
        pool_adopt(worker->pool, conn->left);
    update_interest(conn);
    if (conn->blocked) {
        conn->blocked = false;
        block(conn);
    } else if (conn->out.bytes > 0) {
        worker_dirty(worker, &conn->flushable);
    }
    if (conn->failed)
        worker_defer(worker, &conn->deferred, conn_late);
    if ((conn->left != NULL || conn->large != NULL) && !conn->paused)
        worker_ready(worker, &conn->event);
    conn->again = true;
    conn->on_moved(conn);
}

static void conn_leave(struct conn *conn)
{
    struct worker *worker = conn->worker;

    worker_unwatch(worker, &conn->event);
    timer_cancel(&worker->timers, &conn->timer);
    list_remove(&conn->flushable.link);
    list_remove(&conn->deferred.link);
    output_disown(&conn->out, worker->pool);
    if (conn->left != NULL)
        pool_disown(worker->pool, conn->left);
    conn->held = false;
    count_conn(worker, -1);
    conn->worker = NULL;
    /* What it published arrives before it can say so to its peer from over there. */
    worker_publish(worker);
    memcpy(worker_post(worker, conn->move_to, conn_arrive, sizeof conn), &conn, sizeof conn);
}

void conn_move(struct conn *conn, unsigned to, void (*on_moved)(struct conn *conn))
{
    CHECK(!conn->closing && !conn->moving);
    conn->moving = true;
    conn->move_to = to;
    conn->on_moved = on_moved;
    if (!conn->in_data)
        conn_leave(conn);
}

int conn_fd(const struct conn *conn)
{
    return conn->event.fd;
}
