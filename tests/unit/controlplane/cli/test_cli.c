#include "controlplane/cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "api/base/check.h"

static const struct flag flags[] = {
    {"one", FLAG_TEXT, NULL, "TEXT", "one"}, {"two", FLAG_TRUE, NULL, NULL, "two"}, {0}};
static const struct command command = {.noun = "user", .arguments = "ACCOUNT [NAME]"};

static void test_what_was_given(void **state)
{
    struct cli cli = {.command = &command,
                      .arguments = {"orders"},
                      .argument_count = 1,
                      .values = {{&flags[0], "a"}, {&flags[0], "b"}},
                      .value_count = 2};

    assert_string_equal(cli_flag(&cli, "one"), "b");
    assert_true(cli_has(&cli, "one"));
    assert_null(cli_flag(&cli, "two"));
    assert_false(cli_has(&cli, "two"));
    assert_string_equal(cli_argument(&cli, "ACCOUNT"), "orders");
    assert_null(cli_argument(&cli, "NAME"));
    cli.arguments[cli.argument_count++] = "w";
    assert_string_equal(cli_argument(&cli, "NAME"), "w");
    assert_true(slice_equal(cli_argument_name(SLICE("[NAME]")), SLICE("NAME")));
    assert_true(slice_equal(cli_argument_name(SLICE("NAME")), SLICE("NAME")));
}

static void test_members_as_text(void **state)
{
    json_t *object = json_loads("{\"a\": {\"b\": \"text\", \"n\": 7}}", 0, NULL);

    assert_string_equal(cli_member(object, "a/b"), "text");
    assert_string_equal(cli_member(object, "a/n"), "7");
    assert_string_equal(cli_member(object, "a/none"), "");
    assert_string_equal(cli_text(object, "a/b"), "text");
    assert_null(cli_text(object, "a/n"));
    json_decref(object);
}

static void test_without_a_terminal_nobody_is_asked(void **state)
{
    struct cli cli = {0};
    int code, in = dup(STDIN_FILENO), nothing = open("/dev/null", O_RDONLY);

    assert_int_equal(dup2(nothing, STDIN_FILENO), STDIN_FILENO);
    assert_false(cli_confirm(&cli, "delete?", &code));
    assert_int_equal(code, EXIT_USAGE);
    cli.yes = true;
    assert_true(cli_confirm(&cli, "delete?", &code));
    assert_int_equal(code, EXIT_OK);
    assert_int_equal(dup2(in, STDIN_FILENO), STDIN_FILENO);
    (void)close(in);
    (void)close(nothing);
}

static void test_a_file_that_cannot_be_made_ready(void **state)
{
    struct cli cli = {0};

    assert_int_equal(cli_keep_ready(&cli, "/nonexistent/secret"), EXIT_FAILED);
    secret_file_drop(&cli.kept);
    assert_int_equal(cli_keep_ready(&cli, "-"), EXIT_OK);
    secret_file_drop(&cli.kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_given),
        cmocka_unit_test(test_members_as_text),
        cmocka_unit_test(test_without_a_terminal_nobody_is_asked),
        cmocka_unit_test(test_a_file_that_cannot_be_made_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
