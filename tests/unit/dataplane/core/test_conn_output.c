#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/core/conn.h"
#include "tests/lib/conn_talker.h"
#include "tests/lib/on_worker.h"

/* --- output: partial writes ------------------------------------------------------------------ */

static void all_sent(struct worker *worker, void *arg)
{
    struct talker *talker = arg;
    size_t taken, idle;

    CHECK(!talker->conn.blocked && talker->conn.bytes_out == TALKER_MUCH);
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
    struct talker talker = {.understand = talker_lines, .options.write_deadline_ns = 9 * NS_PER_S};

    talker_start(&talker, 1);
    on_worker(talker.workers, 0, talker_write_much, &talker);
    talker_check_much(talker.peer);
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
    struct talker talker = {.understand = talker_lines, .options.out_max = 2 << 20};

    talker_start(&talker, 1);
    on_worker(talker.workers, 0, write_until_dead, &talker);
    until_on_worker(talker.workers, 0, talker_is_closed, &talker);
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
    struct talker talker = {.understand = talker_lines,
                            .options = {.out_max = 64 << 20, .write_deadline_ns = 50 * NS_PER_MS}};
    int64_t began_ns = clock_mono_ns(clock_system());

    talker_start(&talker, 1);
    on_worker(talker.workers, 0, write_some, &talker);
    until_on_worker(talker.workers, 0, talker_is_closed, &talker);
    assert_true(clock_mono_ns(clock_system()) - began_ns >= 50 * NS_PER_MS);
    assert_int_equal(atomic_load(&talker.end), CONN_END_DEADLINE);
    talker_finish(&talker);
}

/* Taking a little now and then does not help: what waited is not gone in time. */
static void test_trickle_deadline(void **state)
{
    struct talker talker = {.understand = talker_lines,
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
    struct talker talker = {.understand = talker_lines, .at_end = say_goodbye};
    char text[4];

    talker_start(&talker, 1);
    assert_int_equal(shutdown(talker.peer, SHUT_WR), 0);
    talker_receive(talker.peer, text, 4);
    assert_memory_equal(text, "bye\n", 4);
    talker_expect_end(talker.peer);
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
    struct talker talker = {.understand = talker_lines};

    talker_start(&talker, 1);
    on_worker(talker.workers, 0, pause_and_write, &talker);
    (void)close(talker.peer);
    talker.peer = -1;
    until_on_worker(talker.workers, 0, talker_is_closed, &talker);
    assert_int_equal(atomic_load(&talker.end), CONN_END_WRITE);
    talker_finish(&talker);
}

/* --- closing --------------------------------------------------------------------------------- */

static void write_and_close(struct worker *worker, void *arg)
{
    struct talker *talker = arg;

    talker_write_much(worker, talker);
    conn_close(&talker->conn, true);
    conn_write(&talker->conn, "", 0);
}

static void test_close_with_flush(void **state)
{
    /* However long it takes to read. */
    struct talker talker = {.understand = talker_lines, .clock = clock_that_stands()};

    talker_start(&talker, 1);
    /* Unread input must not turn the end into a reset. */
    on_worker(talker.workers, 0, write_and_close, &talker);
    talker_send(talker.peer, "0\n1\n", 4);
    talker_check_much(talker.peer);
    talker_expect_end(talker.peer);
    talker_finish(&talker);
    assert_int_equal(atomic_load(&talker.ended), 0);
    assert_int_equal(atomic_load(&talker.lines), 0);
}

/* Who does not take it is not waited for longer than CONN_LINGER_NS. */
static void test_close_does_not_linger(void **state)
{
    struct talker talker = {.understand = talker_lines};
    int64_t began_ns = clock_mono_ns(clock_system());

    talker_start(&talker, 1);
    on_worker(talker.workers, 0, write_and_close, &talker);
    until_on_worker(talker.workers, 0, talker_is_closed, &talker);
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
    talker_send(talker.peer, "line\nand more", 13);
    talker_receive(talker.peer, text, 3);
    talker_expect_end(talker.peer);
    talker_finish(&talker);
    assert_int_equal(atomic_load(&talker.calls), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partial_writes),       cmocka_unit_test(test_slow_reader_pending),
        cmocka_unit_test(test_slow_reader_deadline), cmocka_unit_test(test_trickle_deadline),
        cmocka_unit_test(test_last_words),           cmocka_unit_test(test_write_fails),
        cmocka_unit_test(test_close_with_flush),     cmocka_unit_test(test_close_does_not_linger),
        cmocka_unit_test(test_close_in_on_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
