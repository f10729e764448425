#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_keys_roles_and_revocations_become_requests(void **state)
{
    static const struct cli_line lines[] = {
        {"key create ci --account orders --custody customer --public-key AKEY",
         "POST /v1/accounts/id-orders/signing-keys "
         "{\"name\":\"ci\",\"custody\":\"customer\",\"public_key\":\"AKEY\"}",
         0},
        {"key create dev --account orders --role device",
         "POST /v1/accounts/id-orders/signing-keys {\"name\":\"dev\",\"role_id\":\"id-device\"}",
         0},
        {"key list --account orders", "GET /v1/accounts/id-orders/signing-keys?limit=500", 0,
         "PUBLIC KEY"},
        {"key delete ci --account orders --yes --confirm-clients 3",
         "DELETE /v1/accounts/id-orders/signing-keys/id-ci?confirm_clients=3 If-Match: \"7\"", 0},
        {"role create device --account orders --pub-allow devices.{{name()}}.> --resp-max 1 "
         "--bearer",
         "POST /v1/accounts/id-orders/roles "
         "{\"name\":\"device\",\"permissions\":{\"pub\":{\"allow\":[\"devices.{{name()}}.>\"]},"
         "\"resp\":{\"max\":1}},\"bearer\":true}",
         0},
        {"role update device --account orders --time 08:00-18:00 --payload 1KiB",
         "PATCH /v1/accounts/id-orders/roles/id-device If-Match: \"7\" "
         "{\"times\":[{\"start\":\"08:00:00\",\"end\":\"18:00:00\"}],\"payload\":1024}",
         0},
        {"role update device --account orders --time 08:00", NULL, 2, "08:00-18:00"},
        {"role delete device --account orders --yes",
         "DELETE /v1/accounts/id-orders/roles/id-device If-Match: \"7\"", 0},
        {"revocation list --account orders", "GET /v1/accounts/id-orders/revocations?limit=500", 0,
         "USER KEY"},
        {"revocation set * --account orders --reason lost",
         "PUT /v1/accounts/id-orders/revocations/%2A {\"reason\":\"lost\"}", 0},
        {"revocation remove * --account orders --yes",
         "DELETE /v1/accounts/id-orders/revocations/%2A", 0},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_roles_and_revocations_become_requests),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
