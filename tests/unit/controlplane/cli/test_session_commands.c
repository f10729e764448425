#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_who_and_how(void **state)
{
    static const struct cli_line lines[] = {
        {"whoami", "GET /v1/whoami", 0, "one"},
        {"status", "GET /version", 0, "ready"},
        {"status", "GET /version", 8, "not ready", "GET /readyz",
         "503 {\"checks\": {\"database\": \"down\"}}"},
        {"status -o json", "GET /readyz", 0, "database", "GET /readyz",
         "200 {\"checks\": {\"database\": \"ok\"}}"},
        {"status", "GET /version", 0, "1 of 2 nodes ready", "GET /readyz",
         "200 {\"checks\": {\"systems\": {\"main\": "
         "{\"state\": \"ok\", \"nodes_ready\": 1, \"nodes_total\": 2}}}}"},
        {"status", "GET /version", 8, "0 of 2 nodes ready", "GET /readyz",
         "200 {\"checks\": {\"systems\": {\"main\": "
         "{\"state\": \"no_node_ready\", \"nodes_ready\": 0, \"nodes_total\": 2}}}}",
         .warns = "berth system nodes main"},
        {"status -o json", "GET /readyz", 8, "no_node_ready", "GET /readyz",
         "200 {\"checks\": {\"systems\": {\"main\": {\"state\": \"no_node_ready\"}}}}"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

static void test_contexts_are_kept(void **state)
{
    static const struct cli_line lines[] = {
        {"context list", "", 0, "NAME"},
        {"login --name staging --token-file /nonexistent", "", 2, "/nonexistent is not there"},
        {"login --name staging --token-file /dev/null", "", 2, "/dev/null holds no token"},
        {"context use staging", "", 4, "there is no context staging"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_and_how),
        cmocka_unit_test(test_contexts_are_kept),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
