#include "api/base/log_rotate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/clock.h"

static char folder[64];

static void path_of(const char *name, char out[160])
{
    snprintf(out, 160, "%s/%s", folder, name);
}

static void make(const char *name)
{
    char path[160];
    int fd;

    path_of(name, path);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
}

static bool is_there(const char *name)
{
    char path[160];

    path_of(name, path);
    return access(path, F_OK) == 0;
}

static void test_it_is_renamed_by_the_time(void **state)
{
    char path[160], backup[LOG_ROTATE_NAME_MAX];

    make("log");
    path_of("log", path);
    assert_int_equal(log_rotate(path, 1700000000 * NS_PER_S + 42, backup), OK);
    assert_false(is_there("log"));
    assert_int_equal(strncmp(backup, path, strlen(path)), 0);
    assert_int_equal(strlen(backup), strlen(path) + strlen(".2023.11.14.22.13.20.000000042"));
    assert_int_equal(strncmp(backup + strlen(path), ".2023.11.1", 10), 0);
    assert_string_equal(backup + strlen(backup) - 10, ".000000042");
    assert_int_equal(unlink(backup), 0);
    assert_int_equal(log_rotate(path, 0, backup), ERR_IO);
    assert_int_equal(errno, ENOENT);
}

static void test_only_the_last_stay(void **state)
{
    static const char *const old[] = {"log.2025.11.14.22.13.20.000000042",
                                      "log.2026.01.14.22.13.20.000000042"};
    static const char *const last = "log.2026.01.14.22.13.20.000000043";
    static const char *const foreign[] = {"log",
                                          "log.1",
                                          "log.2025.11.14.22.13.20",
                                          "blog.2025.11.14.22.13.20.000000042",
                                          "log.2025.11.14.22.13.20.000000042.gz",
                                          "log.2025-11.14.22.13.20.000000042"};
    char path[160];

    for (size_t i = 0; i < COUNT_OF(old); i++)
        make(old[i]);
    make(last);
    for (size_t i = 0; i < COUNT_OF(foreign); i++)
        make(foreign[i]);
    path_of("log", path);
    log_rotate_purge(path, 3);
    assert_true(is_there(old[0]));
    log_rotate_purge(path, 1);
    assert_false(is_there(old[0]));
    assert_false(is_there(old[1]));
    assert_true(is_there(last));
    log_rotate_purge(path, 0);
    assert_false(is_there(last));
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        assert_true(is_there(foreign[i]));
        path_of(foreign[i], path);
        assert_int_equal(unlink(path), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_renamed_by_the_time),
        cmocka_unit_test(test_only_the_last_stay),
    };
    int failed;

    snprintf(folder, sizeof(folder), "%s/test_log_rotate.XXXXXX", P_tmpdir);
    CHECK(mkdtemp(folder) != NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return rmdir(folder) == 0 ? failed : 1;
}
