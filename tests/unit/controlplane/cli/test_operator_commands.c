#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_operators_become_requests(void **state)
{
    static const struct cli_line lines[] = {
        {"operator create main --strict --service-url nats://a --out -",
         "POST /v1/operators "
         "{\"name\":\"main\",\"strict_signing_keys\":true,\"operator_service_urls\":[\"nats://"
         "a\"]}",
         0, "SOAB\n", "POST", "201 {\"name\": \"main\", \"seed\": \"SOAB\"}"},
        {"operator list", "GET /v1/operators?limit=500", 0, "STRICT"},
        {"operator update main --assert-version 2.10.0",
         "PATCH /v1/operators/id-main If-Match: \"7\" {\"assert_server_version\":\"2.10.0\"}", 0},
        {"operator jwt", "GET /v1/operators/id-only/jwt", 0, "eyJ0",
         "GET /v1/operators/id-only/jwt", "200 eyJ0"},
        {"operator keys", "GET /v1/operators/id-only/signing-keys?limit=500", 0, "PUBLIC KEY"},
        {"operator add-key next --operator main",
         "POST /v1/operators/id-main/signing-keys {\"name\":\"next\"}", 0},
        {"operator activate-key next --yes",
         "POST /v1/operators/id-only/signing-keys/id-next:activate", 0},
        {"operator retire-key next --yes", "POST /v1/operators/id-only/signing-keys/id-next:retire",
         0},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

static void test_signing_wants_the_seed(void **state)
{
    static const struct cli_line lines[] = {
        {"operator sign main", "", 2, "give --seed-file FILE"},
        {"operator sign main --seed-file /nonexistent", "GET /v1/operators/id-main/jwt", 2,
         "holds no seed of an operator"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators_become_requests),
        cmocka_unit_test(test_signing_wants_the_seed),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
