#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/cli_lines.h"

static void test_kinds_of_flags(void **state)
{
    static const struct cli_line lines[] = {
        {"team create a --label x=1 --label y=2",
         "POST /v1/teams {\"name\":\"a\",\"labels\":{\"x\":\"1\",\"y\":\"2\"}}", 0},
        {"plan create a --limit x=1GiB --limit y=unlimited --limit z=true --limit w=5KB",
         "POST /v1/plans "
         "{\"name\":\"a\",\"limits\":{\"x\":1073741824,\"y\":-1,\"z\":true,\"w\":5000}}",
         0},
        {"plan create a --limit x=9223372036854775807KiB", "", 2, "a number"},
        {"plan create a --default=false", "POST /v1/plans {\"name\":\"a\",\"default\":false}", 0},
        {"system create a --sync-interval 2h",
         "POST /v1/systems {\"name\":\"a\",\"sync_interval_s\":7200}", 0},
        {"system create a --sync-interval never",
         "POST /v1/systems {\"name\":\"a\",\"sync_interval_s\":-1}", 0},
        {"system create a --sync-interval x", "", 2, "90d, 12h or never"},
        {"system create a --accounts-expected x", "", 2, "wants a number"},
        {"account create a --tag x,y --tag z",
         "POST /v1/accounts {\"name\":\"a\",\"tags\":[\"x\",\"y\",\"z\"]}", 0},
        {"account update a --tag=", "PATCH /v1/accounts/id-a If-Match: \"7\" {\"tags\":[]}", 0},
        {"account update a --resp-max 1 --resp-ttl-ns -1",
         "PATCH /v1/accounts/id-a If-Match: \"7\" "
         "{\"default_permissions\":{\"resp\":{\"max\":1,\"ttl_ns\":-1}}}",
         0},
        {"token create a --expires 60y", "", 2, "90d or"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

static void test_what_is_not_utf_8_is_refused(void **state)
{
    static const struct cli_line lines[] = {
        {"team create \xff", "", 2, "not UTF-8"},
        {"team create a --description \xff", "", 2, "not UTF-8"},
        {"team create a --label x=\xff", "", 2, "not UTF-8"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_of_flags),
        cmocka_unit_test(test_what_is_not_utf_8_is_refused),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
