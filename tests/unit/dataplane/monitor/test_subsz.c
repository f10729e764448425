#include "dataplane/monitor/subsz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/watched.h"

#define SUBSZ "$SYS.REQ.SERVER.PING.SUBSZ"

static void test_options(void **state)
{
    static const struct {
        const char *body, *part;
    } cases[] = {
        {"", "\"total\":0,\"offset\":0,\"limit\":1024}"},
        {"{\"subscriptions\":true,\"account\":\"A\"}",
         "\"total\":3,\"offset\":0,\"limit\":1024,"
         "\"subscriptions_list\":[{\"account\":\"A\""},
        {"{\"subscriptions\":true,\"account\":\"A\",\"limit\":1,\"offset\":2}",
         "\"total\":3,\"offset\":2,\"limit\":1,\"subscriptions_list\":[{"},
        {"{\"test\":\"x.y\"}", "\"total\":0,\"offset\":0,\"limit\":1024}"},
        {"{\"test\":\"x.y\",\"subscriptions\":true}", "\"total\":2"},
        {"{\"test\":\"x.y\",\"subscriptions\":true,\"limit\":1}", "\"total\":2"},
        {"{\"test\":\"x.*\"}", "invalid test subject, must be valid publish subject: x.*"},
        {"{\"account\":\"ZZ\",\"subscriptions\":true}", "\"num_subscriptions\":0"},
    };

    guest_say(&watched.a, "SUB x.* 1\r\nSUB x.y q 2\r\nSUB z 3\r\n");
    guest_hears_nothing(&watched.a);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        guest_is_told(&watched.sys, SUBSZ, cases[i].body, cases[i].part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
    };

    return cmocka_run_group_tests(tests, watched_set_up, watched_tear_down);
}
