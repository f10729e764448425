#include "controlplane/cli/secret_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/berth-secret.XXXXXX";

static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static unsigned files(void)
{
    DIR *dir = opendir(folder);
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 2;
}

static void assert_holds(const char *path, const char *wanted)
{
    struct buf text = {0};
    struct stat info;

    assert_int_equal(secret_file_read(path, &text), OK);
    assert_string_equal(buf_text(&text), wanted);
    secret_buf_wipe(&text);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_size, strlen(wanted));
}

static void test_a_secret_is_at_its_place_when_it_is_whole(void **state)
{
    const char *path = in_folder("one");
    struct secret_file file;

    assert_int_equal(secret_file_open(&file, path), OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(secret_file_keep(&file, SLICE("seed")), OK);
    secret_file_drop(&file);
    assert_holds(path, "seed");
    assert_int_equal(files(), 1);
    assert_int_equal(unlink(path), 0);
}

static void test_what_was_there_stays_until_then(void **state)
{
    const char *path = in_folder("one"), *link = in_folder("link");
    struct secret_file file;

    assert_int_equal(secret_file_write(path, SLICE("the old one")), OK);
    assert_int_equal(secret_file_open(&file, path), OK);
    assert_holds(path, "the old one");
    secret_file_drop(&file);
    assert_holds(path, "the old one");
    assert_int_equal(files(), 1);
    assert_int_equal(symlink("one", link), 0);
    assert_int_equal(secret_file_write(link, SLICE("new")), OK);
    assert_holds(path, "new");
    assert_int_equal(files(), 2);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(unlink(path), 0);
}

static void test_where_nothing_can_be_written_it_is_said_first(void **state)
{
    const struct {
        const char *path;
        int error;
    } cases[] = {
        {in_folder("none/one"), ENOENT},
        {folder, EISDIR},
        {"/dev/null", EEXIST},
        {"/proc/self/one", ENOENT},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct secret_file file;

        assert_int_equal(secret_file_open(&file, cases[i].path), ERR_IO);
        assert_int_equal(file.error, cases[i].error);
        secret_file_drop(&file);
    }
    assert_int_equal(files(), 0);
}

static void test_room_is_taken_before_the_secret_is_there(void **state)
{
    const struct rlimit small = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    struct secret_file file;
    struct rlimit before;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(secret_file_open(&file, in_folder("one")), ERR_IO);
    assert_int_equal(file.error, EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(files(), 0);
}

static void test_reading(void **state)
{
    const char *path = in_folder("one");
    struct buf text = {0};

    assert_int_equal(secret_file_read(path, &text), ERR_NOT_FOUND);
    assert_int_equal(secret_file_write(path, SLICE("seed")), OK);
    buf_init(&text, 2);
    assert_int_equal(secret_file_read(path, &text), ERR_LIMIT);
    secret_buf_wipe(&text);
    assert_int_equal(unlink(path), 0);
}

static int set_up(void **state)
{
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_secret_is_at_its_place_when_it_is_whole),
        cmocka_unit_test(test_what_was_there_stays_until_then),
        cmocka_unit_test(test_where_nothing_can_be_written_it_is_said_first),
        cmocka_unit_test(test_room_is_taken_before_the_secret_is_there),
        cmocka_unit_test(test_reading),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
