#include "dataplane/node/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/node/option_load.h"
#include "tests/lib/halves.h"
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
    assert_int_equal(option_load(&station.flags, &options, &message), OK);
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

/* --- few files ------------------------------------------------------------------------------ */

enum { FILES = 160, CLIENTS = 200 };

/* A node that may open few files, until the parent closes its end. */
static void run_with_few_files(int out, int in)
{
    struct rlimit few = {FILES, FILES};
    struct station station;
    int ports[2];
    char byte;

    if (setrlimit(RLIMIT_NOFILE, &few) != 0)
        _exit(1);
    station_prepare(&station);
    station_start(&station, "http: -1\nworkers: 2\n");
    ports[0] = node_port(station.node);
    ports[1] = node_http_port(station.node);
    if (write(out, ports, sizeof(ports)) != sizeof(ports))
        _exit(2);
    (void)read(in, &byte, 1);
    station_stop(&station);
    _exit(0);
}

/* Says it and reads until one of the texts comes: which. */
static int ask(int fd, const char *text, const char *const answers[2])
{
    const struct timeval patience = {.tv_sec = 60};
    char heard[4096] = "";
    size_t len = 0;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
    while (len < sizeof(heard) - 1) {
        ssize_t n = recv(fd, heard + len, sizeof(heard) - 1 - len, 0);

        if (n <= 0)
            break;
        len += (size_t)n;
        for (int i = 0; i < 2; i++)
            if (strstr(heard, answers[i]) != NULL)
                return i;
    }
    return -1;
}

static void test_clients_leave_files_for_monitoring(void **state)
{
    static const char *const client[] = {"PONG\r\n", "maximum connections exceeded"};
    static const char *const health[] = {"{\"status\":\"ok\"}", "never"};
    int to[2], from[2], fds[CLIENTS], ports[2], counts[2] = {0}, fd, status;
    pid_t pid;

    assert_int_equal(pipe(to) | pipe(from), 0);
    pid = fork();
    if (pid == 0) {
        close(to[1]);
        run_with_few_files(from[1], to[0]);
    }
    close(to[0]);
    assert_int_equal(read(from[0], ports, sizeof(ports)), sizeof(ports));
    for (size_t i = 0; i < CLIENTS; i++) {
        int answer;

        fds[i] = halves_dial(ports[0]);
        answer = ask(fds[i], "CONNECT {\"verbose\":false}\r\nPING\r\n", client);
        assert_in_range(answer, 0, 1); /* let in or told, not left alone */
        counts[answer]++;
    }
    assert_true(counts[0] > 0 && counts[1] > 0);
    fd = halves_dial(ports[1]);
    assert_int_equal(ask(fd, "GET /healthz HTTP/1.0\r\n\r\n", health), 0);
    close(fd);
    close(to[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (size_t i = 0; i < CLIENTS; i++)
        close(fds[i]);
    close(from[0]);
    close(from[1]);
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
        cmocka_unit_test(test_messages_pass),
        cmocka_unit_test(test_the_files_of_a_process),
        cmocka_unit_test(test_a_port_in_use),
        cmocka_unit_test(test_clients_leave_files_for_monitoring),
        cmocka_unit_test(test_lame_duck),
        cmocka_unit_test(test_a_signal_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
