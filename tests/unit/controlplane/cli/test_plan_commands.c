#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_plans_become_requests(void **state)
{
    static const struct cli_line lines[] = {
        {"plan create small --limit connections=50 --limit max_payload=64KiB --max "
         "connections=unlimited --default",
         "POST /v1/plans "
         "{\"name\":\"small\",\"limits\":{\"connections\":50,\"max_payload\":65536},\"max\":{"
         "\"connections\":-1},\"default\":true}",
         0},
        {"plan create small --limit =50", NULL, 2, "NAME=VALUE"},
        {"plan list -o name", "GET /v1/plans?limit=500", 0, "only"},
        {"plan list --label tier:gold", "GET /v1/plans?label=tier%3Agold&limit=500", 0},
        {"plan show small -o json", "GET /v1/plans/id-small", 0, "\"id\": \"id-one\""},
        {"plan update small --name tiny --allow-override connections,subscriptions",
         "PATCH /v1/plans/id-small If-Match: \"7\" "
         "{\"name\":\"tiny\",\"allowed_overrides\":[\"connections\",\"subscriptions\"]}",
         0},
        {"plan delete small --yes --if-version *", "DELETE /v1/plans/id-small If-Match: *", 0},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans_become_requests),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
