#include "dataplane/node/signal_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that waits for any signal and reports it by its end. */
static pid_t waiting_child(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        for (;;)
            pause();
    }
    return pid;
}

static void test_a_process_by_its_id(void **state)
{
    char error[SIGNAL_COMMAND_ERROR_MAX], argument[64];
    pid_t pid = waiting_child();
    int status;

    snprintf(argument, sizeof(argument), "term=%d", (int)pid);
    assert_int_equal(signal_command_send(argument, "x", error), OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WTERMSIG(status), SIGTERM);
    assert_int_equal(signal_command_send(argument, "x", error), ERR_IO);
    assert_non_null(strstr(error, "no such process"));
}

static void test_a_process_by_its_pid_file(void **state)
{
    char error[SIGNAL_COMMAND_ERROR_MAX], argument[64], path[] = "/tmp/berth-pid.XXXXXX";
    pid_t pid = waiting_child();
    int status, fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_true(dprintf(fd, "%d", (int)pid) > 0);
    close(fd);
    snprintf(argument, sizeof(argument), "stop=%s", path);
    assert_int_equal(signal_command_send(argument, "x", error), OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    unlink(path);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *argument, *error;
    } cases[] = {
        {"foo", "unknown signal \"foo\""},
        {"quit=abc", "invalid pid: abc"},
        {"ldm", "no no-such-prog processes running"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char error[SIGNAL_COMMAND_ERROR_MAX];

        assert_int_not_equal(signal_command_send(cases[i].argument, "no-such-prog", error), OK);
        assert_string_equal(error, cases[i].error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_process_by_its_id),
        cmocka_unit_test(test_a_process_by_its_pid_file),
        cmocka_unit_test(test_mistakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
