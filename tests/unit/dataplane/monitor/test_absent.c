#include "dataplane/monitor/absent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/watched.h"

static void test_there_is_nothing(void **state)
{
    guest_is_told(
        &watched.sys, "$SYS.REQ.SERVER.PING.JSZ", "",
        "\"disabled\":true,\"config\":{\"max_memory\":0,\"max_storage\":0},\"streams\":0");
    guest_is_told(&watched.sys, "$SYS.REQ.SERVER.PING.ROUTEZ", "",
                  "\"num_routes\":0,\"routes\":[]");
    guest_is_told(&watched.sys, "$SYS.REQ.SERVER.PING.GATEWAYZ", "",
                  "\"outbound_gateways\":{},\"inbound_gateways\":{}");
    guest_is_told(&watched.sys, "$SYS.REQ.SERVER.PING.LEAFZ", "", "\"leafnodes\":0,\"leafs\":[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_is_nothing),
    };

    return cmocka_run_group_tests(tests, watched_set_up, watched_tear_down);
}
