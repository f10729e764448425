#include "dataplane/monitor/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/crew.h"

static struct crew crew;
static struct monitor *monitor;
static struct service *service;

static struct {
    char subject[64], body[64], reply[64];
    uint64_t origin;
    unsigned count;
    const void *arg;
} last;

static void handle(struct service_request *request, struct worker *worker)
{
    snprintf(last.subject, sizeof(last.subject), "%s", request->subject);
    snprintf(last.body, sizeof(last.body), "%.*s", (int)request->body.len, request->body.data);
    snprintf(last.reply, sizeof(last.reply), "%s", request->reply != NULL ? request->reply : "");
    last.origin = request->origin;
    last.arg = request->row->arg;
    last.count++;
    service_reply(request, worker, SLICE("answer"));
    service_request_free(request);
}

static const struct service_row rows[] = {
    {"a.*.b", handle, "first"},
    {"server.%s.x", handle, "second"},
};

static void open_service(struct worker *worker, void *arg)
{
    service = service_open(monitor, worker, rows, 2);
}

static void close_service(struct worker *worker, void *arg)
{
    service_close(service, worker);
}

static int set_up(void **state)
{
    struct monitor_facts facts = {.server_id = "NID"};
    struct monitor_parts parts = {.clock = clock_system()};

    crew_start(&crew, 2);
    parts.workers = crew.workers;
    monitor = monitor_new(&facts, &parts);
    monitor_set_system(monitor, account_ref(crew.account));
    crew_run(&crew, 0, open_service, NULL);
    return 0;
}

static int tear_down(void **state)
{
    crew_run(&crew, 0, close_service, NULL);
    crew_settle(&crew);
    monitor_free(monitor);
    crew_stop(&crew);
    return 0;
}

struct message {
    const char *subject, *reply, *headers, *body;
};

static void publish(struct worker *worker, void *arg)
{
    const struct message *message = arg;

    deliver_send(worker, crew.account, slice_of(message->subject), slice_of(message->reply),
                 slice_of(message->headers), slice_of(message->body));
}

static void ask(unsigned worker, struct message message)
{
    memset(&last, 0, sizeof(last));
    crew_run(&crew, worker, publish, &message);
    crew_settle(&crew);
}

static void test_requests_arrive_whole(void **state)
{
    for (unsigned worker = 0; worker < 2; worker++) {
        ask(worker, (struct message){"a.q.b", "_R", NULL, "body"});
        assert_int_equal(last.count, 1);
        assert_string_equal(last.subject, "a.q.b");
        assert_string_equal(last.body, "body");
        assert_string_equal(last.reply, "_R");
        assert_string_equal(last.arg, "first");
        ask(worker, (struct message){"server.NID.x", NULL, "NATS/1.0\r\nA: b\r\n\r\n", "x"});
        assert_int_equal(last.count, 1);
        assert_string_equal(last.body, "x");
        assert_string_equal(last.reply, "");
        assert_string_equal(last.arg, "second");
        ask(worker, (struct message){"server.other.x", NULL, NULL, ""});
        assert_int_equal(last.count, 0);
    }
}

/* Not counted, not shown. */
static void test_services_are_hidden(void **state)
{
    assert_int_equal(sublist_count(crew.account->sublist), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_arrive_whole),
        cmocka_unit_test(test_services_are_hidden),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
