#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/hall.h"

static void refused(struct hall *hall, const char *says, const char *hears)
{
    struct guest guest;

    guest_enter(hall, &guest, NULL);
    guest_say(&guest, says);
    guest_hears_only(&guest, hears);
    guest_sees_end(&guest);
    guest_leave(&guest);
}

static void test_what_ends_a_session(void **state)
{
    struct hall hall;

    (void)state;
    hall_init(&hall);
    hall.options.max_payload = 10;
    hall.options.max_control_line = 40;
    hall_start(&hall, 1);
    refused(&hall, "HELLO\r\n", "-ERR 'Unknown Protocol Operation'\r\n");
    refused(&hall, "PUB a 11\r\n", "-ERR 'Maximum Payload Violation'\r\n");
    refused(&hall, "PUB a 1\r\nxyz\r\n", "-ERR 'Unknown Protocol Operation'\r\n");
    refused(&hall, "PUB a\r\n", "");
    refused(&hall, "SUB 0123456789012345678901234567890123456789.x 1\r\n",
            "-ERR 'maximum control line exceeded'\r\n");
    refused(&hall, "-ERR 'oh'\r\n", "");
    hall_stop(&hall);
}

static void test_one_too_many(void **state)
{
    struct guest first, second;
    struct hall hall;

    (void)state;
    hall_init(&hall);
    hall.options.max_connections = 1;
    hall_start(&hall, 1);
    guest_enter(&hall, &first, NULL);
    guest_enter(&hall, &second, NULL);
    guest_hears_only(&second, "-ERR 'maximum connections exceeded'\r\n");
    guest_sees_end(&second);
    guest_leave(&second);
    guest_hears_nothing(&first);
    guest_leave(&first);
    hall_stop(&hall);
}

static void test_before_the_log_in(void **state)
{
    struct guest guest;
    struct hall hall;

    (void)state;
    hall_init(&hall);
    hall.auth_options.token = "secret";
    hall.options.auth_timeout_ns = 30 * NS_PER_MS;
    hall_hold_time(&hall);
    hall_start(&hall, 1);
    refused(&hall, "P", "-ERR 'Authorization Violation'\r\n"); /* by its first byte */
    guest_enter(&hall, &guest, NULL);
    guest_say(&guest, "CONN");
    hall_pass(&hall, 60 * NS_PER_MS);
    guest_hears_only(&guest, "-ERR 'Authentication Timeout'\r\n");
    guest_sees_end(&guest);
    guest_leave(&guest);
    hall_stop(&hall);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_ends_a_session),
        cmocka_unit_test(test_one_too_many),
        cmocka_unit_test(test_before_the_log_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
