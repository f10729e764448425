#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_a_demonstration_needs_a_system_and_its_address(void **state)
{
    static const struct cli_line lines[] = {
        {"demo", "GET /v1/systems?limit=500", 2, "which system", "GET /v1/systems?limit",
         "200 {\"items\": []}"},
        {"demo --system main", "GET /v1/systems/id-main", 2, "give --nats nats://"},
        {"demo --system none", NULL, 4, "there is no none", "GET /v1/systems?q",
         "200 {\"items\": []}"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

static void test_what_was_made_is_removed_when_something_fails(void **state)
{
    static const struct cli_line lines[] = {
        {"demo --nats nats://127.0.0.1:1", "DELETE /v1/plans/id-one If-Match: *", 3, "too much",
         "POST /v1/teams", "422 {\"title\": \"too much\"}"},
        {"demo --nats nats://127.0.0.1:1", NULL, 3, "too much", "POST /v1/plans",
         "422 {\"title\": \"too much\"}"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_demonstration_needs_a_system_and_its_address),
        cmocka_unit_test(test_what_was_made_is_removed_when_something_fails),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
