#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/core/conn.h"
#include "tests/lib/conn_talker.h"
#include "tests/lib/on_worker.h"

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
    talker_send(talker.peer, "a\nb\nc\nd", 7);
    for (talker.next = 1; talker.next <= 3; talker.next++) {
        until_on_worker(talker.workers, 0, has_lines, &talker);
        /* Nothing more happens by itself, whatever the peer does. */
        if (talker.next == 2)
            talker_send(talker.peer, "d", 1);
        if (talker.next == 3) {
            talker_send(talker.peer, "\n", 1);
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
    until_on_worker(talker.workers, 0, talker_is_closed, &talker);
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
        worker_charge(worker, LOOP_LONE_WORK);
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
    talker_send(talker.peer, "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk", 21);
    until_on_worker(talker.workers, 0, has_ten_lines, &talker);
    assert_int_equal(shutdown(talker.peer, SHUT_WR), 0);
    talker_finish(&talker);
    assert_int_equal(atomic_load(&talker.lines), 10);
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
        talker_send(talker->peer, data, 1 << 20);
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
        talker_receive(talker.peer, data, 1 << 20);
    (void)pthread_join(thread, NULL);
    (void)close(talker.peer);
    talker.peer = -1;
    talker_finish(&talker);
    mem_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_work_is_cut_by_turns),
        cmocka_unit_test(test_held_by_backlog),
        cmocka_unit_test(test_held_by_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
