#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/auth/auth_options.h"

static void test_names_of_connections(void **state)
{
    (void)state;
    assert_int_equal(auth_connection_of("STANDARD"), AUTH_STANDARD);
    assert_int_equal(auth_connection_of("leafnode_ws"), AUTH_LEAFNODE_WS);
    assert_int_equal(auth_connection_of("In_Process"), AUTH_IN_PROCESS);
    assert_int_equal(auth_connection_of("MQTT2"), AUTH_CONNECTIONS);
    assert_int_equal(auth_connection_of(""), AUTH_CONNECTIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
