#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_systems_and_nodes_become_requests(void **state)
{
    static const struct cli_line lines[] = {
        {"system create main --url nats://127.0.0.1:4222 --kind own --sync-interval 5m --operator "
         "o",
         "POST /v1/systems "
         "{\"name\":\"main\",\"urls\":[\"nats://"
         "127.0.0.1:4222\"],\"node_kind\":\"own\",\"sync_interval_s\":300,\"operator_id\":\"id-"
         "o\"}",
         0},
        {"system list", "GET /v1/systems?limit=500", 0, "RESOLVER"},
        {"system update main --url a,b --accounts-expected 100",
         "PATCH /v1/systems/id-main If-Match: \"7\" "
         "{\"urls\":[\"a\",\"b\"],\"accounts_expected\":100}",
         0},
        {"system update main --jetstream --jetstream-domain hub --jetstream-tier R1,R3",
         "PATCH /v1/systems/id-main If-Match: \"7\" "
         "{\"jetstream\":{\"enabled\":true,\"domain\":\"hub\",\"tiers\":[\"R1\",\"R3\"]}}",
         0},
        {"system server-config main --node n1 --listen 0.0.0.0 --data /var/lib/berth",
         "GET "
         "/v1/systems/id-main/server-config?name=n1&listen=0.0.0.0&store_dir=%2Fvar%2Flib%2Fberth",
         0, "port: 4222", "GET /v1/systems/id-main/server-config", "200 port: 4222"},
        {"system reconcile", "POST /v1/systems/id-only:reconcile", 0},
        {"system delete main --yes", "DELETE /v1/systems/id-main If-Match: \"7\"", 0},
        {"node list --system main", "GET /v1/systems/id-main/nodes?limit=500", 0, "SERVER ID"},
        {"node show n1 --system main", "GET /v1/systems/id-main/nodes/id-n1", 0},
        {"node retire n1 --yes", "POST /v1/systems/id-only/nodes/id-n1:retire", 0},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

static void test_a_check_says_what_is_not_well(void **state)
{
    static const char well[] = "200 {\"ok\": true, \"nodes\": [{\"node\": \"n1\"}], \"links\": ["
                               "{\"url\": \"nats://a\", \"connected\": true, \"checks\": "
                               "[{\"subject\": \"$SYS.A\", \"ok\": true, \"error\": null}]}]}";
    static const char ill[] = "200 {\"ok\": false, \"nodes\": [], \"links\": ["
                              "{\"url\": \"nats://a\", \"connected\": true, \"checks\": "
                              "[{\"subject\": \"$SYS.A\", \"ok\": true, \"error\": null}, "
                              "{\"subject\": \"$SYS.B\", \"ok\": false, \"error\": \"late\"}]}]}";
    static const struct cli_line lines[] = {
        {"system check main", "POST /v1/systems/id-main:test-connection", 0, "n1", "POST", well,
         .warns = ""},
        {"system check main", NULL, 8, "$SYS.B        late", "POST", ill,
         .warns = "not all is well"},
        {"system check main -o json", NULL, 8, "\"ok\": false", "POST", ill},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_systems_and_nodes_become_requests),
        cmocka_unit_test(test_a_check_says_what_is_not_well),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
