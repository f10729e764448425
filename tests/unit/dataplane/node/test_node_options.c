#include "dataplane/node/node_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/base/clock.h"

static void test_what_nobody_says(void **state)
{
    struct node_options options;

    node_options_init(&options);
    assert_string_equal(options.host, "0.0.0.0");
    assert_int_equal(options.port, OPTIONS_PORT_DEFAULT);
    assert_int_equal(options.max_payload, 1 << 20);
    assert_int_equal(options.max_connections, 64 << 10);
    assert_int_equal(options.lame_duck_duration_ns, 120 * NS_PER_S);
    assert_int_equal(options.http_port, 0);
    assert_true(options.logtime);
    assert_false(options.debug);
    node_options_fini(&options);
}

static void test_an_operator_or_a_trusted_key_makes_operator_mode(void **state)
{
    struct node_options options;

    node_options_init(&options);
    assert_false(node_options_operator_mode(&options));
    options.trusted_keys.count = 1;
    assert_true(node_options_operator_mode(&options));
    options.trusted_keys.count = 0;
    options.operators.count = 1;
    assert_true(node_options_operator_mode(&options));
    node_options_fini(&options);
}

static void test_what_the_door_gets_to_know(void **state)
{
    struct node_options options;
    struct auth_options auth;

    node_options_init(&options);
    options.users.user = "u";
    options.users.password = "p";
    options.no_auth_user = "n";
    options.system_account = "S";
    options.operators.count = 2;
    node_options_auth(&options, &auth);
    assert_string_equal(auth.user, "u");
    assert_string_equal(auth.password, "p");
    assert_null(auth.token);
    assert_string_equal(auth.no_auth_user, "n");
    assert_string_equal(auth.system_account, "S");
    assert_int_equal(auth.operator_count, 2);
    node_options_fini(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_nobody_says),
        cmocka_unit_test(test_an_operator_or_a_trusted_key_makes_operator_mode),
        cmocka_unit_test(test_what_the_door_gets_to_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
