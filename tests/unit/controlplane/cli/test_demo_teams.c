#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_each_team_is_made_with_its_own_token(void **state)
{
    static const struct cli_line lines[] = {
        {"demo --nats nats://127.0.0.1:1", "DELETE /v1/plans/id-one If-Match: *", 1,
         "holds no token"},
        {"demo --nats nats://127.0.0.1:1", "DELETE /v1/plans/id-one If-Match: *", 7,
         "not on all nodes", "POST /v1/teams/id-one/tokens", "201 {\"token\": \"t\"}"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_team_is_made_with_its_own_token),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
