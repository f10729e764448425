#include "dataplane/monitor/accstatz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/watched.h"

static void test_who_is_listed(void **state)
{
    const char *text = guest_asks(&watched.sys, "$SYS.REQ.ACCOUNT.PING.STATZ", "");

    assert_non_null(strstr(text, "\"acc\":\"A\""));
    assert_null(strstr(text, "\"acc\":\"B\""));
    text = guest_asks(&watched.sys, "$SYS.REQ.ACCOUNT.PING.STATZ", "{\"include_unused\":true}");
    assert_non_null(strstr(text, "\"acc\":\"B\""));
    assert_non_null(strstr(text, "\"acc\":\"$G\""));
    guest_is_told(&watched.sys, "$SYS.REQ.ACCOUNT.PING.STATZ", "{\"accounts\":[\"ZZ\"]}",
                  "\"account_statz\":[]");
}

/* Many accounts take several turns; none is told twice or left out. */
static void test_many_accounts(void **state)
{
    enum { MANY = 300 };
    struct buf config = {0};
    struct station other;
    struct guest guest;
    const char *text;
    size_t count = 0;

    buf_add_text(&config, "accounts { $SYS { users [{user: sys, password: sys}] }\n");
    for (int i = 0; i < MANY; i++)
        buf_printf(&config, "  ACC-%d {}\n", i);
    buf_add_text(&config, "}\n");
    station_prepare(&other);
    station_start(&other, buf_text(&config));
    station_enter(&other, &guest, WATCHED_AS("sys"));
    /* asked for by name, as the answer for all would not fit the guest's memory */
    for (int i = 0; i < MANY; i += 13) {
        char body[96], part[32];

        snprintf(body, sizeof(body), "{\"include_unused\":true,\"accounts\":[\"ACC-%d\"]}", i);
        snprintf(part, sizeof(part), "[{\"acc\":\"ACC-%d\"", i);
        guest_is_told(&guest, "$SYS.REQ.ACCOUNT.PING.STATZ", body, part);
    }
    text = guest_asks(&guest, "$SYS.REQ.SERVER.PING.ACCOUNTZ", "");
    while ((text = strstr(text, "\"ACC-")) != NULL) {
        text++;
        count++;
    }
    assert_int_equal(count, MANY);
    guest_leave(&guest);
    station_stop(&other);
    buf_fini(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_listed),
        cmocka_unit_test(test_many_accounts),
    };

    return cmocka_run_group_tests(tests, watched_set_up, watched_tear_down);
}
