#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_names_become_ids(void **state)
{
    static const struct cli_line lines[] = {
        {"team show tem_01JD0000000000000000000000", "GET /v1/teams/tem_01JD0000000000000000000000",
         0},
        {"team show AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
         "GET /v1/teams/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0},
        {"team show a", NULL, 4, "there is no a", "GET /v1/teams?q=a",
         "200 {\"items\": [{\"id\": \"1\", \"name\": \"ab\"}]}"},
        {"team show a", NULL, 2, "several are called a", "GET /v1/teams?q=a",
         "200 {\"items\": [{\"id\": \"1\", \"name\": \"a\"}, {\"id\": \"2\", \"name\": \"a\"}]}"},
        {"team show", NULL, 2, "which team? give --team", "GET /v1/teams?limit",
         "200 {\"items\": [{\"id\": \"1\", \"name\": \"a\"}, {\"id\": \"2\", \"name\": \"b\"}]}"},
        {"team show a/b", "GET /v1/teams?q=a%2Fb&limit=500", 4},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

static void test_exit_codes(void **state)
{
    static const struct cli_line lines[] = {
        {"team show a", NULL, 4, "Not found: gone", "GET /v1/teams/id-a",
         "404 {\"title\": \"Not found\", \"detail\": \"gone\"}"},
        {"team create a", NULL, 5, NULL, "POST", "409 {\"title\": \"Name taken\"}"},
        {"team create a", NULL, 6, NULL, "POST", "403 {\"title\": \"Forbidden\"}"},
        {"team create a", NULL, 6, NULL, "POST", "401 {\"title\": \"Not authenticated\"}"},
        {"team create a", NULL, 3, "/name: is empty", "POST",
         "422 {\"title\": \"Validation failed\", \"errors\": [{\"pointer\": \"/name\", "
         "\"message\": \"is empty\"}]}"},
        {"team create a", NULL, 8, "request id: r1", "POST",
         "500 {\"title\": \"Internal error\", \"request_id\": \"r1\"}"},
        {"team create a", NULL, 8, "HTTP status 502: no control plane says that", "POST",
         "502 <html>"},
        {"team update a --name b", NULL, 5, "changed", "PATCH",
         "412 {\"title\": \"Version conflict\", \"detail\": \"changed\"}"},
        {"creds show none --account orders", NULL, 4, "there is no none among the credentials",
         "GET /v1/accounts/id-orders/credentials?q", "200 {\"items\": []}"},
        {"team show a", NULL, 2, "several are called a: give the id that a list shows",
         "GET /v1/teams?q",
         "200 {\"items\": [{\"id\": \"1\", \"name\": \"a\"}, {\"id\": \"2\", \"name\": \"a\"}]}"},
        {"whoami --context nowhere", "", 2, "no control plane is known"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_become_ids),
        cmocka_unit_test(test_exit_codes),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
