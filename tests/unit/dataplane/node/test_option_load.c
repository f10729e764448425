#include "dataplane/node/option_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "tests/lib/option_text.h"

static void test_what_is_refused(void **state)
{
    static const struct option_refusal cases[] = {
        {"foo: 1", "F:1:0: unknown field \"foo\"\n"},
        {"max_payload: 5GB", "F:1:0: max_payload value is too big\n"},
        {"max_control_line: 5GB", "F:1:0: max_control_line value is too big\n"},
        {"max_subscription_tokens: 300", "F:1:0: max_subscription_tokens value is too big\n"},
        {"server_name: \"a b\"", "F:1:0: server name cannot contain spaces\n"},
        {"listen: \"localhost\"", "F:1:0: could not parse address string \"localhost\"\n"},
        {"listen: \"a:b\"", "F:1:0: could not parse port \"b\"\n"},
        {"lame_duck_duration: \"2s\"",
         "F:1:0: invalid lame_duck_duration of 2s, minimum is 30 seconds\n"},
        {"lame_duck_grace_period: \"-2s\"",
         "F:1:0: invalid lame_duck_grace_period, needs to be positive\n"},
        {"debug: true\n \"foo\": 1\nbar: 1",
         "F:2:3: unknown field \"foo\"\nF:3:1: unknown field \"bar\"\n"},
        {"listen: \"::1:4222\"",
         "F:1:0: could not parse address string \"::1:4222\": IPv6 wants brackets\n"},
        {"max_sub_tokens: 0", "F:1:0: max_sub_tokens must not be less than 1\n"},
        {"max_sub_tokens: 256", "F:1:0: max_sub_tokens value is too big\n"},
        {"max_control_line: -1", "F:1:0: max_control_line must not be less than 0\n"},
        {"lame_duck_duration: 60",
         "F:1:0: \"lame_duck_duration\" must be a text, not an integer\n"},
        {"ping_interval: 1.5",
         "F:1:0: error parsing ping_interval: a duration is a text like \"2s\"\n"},
        {"accounts: [A, A]", "F:1:14: Duplicate Account Entry: A\n"},
        {"max_traced_msg_len: x", "F:1:0: \"max_traced_msg_len\" must be an integer, not a text\n"},
        {"allow_non_tls: 1", "F:1:0: \"allow_non_tls\" must be a boolean, not an integer\n"},
        {"store_dir: 1", "F:1:0: \"store_dir\" must be a text, not an integer\n"},
        {"feature_flags { a: 1 }", "F:1:16: \"a\" must be a boolean, not an integer\n"},
        {"default_js_domain: x", "F:1:0: \"default_js_domain\" must be a map, not a text\n"},
        {"write_timeout: sometimes", "F:1:0: write_timeout must be default, close or retry\n"},
    };

    option_text_refused(cases, COUNT_OF(cases));
}

static void test_what_is_not_there_yet(void **state)
{
    static const struct option_refusal cases[] = {
        {"cluster { name: c }", "not supported yet: cluster (F:1)\n"},
        {"x: y\ngateway { name: g }", "F:1:0: unknown field \"x\"\nnot supported yet: gateway "
                                      "(F:2)\n"},
        {"leafnodes { listen: 1 }", "not supported yet: leafnodes (F:1)\n"},
        {"tls { cert_file: x }", "not supported yet: tls (F:1)\n"},
        {"websocket { port: 1 }", "not supported yet: websocket (F:1)\n"},
        {"mqtt { port: 1 }", "not supported yet: mqtt (F:1)\n"},
        {"jetstream: enabled", "not supported yet: jetstream (F:1)\n"},
        {"jetstream { store_dir: x }", "not supported yet: jetstream (F:1)\n"},
        {"mappings { a: b }", "not supported yet: mappings (F:1)\n"},
        {"https: 1", "not supported yet: https (F:1)\n"},
        {"write_timeout: retry", "not supported yet: write_timeout (F:1)\n"},
    };

    option_text_refused(cases, COUNT_OF(cases));
}

static void test_what_is_accepted(void **state)
{
    static const char *const texts[] = {
        "",
        "jetstream: disabled",
        "jetstream: false",
        "jetstream { enabled: false }",
        "store_dir: /x\nmax_traced_msg_len: 10\nfeature_flags { a: true }",
        "connect_error_reports: 1, reconnect_error_reports: 2, no_fast_producer_stall: true",
        "syslog: false, proxy_protocol: false, logfile_size_limit: 0, prof_port: 0",
        "write_timeout: close, allow_non_tls: true, disable_sublist_cache: true",
        "ping_interval: 5",
        "cluster {}, leafnodes {}, mappings {}",
        "client_advertise: \"host:4222\"",
        "client_advertise: \"[::1]:4222\"",
        "no_system_account: true",
        "logfile_size_limit: 1MB, logfile_max_num: 3",
        "accounts { A { exports: [], imports: [], jetstream: disabled } }",
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct node_options options;
        struct flags flags = {0};
        struct buf message;

        if (option_text_load(texts[i], &flags, &options, &message) != OK)
            fail_msg("%s: %s", texts[i], buf_text(&message));
        buf_fini(&message);
        node_options_fini(&options);
    }
}

static void test_what_it_says_is_what_is_meant(void **state)
{
    struct node_options options;
    struct flags flags = {0};
    struct buf message;

    assert_int_equal(
        option_text_load(
            "listen: \"127.0.0.1:-1\", http: \"localhost:8222\", max_conn: 0\n"
            "server_tags: [A, \" b:C \", a, \"\"], server_metadata { k: v }, max_subs: 7\n"
            "ping_interval: \"20s\", ping_max: 3, write_deadline: 1s, workers: 3\n"
            "max_closed_clients: 5, debug: true, logtime: false, pid_file: p\n"
            "authorization { timeout: 1.5 }\n",
            &flags, &options, &message),
        OK);
    assert_string_equal(options.host, "127.0.0.1");
    assert_int_equal(options.port, 0);
    assert_string_equal(options.http_host, "localhost");
    assert_int_equal(options.http_port, 8222);
    assert_int_equal(options.max_connections, -1);
    assert_int_equal(options.tags.count, 2);
    assert_string_equal(options.tags.items[0], "a");
    assert_string_equal(options.tags.items[1], "b:c");
    assert_string_equal(options.metadata.items[0].value, "v");
    assert_int_equal(options.max_subscriptions, 7);
    assert_int_equal(options.ping_interval_ns, 20 * NS_PER_S);
    assert_int_equal(options.auth_timeout_ns, 1500 * NS_PER_MS);
    assert_int_equal(options.workers, 3);
    assert_true(options.debug);
    assert_false(options.logtime);
    assert_string_equal(options.system_account, "$SYS");
    node_options_fini(&options);
}

static void test_flags_win_over_the_file(void **state)
{
    struct node_options options;
    struct flags flags = {.host = "::1",
                          .port = {true, 0},
                          .debug_trace = {true, 1},
                          .logtime = {true, 0},
                          .token = "t",
                          .log_file = "l"};
    struct auth_options auth;
    struct buf message;

    assert_int_equal(option_text_load("host: 10.0.0.1, port: 5, log_file: x\n"
                                      "authorization { user: u, password: p }\n",
                                      &flags, &options, &message),
                     OK);
    assert_string_equal(options.host, "::1");
    assert_int_equal(options.port, OPTIONS_PORT_DEFAULT);
    assert_true(options.debug && options.trace && !options.logtime);
    assert_string_equal(options.log_file, "l");
    node_options_auth(&options, &auth);
    assert_string_equal(auth.token, "t");
    assert_null(auth.user);
    node_options_fini(&options);
}

static void test_the_digest_is_that_of_the_reference_server(void **state)
{
    struct node_options options;
    struct flags flags = {0};
    struct buf message;

    assert_int_equal(option_text_load("port: 4222\n", &flags, &options, &message), OK);
    assert_string_equal(options.digest, "sha256:797533ebd0dfba7d34a0f9337ecf147e442871f48ddfd07e"
                                        "d751575a5737267e");
    node_options_fini(&options);
}

static void test_a_check_takes_warnings_for_mistakes(void **state)
{
    struct node_options options;
    struct flags flags = {.test = {true, 1}};
    struct buf message;

    assert_int_equal(option_text_load("ping_interval: 5", &flags, &options, &message), ERR_INVALID);
    option_text_expect(&message,
                       "F:1:0: invalid use of field \"ping_interval\": ping_interval should be "
                       "converted to a duration\n",
                       "");
    buf_fini(&message);
    assert_int_equal(
        option_text_load("authorization { timeout: \"2m\" }", &flags, &options, &message),
        ERR_INVALID);
    option_text_expect(&message,
                       "F:1:16: invalid use of field \"timeout\": timeout of 120 seconds is high, "
                       "consider keeping it under 60 seconds\n",
                       "");
    buf_fini(&message);
    assert_int_equal(option_text_load("", &flags, &options, &message), ERR_INVALID);
    option_text_expect(&message, "F: config has no values or is empty\n", "");
    buf_fini(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_what_is_not_there_yet),
        cmocka_unit_test(test_what_is_accepted),
        cmocka_unit_test(test_what_it_says_is_what_is_meant),
        cmocka_unit_test(test_flags_win_over_the_file),
        cmocka_unit_test(test_the_digest_is_that_of_the_reference_server),
        cmocka_unit_test(test_a_check_takes_warnings_for_mistakes),
    };

    return cmocka_run_group_tests(tests, option_text_set_up, option_text_tear_down);
}
