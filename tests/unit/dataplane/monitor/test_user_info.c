#include "dataplane/monitor/user_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/station.h"

static struct station station;

static int set_up(void **state)
{
    station_prepare(&station);
    station_start(
        &station,
        "accounts { A { users [ {user: free, password: p},\n"
        "  {user: bound, password: p, permissions { publish { allow: [\"$SYS.REQ.USER.INFO\","
        " x], deny: y }, subscribe: \"_INBOX.>\", allow_responses: true } } ] } }\n");
    return 0;
}

static int tear_down(void **state)
{
    station_stop(&station);
    return 0;
}

static void test_who_am_i(void **state)
{
    struct guest guest;

    station_enter(&station, &guest, "{\"verbose\":false,\"user\":\"free\",\"pass\":\"p\"}");
    guest_is_told(&guest, "$SYS.REQ.USER.INFO", "",
                  "\"data\":{\"user\":\"free\",\"account\":\"A\",\"account_name\":\"A\"}");
    guest_leave(&guest);
    station_enter(&station, &guest, "{\"verbose\":false,\"user\":\"bound\",\"pass\":\"p\"}");
    guest_is_told(
        &guest, "$SYS.REQ.USER.INFO", "",
        "\"permissions\":{\"publish\":{\"allow\":[\"$SYS.REQ.USER.INFO\",\"x\"],\"deny\":"
        "[\"y\"]},\"subscribe\":{\"allow\":[\"_INBOX.>\"]},\"responses\":{\"max\":1,\"ttl\":"
        "120000000000}}");
    /* Nobody to answer to: nothing happens. */
    guest_say(&guest, "PUB $SYS.REQ.USER.INFO 0\r\n\r\n");
    guest_hears_nothing(&guest);
    guest_leave(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_am_i),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
