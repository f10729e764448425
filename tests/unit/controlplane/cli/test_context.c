#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/cli/context.h"
#include "controlplane/cli/secret_file.h"

static char folder[] = "/tmp/berth-context.XXXXXX";
static struct arena arena;

static const char *in_folder(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static unsigned mode_of(const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 0777;
}

static void test_without_a_file_there_is_no_context(void **state)
{
    struct context context;

    assert_int_equal(context_choose(&arena, NULL, &context), ERR_NOT_FOUND);
}

static void test_the_environment_is_a_context(void **state)
{
    struct context context;

    setenv("BERTH_API", "http://there", 1);
    setenv("BERTH_TOKEN", "secret", 1);
    assert_int_equal(context_choose(&arena, NULL, &context), OK);
    assert_string_equal(context.url, "http://there");
    assert_string_equal(context.token, "secret");
    assert_int_equal(context_choose(&arena, "named", &context), ERR_NOT_FOUND);
    unsetenv("BERTH_API");
    unsetenv("BERTH_TOKEN");
}

static void test_saving_adds_replaces_and_chooses(void **state)
{
    struct context one = {"one", "http://1", "t1"}, two = {"two", "http://2", "t2"}, got;
    struct context_file file;

    assert_int_equal(context_save(&arena, &one), OK);
    assert_int_equal(context_save(&arena, &two), OK);
    assert_int_equal(context_choose(&arena, NULL, &got), OK);
    assert_string_equal(got.name, "two");
    one.token = "t3";
    assert_int_equal(context_save(&arena, &one), OK);
    assert_int_equal(context_read(&arena, &file), OK);
    assert_int_equal(file.contexts.count, 2);
    assert_string_equal(file.current, "one");
    assert_int_equal(context_choose(&arena, "two", &got), OK);
    assert_string_equal(got.token, "t2");
    assert_int_equal(mode_of(in_folder("contexts.json")), 0600);
}

static void test_the_environment_replaces_parts_of_the_current_one(void **state)
{
    struct context got;

    setenv("BERTH_TOKEN", "other", 1);
    assert_int_equal(context_choose(&arena, NULL, &got), OK);
    assert_string_equal(got.url, "http://1");
    assert_string_equal(got.token, "other");
    assert_int_equal(context_choose(&arena, "two", &got), OK);
    assert_string_equal(got.token, "t2");
    unsetenv("BERTH_TOKEN");
    setenv("BERTH_CONTEXT", "two", 1);
    assert_int_equal(context_choose(&arena, NULL, &got), OK);
    assert_string_equal(got.url, "http://2");
    unsetenv("BERTH_CONTEXT");
}

static void test_a_damaged_file_is_said(void **state)
{
    struct context_file file;

    assert_int_equal(secret_file_write(in_folder("contexts.json"), SLICE("{")), OK);
    assert_int_equal(context_read(&arena, &file), ERR_CORRUPT);
}

static void test_folders_are_private(void **state)
{
    char *deep = (char *)(uintptr_t)in_folder("a/b/c");

    assert_int_equal(folder_make(deep), OK);
    assert_int_equal(mode_of(deep), 0700);
    assert_int_equal(folder_make(deep), OK);
}

static int set_up(void **state)
{
    arena_init(&arena);
    if (mkdtemp(folder) == NULL)
        return -1;
    unsetenv("BERTH_API");
    unsetenv("BERTH_TOKEN");
    unsetenv("BERTH_CONTEXT");
    return setenv("BERTH_CONTEXT_DIR", folder, 1);
}

static int tear_down(void **state)
{
    static const char *const made[] = {"a/b/c/secret", "a/b/c", "a/b", "a", "contexts.json", ""};

    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        if (remove(in_folder(made[i])) != 0)
            return -1;
    arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_file_there_is_no_context),
        cmocka_unit_test(test_the_environment_is_a_context),
        cmocka_unit_test(test_saving_adds_replaces_and_chooses),
        cmocka_unit_test(test_the_environment_replaces_parts_of_the_current_one),
        cmocka_unit_test(test_a_damaged_file_is_said),
        cmocka_unit_test(test_folders_are_private),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
