/*
 * Several workers publish, subscribe and unsubscribe at once, while another thread walks the
 * subscriptions.  What stays subscribed gets everything, once, in order; a queue group with a
 * member that stays loses nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>

#include "api/base/mem.h"
#include "dataplane/core/conn.h"
#include "tests/lib/crew.h"
#include "tests/lib/taker.h"

enum { WORKERS = 4, STEPS = 300, PUBLISHED = 20, PASSING = 24 };

struct message {
    uint32_t publisher, seq;
};

/* What a subscription that stays has seen. */
struct seen {
    uint32_t next[WORKERS];
    unsigned lost, again;
};

static _Atomic uint64_t queue_got;

static bool take(struct sub *sub, const struct delivery *delivery)
{
    struct seen *seen = taker_of(sub)->test;
    struct message message;

    if (sub->gone)
        return false;
    if (sub->queue_len > 0) {
        queue_got++;
        return true;
    }
    if (seen == NULL)
        return true;
    memcpy(&message, delivery->data, sizeof(message));
    if (message.seq < seen->next[message.publisher])
        seen->again++;
    else
        seen->lost += message.seq - seen->next[message.publisher];
    seen->next[message.publisher] = message.seq + 1;
    return true;
}

static const struct sub_kind kind = {.name = "churn", .counted = true, .deliver = take};

/* One worker's play. */
struct play {
    struct crew *crew;
    struct sub_owner owner;
    struct random_seeded random;
    struct taker *stays, *in_queue;
    struct seen seen;
    struct taker *passing[PASSING];
    unsigned steps;
    uint32_t seq;
    sem_t *over;
};

static struct taker *join(struct play *play, const char *subject, const char *queue)
{
    struct taker *taker = taker_new(&play->owner, subject, queue);

    assert_int_equal(sublist_insert(play->crew->account->sublist, &taker->sub), OK);
    return taker;
}

static void part(struct worker *worker, struct play *play, struct taker **taker)
{
    if (*taker == NULL)
        return;
    sublist_remove(play->crew->account->sublist, &(*taker)->sub);
    (*taker)->sub.gone = true;
    taker_retire(*taker, worker->reader);
    *taker = NULL;
}

/* Comes or goes: plain or in the group, on subjects that match and others. */
static void come_or_go(struct worker *worker, struct play *play)
{
    static const char *const subjects[] = {"c.x", "c.*", "*.x", ">", "c.y", "d.x.y", "c.x.>"};
    struct random *random = &play->random.random;
    struct taker **at = &play->passing[random_below(random, PASSING)];

    if (*at != NULL)
        part(worker, play, at);
    else
        *at = join(play, subjects[random_below(random, COUNT_OF(subjects))],
                   random_below(random, 2) == 0 ? "group" : NULL);
}

static void publish(struct worker *worker, struct play *play)
{
    static const size_t lens[] = {16, 16, 16, CONN_COPY_MAX + 1, 16, CONN_REFERENCE_MIN};
    char data[CONN_REFERENCE_MIN + 2] = {0};
    struct message message = {(uint32_t)worker->index, play->seq++};
    struct delivery delivery = {.subject = SLICE("c.x"),
                                .reply = SLICE("reply"),
                                .data = data,
                                .len = lens[play->seq % COUNT_OF(lens)]};

    memcpy(data, &message, sizeof(message));
    assert_true(deliver_publish(worker, play->crew->account, &delivery, NULL) > 0);
}

static void step(struct worker *worker, void *body, size_t len)
{
    struct play *play;

    memcpy(&play, body, sizeof(play));
    for (unsigned i = 0; i < PUBLISHED; i++) {
        publish(worker, play);
        come_or_go(worker, play);
    }
    if (++play->steps < STEPS)
        memcpy(worker_post(worker, worker->index, step, sizeof(play)), &play, sizeof(play));
    else
        sem_post(play->over);
}

static void begin(struct worker *worker, void *arg)
{
    struct play *play = arg;

    play->stays = join(play, "c.x", NULL);
    play->stays->test = &play->seen;
    if (worker->index == WORKERS - 1)
        play->in_queue = join(play, "c.x", "group");
}

static void end(struct worker *worker, void *arg)
{
    struct play *play = arg;

    for (unsigned i = 0; i < PASSING; i++)
        part(worker, play, &play->passing[i]);
    part(worker, play, &play->stays);
    part(worker, play, &play->in_queue);
}

struct watcher {
    struct crew *crew;
    _Atomic bool stop;
    uint64_t walked;
};

static bool look_at(struct sub *sub, void *arg)
{
    struct watcher *watcher = arg;

    watcher->walked += sub_subject(sub).data[0] != '\0' && sub->owner->kind == &kind;
    return true;
}

static void *watch(void *arg)
{
    struct watcher *watcher = arg;
    struct reclaim_reader *reader = reclaim_reader_new(workers_reclaim(watcher->crew->workers));

    while (!watcher->stop) {
        reclaim_enter(reader);
        sublist_walk(watcher->crew->account->sublist, slice_make(NULL, 0), look_at, watcher);
        sublist_walk(watcher->crew->account->sublist, SLICE("c.x"), look_at, watcher);
        reclaim_leave(reader, true);
    }
    reclaim_offline(reader);
    return NULL;
}

static void test_what_stays_gets_everything(void **state)
{
    struct crew crew = {0};
    struct play plays[WORKERS] = {0};
    struct watcher watcher = {.crew = &crew};
    pthread_t thread;
    sem_t over;

    crew_start(&crew, WORKERS);
    assert_int_equal(sem_init(&over, 0, 0), 0);
    for (unsigned w = 0; w < WORKERS; w++) {
        plays[w].crew = &crew;
        plays[w].owner = (struct sub_owner){.kind = &kind, .worker = (uint16_t)w};
        plays[w].over = &over;
        random_seed(&plays[w].random, w + 1);
        crew_run(&crew, w, begin, &plays[w]);
    }
    assert_int_equal(pthread_create(&thread, NULL, watch, &watcher), 0);
    for (unsigned w = 0; w < WORKERS; w++) {
        struct play *play = &plays[w];

        workers_post(crew.workers, w, step, &play, sizeof(play));
    }
    for (unsigned w = 0; w < WORKERS; w++)
        while (sem_wait(&over) != 0)
            ;
    crew_settle(&crew);
    watcher.stop = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(watcher.walked > 0);
    assert_int_equal(queue_got, WORKERS * STEPS * PUBLISHED);
    for (unsigned w = 0; w < WORKERS; w++) {
        for (unsigned p = 0; p < WORKERS; p++)
            assert_int_equal(plays[w].seen.next[p], STEPS * PUBLISHED);
        assert_int_equal(plays[w].seen.lost, 0);
        assert_int_equal(plays[w].seen.again, 0);
        crew_run(&crew, w, end, &plays[w]);
    }
    assert_int_equal(sublist_count(crew.account->sublist), 0);
    assert_int_equal(sem_destroy(&over), 0);
    crew_stop(&crew);
}

/* --- many subjects ------------------------------------------------------------------------ */

enum { SUBJECTS = 2000, LOOKS = 10000, KEPT = 50 };

/* One worker subscribes and unsubscribes; the others look for what stays. */
struct crowd {
    struct crew *crew;
    struct sub_owner owner;
    struct taker *kept[KEPT], *passing[SUBJECTS];
    sem_t over;
};

static struct taker *join_crowd(struct crowd *crowd, const char *form, unsigned i)
{
    char subject[32];
    struct taker *taker;

    snprintf(subject, sizeof(subject), form, i);
    taker = taker_new(&crowd->owner, subject, NULL);
    assert_int_equal(sublist_insert(crowd->crew->account->sublist, &taker->sub), OK);
    return taker;
}

static void leave_crowd(struct worker *worker, struct crowd *crowd, struct taker **taker)
{
    if (*taker == NULL)
        return;
    sublist_remove(crowd->crew->account->sublist, &(*taker)->sub);
    taker_retire(*taker, worker->reader);
    *taker = NULL;
}

static void keep_some(struct worker *worker, void *arg)
{
    struct crowd *crowd = arg;

    for (unsigned i = 0; i < KEPT; i++)
        crowd->kept[i] = join_crowd(crowd, "m.keep%u", i);
}

/* Filled and emptied: the table splits into leaves and becomes one again. */
static void stir(struct worker *worker, void *body, size_t len)
{
    struct crowd *crowd;

    memcpy(&crowd, body, sizeof(crowd));
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < SUBJECTS; i++)
            crowd->passing[i] = join_crowd(crowd, "m.%u", i);
        for (unsigned i = 0; i < SUBJECTS; i++)
            leave_crowd(worker, crowd, &crowd->passing[i * 7 % SUBJECTS]);
    }
    sem_post(&crowd->over);
}

static void look(struct worker *worker, void *body, size_t len)
{
    struct crowd *crowd;

    memcpy(&crowd, body, sizeof(crowd));
    for (unsigned i = 0; i < LOOKS; i++) {
        char subject[32];

        snprintf(subject, sizeof(subject), "m.keep%u", i % KEPT);
        assert_true(sublist_wants(crowd->crew->account->sublist, slice_of(subject)));
        assert_false(sublist_wants(crowd->crew->account->sublist, SLICE("m.nobody")));
    }
    sem_post(&crowd->over);
}

static void disperse(struct worker *worker, void *arg)
{
    struct crowd *crowd = arg;

    for (unsigned i = 0; i < KEPT; i++)
        leave_crowd(worker, crowd, &crowd->kept[i]);
}

static void test_readers_see_what_stays(void **state)
{
    struct crew crew = {0};
    struct crowd crowd = {.crew = &crew, .owner = {.kind = &kind, .worker = 0}}, *at = &crowd;

    crew_start(&crew, 3);
    assert_int_equal(sem_init(&crowd.over, 0, 0), 0);
    crew_run(&crew, 0, keep_some, &crowd);
    for (unsigned w = 0; w < 3; w++)
        workers_post(crew.workers, w, w == 0 ? stir : look, &at, sizeof(at));
    for (unsigned w = 0; w < 3; w++)
        while (sem_wait(&crowd.over) != 0)
            ;
    crew_run(&crew, 0, disperse, &crowd);
    assert_int_equal(sem_destroy(&crowd.over), 0);
    crew_stop(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_stays_gets_everything),
        cmocka_unit_test(test_readers_see_what_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
