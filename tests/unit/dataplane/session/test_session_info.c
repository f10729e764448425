#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/hall.h"

#define QUIET "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"
#define MODERN \
    "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\n"

static void test_the_first(void **state)
{
    struct guest guest;
    char info[1024];

    guest_enter(*state, &guest, info);
    assert_non_null(
        strstr(info, "\"server_id\":\"NHALL\",\"server_name\":\"hall\",\"version\":\"2.14.3\""));
    assert_non_null(strstr(info, "\"headers\":true,\"max_payload\":1048576,\"client_id\":"));
    assert_non_null(strstr(info, "\"client_ip\":\"127.0.0.1\""));
    assert_null(strstr(info, "auth_required"));
    assert_null(strstr(info, "nonce"));
    assert_null(strstr(info, "connect_info"));
    guest_leave(&guest);
}

static void test_the_second_follows_the_first_pong(void **state)
{
    struct guest guest;

    guest_enter(*state, &guest, NULL);
    guest_say(&guest, "PING\r\n" MODERN "PING\r\nPING\r\n");
    guest_hears_only(&guest, "PONG\r\nPONG\r\nINFO {");
    guest_hears(&guest, "\"connect_info\":true,\"remote_account\":\"$G\"");
    guest_hears(&guest, "} \r\n");
    guest_hears_only(&guest, "PONG\r\n");
    guest_hears_nothing(&guest);
    guest_leave(&guest);
    guest_enter(*state, &guest, NULL); /* one that does not know of it */
    guest_say(&guest, QUIET);
    guest_hears_nothing(&guest);
    guest_hears_nothing(&guest);
    guest_leave(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first),
        cmocka_unit_test(test_the_second_follows_the_first_pong),
    };

    return cmocka_run_group_tests(tests, hall_set_up, hall_tear_down);
}
