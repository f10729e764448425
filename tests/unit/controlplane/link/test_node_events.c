#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/link/node_events.h"

#define SERVER "\"server\":{\"name\":\"n1\",\"id\":\"N1\",\"ver\":\"2.14.3\"}"
/* {"jti":"J1"} */
#define CONNECT                                                                                 \
    "{\"type\":\"t\",\"id\":\"i\"," SERVER ",\"client\":{\"host\":\"10.0.0.1\",\"acc\":\"A1\"," \
    "\"jwt\":\"e30.eyJqdGkiOiJKMSJ9.c2lnbmF0dXJl\"}}"

static struct node_event *one(struct node_events *events, const char *subject, const char *body)
{
    node_events_add(events, "sys_1", subject, slice_of(body));
    return node_events_take(events);
}

static void test_each_kind_is_read(void **state)
{
    struct node_events *events = node_events_new();
    struct node_event *event;

    event = one(events, "$SYS.SERVER.N1.STATSZ",
                "{" SERVER ",\"statsz\":{\"start\":\"2026-11-23T01:40:00Z\"}}");
    assert_int_equal(event->kind, EVENT_HEARTBEAT);
    assert_string_equal(event->system_id, "sys_1");
    assert_true(event->started_at > 0);
    node_event_free(event);

    event = one(events, "$SYS.SERVER.N1.SHUTDOWN", "{\"name\":\"n1\",\"id\":\"N1\"}");
    assert_int_equal(event->kind, EVENT_SHUTDOWN);
    assert_string_equal(event->server.id, "N1");
    node_event_free(event);

    event = one(events, "$SYS.ACCOUNT.A1.SERVER.CONNS",
                "{\"type\":\"t\",\"id\":\"i\"," SERVER ",\"acc\":\"A1\",\"conns\":4}");
    assert_int_equal(event->kind, EVENT_CONNS);
    assert_int_equal(event->stat.conns, 4);
    node_event_free(event);
    node_events_free(events);
}

/* The token of the user goes no further than its id. */
static void test_a_connect_keeps_the_id_of_the_token_only(void **state)
{
    struct node_events *events = node_events_new();
    struct node_event *event = one(events, "$SYS.ACCOUNT.A1.CONNECT", CONNECT);

    assert_int_equal(event->kind, EVENT_CONNECT);
    assert_string_equal(event->credential_jti, "J1");
    assert_string_equal(event->host, "10.0.0.1");
    assert_string_equal(event->account, "A1");
    node_event_free(event);
    node_events_free(events);
}

static void test_noise_is_dropped(void **state)
{
    static const char *const bodies[] = {"", "nonsense", "{}", "{\"server\":{}}", "[]"};
    struct node_events *events = node_events_new();

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_null(one(events, "$SYS.SERVER.N1.STATSZ", bodies[i]));
    assert_null(one(events, "$SYS.SOMETHING.ELSE", "{" SERVER "}"));
    node_events_free(events);
}

static void test_the_queue_is_bounded_and_in_order(void **state)
{
    struct node_events *events = node_events_new();
    struct node_event *event;
    size_t count = 0;

    for (int i = 0; i < NODE_EVENTS_MAX + 5; i++)
        node_events_add(events, "sys_1", "$SYS.SERVER.N1.LAMEDUCK",
                        SLICE("{\"name\":\"n1\",\"id\":\"N1\"}"));
    event = node_events_take(events);
    node_events_return(events, event);
    assert_ptr_equal(node_events_take(events), event); /* the oldest again */
    do {
        node_event_free(event);
        count++;
        event = node_events_take(events);
    } while (event != NULL);
    assert_int_equal(count, NODE_EVENTS_MAX);
    node_events_free(events);
}

static void count_call(void *arg)
{
    ++*(int *)arg;
}

static void test_only_the_first_wakes(void **state)
{
    struct node_events *events = node_events_new();
    int calls = 0;

    node_events_on_add(events, count_call, &calls);
    for (int i = 0; i < 3; i++)
        node_events_add(events, "sys_1", "$SYS.SERVER.N1.LAMEDUCK",
                        SLICE("{\"name\":\"n1\",\"id\":\"N1\"}"));
    assert_int_equal(calls, 1);
    node_events_free(events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_is_read),
        cmocka_unit_test(test_a_connect_keeps_the_id_of_the_token_only),
        cmocka_unit_test(test_noise_is_dropped),
        cmocka_unit_test(test_the_queue_is_bounded_and_in_order),
        cmocka_unit_test(test_only_the_first_wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
