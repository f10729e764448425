#include "dataplane/monitor/absent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/station.h"

#define CONFIG                                                 \
    "server_name: srv\nhttp: -1\nworkers: 2\n"                 \
    "accounts { $SYS { users [{user: sys, password: sys}] }\n" \
    "           A { users [{user: a, password: a}] }, B { users [{user: b, password: b}] } }\n"
#define AS(who) \
    "{\"verbose\":false,\"user\":\"" who "\",\"pass\":\"" who "\",\"name\":\"n" who "\"}"

static struct station station;
static struct guest sys, a;

static int set_up(void **state)
{
    station_prepare(&station);
    station_start(&station, CONFIG);
    station_enter(&station, &sys, AS("sys"));
    station_enter(&station, &a, AS("a"));
    return 0;
}

static int tear_down(void **state)
{
    guest_leave(&sys);
    guest_leave(&a);
    station_stop(&station);
    return 0;
}

static void test_there_is_nothing(void **state)
{
    guest_is_told(
        &sys, "$SYS.REQ.SERVER.PING.JSZ", "",
        "\"disabled\":true,\"config\":{\"max_memory\":0,\"max_storage\":0},\"streams\":0");
    guest_is_told(&sys, "$SYS.REQ.SERVER.PING.ROUTEZ", "", "\"num_routes\":0,\"routes\":[]");
    guest_is_told(&sys, "$SYS.REQ.SERVER.PING.GATEWAYZ", "",
                  "\"outbound_gateways\":{},\"inbound_gateways\":{}");
    guest_is_told(&sys, "$SYS.REQ.SERVER.PING.LEAFZ", "", "\"leafnodes\":0,\"leafs\":[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_is_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
