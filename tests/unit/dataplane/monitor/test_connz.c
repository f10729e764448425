#include "dataplane/monitor/connz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/watched.h"

#define CONNZ "$SYS.REQ.SERVER.PING.CONNZ"

static void test_options(void **state)
{
    static const struct {
        const char *body, *part;
    } cases[] = {
        {"", "\"num_connections\":2,\"total\":2,\"offset\":0,\"limit\":1024"},
        {"{\"limit\":1}", "\"num_connections\":1,\"total\":2,\"offset\":0,\"limit\":1,"},
        {"{\"offset\":1}", "\"num_connections\":1,\"total\":2,\"offset\":1"},
        {"{\"offset\":9}", "\"num_connections\":0,\"total\":2,\"offset\":9"},
        {"{\"acc\":\"A\"}", "\"num_connections\":1,\"total\":1"},
        {"{\"user\":\"a\"}", "\"num_connections\":1,\"total\":2"},
        {"{\"user\":\"zz\"}", "\"connections\":[]"},
        {"{\"acc\":\"A\",\"auth\":true}", "\"authorized_user\":\"a\",\"account\":\"A\""},
        {"{\"acc\":\"A\",\"subscriptions\":true}", "\"subscriptions_list\":[\"foo.*\"]"},
        {"{\"acc\":\"A\",\"subscriptions_detail\":true}",
         "\"subscriptions_list_detail\":[{\"subject\":\"foo.*\",\"qgroup\":\"q\",\"sid\":\"7\""},
        {"{\"acc\":\"A\",\"filter_subject\":\"foo.bar\"}", "\"num_connections\":1"},
        {"{\"acc\":\"A\",\"filter_subject\":\"bar\"}", "\"num_connections\":0"},
        {"{\"state\":1}", "\"offset\":0"},
        {"{\"mqtt_client\":\"m\"}", "\"num_connections\":0,\"total\":2"},
        {"{\"sort\":\"subs\"}", "\"num_connections\":2"},
        {"{\"sort\":\"zz\"}", "invalid sorting option: zz"},
        {"{\"sort\":\"stop\"}", "sort by stop only valid on closed connections"},
        {"{\"sort\":\"reason\",\"state\":0}", "sort by reason only valid on closed connections"},
        {"{\"filter_subject\":\"x\"}", "filter by subject only valid with account filtering"},
    };

    guest_say(&watched.a, "SUB foo.* q 7\r\n");
    guest_hears_nothing(&watched.a);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        guest_is_told(&watched.sys, CONNZ, cases[i].body, cases[i].part);
}

/* Which of two names comes first. */
static bool before(const char *text, const char *first, const char *second)
{
    const char *x = strstr(text, first), *y = strstr(text, second);

    return x != NULL && y != NULL && x < y;
}

static void test_sorting(void **state)
{
    static const struct {
        const char *sort;
        bool sys_first;
    } cases[] = {
        {"cid", true},        {"start", true},       {"subs", false},
        {"msgs_from", false}, {"bytes_from", false}, {"uptime", false},
    };

    guest_say(&watched.a, "SUB a 1\r\nSUB b 2\r\nSUB c 3\r\n");
    for (int i = 0; i < 100; i++)
        guest_say(&watched.a, "PUB nobody 9\r\n123456789\r\n");
    guest_hears_nothing(&watched.a);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[64];
        const char *text;

        snprintf(body, sizeof(body), "{\"sort\":\"%s\"}", cases[i].sort);
        text = guest_asks(&watched.sys, CONNZ, body);
        if (before(text, "\"nsys\"", "\"na\"") != cases[i].sys_first)
            fail_msg("%s: %s", cases[i].sort, text);
    }
}

static void test_the_closed(void **state)
{
    struct guest c;
    const char *text;

    station_enter(&watched.station, &c, WATCHED_AS("b"));
    guest_leave(&c);
    do
        text = guest_asks(&watched.sys, CONNZ, "{\"state\":1,\"auth\":true}");
    while (strstr(text, "\"name\":\"nb\"") == NULL);
    assert_non_null(strstr(text, "\"reason\":\"Client Closed\""));
    assert_non_null(strstr(text, "\"authorized_user\":\"b\""));
    guest_is_told(&watched.sys, CONNZ, "{\"state\":2}", "\"num_connections\":3,\"total\":3");
    guest_is_told(&watched.sys, CONNZ, "{\"state\":2,\"offset\":2}",
                  "\"num_connections\":1,\"total\":3");
    guest_is_told(&watched.sys, CONNZ, "{\"state\":1,\"sort\":\"stop\"}", "\"num_connections\":1");
}

/* A round trip that was not measured is one of no time; it comes last. */
static void test_the_round_trip(void **state)
{
    struct guest c;
    const char *text, *conn;

    station_dial(&watched.station, &c);
    text = guest_asks(&watched.sys, CONNZ, "{\"sort\":\"rtt\"}");
    conn = strstr(text, "\"rtt\":\"0s\"");
    assert_non_null(conn);
    assert_true(before(text, "\"name\":\"na\"", conn));
    assert_true(before(text, "\"name\":\"nsys\"", conn));
    guest_leave(&c);
}

/* Which subjects a closed one had subscribed to is not kept: none is left out for them. */
static void test_the_closed_by_subject(void **state)
{
    struct guest c;

    station_enter(&watched.station, &c, WATCHED_AS("b"));
    guest_leave(&c);
    while (strstr(guest_asks(&watched.sys, CONNZ, "{\"state\":1}"), "\"name\":\"nb\"") == NULL)
        ;
    guest_is_told(&watched.sys, CONNZ, "{\"state\":1,\"acc\":\"B\",\"filter_subject\":\"foo\"}",
                  "\"name\":\"nb\"");
}

/* Reasons rise by their text; who never got in stands in no account. */
static void test_reasons_of_the_closed(void **state)
{
    struct guest c;
    const char *text, *entry, *end;

    station_enter(&watched.station, &c, WATCHED_AS("b"));
    guest_leave(&c);
    station_dial(&watched.station, &c);
    guest_say(&c, "CONNECT {\"user\":\"zz\",\"pass\":\"zz\",\"name\":\"nzz\"}\r\n");
    guest_hears(&c, "-ERR 'Authorization Violation'\r\n");
    guest_leave(&c);
    do
        text = guest_asks(&watched.sys, CONNZ, "{\"state\":1,\"auth\":true,\"sort\":\"reason\"}");
    while (strstr(text, "\"name\":\"nzz\"") == NULL);
    assert_true(before(text, "\"name\":\"nzz\"", "\"name\":\"nb\""));
    entry = strstr(text, "Authentication Failure");
    assert_non_null(entry);
    end = strchr(entry, '}');
    assert_true(strstr(entry, "\"account\":") == NULL || strstr(entry, "\"account\":") > end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_sorting),
        cmocka_unit_test(test_the_closed),
        cmocka_unit_test(test_the_round_trip),
        cmocka_unit_test(test_the_closed_by_subject),
        cmocka_unit_test(test_reasons_of_the_closed),
    };

    return cmocka_run_group_tests(tests, watched_set_up, watched_tear_down);
}
