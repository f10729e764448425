#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "dataplane/core/conn.h"
#include "tests/lib/on_worker.h"

/*
 * A talker is a conn with an owner that notes what happens; the test holds the other end of the
 * socket.  Its language: lines; how they are understood is up to each test.
 */
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

static size_t on_data(struct conn *conn, char *data, size_t len, size_t *want)
{
    struct talker *talker = container_of(conn, struct talker, conn);

    CHECK(atomic_load(&talker->ended) == 0 && atomic_load(&talker->closed) == 0);
    CHECK(worker_is_mine(conn->worker));
    atomic_fetch_add(&talker->calls, 1);
    return talker->understand(talker, data, len, want);
}

static void on_end(struct conn *conn, enum conn_end end)
{
    struct talker *talker = container_of(conn, struct talker, conn);

    CHECK(atomic_load(&talker->ended) == 0);
    atomic_store(&talker->end, (int)end);
    atomic_store(&talker->ended, 1);
    if (talker->at_end != NULL)
        talker->at_end(talker);
    conn_close(conn, true);
    conn_close(conn, false); /* a second time means nothing */
}

static void on_closed(struct conn *conn)
{
    struct talker *talker = container_of(conn, struct talker, conn);

    CHECK(conn_fd(conn) == -1);
    CHECK(atomic_fetch_add(&talker->closed, 1) == 0);
    memset(conn, 0x5a, sizeof *conn); /* nobody looks at it any more */
}

static const struct conn_ops talker_ops = {on_data, on_end, on_closed};

static void open_talker(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    CHECK(conn_open(&talker->conn, worker, talker->fd, &talker_ops, &talker->options) == OK);
}

static void set_timeout(int fd)
{
    struct timeval wait = {.tv_sec = 10};

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

static void talker_start(struct talker *talker, unsigned count)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    talker->fd = fds[0];
    talker->peer = fds[1];
    set_timeout(talker->peer);
    assert_int_equal(workers_start(&(struct worker_options){.count = count,
                                                            .clock = talker->clock,
                                                            .memory_max = talker->memory_max},
                                   &talker->workers),
                     OK);
    on_worker(talker->workers, 0, open_talker, talker);
}

static bool is_closed(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    return atomic_load(&talker->closed) == 1;
}

/* Waits for on_closed, and that nothing is held any more. */
static void no_bytes(struct worker *worker, void *arg)
{
    size_t taken, idle;

    pool_usage(worker->pool, &taken, &idle);
    /* The chunk of this very mail. */
    CHECK(taken <= 512);
    CHECK(atomic_load(&worker->conns) == 0);
}

static void talker_finish(struct talker *talker)
{
    until_on_worker(talker->workers, 0, is_closed, talker);
    for (unsigned i = 0; i < workers_count(talker->workers); i++)
        on_worker(talker->workers, i, no_bytes, NULL);
    if (talker->peer >= 0)
        (void)close(talker->peer);
    workers_stop(talker->workers);
}

static void send_all(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);

        CHECK(sent > 0);
        at += sent;
        len -= (size_t)sent;
    }
}

static void receive_all(int fd, void *data, size_t len)
{
    char *at = data;

    while (len > 0) {
        ssize_t got = recv(fd, at, len, 0);

        CHECK(got > 0);
        at += got;
        len -= (size_t)got;
    }
}

static void expect_end(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

/* --- input: lines cut anywhere --------------------------------------------------------------- */

/* "NUMBER xxxx\n", counting up, each answered by "NUMBER\n". */
static size_t lines(struct talker *talker, char *data, size_t len, size_t *want)
{
    size_t used = 0;
    char *end;

    while ((end = memchr(data + used, '\n', len - used)) != NULL) {
        char answer[32];
        int size;

        CHECK(strtoull(data + used, NULL, 10) == talker->next);
        size = snprintf(answer, sizeof answer, "%llu\n", (unsigned long long)talker->next);
        memcpy(conn_reserve(&talker->conn, (size_t)size), answer, (size_t)size);
        talker->next++;
        atomic_fetch_add(&talker->lines, 1);
        used = (size_t)(end - data) + 1;
    }
    return used;
}

enum { LINES = 5000 };

/* All the lines, as they go over the wire. */
static char *make_lines(struct random *random, size_t *len)
{
    char *text = mem_alloc((size_t)LINES * 1100);

    *len = 0;
    for (int i = 0; i < LINES; i++) {
        size_t fill = i % 100 == 0 ? 1000 : random_below(random, 40);

        *len += (size_t)snprintf(text + *len, 32, "%d ", i);
        memset(text + *len, 'x', fill);
        *len += fill;
        text[(*len)++] = '\n';
    }
    return text;
}

static void *read_answers(void *arg)
{
    int fd = *(int *)arg;
    char expected[16], got[16];

    for (int i = 0; i < LINES; i++) {
        int len = snprintf(expected, sizeof expected, "%d\n", i);

        receive_all(fd, got, (size_t)len);
        CHECK(memcmp(got, expected, (size_t)len) == 0);
    }
    return NULL;
}

static void test_lines_cut_anywhere(void **state)
{
    struct talker talker = {.understand = lines};
    struct random_seeded random;
    pthread_t reader;
    size_t len, at = 0;
    char *text;

    random_seed(&random, 11);
    text = make_lines(&random.random, &len);
    talker_start(&talker, 1);
    assert_int_equal(pthread_create(&reader, NULL, read_answers, &talker.peer), 0);
    while (at < len) {
        size_t most = random_below(&random.random, 10) == 0 ? 100000 : 60;
        size_t part = 1 + random_below(&random.random, most);

        part = part < len - at ? part : len - at;
        send_all(talker.peer, text + at, part);
        at += part;
    }
    (void)pthread_join(reader, NULL);
    assert_int_equal(atomic_load(&talker.lines), LINES);
    assert_int_equal(shutdown(talker.peer, SHUT_WR), 0);
    expect_end(talker.peer);
    talker_finish(&talker);
    assert_int_equal(atomic_load(&talker.end), CONN_END_PEER);
    mem_free(text);
}

/* --- input: large, with a known size --------------------------------------------------------- */

/* Four bytes of length, then so many bytes, which go back whole. */
static size_t parcels(struct talker *talker, char *data, size_t len, size_t *want)
{
    size_t used = 0;

    while (len - used >= 4) {
        struct shared *shared = conn_input_shared(&talker->conn);
        uint32_t size;

        memcpy(&size, data + used, sizeof size);
        *want = 4 + (size_t)size;
        if (len - used < *want)
            return used;
        if (shared != NULL) {
            /* Large, and nothing but it. */
            CHECK(used == 0 && len == *want && shared->data == data && shared->len == len);
            conn_write_shared(&talker->conn, shared, 4, size);
        } else {
            conn_write(&talker->conn, data + used + 4, size);
        }
        atomic_fetch_add(&talker->lines, 1);
        used += *want;
        *want = 0;
    }
    *want = 4;
    return used;
}

static void send_parcel(struct talker *talker, uint32_t size, unsigned seed, size_t cut)
{
    char *data = mem_alloc(4 + (size_t)size), *back = mem_alloc((size_t)size + 1);

    memcpy(data, &size, 4);
    for (uint32_t i = 0; i < size; i++)
        data[4 + i] = (char)(i * 31 + i / 251 + seed);
    send_all(talker->peer, data, cut);
    while (cut > 4 && atomic_load(&talker->calls) == 0)
        (void)sched_yield();
    send_all(talker->peer, data + cut, 4 + (size_t)size - cut);
    receive_all(talker->peer, back, size);
    assert_memory_equal(back, data + 4, size);
    mem_free(data);
    mem_free(back);
}

static void test_large_input(void **state)
{
    static const uint32_t sizes[] = {0, 1, 1000, 16 << 10, (16 << 10) + 1, 100000, 1 << 20};
    struct talker talker = {.understand = parcels};
    uint64_t calls;

    talker_start(&talker, 1);
    for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
        for (size_t cut = 1; cut <= sizes[i] + 4; cut = cut * 7 + 3)
            send_parcel(&talker, sizes[i], i, cut);
    }
    /* Bytes of something large that is not whole do not make calls. */
    calls = atomic_load(&talker.calls);
    send_parcel(&talker, 1 << 20, 77, 500);
    assert_true(atomic_load(&talker.calls) - calls <= 3);
    (void)close(talker.peer);
    talker.peer = -1;
    talker_finish(&talker);
}

/* --- output: partial writes ------------------------------------------------------------------ */

enum { MUCH = 3 << 20 };

static unsigned char pattern(size_t at)
{
    return (unsigned char)(at * 7 + at / 253 + at / 65537);
}

/* In all the ways there are. */
static void write_much(struct worker *worker, void *arg)
{
    struct talker *talker = arg;
    struct shared *shared = shared_new(MUCH);
    size_t at = 0;
    unsigned turn = 0;

    for (size_t i = 0; i < MUCH; i++)
        shared->data[i] = (char)pattern(i);
    while (at < MUCH) {
        size_t part = (turn * 977) % 9000 + 1;

        part = part < MUCH - at ? part : MUCH - at;
        if (turn % 3 == 0)
            conn_write(&talker->conn, shared->data + at, part);
        else if (turn % 3 == 1)
            memcpy(conn_reserve(&talker->conn, part), shared->data + at, part);
        else
            conn_write_shared(&talker->conn, shared, at, part);
        at += part;
        turn++;
        if (turn % 100 == 0)
            conn_flush(&talker->conn);
    }
    shared_unref(shared);
    CHECK(talker->conn.blocked && conn_pending(&talker->conn) > MUCH / 2);
}

static void check_much(int fd)
{
    unsigned char *data = mem_alloc(MUCH);

    receive_all(fd, data, MUCH);
    for (size_t i = 0; i < MUCH; i++)
        CHECK(data[i] == pattern(i));
    mem_free(data);
}

static void all_sent(struct worker *worker, void *arg)
{
    struct talker *talker = arg;
    size_t taken, idle;

    CHECK(!talker->conn.blocked && talker->conn.bytes_out == MUCH);
    CHECK(conn_pending(&talker->conn) == 0);
    CHECK((talker->conn.event.interest & EPOLLOUT) == 0);
    CHECK(!timer_armed(&talker->conn.timer));
    /* An idle conn owns no buffers. */
    CHECK(talker->conn.left == NULL && talker->conn.out.first == NULL);
    pool_usage(worker->pool, &taken, &idle);
    CHECK(taken <= 512);
}

static bool is_sent(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    return !talker->conn.blocked;
}

static void test_partial_writes(void **state)
{
    struct talker talker = {.understand = lines, .options.write_deadline_ns = 9 * NS_PER_S};

    talker_start(&talker, 1);
    on_worker(talker.workers, 0, write_much, &talker);
    check_much(talker.peer);
    until_on_worker(talker.workers, 0, is_sent, &talker);
    on_worker(talker.workers, 0, all_sent, &talker);
    (void)close(talker.peer);
    talker.peer = -1;
    talker_finish(&talker);
    assert_int_equal(atomic_load(&talker.end), CONN_END_PEER);
}

/* --- output: slow readers -------------------------------------------------------------------- */

static void write_until_dead(struct worker *worker, void *arg)
{
    static const char data[10000];
    struct talker *talker = arg;

    for (int i = 0; i < 1000; i++) {
        conn_write(&talker->conn, data, sizeof data);
        memset(conn_reserve(&talker->conn, 60000), 1, 60000);
        /* Told from the loop only. */
        CHECK(atomic_load(&talker->ended) == 0);
        CHECK(conn_pending(&talker->conn) <= (2 << 20) + 70000);
    }
    CHECK(conn_pending(&talker->conn) == 0);
}

static void test_slow_reader_pending(void **state)
{
    struct talker talker = {.understand = lines, .options.out_max = 2 << 20};

    talker_start(&talker, 1);
    on_worker(talker.workers, 0, write_until_dead, &talker);
    until_on_worker(talker.workers, 0, is_closed, &talker);
    assert_int_equal(atomic_load(&talker.end), CONN_END_PENDING);
    assert_int_equal(atomic_load(&talker.ended), 1);
    talker_finish(&talker);
}

static void write_some(struct worker *worker, void *arg)
{
    struct talker *talker = arg;
    char *data = mem_alloc(1 << 20);

    conn_write(&talker->conn, data, 1 << 20);
    mem_free(data);
}

static void test_slow_reader_deadline(void **state)
{
    struct talker talker = {.understand = lines,
                            .options = {.out_max = 64 << 20, .write_deadline_ns = 50 * NS_PER_MS}};
    int64_t began_ns = clock_mono_ns(clock_system());

    talker_start(&talker, 1);
    on_worker(talker.workers, 0, write_some, &talker);
    until_on_worker(talker.workers, 0, is_closed, &talker);
    assert_true(clock_mono_ns(clock_system()) - began_ns >= 50 * NS_PER_MS);
    assert_int_equal(atomic_load(&talker.end), CONN_END_DEADLINE);
    talker_finish(&talker);
}

/* Taking a little now and then does not help: what waited is not gone in time. */
static void test_trickle_deadline(void **state)
{
    struct talker talker = {.understand = lines,
                            .options = {.out_max = 64 << 20, .write_deadline_ns = 50 * NS_PER_MS}};
    char byte;

    talker_start(&talker, 1);
    on_worker(talker.workers, 0, write_some, &talker);
    while (atomic_load(&talker.closed) == 0) {
        struct pollfd nothing = {.fd = -1};

        (void)recv(talker.peer, &byte, 1, MSG_DONTWAIT);
        (void)poll(&nothing, 1, 1);
    }
    assert_int_equal(atomic_load(&talker.end), CONN_END_DEADLINE);
    talker_finish(&talker);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void say_goodbye(struct talker *talker)
{
    conn_write(&talker->conn, "bye\n", 4);
}

static void test_last_words(void **state)
{
    struct talker talker = {.understand = lines, .at_end = say_goodbye};
    char text[4];

    talker_start(&talker, 1);
    assert_int_equal(shutdown(talker.peer, SHUT_WR), 0);
    receive_all(talker.peer, text, 4);
    assert_memory_equal(text, "bye\n", 4);
    expect_end(talker.peer);
    talker_finish(&talker);
    assert_int_equal(atomic_load(&talker.end), CONN_END_PEER);
}

static void pause_and_write(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    conn_pause(&talker->conn); /* so that the end is not seen by reading */
    write_some(worker, arg);
}

static void test_write_fails(void **state)
{
    struct talker talker = {.understand = lines};

    talker_start(&talker, 1);
    on_worker(talker.workers, 0, pause_and_write, &talker);
    (void)close(talker.peer);
    talker.peer = -1;
    until_on_worker(talker.workers, 0, is_closed, &talker);
    assert_int_equal(atomic_load(&talker.end), CONN_END_WRITE);
    talker_finish(&talker);
}

/* --- pause and resume ------------------------------------------------------------------------ */

/* Each line pauses the conn. */
static size_t one_line(struct talker *talker, char *data, size_t len, size_t *want)
{
    char *end = memchr(data, '\n', len);

    if (end == NULL)
        return 0;
    atomic_fetch_add(&talker->lines, 1);
    conn_pause(&talker->conn);
    return (size_t)(end - data) + 1;
}

static bool has_lines(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    return atomic_load(&talker->lines) == talker->next;
}

static void resume(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    CHECK(talker->conn.event.interest == 0);
    conn_resume(&talker->conn);
    conn_resume(&talker->conn);
}

static void nothing(struct worker *worker, void *arg)
{
}

static void test_pause(void **state)
{
    struct talker talker = {.understand = one_line};

    talker_start(&talker, 1);
    send_all(talker.peer, "a\nb\nc\nd", 7);
    for (talker.next = 1; talker.next <= 3; talker.next++) {
        until_on_worker(talker.workers, 0, has_lines, &talker);
        /* Nothing more happens by itself, whatever the peer does. */
        if (talker.next == 2)
            send_all(talker.peer, "d", 1);
        if (talker.next == 3) {
            send_all(talker.peer, "\n", 1);
            assert_int_equal(shutdown(talker.peer, SHUT_WR), 0);
        }
        for (int i = 0; i < 5; i++)
            on_worker(talker.workers, 0, nothing, NULL);
        assert_int_equal(atomic_load(&talker.lines), talker.next);
        on_worker(talker.workers, 0, resume, &talker);
    }
    until_on_worker(talker.workers, 0, has_lines, &talker);
    assert_int_equal(atomic_load(&talker.ended), 0);
    on_worker(talker.workers, 0, resume, &talker);
    until_on_worker(talker.workers, 0, is_closed, &talker);
    assert_int_equal(atomic_load(&talker.end), CONN_END_PEER);
    talker_finish(&talker);
}

/* --- work ------------------------------------------------------------------------------------ */

/* Each line is the work of a turn. */
static size_t tiring_lines(struct talker *talker, char *data, size_t len, size_t *want)
{
    struct worker *worker = talker->conn.worker;
    size_t used = 0;
    char *end;

    while (!worker_tired(worker) && (end = memchr(data + used, '\n', len - used)) != NULL) {
        CHECK(worker->turn > talker->next); /* the turn of the last one */
        talker->next = worker->turn;
        worker_charge(worker, LOOP_TURN_WORK);
        atomic_fetch_add(&talker->lines, 1);
        used = (size_t)(end - data) + 1;
    }
    return used;
}

static bool has_ten_lines(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    return atomic_load(&talker->lines) == 10;
}

/* What the work of a turn leaves is presented in the next, without a word from the peer. */
static void test_work_is_cut_by_turns(void **state)
{
    struct talker talker = {.understand = tiring_lines};

    talker_start(&talker, 1);
    send_all(talker.peer, "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk", 21);
    until_on_worker(talker.workers, 0, has_ten_lines, &talker);
    assert_int_equal(shutdown(talker.peer, SHUT_WR), 0);
    talker_finish(&talker);
    assert_int_equal(atomic_load(&talker.lines), 10);
}

/* --- closing --------------------------------------------------------------------------------- */

static void write_and_close(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    write_much(worker, talker);
    conn_close(&talker->conn, true);
    conn_write(&talker->conn, "", 0);
}

static void test_close_with_flush(void **state)
{
    /* However long it takes to read. */
    struct talker talker = {.understand = lines, .clock = clock_that_stands()};

    talker_start(&talker, 1);
    /* Unread input must not turn the end into a reset. */
    on_worker(talker.workers, 0, write_and_close, &talker);
    send_all(talker.peer, "0\n1\n", 4);
    check_much(talker.peer);
    expect_end(talker.peer);
    talker_finish(&talker);
    assert_int_equal(atomic_load(&talker.ended), 0);
    assert_int_equal(atomic_load(&talker.lines), 0);
}

/* Who does not take it is not waited for longer than CONN_LINGER_NS. */
static void test_close_does_not_linger(void **state)
{
    struct talker talker = {.understand = lines};
    int64_t began_ns = clock_mono_ns(clock_system());

    talker_start(&talker, 1);
    on_worker(talker.workers, 0, write_and_close, &talker);
    until_on_worker(talker.workers, 0, is_closed, &talker);
    assert_true(clock_mono_ns(clock_system()) - began_ns >= CONN_LINGER_NS);
    talker_finish(&talker);
}

static size_t close_on_line(struct talker *talker, char *data, size_t len, size_t *want)
{
    conn_write(&talker->conn, "no\n", 3);
    conn_close(&talker->conn, true);
    CHECK(atomic_load(&talker->closed) == 0);
    return 0;
}

static void test_close_in_on_data(void **state)
{
    struct talker talker = {.understand = close_on_line};
    char text[3];

    talker_start(&talker, 1);
    send_all(talker.peer, "line\nand more", 13);
    receive_all(talker.peer, text, 3);
    expect_end(talker.peer);
    talker_finish(&talker);
    assert_int_equal(atomic_load(&talker.calls), 1);
}

/* --- moving ---------------------------------------------------------------------------------- */

enum { MOVERS = 2 };

static void on_moved(struct conn *conn)
{
    struct talker *talker = container_of(conn, struct talker, conn);

    CHECK(worker_is_mine(conn->worker));
    CHECK(conn->worker->index == atomic_load(&talker->worker));
    atomic_fetch_add(&talker->moved, 1);
}

/* As lines, but every 50th line takes the conn to the other worker. */
static size_t wandering_lines(struct talker *talker, char *data, size_t len, size_t *want)
{
    size_t used = 0;
    char *end;

    CHECK(talker->conn.worker->index == atomic_load(&talker->worker));
    while ((end = memchr(data + used, '\n', len - used)) != NULL) {
        size_t line = (size_t)(end - data) + 1 - used;

        CHECK(lines(talker, data + used, line, want) == line);
        used += line;
        if (talker->next % 50 == 0) {
            atomic_store(&talker->worker, 1 - atomic_load(&talker->worker));
            conn_move(&talker->conn, atomic_load(&talker->worker), on_moved);
            return used;
        }
    }
    return used;
}

static void test_move(void **state)
{
    struct talker talker = {.understand = wandering_lines};
    struct random_seeded random;
    pthread_t reader;
    size_t len;
    char *text;

    random_seed(&random, 5);
    text = make_lines(&random.random, &len);
    talker_start(&talker, MOVERS);
    assert_int_equal(pthread_create(&reader, NULL, read_answers, &talker.peer), 0);
    send_all(talker.peer, text, len);
    (void)pthread_join(reader, NULL);
    assert_int_equal(atomic_load(&talker.moved), LINES / 50);
    assert_int_equal(shutdown(talker.peer, SHUT_WR), 0);
    expect_end(talker.peer);
    talker_finish(&talker);
    mem_free(text);
}

/* Paused, with output that waits for the peer, from outside of on_data. */
static void move_blocked(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    write_much(worker, arg);
    conn_pause(&talker->conn);
    atomic_store(&talker->worker, 1);
    conn_move(&talker->conn, 1, on_moved);
}

static bool has_moved(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    return atomic_load(&talker->moved) == 1;
}

static void resume_moved(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    conn_resume(&talker->conn);
}

static void test_move_blocked(void **state)
{
    struct talker talker = {.understand = lines, .options.write_deadline_ns = 9 * NS_PER_S};

    talker_start(&talker, MOVERS);
    on_worker(talker.workers, 0, move_blocked, &talker);
    until_on_worker(talker.workers, 1, has_moved, &talker);
    check_much(talker.peer);
    assert_int_equal(shutdown(talker.peer, SHUT_WR), 0);
    on_worker(talker.workers, 1, resume_moved, &talker);
    talker_finish(&talker);
    assert_int_equal(atomic_load(&talker.end), CONN_END_PEER);
}

/* Every parcel is refused once: the conn goes to the other worker with it. */
static size_t wandering_parcels(struct talker *talker, char *data, size_t len, size_t *want)
{
    uint32_t size;

    CHECK(talker->conn.worker->index == atomic_load(&talker->worker));
    if (len >= 4 && talker->next++ % 2 == 0) {
        memcpy(&size, data, sizeof size);
        if (len >= 4 + (size_t)size) {
            atomic_store(&talker->worker, 1 - atomic_load(&talker->worker));
            conn_move(&talker->conn, atomic_load(&talker->worker), on_moved);
            return 0;
        }
        talker->next--;
    }
    return parcels(talker, data, len, want);
}

static void test_move_large(void **state)
{
    static const uint32_t sizes[] = {10, 20000, 300000, 1 << 20};
    struct talker talker = {.understand = wandering_parcels};

    talker_start(&talker, MOVERS);
    for (unsigned i = 0; i < COUNT_OF(sizes); i++)
        send_parcel(&talker, sizes[i], i, 4);
    assert_int_equal(atomic_load(&talker.moved), COUNT_OF(sizes));
    (void)close(talker.peer);
    talker.peer = -1;
    talker_finish(&talker);
}

/* --- back-pressure -----------------------------------------------------------------------------
 */

struct blocker {
    struct deferred deferred;
    atomic_int inside, go;
};

static void block_turn(struct deferred *deferred)
{
    struct blocker *blocker = container_of(deferred, struct blocker, deferred);

    atomic_store(&blocker->inside, 1);
    while (atomic_load(&blocker->go) == 0)
        (void)sched_yield();
}

static void begin_block(struct worker *worker, void *arg)
{
    struct blocker *blocker = arg;

    worker_defer(worker, &blocker->deferred, block_turn);
}

static void count_bytes(struct worker *worker, void *body, size_t len)
{
    struct talker *talker;

    memcpy(&talker, body, sizeof talker);
    atomic_fetch_add(&talker->lines, len);
}

/* Everything goes on to the other worker. */
static size_t forward(struct talker *talker, char *data, size_t len, size_t *want)
{
    size_t size = len + sizeof talker;

    memcpy(worker_post(talker->conn.worker, 1, count_bytes, size), &talker, sizeof talker);
    talker->next += size;
    return len;
}

static bool is_held(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    return talker->conn.held;
}

static void check_held(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    CHECK(talker->conn.held && (talker->conn.event.interest & EPOLLIN) == 0);
    CHECK(talker->next < MAILBOX_HIGH + (1 << 20));
}

enum { FLOOD = 12 << 20 };

static void *flood(void *arg)
{
    struct talker *talker = arg;
    char *data = mem_alloc(1 << 20);

    for (int i = 0; i < FLOOD >> 20; i++)
        send_all(talker->peer, data, 1 << 20);
    mem_free(data);
    return NULL;
}

static bool all_forwarded(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    return talker->conn.bytes_in == FLOOD && atomic_load(&talker->lines) == talker->next;
}

static void test_held_by_backlog(void **state)
{
    struct talker talker = {.understand = forward};
    struct blocker blocker = {0};
    pthread_t thread;

    talker_start(&talker, 2);
    on_worker(talker.workers, 1, begin_block, &blocker);
    while (atomic_load(&blocker.inside) == 0)
        (void)sched_yield();
    assert_int_equal(pthread_create(&thread, NULL, flood, &talker), 0);
    until_on_worker(talker.workers, 0, is_held, &talker);
    for (int i = 0; i < 20; i++)
        on_worker(talker.workers, 0, check_held, &talker);
    atomic_store(&blocker.go, 1);
    (void)pthread_join(thread, NULL);
    until_on_worker(talker.workers, 0, all_forwarded, &talker);
    (void)close(talker.peer);
    talker.peer = -1;
    talker_finish(&talker);
}

/* Everything goes back. */
static size_t echo(struct talker *talker, char *data, size_t len, size_t *want)
{
    conn_write(&talker->conn, data, len);
    return len;
}

static void check_memory(struct worker *worker, void *arg)
{
    struct worker_figures figures;
    struct talker *talker = arg;

    worker_figures(worker, &figures);
    CHECK(figures.buffer_bytes < (int64_t)talker->memory_max + (1 << 20));
}

/* Who does not read what he has asked for fills the buffers: nobody is read from then. */
static void test_held_by_memory(void **state)
{
    struct talker talker = {.understand = echo, .memory_max = 2 << 20};
    char *data = mem_alloc(1 << 20);
    pthread_t thread;

    talker_start(&talker, 1);
    assert_int_equal(pthread_create(&thread, NULL, flood, &talker), 0);
    until_on_worker(talker.workers, 0, is_held, &talker);
    for (int i = 0; i < 20; i++)
        on_worker(talker.workers, 0, check_memory, &talker);
    for (int i = 0; i < FLOOD >> 20; i++)
        receive_all(talker.peer, data, 1 << 20);
    (void)pthread_join(thread, NULL);
    (void)close(talker.peer);
    talker.peer = -1;
    talker_finish(&talker);
    mem_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_cut_anywhere),
        cmocka_unit_test(test_large_input),
        cmocka_unit_test(test_partial_writes),
        cmocka_unit_test(test_slow_reader_pending),
        cmocka_unit_test(test_slow_reader_deadline),
        cmocka_unit_test(test_trickle_deadline),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_write_fails),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_work_is_cut_by_turns),
        cmocka_unit_test(test_close_with_flush),
        cmocka_unit_test(test_close_does_not_linger),
        cmocka_unit_test(test_close_in_on_data),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_move_blocked),
        cmocka_unit_test(test_move_large),
        cmocka_unit_test(test_held_by_backlog),
        cmocka_unit_test(test_held_by_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
