#include "dataplane/monitor/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

static int set_up(void **state)
{
    return 0;
}

static int tear_down(void **state)
{
    return 0;
}

static void test_uptime(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {59, "59s"},
        {60, "1m0s"},
        {3600, "1h0m0s"},
        {90061, "1d1h1m1s"},
        {-5, "0s"},
        {366 * 86400, "1y1d0h0m0s"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[MONITOR_UPTIME_MAX];

        monitor_uptime(cases[i].seconds * NS_PER_S, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_the_server_block_counts(void **state)
{
    struct monitor_facts facts = {.server_id = "N", .server_name = "s", .version = "v"};
    struct monitor_parts parts = {.clock = clock_system()};
    struct monitor *monitor = monitor_new(&facts, &parts);
    struct sys_server server;

    monitor_server(monitor, &server);
    assert_int_equal(server.seq, 1);
    monitor_server_peek(monitor, &server);
    assert_int_equal(server.seq, 1);
    monitor_server(monitor, &server);
    assert_int_equal(server.seq, 2);
    assert_string_equal(server.name, "s");
    assert_true(server.time > 0);
    assert_false(monitor_wanted(monitor, "x"));
    monitor_free(monitor);
}

static void test_ids_differ(void **state)
{
    char one[NUID_TEXT_MAX], two[NUID_TEXT_MAX];

    monitor_event_id(one);
    monitor_event_id(two);
    assert_int_equal(strlen(one), NUID_LEN);
    assert_string_not_equal(one, two);
}

static void test_the_process(void **state)
{
    struct monitor_parts parts = {.clock = clock_system()};
    struct monitor_facts facts = {0};
    struct monitor *monitor = monitor_new(&facts, &parts);

    assert_true(monitor_memory() > 0);
    assert_true(monitor_cpu(monitor) >= 0);
    monitor_free(monitor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uptime),
        cmocka_unit_test(test_the_server_block_counts),
        cmocka_unit_test(test_ids_differ),
        cmocka_unit_test(test_the_process),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
