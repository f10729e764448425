#include "dataplane/monitor/healthz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/watched.h"

static void test_answers(void **state)
{
    static const struct {
        const char *body, *part;
    } cases[] = {
        {"", "\"data\":{\"status\":\"ok\",\"status_code\":200}"},
        {"{\"js-enabled-only\":true}", "\"status\":\"ok\""},
        {"{\"stream\":\"s\"}", "\"status_code\":400,\"error\":\"\\\"account\\\" must not be empty"},
        {"{\"account\":\"A\",\"consumer\":\"c\"}",
         "\\\"stream\\\" must not be empty when checking consumer health"},
        {"{\"account\":\"ZZ\"}", "\"data\":{\"status\":\"ok\",\"status_code\":200}"},
        {"{\"stream\":\"s\",\"details\":true}", "{\"status\":\"error\",\"status_code\":400,"
                                                "\"errors\":[{\"type\":\"BAD_REQUEST\",\"error\":"
                                                "\"\\\"account\\\" must not be empty"},
        {"{\"details\":true}", "\"data\":{\"status\":\"ok\",\"status_code\":200}"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        guest_is_told(&watched.sys, "$SYS.REQ.SERVER.PING.HEALTHZ", cases[i].body, cases[i].part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
    };

    return cmocka_run_group_tests(tests, watched_set_up, watched_tear_down);
}
