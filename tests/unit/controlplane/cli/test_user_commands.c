#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_users_become_requests(void **state)
{
    static const struct cli_line lines[] = {
        {"user create w --account orders --pub-allow jobs.> --sub-allow _INBOX.>",
         "POST /v1/accounts/id-orders/users "
         "{\"name\":\"w\",\"permissions\":{\"pub\":{\"allow\":[\"jobs.>\"]},\"sub\":{\"allow\":[\"_"
         "INBOX.>\"]}}}",
         0},
        {"user create w --account orders --role device --default-ttl 90d",
         "POST /v1/accounts/id-orders/users "
         "{\"name\":\"w\",\"role_id\":\"id-device\",\"default_ttl_s\":7776000}",
         0},
        {"user list --account orders", "GET /v1/accounts/id-orders/users?limit=500", 0,
         "SUBSCRIBE"},
        {"user update w --account orders --disabled",
         "PATCH /v1/accounts/id-orders/users/id-w If-Match: \"7\" {\"disabled\":true}", 0},
        {"user delete w --account orders --yes",
         "DELETE /v1/accounts/id-orders/users/id-w If-Match: \"7\"", 0},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

static void test_credentials_become_requests(void **state)
{
    static const struct cli_line lines[] = {
        {"creds issue w --account orders --public-key UKEY --ttl 1h --out -",
         "POST /v1/accounts/id-orders/users/id-w/credentials "
         "{\"public_key\":\"UKEY\",\"format\":\"jwt\",\"ttl_s\":3600}",
         0, "eyJ0", "POST", "201 {\"jwt\": \"eyJ0\"}"},
        {"creds issue w --account orders --out -", NULL, 0, "-----BEGIN USER NKEY SEED-----",
         "POST", "201 {\"jwt\": \"eyJ0\"}"},
        {"creds issue w --account orders --out -", NULL, 1, "holds no JWT", "POST", "201 {}"},
        {"creds issue w --account orders --ttl x", "", 2, "--ttl wants a time"},
        {"creds issue w --account orders --out - --nats-context c", "", 2, "in a file"},
        {"creds issue w --account orders --out /nonexistent/w.creds", NULL, 1, "stands above",
         "POST", "201 {\"jwt\": \"eyJ0\"}"},
        {"creds list --account orders", "GET /v1/accounts/id-orders/credentials?limit=500", 0,
         "LAST SEEN"},
        {"creds history w --account orders",
         "GET /v1/accounts/id-orders/users/id-w/credentials?limit=500", 0},
        {"creds revoke crd_01JD0000000000000000000000 --account orders --yes --reason lost",
         "POST /v1/accounts/id-orders/credentials/crd_01JD0000000000000000000000:revoke "
         "{\"reason\":\"lost\"}",
         0},
        {"creds context c", "", 2, "give --creds FILE"},
        {"creds context c --creds /nonexistent", NULL, 2, "is not there"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_become_requests),
        cmocka_unit_test(test_credentials_become_requests),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
