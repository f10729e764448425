#include "tests/lib/conn_talker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "tests/lib/on_worker.h"

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
    struct timeval wait = {.tv_sec = 60};

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

void talker_start(struct talker *talker, unsigned count)
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

bool talker_is_closed(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    return atomic_load(&talker->closed) == 1;
}

static void no_bytes(struct worker *worker, void *arg)
{
    size_t taken, idle;

    pool_usage(worker->pool, &taken, &idle);
    /* The chunk of this very mail. */
    CHECK(taken <= 512);
    CHECK(atomic_load(&worker->conns) == 0);
}

void talker_finish(struct talker *talker)
{
    until_on_worker(talker->workers, 0, talker_is_closed, talker);
    for (unsigned i = 0; i < workers_count(talker->workers); i++)
        on_worker(talker->workers, i, no_bytes, NULL);
    if (talker->peer >= 0)
        (void)close(talker->peer);
    workers_stop(talker->workers);
}

void talker_send(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);

        CHECK(sent > 0);
        at += sent;
        len -= (size_t)sent;
    }
}

void talker_receive(int fd, void *data, size_t len)
{
    char *at = data;

    while (len > 0) {
        ssize_t got = recv(fd, at, len, 0);

        CHECK(got > 0);
        at += got;
        len -= (size_t)got;
    }
}

void talker_expect_end(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

size_t talker_lines(struct talker *talker, char *data, size_t len, size_t *want)
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

static unsigned char pattern(size_t at)
{
    return (unsigned char)(at * 7 + at / 253 + at / 65537);
}

void talker_write_much(struct worker *worker, void *arg)
{
    struct talker *talker = arg;
    struct shared *shared = shared_new(TALKER_MUCH);
    size_t at = 0;
    unsigned turn = 0;

    for (size_t i = 0; i < TALKER_MUCH; i++)
        shared->data[i] = (char)pattern(i);
    while (at < TALKER_MUCH) {
        size_t part = (turn * 977) % 9000 + 1;

        part = part < TALKER_MUCH - at ? part : TALKER_MUCH - at;
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
    CHECK(talker->conn.blocked && conn_pending(&talker->conn) > TALKER_MUCH / 2);
}

void talker_check_much(int fd)
{
    unsigned char *data = mem_alloc(TALKER_MUCH);

    talker_receive(fd, data, TALKER_MUCH);
    for (size_t i = 0; i < TALKER_MUCH; i++)
        CHECK(data[i] == pattern(i));
    mem_free(data);
}
