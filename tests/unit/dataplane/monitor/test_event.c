#include "dataplane/monitor/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/station.h"

#define CONFIG                                                 \
    "server_name: srv\nworkers: 2\n"                           \
    "accounts { $SYS { users [{user: sys, password: sys}] }\n" \
    "           A { users [{user: a, password: a}] } }\n"
#define AS(who) "{\"verbose\":false,\"user\":\"" who "\",\"pass\":\"" who "\"}"

static struct station station;
static struct guest sys;

static int set_up(void **state)
{
    station_prepare(&station);
    station_start(&station, CONFIG);
    station_enter(&station, &sys, AS("sys"));
    return 0;
}

static int tear_down(void **state)
{
    guest_leave(&sys);
    station_stop(&station);
    return 0;
}

static void expect(const char *subject, const char *part)
{
    const char *text = guest_takes(&sys, subject);

    if (strstr(text, part) == NULL)
        fail_msg("%s: %s is not in %s", subject, part, text);
}

static void test_a_connection_comes_and_goes(void **state)
{
    struct guest a;

    guest_say(&sys, "SUB $SYS.ACCOUNT.A.> 1\r\nSUB $SYS.SERVER.ACCOUNT.A.CONNS 2\r\n");
    guest_hears_nothing(&sys);
    station_enter(&station, &a, AS("a"));
    expect("$SYS.SERVER.ACCOUNT.A.CONNS 2 ", "\"acc\":\"A\",\"name\":\"A\",\"conns\":1,");
    expect("$SYS.ACCOUNT.A.SERVER.CONNS 1 ", "\"conns\":1,");
    expect("$SYS.ACCOUNT.A.CONNECT 1 ", "\"type\":\"io.nats.server.advisory.v1.client_connect\"");
    guest_say(&a, "SUB x 1\r\nPUB x 5\r\nhello\r\nPUB y 2\r\nhi\r\nPING\r\n");
    guest_hears(&a, "PONG\r\n");
    guest_leave(&a);
    expect("$SYS.ACCOUNT.A.SERVER.CONNS 1 ", "\"conns\":0,");
    expect("$SYS.ACCOUNT.A.DISCONNECT 1 ",
           "\"sent\":{\"msgs\":2,\"bytes\":7},\"received\":{\"msgs\":1,\"bytes\":5},\"reason\":"
           "\"Client Closed\"}");
    guest_say(&sys, "UNSUB 1\r\nUNSUB 2\r\n");
}

static void test_a_login_that_fails(void **state)
{
    struct guest a = {.fd = -1};

    guest_say(&sys, "SUB $SYS.SERVER.*.CLIENT.AUTH.ERR 1\r\n");
    guest_hears_nothing(&sys);
    station_dial(&station, &a);
    guest_say(&a, "CONNECT {\"user\":\"a\",\"pass\":\"wrong\"}\r\n");
    guest_hears(&a, "-ERR 'Authorization Violation'");
    guest_sees_end(&a);
    guest_hears(&sys, ".CLIENT.AUTH.ERR 1 ");
    guest_hears(&sys, "\"reason\":\"Authentication Failure\"}");
    guest_hears(&sys, "\r\n");
    guest_leave(&a);
    guest_say(&sys, "UNSUB 1\r\n");
}

static void test_statistics_come_by_themselves(void **state)
{
    guest_say(&sys, "SUB $SYS.SERVER.*.STATSZ 1\r\n");
    guest_hears(&sys, ".STATSZ 1 ");
    guest_hears(&sys, "\"statsz\":{\"start\":\"");
    guest_hears(&sys, "\r\n");
    guest_say(&sys, "UNSUB 1\r\n");
}

/* The last figures of every account, then SHUTDOWN: after it nothing is counted any more. */
static void test_the_end_is_told_with_final_figures(void **state)
{
    struct station other;
    struct guest a, listener;
    struct guest kept = sys;

    station_prepare(&other);
    station_start(&other, CONFIG);
    station_enter(&other, &listener, AS("sys"));
    guest_say(&listener, "SUB $SYS.> 1\r\n");
    guest_hears_nothing(&listener);
    station_enter(&other, &a, AS("a"));
    guest_hears(&listener, "$SYS.ACCOUNT.A.SERVER.CONNS 1 ");
    for (int i = 0; i < 7; i++)
        guest_say(&a, "PUB x 3\r\nabc\r\n");
    guest_hears_nothing(&a);
    station_stop(&other);
    guest_sees_end(&a);
    sys = listener;
    expect("$SYS.ACCOUNT.A.SERVER.CONNS 1 ", "\"conns\":0,");
    expect("$SYS.ACCOUNT.A.DISCONNECT 1 ", "\"reason\":\"Server Shutdown\"");
    expect("$SYS.ACCOUNT.A.SERVER.CONNS 1 ", "\"received\":{\"msgs\":7,\"bytes\":21,");
    listener = sys;
    sys = kept;
    guest_hears(&listener, ".SHUTDOWN 1 ");
    guest_hears(&listener, "{\"name\":\"srv\"");
    guest_sees_end(&listener);
    guest_leave(&a);
    guest_leave(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_comes_and_goes),
        cmocka_unit_test(test_a_login_that_fails),
        cmocka_unit_test(test_statistics_come_by_themselves),
        cmocka_unit_test(test_the_end_is_told_with_final_figures),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
