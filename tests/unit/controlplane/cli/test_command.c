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

static void test_an_operation_is_waited_for(void **state)
{
    static const struct cli_line lines[] = {
        {"operation wait ope_01JD0000000000000000000000", NULL, 0, "succeeded",
         "GET /v1/operations", "200 {\"id\": \"ope_1\", \"state\": \"succeeded\"}"},
        {"operation wait ope_01JD0000000000000000000000", NULL, 1, "the operation failed: no disk",
         "GET /v1/operations",
         "200 {\"id\": \"ope_1\", \"state\": \"failed\", \"error\": {\"detail\": \"no disk\"}}"},
        {"account delete acc_01JD0000000000000000000000 --yes --wait --if-version 1",
         "GET /v1/operations/ope_1", 1, "canceled", "",
         "202 {\"id\": \"ope_1\", \"type\": \"account.delete\", \"state\": \"canceled\"}"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_without_a_body),
        cmocka_unit_test(test_an_operation_is_waited_for),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
