#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/lib/hall.h"

#define QUIET "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"

static void test_many_subscriptions_come_and_go(void **state)
{
    struct guest guest;
    char line[128];

    guest_enter(*state, &guest, NULL);
    guest_say(&guest, QUIET);
    for (int i = 0; i < 20000; i++) {
        snprintf(line, sizeof(line), "SUB many.%d.x %d\r\n", i, i);
        guest_say(&guest, line);
    }
    for (int i = 0; i < 20000; i += 3) {
        snprintf(line, sizeof(line), "UNSUB %d\r\n", i);
        guest_say(&guest, line);
    }
    guest_hears_nothing(&guest);
    for (int i = 0; i < 20000; i += 997) {
        snprintf(line, sizeof(line), "PUB many.%d.x 1\r\n.\r\n", i);
        guest_say(&guest, line);
        snprintf(line, sizeof(line), "MSG many.%d.x %d 1\r\n.\r\n", i, i);
        if (i % 3 != 0)
            guest_hears_only(&guest, line);
        else
            guest_hears_nothing(&guest);
    }
    guest_leave(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_subscriptions_come_and_go),
    };

    return cmocka_run_group_tests(tests, hall_set_up, hall_tear_down);
}
