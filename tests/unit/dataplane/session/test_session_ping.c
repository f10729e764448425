#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/hall.h"

static void test_one_that_answers_stays_and_one_that_does_not_is_stale(void **state)
{
    struct guest good, silent;
    struct hall hall;

    (void)state;
    hall_init(&hall);
    hall.options.ping_interval_ns = 40 * NS_PER_MS;
    hall.options.ping_max = 2;
    hall_start(&hall, 2);
    guest_enter(&hall, &good, NULL);
    guest_say(&good, "CONNECT {\"verbose\":false}\r\n");
    guest_enter(&hall, &silent, NULL);
    guest_say(&silent, "CONNECT {\"verbose\":false}\r\n");
    for (int i = 0; i < 4; i++) {
        guest_hears_only(&good, "PING\r\n");
        guest_say(&good, "PONG\r\n");
    }
    guest_hears_only(&silent, "PING\r\nPING\r\n-ERR 'Stale Connection'\r\n");
    guest_sees_end(&silent);
    guest_leave(&silent);
    guest_leave(&good);
    hall_stop(&hall);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_that_answers_stays_and_one_that_does_not_is_stale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
