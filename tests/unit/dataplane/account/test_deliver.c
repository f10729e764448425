#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/mem.h"
#include "dataplane/core/conn.h"
#include "tests/lib/crew.h"
#include "tests/lib/taker.h"

/* Takes everything; the payload begins with the publisher's number and a sequence. */
struct message {
    uint32_t publisher, seq;
};

enum { PUBLISHERS = 4, ROUNDS = 2000 };

/* What a taker saw; `test` of struct taker. */
struct seen {
    uint32_t next[PUBLISHERS];
    unsigned out_of_order;
    size_t len;
    char last[128];
};

static bool take(struct sub *sub, const struct delivery *delivery)
{
    struct taker *taker = taker_of(sub);
    struct seen *seen = taker->test;

    if (sub->gone)
        return false;
    taker->got++;
    if (seen != NULL && delivery->len >= sizeof(struct message)) {
        struct message message;

        memcpy(&message, delivery->data, sizeof(message));
        seen->out_of_order += message.seq < seen->next[message.publisher];
        seen->next[message.publisher] = message.seq + 1;
        seen->len = delivery->len;
    }
    return true;
}

static bool refuse(struct sub *sub, const struct delivery *delivery)
{
    return false;
}

enum { TOILERS = 40 };

static bool toil(struct sub *sub, const struct delivery *delivery)
{
    taker_of(sub)->got += worker_current()->work.done >= TOILERS / 2;
    return true;
}

static const struct sub_kind toiling = {.name = "toiling", .deliver = toil};
static const struct sub_kind taking = {.name = "taking", .counted = true, .deliver = take};
static const struct sub_kind refusing = {.name = "refusing", .deliver = refuse};

static struct sub_owner owner_on(unsigned worker)
{
    return (struct sub_owner){.kind = &taking, .worker = (uint16_t)worker};
}

/* --- orders for workers ------------------------------------------------------------------- */

struct insert {
    struct account *account;
    struct taker *taker;
};

static void do_insert(struct worker *worker, void *arg)
{
    struct insert *insert = arg;

    assert_int_equal(sublist_insert(insert->account->sublist, &insert->taker->sub), OK);
}

static void do_remove(struct worker *worker, void *arg)
{
    struct insert *insert = arg;

    sublist_remove(insert->account->sublist, &insert->taker->sub);
    insert->taker->sub.gone = true;
    taker_retire(insert->taker, worker->reader);
}

static struct taker *subscribe(struct crew *crew, struct sub_owner *owner, const char *subject,
                               const char *queue)
{
    struct taker *taker = taker_new(owner, subject, queue);

    crew_run(crew, owner->worker, do_insert, &(struct insert){crew->account, taker});
    return taker;
}

static void unsubscribe(struct crew *crew, struct taker *taker)
{
    crew_run(crew, taker->sub.owner->worker, do_remove, &(struct insert){crew->account, taker});
}

struct publish {
    struct account *account;
    const char *subject;
    uint32_t publisher, first, count;
    size_t len;
    uint64_t origin;
    unsigned taken; /* sum of what deliver_publish returned */
    uint32_t work;
};

static void do_publish(struct worker *worker, void *arg)
{
    struct publish *publish = arg;
    size_t len = publish->len > sizeof(struct message) ? publish->len : sizeof(struct message);
    struct publish_memo memo = {0};
    uint32_t before = worker->work.done;
    char *data = mem_alloc(len + 2);

    for (uint32_t i = 0; i < publish->count; i++) {
        struct message message = {publish->publisher, publish->first + i};
        struct delivery delivery = {.subject = slice_of(publish->subject),
                                    .data = data,
                                    .len = len,
                                    .origin = publish->origin};

        memcpy(data, &message, sizeof(message));
        publish->taken += deliver_publish(worker, publish->account, &delivery, &memo);
        assert_ptr_equal(delivery.data, data);
        assert_null(delivery.shared);
    }
    publish->work = worker->work.done - before;
    mem_free(data);
}

static unsigned publish_on(struct crew *crew, unsigned worker, const char *subject, uint32_t count)
{
    struct publish publish = {.account = crew->account, .subject = subject, .count = count};

    crew_run(crew, worker, do_publish, &publish);
    return publish.taken;
}

/* --- tests -------------------------------------------------------------------------------- */

static const unsigned crews[] = {1, 2, 4};

/* Every taker gets every message once, in its publisher's order, whatever the size. */
static void test_order_no_loss_no_duplicates(void **state)
{
    static const size_t sizes[] = {16, 1000, 1500, 5000};

    for (size_t c = 0; c < COUNT_OF(crews); c++) {
        struct crew crew = {0};
        struct sub_owner owners[4];
        struct taker *takers[12];
        struct seen seen[12] = {0};

        crew_start(&crew, crews[c]);
        for (unsigned i = 0; i < 4; i++)
            owners[i] = owner_on(i % crews[c]);
        for (unsigned i = 0; i < 12; i++) {
            takers[i] = subscribe(&crew, &owners[i % 4], i < 8 ? "a.b" : "a.*", NULL);
            takers[i]->test = &seen[i];
        }
        for (unsigned round = 0; round < 40; round++)
            for (unsigned p = 0; p < PUBLISHERS; p++) {
                struct publish publish = {.account = crew.account,
                                          .subject = "a.b",
                                          .publisher = p,
                                          .first = round * 50,
                                          .count = 50,
                                          .len = sizes[round % 4]};

                crew_run(&crew, p % crews[c], do_publish, &publish);
                assert_int_equal(publish.taken, 50 * 12);
            }
        crew_settle(&crew);
        for (unsigned i = 0; i < 12; i++) {
            assert_int_equal(takers[i]->got, PUBLISHERS * ROUNDS);
            assert_int_equal(seen[i].out_of_order, 0);
            unsubscribe(&crew, takers[i]);
        }
        assert_int_equal(publish_on(&crew, 0, "a.b", 1), 0);
        crew_stop(&crew);
    }
}

/* One member of each group gets a message; all alike. */
static void test_queue_is_uniform(void **state)
{
    for (size_t c = 0; c < COUNT_OF(crews); c++) {
        struct crew crew = {0};
        struct sub_owner owners[4];
        struct taker *takers[8], *other;
        uint64_t sum = 0;

        crew_start(&crew, crews[c]);
        for (unsigned i = 0; i < 4; i++)
            owners[i] = owner_on(i % crews[c]);
        for (unsigned i = 0; i < 8; i++) /* one group over two subjects */
            takers[i] = subscribe(&crew, &owners[i % 3], i % 2 ? "q.x" : "q.>", "workers");
        other = subscribe(&crew, &owners[3], "q.x", "others");
        assert_int_equal(publish_on(&crew, 0, "q.x", 8000), 16000);
        crew_settle(&crew);
        for (unsigned i = 0; i < 8; i++) {
            /* Binomial: mean 1000, deviation 30. */
            assert_in_range(takers[i]->got, 1000 - 5 * 30, 1000 + 5 * 30);
            sum += takers[i]->got;
            unsubscribe(&crew, takers[i]);
        }
        assert_int_equal(sum, 8000);
        assert_int_equal(other->got, 8000);
        unsubscribe(&crew, other);
        crew_stop(&crew);
    }
}

/* Members that take nothing lose nothing: another gets it, wherever it is. */
static void test_refused_goes_to_another(void **state)
{
    for (size_t c = 0; c < COUNT_OF(crews); c++) {
        struct crew crew = {0};
        struct sub_owner refusers[4], takes;
        struct taker *takers[5];

        crew_start(&crew, crews[c]);
        takes = owner_on(crews[c] - 1);
        for (unsigned i = 0; i < 4; i++) {
            refusers[i] = owner_on(i % crews[c]);
            refusers[i].kind = &refusing;
            takers[i] = subscribe(&crew, &refusers[i], "r", "q");
        }
        takers[4] = subscribe(&crew, &takes, "r", "q");
        publish_on(&crew, 0, "r", 500);
        crew_settle(&crew);
        assert_int_equal(takers[4]->got, 500);
        for (unsigned i = 0; i < 5; i++)
            unsubscribe(&crew, takers[i]);
        crew_stop(&crew);
    }
}

static void test_echo_counts_as_no_taker(void **state)
{
    for (size_t c = 0; c < COUNT_OF(crews); c++) {
        struct crew crew = {0};
        struct sub_owner mine, others;
        struct taker *echo, *queue, *other;
        struct publish publish;

        crew_start(&crew, crews[c]);
        mine = owner_on(0);
        mine.origin = 7;
        others = owner_on(crews[c] - 1);
        others.origin = 8;
        echo = taker_new(&mine, "e", NULL);
        echo->sub.flags = SUB_NO_ECHO;
        crew_run(&crew, 0, do_insert, &(struct insert){crew.account, echo});
        publish =
            (struct publish){.account = crew.account, .subject = "e", .count = 1, .origin = 7};
        for (unsigned w = 0; w < crews[c]; w++)
            crew_run(&crew, w, do_publish, &publish);
        assert_int_equal(publish.taken, 0);
        queue = taker_new(&mine, "e", "q");
        queue->sub.flags = SUB_NO_ECHO;
        crew_run(&crew, 0, do_insert, &(struct insert){crew.account, queue});
        other = subscribe(&crew, &others, "e", "q");
        publish.count = 100;
        publish.taken = 0;
        crew_run(&crew, crews[c] - 1, do_publish, &publish);
        assert_int_equal(publish.taken, 100);
        crew_settle(&crew);
        assert_int_equal(echo->got, 0);
        assert_int_equal(queue->got, 0);
        assert_int_equal(other->got, 100);
        publish.origin = 9;
        publish.taken = 0;
        crew_run(&crew, crews[c] - 1, do_publish, &publish);
        assert_int_equal(publish.taken, 200);
        crew_settle(&crew);
        assert_int_equal(echo->got, 100);
        unsubscribe(&crew, echo);
        unsubscribe(&crew, queue);
        unsubscribe(&crew, other);
        crew_stop(&crew);
    }
}

/* Publisher and receivers are charged for every taker, before they hand it over. */
static void test_deliveries_are_work(void **state)
{
    for (size_t c = 0; c < COUNT_OF(crews); c++) {
        struct crew crew = {0};
        struct sub_owner owners[2];
        struct taker *takers[TOILERS];
        unsigned got = 0;

        crew_start(&crew, crews[c]);
        for (unsigned i = 0; i < 2; i++) {
            owners[i] = owner_on(i % crews[c]);
            owners[i].kind = &toiling;
        }
        for (unsigned i = 0; i < TOILERS; i++)
            takers[i] = subscribe(&crew, &owners[i % 2], "f", NULL);
        publish_on(&crew, 0, "f", 1);
        crew_settle(&crew);
        for (unsigned i = 0; i < TOILERS; i++) {
            got += (unsigned)takers[i]->got;
            unsubscribe(&crew, takers[i]);
        }
        assert_int_equal(got, TOILERS);
        crew_stop(&crew);
    }
}

/* Two ways at each of twelve tokens, and nobody at the end of any. */
static void test_looking_for_takers_is_work(void **state)
{
    enum { TOKENS = 12, SUBS = 1 << TOKENS };
    static struct taker *takers[SUBS];
    struct crew crew = {0};
    struct sub_owner owner;
    struct publish publish = {.subject = "a.a.a.a.a.a.a.a.a.a.a.a.nobody", .count = 1};

    crew_start(&crew, 1);
    owner = owner_on(0);
    for (unsigned i = 0; i < SUBS; i++) {
        char subject[2 * TOKENS + 2];

        for (unsigned t = 0; t < TOKENS; t++) {
            subject[2 * t] = (i >> t & 1) != 0 ? '*' : 'a';
            subject[2 * t + 1] = '.';
        }
        memcpy(subject + 2 * TOKENS, "x", 2);
        takers[i] = subscribe(&crew, &owner, subject, NULL);
    }
    publish.account = crew.account;
    crew_run(&crew, 0, do_publish, &publish);
    assert_int_equal(publish.taken, 0);
    assert_true(publish.work > SUBS);
    crew_run(&crew, 0, do_publish, &publish); /* from the cache */
    assert_int_equal(publish.work, 0);
    for (unsigned i = 0; i < SUBS; i++)
        unsubscribe(&crew, takers[i]);
    crew_stop(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_no_loss_no_duplicates),
        cmocka_unit_test(test_queue_is_uniform),
        cmocka_unit_test(test_refused_goes_to_another),
        cmocka_unit_test(test_echo_counts_as_no_taker),
        cmocka_unit_test(test_deliveries_are_work),
        cmocka_unit_test(test_looking_for_takers_is_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
