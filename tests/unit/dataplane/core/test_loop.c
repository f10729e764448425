#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/base/check.h"
#include "dataplane/core/loop.h"

/* A clock that goes on by `step` at each look. */
struct hand_clock {
    struct clock clock;
    int64_t now_ns, step_ns;
};

static int64_t hand_time(struct clock *clock)
{
    struct hand_clock *hand = container_of(clock, struct hand_clock, clock);

    hand->now_ns += hand->step_ns;
    return hand->now_ns;
}

static struct hand_clock hand_clock(void)
{
    return (struct hand_clock){.clock = {hand_time, hand_time}, .now_ns = NS_PER_S};
}

struct watched {
    struct loop_io io;
    struct loop *loop;
    struct watched *other;
    int peer;
    unsigned seen;
    uint32_t events;
};

static void on_event(struct loop_io *io, uint32_t events)
{
    struct watched *watched = container_of(io, struct watched, io);

    watched->seen++;
    watched->events = events;
}

static void watch(struct watched *watched, struct loop *loop, uint32_t interest)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    *watched =
        (struct watched){.io = {.fd = fds[0], .on_event = on_event}, .loop = loop, .peer = fds[1]};
    assert_int_equal(loop_watch(loop, &watched->io, interest), OK);
}

static void unwatch(struct watched *watched)
{
    loop_unwatch(watched->loop, &watched->io);
    (void)close(watched->io.fd);
    if (watched->peer >= 0)
        (void)close(watched->peer);
}

/* How often on_event is called by one turn without sleep. */
static unsigned events_in_turn(struct watched *watched)
{
    unsigned before = watched->seen;
    struct loop_work work = {0};

    loop_look(watched->loop);
    (void)loop_begin(watched->loop);
    loop_dispatch(watched->loop, &work);
    return watched->seen - before;
}

static void test_interest(void **state)
{
    struct hand_clock hand = hand_clock();
    struct loop *loop = loop_new(&hand.clock, 0);
    struct watched watched;

    watch(&watched, loop, EPOLLIN);
    assert_int_equal(events_in_turn(&watched), 0);
    assert_int_equal(write(watched.peer, "x", 1), 1);
    assert_int_equal(events_in_turn(&watched), 1);
    assert_int_equal(watched.events, EPOLLIN);
    assert_int_equal(events_in_turn(&watched), 1); /* until it is read */
    loop_rewatch(loop, &watched.io, EPOLLIN | EPOLLOUT);
    assert_int_equal(events_in_turn(&watched), 1);
    assert_int_equal(watched.events, EPOLLIN | EPOLLOUT);
    /* Nothing, not even that the peer is gone. */
    loop_rewatch(loop, &watched.io, 0);
    (void)close(watched.peer);
    watched.peer = -1;
    assert_int_equal(events_in_turn(&watched), 0);
    loop_rewatch(loop, &watched.io, EPOLLIN);
    assert_int_equal(events_in_turn(&watched), 1);
    assert_true(watched.events & EPOLLHUP);
    unwatch(&watched);
    loop_free(loop);
    loop_free(NULL);
}

static void close_other(struct loop_io *io, uint32_t events)
{
    struct watched *watched = container_of(io, struct watched, io);

    on_event(io, events);
    loop_unwatch(watched->loop, &watched->other->io);
}

/* Who is unwatched by another's event in the same turn hears of nothing any more. */
static void test_unwatched_in_the_same_turn(void **state)
{
    struct hand_clock hand = hand_clock();
    struct loop *loop = loop_new(&hand.clock, 0);
    struct watched one, two;

    for (int ready = 0; ready < 2; ready++) {
        watch(&one, loop, ready ? 0 : EPOLLIN);
        watch(&two, loop, ready ? 0 : EPOLLIN);
        one.other = &two;
        two.other = &one;
        one.io.on_event = two.io.on_event = close_other;
        if (ready) {
            list_push(&loop->ready, &one.io.ready);
            list_push(&loop->ready, &two.io.ready);
        } else {
            assert_int_equal(write(one.peer, "x", 1), 1);
            assert_int_equal(write(two.peer, "x", 1), 1);
        }
        (void)events_in_turn(&one);
        assert_int_equal(one.seen + two.seen, 1);
        unwatch(&one);
        unwatch(&two);
    }
    loop_free(loop);
}

static void test_quantum(void **state)
{
    enum { MANY = 100 };
    struct hand_clock hand = hand_clock();
    struct loop *loop = loop_new(&hand.clock, 0);
    struct watched many[MANY];

    for (int i = 0; i < MANY; i++) {
        watch(&many[i], loop, EPOLLIN);
        assert_int_equal(write(many[i].peer, "x", 1), 1);
        (void)events_in_turn(&many[i]);
        assert_true(loop->quantum >= LOOP_QUANTUM_MIN);
        assert_true(loop->quantum <= LOOP_QUANTUM);
        if (i == 0)
            assert_int_equal(loop->quantum, LOOP_QUANTUM);
    }
    assert_int_equal(loop->quantum, LOOP_QUANTUM_MIN);
    for (int i = 0; i < MANY; i++)
        unwatch(&many[i]);
    loop_free(loop);
}

/* --- work ----------------------------------------------------------------------------------- */

struct toil {
    struct loop_io io;
    struct loop_work *work;
    char *order; /* whose turn it was */
    char name;
    uint32_t share;
};

static void on_toil(struct loop_io *io, uint32_t events)
{
    struct toil *toil = container_of(io, struct toil, io);

    toil->order[strlen(toil->order)] = toil->name;
    toil->share = toil->work->until - toil->work->done;
    toil->work->done += LOOP_TURN_WORK;
}

/* Whoever found no time in a turn comes first in the next, whatever the kernel reports. */
static void test_what_is_left_comes_first(void **state)
{
    struct hand_clock hand = hand_clock();
    struct loop *loop = loop_new(&hand.clock, 0);
    struct loop_work work;
    struct toil toils[3];
    char order[16] = "";
    int peers[3];

    for (int i = 0; i < 3; i++) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        toils[i] = (struct toil){.io = {.fd = fds[0], .on_event = on_toil},
                                 .work = &work,
                                 .order = order,
                                 .name = (char)('a' + i)};
        peers[i] = fds[1];
        assert_int_equal(loop_watch(loop, &toils[i].io, EPOLLIN), OK);
        assert_int_equal(write(peers[i], "x", 1), 1); /* and nobody reads it */
    }
    for (int turn = 0; turn < 7; turn++) {
        work = (struct loop_work){0};
        loop_look(loop);
        (void)loop_begin(loop);
        loop_dispatch(loop, &work);
    }
    assert_string_equal(order, "abcabca");
    assert_int_equal(toils[0].share, LOOP_TURN_WORK / 3);
    /* Alone: more at once. */
    for (int i = 1; i < 3; i++)
        loop_rewatch(loop, &toils[i].io, 0);
    for (int turn = 0; turn < 4; turn++) {
        work = (struct loop_work){0};
        loop_look(loop);
        (void)loop_begin(loop);
        loop_dispatch(loop, &work);
    }
    assert_int_equal(toils[0].share, LOOP_LONE_WORK);
    for (int i = 0; i < 3; i++) {
        loop_unwatch(loop, &toils[i].io);
        (void)close(toils[i].io.fd);
        (void)close(peers[i]);
    }
    loop_free(loop);
}

/* A sleep that takes so long. */
static void sleep_for(struct loop *loop, struct hand_clock *hand, int64_t ns)
{
    loop_sleep(loop, hand->now_ns, 0);
    hand->now_ns += ns;
    (void)loop_begin(loop);
}

static void test_polling_adapts(void **state)
{
    struct hand_clock hand = hand_clock();
    struct loop *loop = loop_new(&hand.clock, 50 * NS_PER_US);
    struct mailbox mailbox;
    struct watched watched;

    mailbox_init(&mailbox, loop->wake_fd);
    watch(&watched, loop, EPOLLIN);
    /* Long sleeps: polling would not have helped. */
    for (int i = 0; i < 20; i++)
        sleep_for(loop, &hand, NS_PER_MS);
    assert_int_equal(loop->poll_ns, 0);
    assert_false(loop_poll(loop, &mailbox));
    /* Short ones in a row: it would have. */
    for (int i = 0; i < 10; i++)
        sleep_for(loop, &hand, 10 * NS_PER_US);
    assert_int_equal(loop->poll_ns, 20 * NS_PER_US);
    /* It pays: longer, but not without end. */
    assert_int_equal(write(watched.peer, "x", 1), 1);
    for (int i = 0; i < 10; i++)
        assert_true(loop_poll(loop, &mailbox));
    assert_int_equal(loop->poll_ns, 50 * NS_PER_US);
    /* It does not: not again, until sleeps are short again. */
    loop_rewatch(loop, &watched.io, 0);
    hand.step_ns = NS_PER_US;
    assert_false(loop_poll(loop, &mailbox));
    assert_int_equal(loop->poll_ns, 0);
    /* Also when the clock stands still there is an end. */
    hand.step_ns = 0;
    loop->poll_ns = 20 * NS_PER_US;
    assert_false(loop_poll(loop, &mailbox));
    unwatch(&watched);
    mailbox_fini(&mailbox);
    loop_free(loop);
}

static void test_load(void **state)
{
    struct hand_clock hand = hand_clock();
    struct loop *loop = loop_new(&hand.clock, 0);

    /* One millisecond of work, three of sleep. */
    for (int i = 0; i < 2000; i++) {
        hand.now_ns += NS_PER_MS;
        sleep_for(loop, &hand, 3 * NS_PER_MS);
    }
    assert_in_range(atomic_load(&loop->load), 230, 270);
    assert_int_equal(atomic_load(&loop->longest_turn_ns), NS_PER_MS);
    /* No sleep at all. */
    for (int i = 0; i < 5000; i++) {
        hand.now_ns += NS_PER_MS;
        (void)loop_begin(loop);
    }
    assert_in_range(atomic_load(&loop->load), 980, 1000);
    /* After a long sleep the past does not count. */
    sleep_for(loop, &hand, 100 * NS_PER_S);
    assert_in_range(atomic_load(&loop->load), 0, 20);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interest),       cmocka_unit_test(test_unwatched_in_the_same_turn),
        cmocka_unit_test(test_quantum),        cmocka_unit_test(test_what_is_left_comes_first),
        cmocka_unit_test(test_polling_adapts), cmocka_unit_test(test_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
