#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
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
    };

    cli_lines_run(lines, COUNT_OF(lines));
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
        cmocka_unit_test(test_words_that_are_not_known),
        cmocka_unit_test(test_global_flags),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
