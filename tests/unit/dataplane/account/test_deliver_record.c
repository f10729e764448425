#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/account/deliver_record.h"
#include "dataplane/core/conn.h"
#include "tests/lib/crew.h"
#include "tests/lib/taker.h"

enum { PLAIN = 40 };

/* What is sent and what must arrive; borrowed by the mail's function through the origin. */
struct sent {
    struct crew *crew;
    struct delivery message;
    struct record_takers takers;
    uint32_t picks_expected;
    bool named;
    unsigned arrived;
};

static void on_record(struct worker *worker, void *body, size_t len)
{
    struct delivery message;
    struct record_takers takers;
    struct sent *sent;

    record_read(body, len, &message, &takers);
    sent = (struct sent *)(uintptr_t)message.origin;
    assert_true(slice_equal(message.subject, sent->message.subject));
    assert_true(slice_equal(message.reply, sent->message.reply));
    assert_int_equal(message.header_len, sent->message.header_len);
    assert_int_equal(message.len, sent->message.len);
    assert_memory_equal(message.data, sent->message.data, message.len + 2);
    assert_ptr_equal(message.shared, sent->message.shared);
    assert_ptr_equal(message.account, sent->crew->account);
    assert_int_equal(takers.tried, sent->takers.tried);
    assert_int_equal(takers.pick_count, sent->picks_expected);
    for (uint32_t i = 0; i < takers.pick_count; i++)
        assert_int_equal(slot_worker(takers.picks[i]), worker->index);
    if (sent->named) {
        assert_ptr_equal(takers.match, sent->takers.match);
    } else {
        assert_null(takers.match);
        assert_int_equal(takers.plain_count, sent->takers.plain_count);
        if (takers.plain_count > 0)
            assert_memory_equal(takers.plain, sent->takers.plain,
                                takers.plain_count * sizeof(takers.plain[0]));
    }
    sent->arrived++;
    record_done(body, &message);
}

static void do_post(struct worker *worker, void *arg)
{
    struct sent *sent = arg;

    sent->message.account = sent->crew->account;
    sent->message.origin = (uintptr_t)sent;
    record_post(worker, 1, &sent->message, &sent->takers, on_record);
}

static void test_arrives_as_sent(void **state)
{
    struct crew crew = {0};
    struct sub subs[3];
    uint64_t plain[PLAIN], picks[4];
    struct match *match = match_copy(&(struct match_result){0}, slice_make(NULL, 0));
    struct shared *large = shared_new(CONN_COPY_MAX + 2);
    struct sent cases[] = {
        {.message = {.subject = SLICE("a"), .data = "\r\n", .len = 0},
         .takers = {.plain = plain, .plain_count = 1}},
        {.message = {.subject = SLICE("a.b"),
                     .reply = SLICE("inbox"),
                     .data = "NATS/1.0hi\r\n",
                     .header_len = 8,
                     .len = 10},
         .takers = {.plain = plain, .plain_count = PLAIN}},
        {.message = {.subject = SLICE("a"), .data = "x\r\n", .len = 1},
         .takers = {.plain = plain, .plain_count = PLAIN, .match = match},
         .named = true},
        {.message = {.subject = SLICE("a"), .data = "x\r\n", .len = 1},
         .takers = {.plain = plain, .plain_count = 2, .match = match}},
        {.message = {.subject = SLICE("a"), .data = "x\r\n", .len = 1},
         .takers = {.picks = picks, .pick_count = 4, .tried = 5, .keep_account = true},
         .picks_expected = 2},
        {.message =
             {.subject = SLICE("a"), .data = large->data, .len = CONN_COPY_MAX, .shared = large},
         .takers = {.plain = plain, .plain_count = 3, .picks = picks, .pick_count = 4},
         .picks_expected = 2},
    };

    crew_start(&crew, 2);
    memset(large->data, 'y', large->len);
    for (unsigned i = 0; i < PLAIN; i++)
        plain[i] = (uint64_t)(uintptr_t)&subs[0] | UINT64_C(1) << SLOT_SHIFT;
    picks[0] = (uint64_t)(uintptr_t)&subs[1] | UINT64_C(1) << SLOT_SHIFT;
    picks[1] = (uint64_t)(uintptr_t)&subs[1]; /* another worker's */
    picks[2] = 0;                             /* nobody */
    picks[3] = (uint64_t)(uintptr_t)&subs[2] | UINT64_C(1) << SLOT_SHIFT;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct worker_figures before, after;

        cases[i].crew = &crew;
        worker_figures(workers_at(crew.workers, 1), &before);
        crew_run(&crew, 0, do_post, &cases[i]);
        crew_settle(&crew);
        assert_int_equal(cases[i].arrived, 1);
        worker_figures(workers_at(crew.workers, 1), &after);
        /* A match is a few bytes in a record, but so many deliveries. */
        if (cases[i].named)
            assert_true(after.mail_bytes - before.mail_bytes > PLAIN * 16);
    }
    assert_int_equal(large->refs, 1);
    assert_int_equal(crew.account->refs, 1);
    shared_unref(large);
    match_free(match);
    crew_stop(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrives_as_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
