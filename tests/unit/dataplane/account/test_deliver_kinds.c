/*
 * What delivery does beside bringing messages: filters, services, lines, counters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/mem.h"
#include "tests/lib/crew.h"
#include "tests/lib/taker.h"

static bool take(struct sub *sub, const struct delivery *delivery)
{
    taker_of(sub)->got++;
    return true;
}

static const struct sub_kind taking = {.name = "taking", .counted = true, .deliver = take};
static const struct sub_kind internal = {.name = "internal", .deliver = take};

/* Runs the test's body on worker 0 of a crew; the other workers own some of the subscriptions. */
struct body {
    struct crew crew;
    struct sub_owner owners[2]; /* on worker 0, on the last one */
    struct taker *takers[300];
    unsigned count;
};

static void begin(struct body *body, unsigned workers)
{
    crew_start(&body->crew, workers);
    body->owners[0] = (struct sub_owner){.kind = &taking, .worker = 0};
    body->owners[1] = (struct sub_owner){.kind = &taking, .worker = (uint16_t)(workers - 1)};
}

/* Everybody who is in: the flags are 0 or as given. */
static struct taker *join(struct body *body, unsigned owner, const char *subject, const char *queue)
{
    struct taker *taker = taker_new(&body->owners[owner], subject, queue);

    body->takers[body->count++] = taker;
    return taker;
}

static void insert_all(struct worker *worker, void *arg)
{
    struct body *body = arg;

    for (unsigned i = 0; i < body->count; i++)
        assert_int_equal(sublist_insert(body->crew.account->sublist, &body->takers[i]->sub), OK);
}

static void remove_all(struct worker *worker, void *arg)
{
    struct body *body = arg;

    while (body->count > 0) {
        struct taker *taker = body->takers[--body->count];

        sublist_remove(body->crew.account->sublist, &taker->sub);
        taker_retire(taker, worker->reader);
    }
}

static void end(struct body *body)
{
    crew_settle(&body->crew);
    crew_run(&body->crew, 0, remove_all, body);
    crew_stop(&body->crew);
}

struct send {
    struct account *account;
    const char *subject, *reply, *headers, *payload;
    unsigned taken;
};

static void do_send(struct worker *worker, void *arg)
{
    struct send *send = arg;

    send->taken =
        deliver_send(worker, send->account, slice_of(send->subject), slice_of(send->reply),
                     slice_of(send->headers), slice_of(send->payload));
}

static unsigned send_from(struct body *body, unsigned worker, const char *subject,
                          const char *payload)
{
    struct send send = {.account = body->crew.account, .subject = subject, .payload = payload};

    crew_run(&body->crew, worker, do_send, &send);
    return send.taken;
}

/* --- deny at delivery --------------------------------------------------------------------- */

static void unfilter(struct worker *worker, void *arg)
{
    struct body *body = arg;

    permission_retire((struct permission *)atomic_exchange(&body->owners[1].filter, NULL),
                      worker->reader);
    atomic_store(&body->takers[0]->sub.flags, 0);
    sublist_touch(body->crew.account->sublist, &body->takers[0]->sub);
}

static void test_denied_is_not_delivered(void **state)
{
    static const char *deny[] = {"foo.secret"};
    struct permission_rules rules = {.subscribe_deny = {deny, 1}};

    for (unsigned workers = 1; workers <= 2; workers++) {
        struct body body = {0};
        struct permission *permission;
        struct taker *filtered, *filtered_queue, *queue;

        begin(&body, workers);
        assert_int_equal(permission_new(&rules, &permission), OK);
        body.owners[1].filter = permission;
        filtered = join(&body, 1, "foo.*", NULL);
        filtered_queue = join(&body, 1, "foo.>", "q");
        queue = join(&body, 0, "foo.>", "q");
        filtered->sub.flags = filtered_queue->sub.flags = SUB_FILTERED;
        crew_run(&body.crew, 0, insert_all, &body);
        for (unsigned i = 0; i < 100; i++) {
            assert_int_equal(send_from(&body, 0, "foo.secret", "x"), 1);
            assert_int_equal(send_from(&body, 0, "foo.open", "x"), 2);
        }
        crew_settle(&body.crew);
        assert_int_equal(filtered->got, 100);
        assert_int_equal(filtered_queue->got + queue->got, 200);
        assert_in_range(queue->got, 110, 190); /* all that is secret, and half of the rest */
        crew_run(&body.crew, workers - 1, unfilter, &body);
        assert_int_equal(send_from(&body, 0, "foo.secret", "x"), 2);
        end(&body);
    }
}

/* --- services ----------------------------------------------------------------------------- */

struct service {
    struct sub_owner owner;
    struct worker *worker;
    unsigned asked;
};

static bool answer(struct sub *sub, const struct delivery *delivery)
{
    struct service *service = container_of(sub->owner, struct service, owner);
    struct worker *worker = worker_current();

    service->asked++;
    assert_int_equal(worker->index, sub->owner->worker);
    assert_int_equal(deliver_send(worker, delivery->account, delivery->reply, slice_of(NULL),
                                  SLICE("NATS/1.0\r\n\r\n"), SLICE("answer")),
                     2);
    return true;
}

static const struct sub_kind answering = {.name = "answering", .deliver = answer};

/* Sees questions and answers; an answer must not come before its question. */
struct observer {
    struct sub_owner owner;
    unsigned questions, answers, early;
};

static bool observe(struct sub *sub, const struct delivery *delivery)
{
    struct observer *observer = container_of(sub->owner, struct observer, owner);

    if (delivery->reply.len > 0)
        observer->questions++;
    else
        observer->answers++;
    observer->early += observer->answers > observer->questions;
    if (delivery->reply.len == 0) {
        assert_int_equal(delivery->header_len, 12);
        assert_int_equal(delivery->len, 12 + 6);
        assert_memory_equal(delivery->data + 12, "answer\r\n", 8);
    }
    return true;
}

static const struct sub_kind observing = {.name = "observing", .deliver = observe};

static void test_services_answer_in_order(void **state)
{
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct body body = {0};
        struct service service = {.owner = {.kind = &answering, .worker = 0}};
        struct observer observer = {
            .owner = {.kind = &observing, .worker = (uint16_t)(workers - 1)}};
        struct send send;
        struct taker *inbox;

        begin(&body, workers);
        body.takers[body.count++] = taker_new(&service.owner, "service", NULL);
        body.takers[body.count++] = taker_new(&observer.owner, ">", NULL);
        inbox = join(&body, 0, "inbox.*", NULL);
        crew_run(&body.crew, 0, insert_all, &body);
        send = (struct send){.account = body.crew.account,
                             .subject = "service",
                             .reply = "inbox.1",
                             .payload = "question"};
        for (unsigned i = 0; i < 50; i++) {
            crew_run(&body.crew, 0, do_send, &send);
            assert_int_equal(send.taken, 2);
        }
        crew_settle(&body.crew);
        assert_int_equal(inbox->got, 50);
        assert_int_equal(service.asked, 50);
        assert_int_equal(observer.questions, 50);
        assert_int_equal(observer.answers, 50);
        assert_int_equal(observer.early, 0);
        end(&body);
    }
}

/* Two services that ask each other for ever; the question ends somewhere, the worker goes on. */
static bool ask_back(struct sub *sub, const struct delivery *delivery)
{
    struct service *service = container_of(sub->owner, struct service, owner);

    service->asked++;
    deliver_send(worker_current(), delivery->account, delivery->reply, delivery->subject,
                 slice_of(NULL), slice_of(NULL));
    return true;
}

static const struct sub_kind asking = {.name = "asking", .deliver = ask_back};

static void test_endless_answers_end(void **state)
{
    struct body body = {0};
    struct service service = {.owner = {.kind = &asking, .worker = 0}};
    struct send send;

    begin(&body, 1);
    body.takers[body.count++] = taker_new(&service.owner, "ping", NULL);
    body.takers[body.count++] = taker_new(&service.owner, "pong", "q");
    crew_run(&body.crew, 0, insert_all, &body);
    send = (struct send){.account = body.crew.account, .subject = "ping", .reply = "pong"};
    for (unsigned i = 1; i <= 3; i++) {
        crew_run(&body.crew, 0, do_send, &send);
        assert_int_equal(send.taken, 1);
        assert_in_range(service.asked, i, i * DELIVER_DEPTH_MAX);
    }
    end(&body);
}

static bool intercept(struct worker *worker, struct account *account,
                      const struct delivery *message, void *arg)
{
    unsigned *seen = arg;

    ++*seen;
    return slice_equal(message->subject, SLICE("$SYS.REQ.MINE"));
}

static void test_system_subjects_are_shown_first(void **state)
{
    struct body body = {0};
    unsigned seen = 0;

    body.crew.options = (struct deliver_options){.intercept = intercept, .intercept_arg = &seen};
    begin(&body, 1);
    join(&body, 0, "$SYS.>", NULL);
    crew_run(&body.crew, 0, insert_all, &body);
    assert_int_equal(send_from(&body, 0, "$SYS.REQ.MINE", ""), 1);
    assert_int_equal(body.takers[0]->got, 0);
    assert_int_equal(send_from(&body, 0, "$SYS.REQ.OTHER", ""), 1);
    assert_int_equal(body.takers[0]->got, 1);
    assert_int_equal(send_from(&body, 0, "$SYS", ""), 0);
    assert_int_equal(send_from(&body, 0, "$SYSTEM.x", ""), 0);
    assert_int_equal(seen, 2);
    end(&body);
}

/* --- lines -------------------------------------------------------------------------------- */

struct writer {
    struct sub_owner owner;
    char text[3][200];
};

static void write_line(char out[200], struct slice head, struct slice tail)
{
    snprintf(out, 200, "%.*s7%.*s", (int)head.len, head.data, (int)tail.len, tail.data);
}

static bool write_lines(struct sub *sub, const struct delivery *delivery)
{
    struct writer *writer = container_of(sub->owner, struct writer, owner);
    const struct deliver_line *line = delivery->line;

    assert_false(line->have_plain || line->have_headers || line->have_stripped);
    deliver_line_form(delivery, DELIVER_PLAIN);
    deliver_line_form(delivery, DELIVER_HEADERS);
    deliver_line_form(delivery, DELIVER_STRIPPED);
    assert_true(line->have_plain && line->have_headers && line->have_stripped);
    write_line(writer->text[DELIVER_PLAIN], line->head, line->tail);
    write_line(writer->text[DELIVER_HEADERS], line->hhead, line->htail);
    write_line(writer->text[DELIVER_STRIPPED], line->head, line->stripped);
    return true;
}

static const struct sub_kind writing = {.name = "writing", .deliver = write_lines};

static void test_lines(void **state)
{
    struct body body = {0};
    struct writer writer = {.owner = {.kind = &writing, .worker = 0}};
    struct send send;

    begin(&body, 1);
    body.takers[body.count++] = taker_new(&writer.owner, "a.>", NULL);
    crew_run(&body.crew, 0, insert_all, &body);
    send = (struct send){.account = body.crew.account,
                         .subject = "a.b",
                         .headers = "NATS/1.0\r\n\r\n",
                         .payload = "hello"};
    crew_run(&body.crew, 0, do_send, &send);
    assert_string_equal(writer.text[DELIVER_PLAIN], "MSG a.b 7 17\r\n");
    assert_string_equal(writer.text[DELIVER_HEADERS], "HMSG a.b 7 12 17\r\n");
    assert_string_equal(writer.text[DELIVER_STRIPPED], "MSG a.b 7 5\r\n");
    send.reply = "inbox.one";
    crew_run(&body.crew, 0, do_send, &send);
    assert_string_equal(writer.text[DELIVER_PLAIN], "MSG a.b 7 inbox.one 17\r\n");
    assert_string_equal(writer.text[DELIVER_HEADERS], "HMSG a.b 7 inbox.one 12 17\r\n");
    assert_string_equal(writer.text[DELIVER_STRIPPED], "MSG a.b 7 inbox.one 5\r\n");
    send = (struct send){.account = body.crew.account, .subject = "a.c"};
    crew_run(&body.crew, 0, do_send, &send);
    assert_string_equal(writer.text[DELIVER_PLAIN], "MSG a.c 7 0\r\n");
    end(&body);
}

/* --- many takers, and what is counted ----------------------------------------------------- */

static void test_out_is_counted_where_it_is_taken(void **state)
{
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct body body = {0};
        struct account_totals totals;
        struct sub_owner hidden = {.kind = &internal, .worker = 0};

        begin(&body, workers);
        for (unsigned i = 0; i < 100; i++) { /* so many that a record names the match */
            join(&body, 0, "many", NULL);
            join(&body, 1, i % 2 == 0 ? "many" : "*", NULL);
        }
        join(&body, 1, "many", "q");
        body.takers[body.count++] = taker_new(&hidden, "many", NULL);
        crew_run(&body.crew, 0, insert_all, &body);
        for (unsigned i = 0; i < 10; i++)
            assert_int_equal(send_from(&body, 0, "many", "12345"), 202);
        crew_settle(&body.crew);
        for (unsigned i = 0; i < body.count; i++)
            assert_int_equal(body.takers[i]->got, 10);
        account_totals(body.crew.account, &totals);
        assert_int_equal(totals.out_msgs, 10 * 201);
        assert_int_equal(totals.out_bytes, 10 * 201 * 5);
        assert_int_equal(totals.in_msgs, 0);
        end(&body);
    }
}

static void test_figures(void **state)
{
    struct body body = {0};
    struct deliver_figures figures;

    begin(&body, 2);
    join(&body, 1, "a", NULL);
    crew_run(&body.crew, 0, insert_all, &body);
    for (unsigned i = 0; i < 10; i++)
        send_from(&body, 0, "a", "");
    send_from(&body, 0, "b", "");
    deliver_figures(workers_at(body.crew.workers, 0), &figures);
    assert_int_equal(figures.matches, 11);
    assert_int_equal(figures.cache_hits, 9);
    assert_int_equal(figures.cache_count, 2);
    assert_int_equal(figures.records, 10);
    assert_int_equal(figures.rerouted, 0);
    end(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_denied_is_not_delivered),
        cmocka_unit_test(test_services_answer_in_order),
        cmocka_unit_test(test_endless_answers_end),
        cmocka_unit_test(test_system_subjects_are_shown_first),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_out_is_counted_where_it_is_taken),
        cmocka_unit_test(test_figures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
