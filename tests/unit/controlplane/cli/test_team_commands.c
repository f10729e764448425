#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_teams_members_and_tokens_become_requests(void **state)
{
    static const struct cli_line lines[] = {
        {"team create payments --plan small --label unit=7",
         "POST /v1/teams "
         "{\"name\":\"payments\",\"plan_id\":\"id-small\",\"labels\":{\"unit\":\"7\"}}",
         0},
        {"team list", "GET /v1/teams?limit=500", 0, "CREATED"},
        {"team show", "GET /v1/teams/id-only", 0},
        {"team update payments --description 'who pays'",
         "PATCH /v1/teams/id-payments If-Match: \"7\" {\"description\":\"who pays\"}", 0},
        {"team update payments --plan small --allow-over-quota",
         "PATCH /v1/teams/id-payments If-Match: \"7\" "
         "{\"plan_id\":\"id-small\",\"allow_over_quota\":true}",
         0},
        {"team delete payments --yes", "DELETE /v1/teams/id-payments If-Match: \"7\"", 0},
        {"member add ada@example.com --team payments --role admin --only orders",
         "POST /v1/teams/id-payments/members "
         "{\"name\":\"ada@example.com\",\"role\":\"admin\",\"accounts\":[\"id-orders\"]}",
         0},
        {"member remove ada --team payments --yes",
         "DELETE /v1/teams/id-payments/members/id-ada If-Match: \"7\"", 0},
        {"token create ci --role service --scope accounts:read,usage:read",
         "POST /v1/tokens "
         "{\"name\":\"ci\",\"role\":\"service\",\"scopes\":[\"accounts:read\",\"usage:read\"]}",
         0, "token (shown once): btk_x", "POST", "201 {\"name\": \"ci\", \"token\": \"btk_x\"}"},
        {"token create ci --team payments --expires 2027-01-31T00:00:00Z --out -",
         "POST /v1/teams/id-payments/tokens "
         "{\"name\":\"ci\",\"expires_at\":\"2027-01-31T00:00:00.000Z\"}",
         0, "btk_x\n", "POST", "201 {\"token\": \"btk_x\"}"},
        {"token create ci --expires soon", "", 2, "90d"},
        {"token create ci", NULL, 1, "holds no token"},
        {"token revoke ci --team payments --yes", "DELETE /v1/tokens/id-ci If-Match: \"7\"", 0},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_teams_members_and_tokens_become_requests),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
