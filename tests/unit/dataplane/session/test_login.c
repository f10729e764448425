#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/socket.h>

#include "tests/lib/hall.h"
#include "tests/lib/on_worker.h"

#define QUIET "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"

/* Everything in one piece: it is cut at CONNECT, where the session changes its worker. */
static void test_what_follows_connect_moves_along(void **state)
{
    struct guest guests[2 * HALL_WORKERS];

    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        guest_enter(*state, &guests[i], NULL);
        guest_say(&guests[i], QUIET "SUB a.* 1\r\nSUB b 2\r\nPUB b 2\r\nhi\r\nPING\r\n");
        guest_hears(&guests[i], "MSG b 2 2\r\nhi\r\n");
        guest_hears(&guests[i], "PONG\r\n");
    }
    guest_say(&guests[0], "PUB a.x in.1 5\r\nhello\r\n");
    for (size_t i = 0; i < COUNT_OF(guests); i++)
        guest_hears(&guests[i], "MSG a.x 1 in.1 5\r\nhello\r\n");
    for (size_t i = 0; i < COUNT_OF(guests); i++)
        guest_leave(&guests[i]);
}

static void test_what_connect_may_not_ask(void **state)
{
    static const struct {
        const char *connect, *answer;
    } cases[] = {
        {"CONNECT {\"protocol\":2}\r\n", "-ERR 'invalid client protocol'\r\n"},
        {"CONNECT {\"protocol\":-1}\r\n", "-ERR 'invalid client protocol'\r\n"},
        {"CONNECT {\"no_responders\":true}\r\n",
         "-ERR 'no responders requires headers support'\r\n"},
        {"CONNECT {\"account\":\"A\"}\r\n", "-ERR 'Authorization Violation'\r\n"},
        {"CONNECT {\"new_account\":true}\r\n", "-ERR 'Authorization Violation'\r\n"},
        {"CONNECT {\"verbose\":1}\r\n", ""},
        {"CONNECT {\r\n", ""},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct guest guest;

        guest_enter(*state, &guest, NULL);
        guest_say(&guest, cases[i].connect);
        guest_hears_only(&guest, cases[i].answer);
        guest_sees_end(&guest);
        guest_leave(&guest);
    }
}

static void test_connect_twice(void **state)
{
    struct guest guest;

    guest_enter(*state, &guest, NULL);
    guest_say(&guest, "SUB before 1\r\n"); /* stays when the first comes */
    guest_hears_only(&guest, "+OK\r\n");
    guest_say(&guest, QUIET "PUB before 0\r\n\r\n");
    guest_hears_only(&guest, "MSG before 1 0\r\n\r\n");
    guest_say(&guest, "CONNECT {\"echo\":false}\r\nSUB a 2\r\nPUB before 0\r\n\r\nPUB a 0\r\n\r\n");
    guest_hears_only(&guest, "+OK\r\n+OK\r\n+OK\r\n+OK\r\n");
    guest_hears_nothing(&guest);
    guest_leave(&guest);
}

enum { MANY = 20000 };

static void say_many(struct guest *guest)
{
    char line[64];

    for (int i = 0; i < MANY; i++) {
        snprintf(line, sizeof(line), "SUB many.%d %d\r\n", i, i);
        guest_say(guest, line);
    }
}

static uint64_t subscriptions_in(struct hall *hall)
{
    struct session_figures figures;

    session_table_figures(hall->table, &figures);
    return figures.subscriptions;
}

static void test_connect_twice_with_many_subscriptions(void **state)
{
    struct guest guest;

    guest_enter(*state, &guest, NULL);
    guest_say(&guest, QUIET);
    say_many(&guest);
    guest_hears_nothing(&guest);
    guest_say(&guest, "CONNECT {}\r\nPUB many.1 0\r\n\r\nSUB many.1 1\r\nPUB many.1 0\r\n\r\n");
    guest_hears_only(&guest, "+OK\r\n+OK\r\n+OK\r\n+OK\r\nMSG many.1 1 0\r\n\r\n");
    guest_hears_nothing(&guest);
    assert_int_equal(subscriptions_in(*state), 1);
    guest_leave(&guest);
}

static bool dropping(struct worker *worker, void *arg)
{
    (void)worker;
    return subscriptions_in(arg) < MANY;
}

/* The clock stands, so a second portion is never dropped: the worker serves others meanwhile, and
 * nothing is delivered to who waits, nor read from him. */
static void test_many_subscriptions_go_in_turns(void **state)
{
    struct hall hall;
    struct guest guest, other;
    char line[64];

    (void)state;
    hall_init(&hall);
    hall.clock = clock_that_stands();
    hall_start(&hall, 1);
    guest_enter(&hall, &guest, NULL);
    guest_enter(&hall, &other, NULL);
    guest_say(&other, QUIET "SUB said 1\r\n");
    guest_hears_nothing(&other);
    guest_say(&guest, QUIET);
    say_many(&guest);
    guest_hears_nothing(&guest);
    guest_say(&guest, QUIET "PUB said 0\r\n\r\n");
    until_on_worker(hall.workers, 0, dropping, &hall);
    assert_in_range(subscriptions_in(&hall), MANY / 2, MANY);
    for (int i = 0; i < MANY; i++) {
        snprintf(line, sizeof(line), "PUB many.%d 0\r\n\r\n", i);
        guest_say(&other, line);
    }
    guest_hears_nothing(&other);
    assert_int_equal(recv(guest.fd, line, sizeof(line), MSG_DONTWAIT), -1);
    hall_stop(&hall);
    guest_leave(&guest);
    guest_leave(&other);
}

static void test_echo_off_also_for_what_was_subscribed_before(void **state)
{
    struct guest guest, other;

    guest_enter(*state, &guest, NULL);
    guest_say(&guest, "SUB e 1\r\nCONNECT {\"echo\":false,\"verbose\":false}\r\nPUB e 0\r\n\r\n");
    guest_hears_only(&guest, "+OK\r\n");
    guest_hears_nothing(&guest);
    guest_enter(*state, &other, NULL);
    guest_say(&other, QUIET "PUB e 0\r\n\r\n");
    guest_hears_only(&guest, "MSG e 1 0\r\n\r\n");
    guest_leave(&guest);
    guest_leave(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_follows_connect_moves_along),
        cmocka_unit_test(test_what_connect_may_not_ask),
        cmocka_unit_test(test_connect_twice),
        cmocka_unit_test(test_connect_twice_with_many_subscriptions),
        cmocka_unit_test(test_many_subscriptions_go_in_turns),
        cmocka_unit_test(test_echo_off_also_for_what_was_subscribed_before),
    };

    return cmocka_run_group_tests(tests, hall_set_up, hall_tear_down);
}
