#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_answers_without_a_body(void **state)
{
    static const struct cli_line lines[] = {
        {"team delete a --yes", NULL, 0, "done", "DELETE", "204"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

/* Longer than a table's cell was. */
#define LINE "waiting for a node that does not answer: n1, n2, n3, n4, n5, n6, n7, n8, n9; "
#define WHY LINE LINE LINE "and the last"

static void test_an_operation_is_waited_for(void **state)
{
    static const struct cli_line lines[] = {
        {"operation wait ope_01JD0000000000000000000000", NULL, 0, "succeeded",
         "GET /v1/operations", "200 {\"id\": \"ope_1\", \"state\": \"succeeded\"}"},
        {"operation wait ope_01JD0000000000000000000000", NULL, 1, "the operation failed: no disk",
         "GET /v1/operations",
         "200 {\"id\": \"ope_1\", \"state\": \"failed\", \"error\": {\"detail\": \"no disk\"}}"},
        {"operation wait ope_01JD0000000000000000000000", NULL, 1, WHY, "GET /v1/operations",
         "200 {\"id\": \"ope_1\", \"state\": \"failed\", \"error\": {\"detail\": \"" WHY "\"}}"},
        {"account delete acc_01JD0000000000000000000000 --yes --wait --if-version 1",
         "GET /v1/operations/ope_1", 1, "canceled", "",
         "202 {\"id\": \"ope_1\", \"type\": \"account.delete\", \"state\": \"canceled\"}"},
        {"operation wait ope_01JD0000000000000000000000", NULL, 0, "succeeded",
         "GET /v1/operations",
         "200 {\"id\": \"ope_1\", \"state\": \"succeeded\", \"result\": {\"account_state\": "
         "\"tombstoned\", \"detail\": \"node n does not let accounts be deleted\"}}",
         .warns = "berth: warning: node n does not let accounts be deleted\n"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

/* VAL-10: who scripts sees a clean answer, who types sees the warning. */
static void test_what_was_probably_not_meant_is_said(void **state)
{
    static const char answer[] =
        "201 {\"id\": \"usr_1\", \"name\": \"u\", \"conditions\": [{\"type\": \"t\", \"status\": "
        "\"false\", \"message\": \"No inbox.\"}, {\"type\": \"s\", \"status\": \"true\", "
        "\"message\": \"All is well.\"}]}";
    static const char shown[] = "200 {\"id\": \"usr_1\", \"name\": \"u\", \"conditions\": "
                                "[{\"status\": \"false\", \"message\": \"No inbox.\"}]}";
    static const struct cli_line lines[] = {
        {"user create u --account a", NULL, 0, "usr_1", "POST", answer,
         .warns = "berth: warning: No inbox.\n"},
        {"user create u --account a -o json", NULL, 0, "\"message\": \"No inbox.\"", "POST", answer,
         .warns = "berth: warning: No inbox.\n"},
        {"role create u --account a -o name", NULL, 0, "u\n", "POST", answer,
         .warns = "berth: warning: No inbox.\n"},
        {"user update u --account a --payload 1KiB", NULL, 0, NULL, "PATCH", shown,
         .warns = "berth: warning: No inbox.\n"},
        {"user show u --account a", NULL, 0, "No inbox.", "GET /v1/accounts/id-a/users/id-u", shown,
         .warns = ""},
        {"user create u --account a", NULL, 0, .warns = ""},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_without_a_body),
        cmocka_unit_test(test_an_operation_is_waited_for),
        cmocka_unit_test(test_what_was_probably_not_meant_is_said),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
