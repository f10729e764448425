#include "dataplane/node/process_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/berth-files.XXXXXX";

static int set_up(void **state)
{
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    return rmdir(folder);
}

static size_t read_whole(const char *path, char *text, size_t cap)
{
    FILE *file = fopen(path, "re");
    size_t len;

    assert_non_null(file);
    len = fread(text, 1, cap - 1, file);
    fclose(file);
    text[len] = '\0';
    return len;
}

static void test_the_pid_file_is_digits_only(void **state)
{
    char path[64], text[32], wanted[32];

    snprintf(path, sizeof(path), "%s/pid", folder);
    snprintf(wanted, sizeof(wanted), "%d", (int)getpid());
    assert_int_equal(process_files_write_pid(path), OK);
    read_whole(path, text, sizeof(text));
    assert_string_equal(text, wanted);
    process_files_remove(path);
    assert_int_equal(process_files_write_pid("/nope/pid"), ERR_IO);
    assert_int_equal(errno, ENOENT);
}

static void test_the_ports_file_names_program_and_process(void **state)
{
    struct process_ports ports = {
        .host = "127.0.0.1", .port = 4000, .http_host = "::1", .http_port = 8000};
    char text[8192], wanted[128];
    struct buf path = {0};

    process_files_ports_path(folder, "nats-server", &path);
    snprintf(wanted, sizeof(wanted), "%s/nats-server_%d.ports", folder, (int)getpid());
    assert_string_equal(buf_text(&path), wanted);
    assert_int_equal(process_files_write_ports(buf_text(&path), &ports), OK);
    read_whole(buf_text(&path), text, sizeof(text));
    assert_string_equal(text, "{\"nats\":[\"nats://127.0.0.1:4000\"],"
                              "\"monitoring\":[\"http://[::1]:8000\"]}");
    ports.host = "0.0.0.0";
    ports.http_port = 0;
    assert_int_equal(process_files_write_ports(buf_text(&path), &ports), OK);
    read_whole(buf_text(&path), text, sizeof(text));
    assert_int_equal(strncmp(text, "{\"nats\":[\"nats://", 17), 0);
    assert_non_null(strstr(text, "nats://127.0.0.1:4000"));
    assert_null(strstr(text, "monitoring"));
    process_files_remove(buf_text(&path));
    buf_fini(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_pid_file_is_digits_only),
        cmocka_unit_test(test_the_ports_file_names_program_and_process),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
