#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_accounts_become_requests(void **state)
{
    static const struct cli_line lines[] = {
        {"account create orders --team payments --plan small --tag a,b --wait",
         "POST /v1/accounts wait=30 "
         "{\"name\":\"orders\",\"team_id\":\"id-payments\",\"plan_id\":\"id-small\",\"tags\":["
         "\"a\",\"b\"]}",
         0, .to = "POST",
         .answer = "201 {\"name\": \"orders\", \"sync\": {\"state\": \"applied\"}}"},
        {"account create orders --wait", NULL, 7, "not on all nodes", "POST",
         "202 {\"name\": \"orders\", \"sync\": {\"state\": \"pending\"}}"},
        {"account list --team payments", "GET /v1/accounts?team=id-payments&limit=500", 0, "NAME"},
        {"account show orders", "GET /v1/accounts/id-orders", 0, "one"},
        {"account show", "GET /v1/accounts/id-only", 0},
        {"account update orders --protection=false --if-version 3",
         "PATCH /v1/accounts/id-orders If-Match: \"3\" {\"protection\":false}", 0},
        {"account update orders --pub-allow a.>",
         "PATCH /v1/accounts/id-orders If-Match: \"7\" "
         "{\"default_permissions\":{\"pub\":{\"allow\":[\"a.>\"]}}}",
         0},
        {"account delete orders", "GET /v1/accounts?q=orders&limit=500", 2, "--yes"},
        {"account delete orders --yes", "DELETE /v1/accounts/id-orders If-Match: \"7\"", 0},
        {"account suspend orders --reason 'leaked keys'",
         "POST /v1/accounts/id-orders:suspend {\"reason\":\"leaked keys\"}", 0},
        {"account suspend orders", "POST /v1/accounts/id-orders:suspend {}", 0},
        {"account resume orders", "POST /v1/accounts/id-orders:resume", 0},
        {"account limits orders", "GET /v1/accounts/id-orders/limits", 0, "connections  20",
         "GET /v1/accounts/id-orders/limits",
         "200 {\"connections\": {\"effective\": 20, \"source\": \"plan\"}}"},
        {"account set-limits orders --limit connections=20 --limit max_payload=64KiB --reset "
         "subscriptions",
         "PATCH /v1/accounts/id-orders/limits If-Match: \"7\" "
         "{\"connections\":20,\"max_payload\":65536,\"subscriptions\":null}",
         0},
        {"account set-limits orders --limit connections=many", NULL, 2, "a number"},
        {"account jwt orders", "GET /v1/accounts/id-orders/jwt", 0, "eyJ0",
         "GET /v1/accounts/id-orders/jwt", "200 eyJ0"},
        {"account sync orders", "GET /v1/accounts/id-orders/sync", 0, "revision 4 is applied",
         "GET /v1/accounts/id-orders/sync",
         "200 {\"state\": \"applied\", \"desired\": {\"revision\": 4}, \"nodes\": []}"},
        {"sync orders", "GET /v1/accounts/id-orders/sync", 7, NULL,
         "GET /v1/accounts/id-orders/sync",
         "200 {\"state\": \"pending\", \"desired\": {\"revision\": 4}, \"nodes\": []}"},
        {"account push orders --wait", "GET /v1/accounts/id-orders/sync", 7, "pending",
         "GET /v1/accounts/id-orders/sync", "200 {\"state\": \"pending\"}"},
        {"account push orders", "POST /v1/accounts/id-orders:push", 0,
         "applied  1       1        1", "POST",
         "202 {\"state\": \"applied\", \"nodes_total\": 1, \"nodes_stored\": 1, "
         "\"nodes_applied\": 1, \"nodes\": [{\"node\": \"n1\"}]}"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounts_become_requests),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
