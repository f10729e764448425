#include "dataplane/node/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/station.h"

static void test_messages_pass(void **state)
{
    struct station station;
    struct guest a, b;

    station_prepare(&station);
    station_start(&station, "workers: 3\n");
    station_enter(&station, &a, "{\"verbose\":false}");
    station_enter(&station, &b, "{\"verbose\":false}");
    guest_say(&b, "SUB x.* 1\r\n");
    guest_hears_nothing(&b);
    guest_say(&a, "PUB x.y 5\r\nhello\r\n");
    guest_hears_only(&b, "MSG x.y 1 5\r\nhello\r\n");
    guest_leave(&a);
    guest_leave(&b);
    station_stop(&station);
}

static void test_the_files_of_a_process(void **state)
{
    char config[256], pid[128], ports[128];
    struct station station;

    station_prepare(&station);
    snprintf(pid, sizeof(pid), "%s/pid", station.folder);
    snprintf(ports, sizeof(ports), "%s/berth-broker_%d.ports", station.folder, (int)getpid());
    snprintf(config, sizeof(config), "pid_file: \"%s\"\nports_file_dir: \"%s\"\nhttp: -1\n", pid,
             station.folder);
    station_start(&station, config);
    assert_int_equal(access(pid, R_OK), 0);
    assert_int_equal(access(ports, R_OK), 0);
    assert_true(node_http_port(station.node) > 0);
    node_stop(station.node);
    node_options_fini(&station.options);
    station.node = NULL;
    assert_int_not_equal(access(ports, R_OK), 0);
    station_stop(&station);
}

static enum result start_with(const char *config)
{
    struct station station;
    struct node_options options;
    struct buf message = {0};
    struct node *node;
    char path[128];
    enum result rc;
    FILE *file;

    station_prepare(&station);
    snprintf(path, sizeof(path), "%s/c", station.folder);
    file = fopen(path, "we");
    fputs(config, file);
    fclose(file);
    station.flags = (struct flags){.program = "b", .config = path};
    assert_int_equal(node_options_load(&station.flags, &options, &message), OK);
    rc = node_start(&options, &node);
    node_options_fini(&options);
    station_stop(&station);
    return rc;
}

/* The one for monitoring is found in use when the workers run already. */
static void test_a_port_in_use(void **state)
{
    struct station first;
    char config[128];

    station_prepare(&first);
    station_start(&first, "http: -1\n");
    snprintf(config, sizeof(config), "listen: \"127.0.0.1:%d\"\n", node_port(first.node));
    assert_int_equal(start_with(config), ERR_EXISTS);
    snprintf(config, sizeof(config), "listen: \"127.0.0.1:-1\"\nhttp: \"127.0.0.1:%d\"\n",
             node_http_port(first.node));
    assert_int_equal(start_with(config), ERR_IO);
    station_stop(&first);
}

struct runner {
    struct node *node;
    int code;
};

static void *run_node(void *arg)
{
    struct runner *runner = arg;

    runner->code = node_run(runner->node);
    return NULL;
}

/* The duck says so, waits, and ends by itself when the last guest has gone. */
static void test_lame_duck(void **state)
{
    struct station station;
    struct runner runner;
    pthread_t thread;
    struct guest a;

    node_block_signals();
    station_prepare(&station);
    station_start(&station, "lame_duck_grace_period: \"1ms\"\nlame_duck_duration: \"30s\"\n");
    station_enter(&station, &a, "{\"verbose\":false,\"protocol\":1}");
    runner = (struct runner){.node = station.node, .code = -1};
    assert_int_equal(pthread_create(&thread, NULL, run_node, &runner), 0);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGUSR2);
    guest_hears(&a, "\"ldm\":true");
    guest_sees_end(&a);
    pthread_join(thread, NULL);
    assert_int_equal(runner.code, 0);
    guest_leave(&a);
    station_stop(&station);
}

static void test_a_signal_ends_it(void **state)
{
    struct station station;
    struct runner runner;
    pthread_t thread;
    struct guest a;

    node_block_signals();
    station_prepare(&station);
    station_start(&station, "");
    station_enter(&station, &a, "{\"verbose\":false}");
    runner = (struct runner){.node = station.node, .code = -1};
    assert_int_equal(pthread_create(&thread, NULL, run_node, &runner), 0);
    kill(getpid(), SIGTERM);
    pthread_join(thread, NULL);
    assert_int_equal(runner.code, 0);
    station_stop(&station);
    guest_sees_end(&a);
    guest_leave(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_pass),    cmocka_unit_test(test_the_files_of_a_process),
        cmocka_unit_test(test_a_port_in_use),    cmocka_unit_test(test_lame_duck),
        cmocka_unit_test(test_a_signal_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
