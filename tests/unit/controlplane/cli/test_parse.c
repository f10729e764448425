#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/check.h"
#include "controlplane/cli/parse.h"
#include "controlplane/cli/tables.h"
#include "tests/lib/cli_lines.h"

static void test_help_and_version(void **state)
{
    static const struct cli_line lines[] = {
        {"", "", 2, "Usage: berth NOUN VERB"},
        {"--version", "", 0, "berth "},
        {"help", "", 0, "account create NAME"},
        {"team", "", 2, "team create NAME"},
        {"team --help", "", 0, "team create NAME"},
        {"team create --help", "", 0, "berth team create payments --plan small"},
        {"help team create", "", 0, "berth team create payments --plan small"},
        {"help team", "", 0, "team list"},
        {"help teem", "", 2, "teem is not known"},
        {"--help", "", 0, "Examples:\n  berth login"},
        {"team --help", "", 0, "Example:\n  berth team create payments --plan small\n"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

/* "berth key show ci --account orders" stands below "berth key show --help". */
static void check_example(const struct command *command)
{
    const char *prefix = "berth ";
    char *argv[CLI_WORDS_MAX], *words, help[64];
    struct cli cli = {.tables = command_tables};
    bool finished;
    struct cli_line line = {help, "", 0, command->example};
    int argc;

    snprintf(help, sizeof(help), "%s %s --help", command->noun,
             command->verb != NULL ? command->verb : "");
    if (command->example == NULL)
        fail_msg("berth %s has no example", help);
    cli_lines_run(&line, 1);
    assert_memory_equal(command->example, prefix, strlen(prefix));
    words = strdup(command->example + strlen(prefix));
    argc = cli_lines_split(words, argv);
    if (cli_parse(&cli, argc, argv, &finished) != EXIT_OK || finished || cli.command != command)
        fail_msg("the example of berth %s is none: %s", help, command->example);
    free(words);
}

static void test_every_command_has_an_example_that_would_run(void **state)
{
    for (size_t i = 0; command_tables[i] != NULL; i++) {
        for (const struct command *at = command_tables[i]; at->noun != NULL; at++)
            check_example(at);
    }
}

static void test_words_that_are_not_known(void **state)
{
    static const struct cli_line lines[] = {
        {"teem list", "", 2, "teem is not known"},
        {"team make x", "", 2, "team make is not known"},
        {"team list --colour", "", 2, "--colour is not known here"},
        {"team list x", "", 2, "x is one argument too many"},
        {"team create", "", 2, "wants: NAME"},
        {"team create a b", "", 2, "one argument too many"},
        {"team create a --plan", "", 2, "--plan wants PLAN"},
        {"team list --account", "", 2, "--account wants a value"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

static void test_global_flags(void **state)
{
    static const struct cli_line lines[] = {
        {"team list -o json", NULL, 0, "\"id-only\""},
        {"team list -o xml", "", 2, "table, json or name"},
        {"team list --wait=many", "", 2, "--wait wants seconds"},
        {"team list --wait=301", "", 2, "at most 300"},
        {"account resume orders --wait=5", NULL, 0, .to = "POST",
         .answer = "200 {\"sync\": {\"state\": \"applied\"}}"},
        {"team show --team=payments", "GET /v1/teams/id-payments", 0},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_and_version),
        cmocka_unit_test(test_every_command_has_an_example_that_would_run),
        cmocka_unit_test(test_words_that_are_not_known),
        cmocka_unit_test(test_global_flags),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
