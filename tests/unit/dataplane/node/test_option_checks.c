#include "dataplane/node/option_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "tests/lib/option_text.h"
#include "tests/lib/station.h"

static void test_what_does_not_agree(void **state)
{
    static const struct option_refusal cases[] = {
        {"lame_duck_duration: 30s\nlame_duck_grace_period: 40s",
         "lame duck grace period (40s) should be strictly lower than lame duck duration (30s)"},
        {"max_payload: 20MB\nmax_pending: 1MB",
         "max_payload (20971520) cannot be higher than max_pending (1048576)"},
        {"accounts { A {} }\ndefault_js_domain { A: x, \"$G\": y, B: z }",
         "in non operator mode, `default_js_domain` references non existing account \"B\""},
        {"no_auth_user: x", "no_auth_user: \"x\" present, but users/nkeys are not defined"},
        {"no_auth_user: x\nauthorization { users: [{user: y, pass: y}] }",
         "no_auth_user: \"x\" not present as user or nkey in authorization block or account "
         "configuration"},
        {"system_account: FOO", "error resolving system account: account missing"},
        {"workers: 65", "workers must be from 0 to 64"},
        {"no_system_account: true\nsystem_account: FOO",
         "error resolving system account: account missing"},
        {"client_advertise: \"foo:bar\"",
         "client_advertise \"foo:bar\" is neither a host nor host:port"},
        {"client_advertise: \"::1\"", "client_advertise \"::1\" is neither a host nor host:port"},
        {"authorization {\n users: [{user: a},\n {user: a}] }",
         "F:1:0: Duplicate user \"a\" detected\n"},
        {"accounts { A { users: [{user: a}] }\n B {\n users: [{user: b}, {user: a}] } }",
         "F:3:2: Duplicate user \"a\" detected\n"},
        {"accounts { A { users: [{user: a}] } }\nauthorization { users: [{user: a}] }",
         "F:2:1: Duplicate user \"a\" detected\n"},
        {"storedir: a\nstore_dir: b", "F:2:1: Duplicate 'store_dir' configuration\n"},
        {"store_dir: a, storedir: b", "F:1:14: Duplicate 'store_dir' configuration\n"},
        {"resolver { type: full, dir: \"x\" }", "Could not start resolver: no operator key found"},
        {"authorization { user: u, password: p }\naccounts { A { users: [{user: a}] } }",
         "F:2:1: Can not have a single user/pass and accounts\n"},
        {"authorization { token: t }\naccounts { A { users: [{user: a}] } }",
         "F:2:1: Can not have a token and accounts\n"},
    };

    option_text_refused(cases, COUNT_OF(cases));
}

static void test_zero_is_the_default(void **state)
{
    struct node_options options;
    struct flags flags = {0};
    struct buf message;

    assert_int_equal(
        option_text_load("max_payload: 0, max_pending: 0, max_control_line: 0, ping_max: 0\n"
                         "ping_interval: \"0s\", write_deadline: \"-1s\", max_closed_clients: 0\n"
                         "lame_duck_grace_period: \"0s\"\n",
                         &flags, &options, &message),
        OK);
    assert_int_equal(options.max_payload, 1 << 20);
    assert_int_equal(options.max_pending, 64 << 20);
    assert_int_equal(options.max_control_line, 4096);
    assert_int_equal(options.ping_max, 2);
    assert_int_equal(options.ping_interval_ns, 120 * NS_PER_S);
    assert_int_equal(options.write_deadline_ns, 10 * NS_PER_S);
    assert_int_equal(options.max_closed_clients, 10000);
    assert_int_equal(options.lame_duck_grace_ns, 10 * NS_PER_S);
    node_options_fini(&options);
}

/* Plain clients still come in where only a system account is configured. */
static void test_a_lone_system_account(void **state)
{
    struct node_options options;
    struct flags flags = {0};
    struct buf message;

    assert_int_equal(option_text_load("accounts { $SYS { users: [{user: s, password: s}] } }",
                                      &flags, &options, &message),
                     OK);
    assert_true(options.no_auth_made_up);
    assert_non_null(options.no_auth_user);
    assert_int_equal(options.users.users.count, 2);
    node_options_fini(&options);
    assert_int_equal(option_text_load("accounts { $SYS { users: [{user: s, password: s}] }, B {} }",
                                      &flags, &options, &message),
                     OK);
    assert_false(options.no_auth_made_up);
    node_options_fini(&options);
}

static void test_an_operator_may_ask_for_a_version(void **state)
{
    static const struct {
        const char *version, *part;
    } cases[] = {
        {"2.14.3", NULL},
        {"1.99.99", NULL},
        {"3.0.0", "expected major version 3 > server major version 2"},
        {"2.15.0", "expected minor version 15 > server minor version 14"},
        {"2.14.4", "expected update version 4 > server update version 3"},
        {"x", "expects version x got error instead"},
        {"2.14.3-rc", "expects version 2.14.3-rc got error instead"},
    };
    struct station_keys keys;

    station_keys_init(&keys, "/tmp");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf claims = {0}, token = {0}, config = {0}, message;
        struct node_options options;
        struct flags flags = {0};

        buf_printf(&claims,
                   "{\"iat\":1,\"sub\":\"%s\",\"nats\":{\"assert_server_version\":\"%s\","
                   "\"type\":\"operator\",\"version\":2}}",
                   buf_text(&keys.operator_id), cases[i].version);
        assert_true(nkey_pair_token(&keys.operator, buf_text(&claims), &token));
        buf_printf(&config, "operator: %s\nresolver: MEM\n", buf_text(&token));
        if (option_text_load(buf_text(&config), &flags, &options, &message) == OK) {
            assert_null(cases[i].part);
            node_options_fini(&options);
        } else {
            assert_non_null(cases[i].part);
            assert_non_null(strstr(buf_text(&message), cases[i].part));
        }
        buf_fini(&claims);
        buf_fini(&token);
        buf_fini(&config);
        buf_fini(&message);
    }
    station_keys_fini(&keys);
}

/* Nobody could come in and bring it. */
static void test_a_memory_resolver_without_the_system_account(void **state)
{
    struct station_keys keys;
    struct node_options options;
    struct flags flags = {0};
    struct buf config = {0}, message;
    char *resolver, *preload;

    station_keys_init(&keys, "/tmp");
    buf_add_slice(&config, buf_slice(&keys.config));
    preload = strstr(config.data, "resolver_preload");
    assert_non_null(preload);
    *preload = '\0';
    assert_int_equal(option_text_load(config.data, &flags, &options, &message), OK);
    node_options_fini(&options);
    resolver = strstr(config.data, "resolver {");
    assert_non_null(resolver);
    snprintf(resolver, strlen(resolver), "resolver: MEM\n");
    assert_int_equal(option_text_load(config.data, &flags, &options, &message), ERR_INVALID);
    assert_string_equal(buf_text(&message), "error resolving system account: account missing");
    buf_fini(&message);
    buf_fini(&config);
    station_keys_fini(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_does_not_agree),
        cmocka_unit_test(test_zero_is_the_default),
        cmocka_unit_test(test_a_lone_system_account),
        cmocka_unit_test(test_an_operator_may_ask_for_a_version),
        cmocka_unit_test(test_a_memory_resolver_without_the_system_account),
    };

    return cmocka_run_group_tests(tests, option_text_set_up, option_text_tear_down);
}
