#include "dataplane/node/node_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/base/clock.h"
#include "tests/lib/station.h"

static char path[] = "/tmp/berth-options.XXXXXX";
static const char *place; /* how messages name the file */

static int set_up(void **state)
{
    int fd = mkstemp(path);

    place = path;
    return fd >= 0 ? close(fd) : -1;
}

static int tear_down(void **state)
{
    return unlink(path);
}

static enum result load(const char *text, struct flags *flags, struct node_options *options,
                        struct buf *message)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
    flags->program = "berth-broker";
    flags->config = path;
    *message = (struct buf){0};
    return node_options_load(flags, options, message);
}

/* The message with the file's name replaced by "F". */
static void expect_message(const struct buf *message, const char *wanted, const char *text)
{
    struct buf plain = {0};
    const char *at = buf_text(message), *found;

    while ((found = strstr(at, place)) != NULL) {
        buf_add(&plain, at, (size_t)(found - at));
        buf_add_char(&plain, 'F');
        at = found + strlen(place);
    }
    buf_add_text(&plain, at);
    if (strcmp(buf_text(&plain), wanted) != 0)
        fail_msg("%s\n: \"%s\" instead of \"%s\"", text, buf_text(&plain), wanted);
    buf_fini(&plain);
}

struct refusal {
    const char *text, *message;
};

static void are_refused(const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct node_options options;
        struct flags flags = {0};
        struct buf message;

        if (load(cases[i].text, &flags, &options, &message) == OK)
            fail_msg("%s is accepted", cases[i].text);
        expect_message(&message, cases[i].message, cases[i].text);
        buf_fini(&message);
    }
}

static void test_what_is_refused(void **state)
{
    static const struct refusal cases[] = {
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
        {"client_advertise: \"foo:bar\"",
         "client_advertise \"foo:bar\" is neither a host nor host:port"},
        {"client_advertise: \"::1\"", "client_advertise \"::1\" is neither a host nor host:port"},
        {"accounts: [A, A]", "F:1:14: Duplicate Account Entry: A\n"},
        {"authorization {\n users: [{user: a},\n {user: a}] }",
         "F:1:0: Duplicate user \"a\" detected\n"},
        {"accounts { A { users: [{user: a}] }\n B {\n users: [{user: b}, {user: a}] } }",
         "F:3:2: Duplicate user \"a\" detected\n"},
        {"accounts { A { users: [{user: a}] } }\nauthorization { users: [{user: a}] }",
         "F:2:1: Duplicate user \"a\" detected\n"},
        {"storedir: a\nstore_dir: b", "F:2:1: Duplicate 'store_dir' configuration\n"},
        {"store_dir: a, storedir: b", "F:1:14: Duplicate 'store_dir' configuration\n"},
        {"resolver { type: full, dir: \"x\" }", "Could not start resolver: no operator key found"},
        {"max_traced_msg_len: x", "F:1:0: \"max_traced_msg_len\" must be an integer, not a text\n"},
        {"allow_non_tls: 1", "F:1:0: \"allow_non_tls\" must be a boolean, not an integer\n"},
        {"store_dir: 1", "F:1:0: \"store_dir\" must be a text, not an integer\n"},
        {"feature_flags { a: 1 }", "F:1:16: \"a\" must be a boolean, not an integer\n"},
        {"default_js_domain: x", "F:1:0: \"default_js_domain\" must be a map, not a text\n"},
        {"write_timeout: sometimes", "F:1:0: write_timeout must be default, close or retry\n"},
    };

    are_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_what_is_not_there_yet(void **state)
{
    static const struct refusal cases[] = {
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

    are_refused(cases, sizeof(cases) / sizeof(cases[0]));
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

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct node_options options;
        struct flags flags = {0};
        struct buf message;

        if (load(texts[i], &flags, &options, &message) != OK)
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

    assert_int_equal(load("listen: \"127.0.0.1:-1\", http: \"localhost:8222\", max_conn: 0\n"
                          "server_tags: [A, \" b:C \"], server_metadata { k: v }, max_subs: 7\n"
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

static void test_zero_is_the_default(void **state)
{
    struct node_options options;
    struct flags flags = {0};
    struct buf message;

    assert_int_equal(load("max_payload: 0, max_pending: 0, max_control_line: 0, ping_max: 0\n"
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

    assert_int_equal(load("host: 10.0.0.1, port: 5, log_file: x\n"
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

    assert_int_equal(load("port: 4222\n", &flags, &options, &message), OK);
    assert_string_equal(options.digest, "sha256:797533ebd0dfba7d34a0f9337ecf147e442871f48ddfd07e"
                                        "d751575a5737267e");
    node_options_fini(&options);
}

/* Plain clients still come in where only a system account is configured. */
static void test_a_lone_system_account(void **state)
{
    struct node_options options;
    struct flags flags = {0};
    struct buf message;

    assert_int_equal(
        load("accounts { $SYS { users: [{user: s, password: s}] } }", &flags, &options, &message),
        OK);
    assert_true(options.no_auth_made_up);
    assert_non_null(options.no_auth_user);
    assert_int_equal(options.users.users.count, 2);
    node_options_fini(&options);
    assert_int_equal(load("accounts { $SYS { users: [{user: s, password: s}] }, B {} }", &flags,
                          &options, &message),
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
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf claims = {0}, token = {0}, config = {0}, message;
        struct node_options options;
        struct flags flags = {0};

        buf_printf(&claims,
                   "{\"iat\":1,\"sub\":\"%s\",\"nats\":{\"assert_server_version\":\"%s\","
                   "\"type\":\"operator\",\"version\":2}}",
                   buf_text(&keys.operator_id), cases[i].version);
        assert_true(nkey_pair_token(&keys.operator, buf_text(&claims), &token));
        buf_printf(&config, "operator: %s\nresolver: MEM\n", buf_text(&token));
        if (load(buf_text(&config), &flags, &options, &message) == OK) {
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
    assert_int_equal(load(config.data, &flags, &options, &message), OK);
    node_options_fini(&options);
    resolver = strstr(config.data, "resolver {");
    assert_non_null(resolver);
    snprintf(resolver, strlen(resolver), "resolver: MEM\n");
    assert_int_equal(load(config.data, &flags, &options, &message), ERR_INVALID);
    assert_string_equal(buf_text(&message), "error resolving system account: account missing");
    buf_fini(&message);
    buf_fini(&config);
    station_keys_fini(&keys);
}

static void test_a_check_takes_warnings_for_mistakes(void **state)
{
    struct node_options options;
    struct flags flags = {.test = {true, 1}};
    struct buf message;

    assert_int_equal(load("ping_interval: 5", &flags, &options, &message), ERR_INVALID);
    expect_message(&message,
                   "F:1:0: invalid use of field \"ping_interval\": ping_interval should be "
                   "converted to a duration\n",
                   "");
    buf_fini(&message);
    assert_int_equal(load("authorization { timeout: \"2m\" }", &flags, &options, &message),
                     ERR_INVALID);
    expect_message(&message,
                   "F:1:16: invalid use of field \"timeout\": timeout of 120 seconds is high, "
                   "consider keeping it under 60 seconds\n",
                   "");
    buf_fini(&message);
    assert_int_equal(load("", &flags, &options, &message), ERR_INVALID);
    expect_message(&message, "F: config has no values or is empty\n", "");
    buf_fini(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_what_is_not_there_yet),
        cmocka_unit_test(test_what_is_accepted),
        cmocka_unit_test(test_what_it_says_is_what_is_meant),
        cmocka_unit_test(test_zero_is_the_default),
        cmocka_unit_test(test_flags_win_over_the_file),
        cmocka_unit_test(test_the_digest_is_that_of_the_reference_server),
        cmocka_unit_test(test_a_lone_system_account),
        cmocka_unit_test(test_an_operator_may_ask_for_a_version),
        cmocka_unit_test(test_a_memory_resolver_without_the_system_account),
        cmocka_unit_test(test_a_check_takes_warnings_for_mistakes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
