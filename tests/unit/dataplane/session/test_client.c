#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/lib/hall.h"

#define QUIET "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"
#define MODERN \
    "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\n"

/* A taker that sends PING after the publisher had its PONG has the message before its PONG. */
static void test_ping_is_a_barrier_across_workers(void **state)
{
    struct guest from, to[HALL_WORKERS];
    char line[64];

    guest_enter(*state, &from, NULL);
    guest_say(&from, QUIET);
    for (int i = 0; i < HALL_WORKERS; i++) {
        guest_enter(*state, &to[i], NULL);
        guest_say(&to[i], QUIET "SUB bar 9\r\nPING\r\n");
        guest_hears(&to[i], "PONG\r\n");
    }
    for (int round = 0; round < 200; round++) {
        snprintf(line, sizeof(line), "PUB bar 4\r\n%04d\r\nPING\r\n", round);
        guest_say(&from, line);
        guest_hears_only(&from, "PONG\r\n");
        for (int i = 0; i < HALL_WORKERS; i++) {
            snprintf(line, sizeof(line), "MSG bar 9 4\r\n%04d\r\nPONG\r\n", round);
            guest_say(&to[i], "PING\r\n");
            guest_hears_only(&to[i], line);
        }
    }
    for (int i = 0; i < HALL_WORKERS; i++)
        guest_leave(&to[i]);
    guest_leave(&from);
}

static void test_nobody_is_told_on_its_own_subscription(void **state)
{
    struct guest guest, other;

    guest_enter(*state, &guest, NULL);
    guest_enter(*state, &other, NULL);
    guest_say(&other, MODERN "SUB in.> 5\r\n");
    guest_hears_nothing(&other);
    guest_hears(&other, "} \r\n");
    guest_say(&guest, MODERN "PING\r\n");
    guest_hears(&guest, "} \r\n");
    guest_say(&guest, "PUB svc in.1 0\r\n\r\n");
    guest_hears_nothing(&guest); /* not subscribed */
    guest_say(&guest, "SUB in.* 77\r\nPUB svc in.1 0\r\n\r\n");
    guest_hears_only(&guest, "HMSG in.1 77 35 35\r\nNATS/1.0 503\r\nNats-Subject: svc\r\n\r\n\r\n");
    guest_hears_nothing(&other);
    guest_leave(&guest);
    guest_leave(&other);
}

static void test_what_may_not_be_published(void **state)
{
    static const struct {
        const char *line, *answer;
    } cases[] = {
        {"PUB _GR_.x 0\r\n\r\n", "-ERR 'Permissions Violation for Publish to \"_GR_.x\"'\r\n"},
        {"PUB $NRG.x 0\r\n\r\n", "-ERR 'Permissions Violation for Publish to \"$NRG.x\"'\r\n"},
        {"PUB a _R_.x 0\r\n\r\n",
         "-ERR 'Permissions Violation for Publish with Reply of \"_R_.x\"'\r\n"},
        {"PUB a $JS.ACK.x 0\r\n\r\n",
         "-ERR 'Permissions Violation for Publish with Reply of \"$JS.ACK.x\"'\r\n"},
        {"SUB a _sys_ 1\r\n",
         "-ERR 'Permissions Violation for Subscription to \"a\" using queue \"_sys_\"'\r\n"},
        {"SUB a..b 1\r\n", "-ERR 'Invalid Subject'\r\n"},
    };
    struct guest guest;

    guest_enter(*state, &guest, NULL);
    guest_say(&guest, QUIET);
    for (int twice = 0; twice < 2; twice++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            guest_say(&guest, cases[i].line);
            guest_hears_only(&guest, cases[i].answer);
        }
    }
    guest_hears_nothing(&guest);
    guest_leave(&guest);
}

static void test_unsub_counts_from_the_beginning(void **state)
{
    struct guest guest;

    guest_enter(*state, &guest, NULL);
    guest_say(&guest,
              QUIET "SUB a 1\r\nPUB a 1\r\n1\r\nUNSUB 1 2\r\nPUB a 1\r\n2\r\nPUB a 1\r\n3\r\n");
    guest_hears_only(&guest, "MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\n");
    guest_hears_nothing(&guest);
    guest_leave(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ping_is_a_barrier_across_workers),
        cmocka_unit_test(test_nobody_is_told_on_its_own_subscription),
        cmocka_unit_test(test_what_may_not_be_published),
        cmocka_unit_test(test_unsub_counts_from_the_beginning),
    };

    return cmocka_run_group_tests(tests, hall_set_up, hall_tear_down);
}
