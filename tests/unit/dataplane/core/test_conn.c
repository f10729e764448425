#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "dataplane/core/conn.h"
#include "tests/lib/conn_talker.h"
#include "tests/lib/on_worker.h"

/* --- input: lines cut anywhere --------------------------------------------------------------- */

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

        talker_receive(fd, got, (size_t)len);
        CHECK(memcmp(got, expected, (size_t)len) == 0);
    }
    return NULL;
}

static void test_lines_cut_anywhere(void **state)
{
    struct talker talker = {.understand = talker_lines};
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
        talker_send(talker.peer, text + at, part);
        at += part;
    }
    (void)pthread_join(reader, NULL);
    assert_int_equal(atomic_load(&talker.lines), LINES);
    assert_int_equal(shutdown(talker.peer, SHUT_WR), 0);
    talker_expect_end(talker.peer);
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
    talker_send(talker->peer, data, cut);
    while (cut > 4 && atomic_load(&talker->calls) == 0)
        (void)sched_yield();
    talker_send(talker->peer, data + cut, 4 + (size_t)size - cut);
    talker_receive(talker->peer, back, size);
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

        CHECK(talker_lines(talker, data + used, line, want) == line);
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
    talker_send(talker.peer, text, len);
    (void)pthread_join(reader, NULL);
    assert_int_equal(atomic_load(&talker.moved), LINES / 50);
    assert_int_equal(shutdown(talker.peer, SHUT_WR), 0);
    talker_expect_end(talker.peer);
    talker_finish(&talker);
    mem_free(text);
}

/* Paused, with output that waits for the peer, from outside of on_data. */
static void move_blocked(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    talker_write_much(worker, arg);
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
    struct talker talker = {.understand = talker_lines, .options.write_deadline_ns = 9 * NS_PER_S};

    talker_start(&talker, MOVERS);
    on_worker(talker.workers, 0, move_blocked, &talker);
    until_on_worker(talker.workers, 1, has_moved, &talker);
    talker_check_much(talker.peer);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_cut_anywhere),
        cmocka_unit_test(test_large_input),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_move_blocked),
        cmocka_unit_test(test_move_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
