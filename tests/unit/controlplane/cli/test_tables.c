#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/cli/tables.h"

/* A path's {name} is an argument of the command or one of the flags that every command has. */
static void check_path(const struct command *command, const char *path)
{
    static const char *const global[] = {"{account}", "{team}", "{system}", "{operator}"};

    for (const char *open = path; open != NULL && (open = strchr(open, '{')) != NULL; open++) {
        struct slice name = slice_make(open, strcspn(open, "}") + 1);
        char upper[32] = "";
        bool found = false;

        assert_true(name.len < sizeof(upper));
        for (size_t i = 1; i + 1 < name.len; i++)
            upper[i - 1] = (char)(open[i] >= 'a' && open[i] <= 'z' ? open[i] - 32 : open[i]);
        for (size_t i = 0; i < sizeof(global) / sizeof(global[0]); i++)
            found = found || slice_equal(name, slice_of(global[i]));
        if (!found && (command->arguments == NULL || strstr(command->arguments, upper) == NULL))
            fail_msg("%s %s: nothing fills %s", command->noun, command->verb, path);
    }
}

static void check_flags(const struct command *command)
{
    for (const struct flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++) {
        assert_non_null(flag->help);
        for (const struct flag *other = command->flags; other != flag; other++)
            if (strcmp(other->name, flag->name) == 0)
                fail_msg("%s %s: --%s twice", command->noun, command->verb, flag->name);
    }
}

static void test_every_row_is_sound(void **state)
{
    size_t count = 0;

    for (size_t i = 0; command_tables[i] != NULL; i++)
        for (const struct command *at = command_tables[i]; at->noun != NULL; at++) {
            assert_non_null(at->help);
            assert_non_null(at->method);
            check_path(at, at->path);
            check_path(at, at->team_path);
            check_path(at, at->account_path);
            check_flags(at);
            count++;
        }
    assert_true(count > 60);
}

static void test_no_command_stands_twice(void **state)
{
    for (size_t i = 0; command_tables[i] != NULL; i++)
        for (const struct command *at = command_tables[i]; at->noun != NULL; at++)
            for (const struct command *other = command_tables[i]; other != at; other++)
                assert_false(strcmp(at->noun, other->noun) == 0 &&
                             (at->verb == NULL || strcmp(at->verb, other->verb) == 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_sound),
        cmocka_unit_test(test_no_command_stands_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
