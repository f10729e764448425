#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_records_become_requests(void **state)
{
    static const struct cli_line lines[] = {
        {"usage show orders --from 2026-11-23T00:00:00Z --step hour",
         "GET /v1/accounts/id-orders/usage?from=2026-11-23T00%3A00%3A00Z&step=hour", 0,
         "Gaps:", "GET /v1/accounts/id-orders/usage",
         "200 {\"buckets\": [{\"at\": \"t\", \"msgs_in\": 5}], \"gaps\": [{\"reason\": "
         "\"restart\"}]}"},
        {"usage current", "GET /v1/accounts/id-only/usage:current", 0},
        {"usage totals --by team", "GET /v1/usage?group_by=team", 0, "payments", "GET",
         "200 {\"items\": [{\"group_name\": \"payments\", \"msgs_in\": 5}]}"},
        {"audit list --action account.delete --since x",
         "GET /v1/audit-events?action=account.delete&created_after=x&limit=500", 0},
        {"audit list --account orders", "GET /v1/accounts/id-orders/audit-events?limit=500", 0},
        {"audit list", NULL, 0, "ann", "GET /v1/audit-events",
         "200 {\"items\": [{\"actor\": {\"name\": \"ann\"}, \"action\": \"x\"}]}"},
        {"audit list", NULL, 0, "orders", "GET /v1/audit-events",
         "200 {\"items\": [{\"resource\": {\"name\": \"orders\"}, \"action\": \"x\"}]}"},
        {"audit list --limit few", "", 2, "a number"},
        {"operation list --state running", "GET /v1/operations?state=running&limit=500", 0},
        {"operation wait orders", "GET /v1/operations/id-orders", 0, "op_1",
         "GET /v1/operations/id-orders", "200 {\"id\": \"op_1\", \"state\": \"succeeded\"}"},
        {"operation wait op_01JD0000000000000000000000", NULL, 1, "no node", "GET",
         "200 {\"id\": \"op_1\", \"state\": \"failed\", \"error\": {\"detail\": \"no node\"}}"},
        {"operation cancel op_01JD0000000000000000000000 --yes",
         "POST /v1/operations/op_01JD0000000000000000000000:cancel", 0},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_become_requests),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
