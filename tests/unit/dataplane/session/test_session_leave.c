#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/session/session_leave.h"
#include "tests/lib/hall.h"

#define MODERN \
    "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\n"

static void test_lame_duck(void **state)
{
    struct hall *hall = *state;
    struct guest guests[8];

    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        guest_enter(hall, &guests[i], NULL);
        guest_say(&guests[i], MODERN "PING\r\n");
        guest_hears(&guests[i], "} \r\n");
    }
    session_table_lame_duck(hall->table, 20 * NS_PER_MS, 120 * NS_PER_MS, NULL, NULL);
    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        guest_hears(&guests[i], "\"ldm\":true");
        guest_sees_end(&guests[i]);
        guest_leave(&guests[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lame_duck),
    };

    return cmocka_run_group_tests(tests, hall_set_up, hall_tear_down);
}
