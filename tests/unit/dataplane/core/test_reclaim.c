#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "dataplane/core/mailbox.h"
#include "dataplane/core/reclaim.h"

enum { ALIVE = 0x600d, DEAD = 0xdead };

struct thing {
    int magic;
    atomic_int *freed;
    struct reclaim_node node;
};

static void thing_free(struct reclaim_node *node)
{
    struct thing *thing = container_of(node, struct thing, node);

    CHECK(thing->magic == ALIVE);
    thing->magic = DEAD;
    atomic_fetch_add(thing->freed, 1);
    mem_free(thing);
}

static struct thing *thing_new(atomic_int *freed)
{
    struct thing *thing = mem_alloc(sizeof *thing);

    *thing = (struct thing){.magic = ALIVE, .freed = freed};
    return thing;
}

/* One section of each; how many things were freed by it. */
static void section(struct reclaim_reader *reader, bool drained)
{
    reclaim_enter(reader);
    reclaim_leave(reader, drained);
}

static void retire_one(struct reclaim_reader *reader, atomic_int *freed)
{
    reclaim_enter(reader);
    reclaim_retire(reader, &thing_new(freed)->node, thing_free);
    reclaim_leave(reader, true);
}

static void test_alone(void **state)
{
    struct reclaim *reclaim = reclaim_new(4);
    struct reclaim_reader *reader = reclaim_reader_new(reclaim);
    atomic_int freed = 0;
    int sections = 0;

    retire_one(reader, &freed);
    assert_int_equal(reclaim_waiting(reader), 1);
    while (freed == 0 && sections < 10) {
        section(reader, true);
        sections++;
    }
    assert_int_equal(freed, 1);
    assert_in_range(sections, 2, 4);
    assert_int_equal(reclaim_waiting(reader), 0);
    /* What waits at the end is freed with all the rest. */
    retire_one(reader, &freed);
    assert_true(reclaim_offline(reader));
    reclaim_free(reclaim);
    assert_int_equal(freed, 2);
}

static void test_readers_hold_up(void **state)
{
    struct reclaim *reclaim = reclaim_new(2);
    struct reclaim_reader *one = reclaim_reader_new(reclaim), *two = reclaim_reader_new(reclaim);
    atomic_int freed = 0;

    /* In a section that began before. */
    reclaim_enter(two);
    retire_one(one, &freed);
    for (int i = 0; i < 10; i++)
        section(one, true);
    assert_int_equal(freed, 0);
    reclaim_leave(two, true);
    /* Online, and now in sections that leave mail behind. */
    for (int i = 0; i < 10; i++) {
        section(two, false);
        section(one, true);
    }
    assert_int_equal(freed, 0);
    for (int i = 0; i < 4; i++) {
        section(two, true);
        section(one, true);
    }
    assert_int_equal(freed, 1);

    /* A sleeper does not. */
    assert_true(reclaim_offline(two));
    retire_one(one, &freed);
    for (int i = 0; i < 4; i++)
        section(one, true);
    assert_int_equal(freed, 2);

    /* A sleeper that was given mail does, until it has looked. */
    reclaim_enter(one);
    reclaim_rouse(two);
    reclaim_retire(one, &thing_new(&freed)->node, thing_free);
    reclaim_leave(one, true);
    for (int i = 0; i < 10; i++)
        section(one, true);
    assert_int_equal(freed, 2);
    section(two, true);
    reclaim_leaving(two);
    assert_true(reclaim_offline(two));
    for (int i = 0; i < 4; i++)
        section(one, true);
    assert_int_equal(freed, 3);
    assert_true(reclaim_offline(one));
    reclaim_free(reclaim);
}

static void test_two_steps_to_sleep(void **state)
{
    struct reclaim *reclaim = reclaim_new(2);
    struct reclaim_reader *one = reclaim_reader_new(reclaim), *two = reclaim_reader_new(reclaim);
    atomic_int freed = 0;

    section(two, true);
    reclaim_leaving(two);
    reclaim_rouse(two);
    assert_false(reclaim_offline(two));
    retire_one(one, &freed);
    for (int i = 0; i < 10; i++)
        section(one, true);
    assert_int_equal(freed, 0);
    section(two, true);
    reclaim_leaving(two); /* a change of mind */
    section(two, true);
    reclaim_leaving(two);
    assert_true(reclaim_offline(two));
    for (int i = 0; i < 4; i++)
        section(one, true);
    assert_int_equal(freed, 1);
    assert_true(reclaim_offline(one));
    reclaim_free(reclaim);
}

/* --- stress: pointers that travel by mail ---------------------------------------------------- */

enum { THREADS = 3, SLOTS = 16, ROUNDS = 30000, PATIENCE = 20000000 };

struct walker {
    struct world *world;
    struct reclaim_reader *reader;
    struct mailbox mailbox;
    struct random_seeded random;
    uint64_t seen, slept;
    pthread_t thread;
};

struct world {
    struct reclaim *reclaim;
    _Atomic(struct thing *) slots[SLOTS];
    struct walker walkers[THREADS];
    atomic_int freed, made, walking;
};

/* Mail: a thing that its sender found in a slot, in its section. */
static void look(struct worker *worker, void *body, size_t len)
{
    struct thing *thing = *(struct thing **)body;

    CHECK(thing->magic == ALIVE);
}

static void send_thing(struct walker *walker, struct thing *thing)
{
    struct walker *to = &walker->world->walkers[random_below(&walker->random.random, THREADS)];
    struct chunk *chunk = chunk_new(mail_chunk_size(sizeof thing));

    mail_begin(chunk);
    *(struct thing **)mail_add(chunk, look, sizeof thing) = thing;
    mailbox_push(&to->mailbox, chunk);
    reclaim_rouse(to->reader);
    (void)mailbox_wake(&to->mailbox);
}

static void read_mail(struct walker *walker)
{
    struct chunk *chunk = mailbox_take(&walker->mailbox);

    while (chunk != NULL) {
        struct chunk *next = chunk->next;
        struct mail *mail;

        while ((mail = mail_next(chunk)) != NULL) {
            mail->fn(NULL, mail + 1, mail->len);
            walker->seen++;
        }
        chunk_free(chunk);
        chunk = next;
    }
}

static void walk(struct walker *walker)
{
    struct world *world = walker->world;
    bool read = random_below(&walker->random.random, 4) > 0;

    reclaim_enter(walker->reader);
    if (read)
        read_mail(walker);
    for (int i = 0; i < 4; i++) {
        _Atomic(struct thing *) *slot = &world->slots[random_below(&walker->random.random, SLOTS)];
        struct thing *thing = atomic_load_explicit(slot, memory_order_acquire);

        CHECK(thing->magic == ALIVE);
        if (i < 2) {
            send_thing(walker, thing);
        } else if (i == 2) {
            atomic_fetch_add(&world->made, 1);
            thing = atomic_exchange(slot, thing_new(&world->freed));
            reclaim_retire(walker->reader, &thing->node, thing_free);
        }
    }
    reclaim_leave(walker->reader, read);
}

static void sleep_once(struct walker *walker)
{
    struct pollfd poll_fd = {.fd = walker->mailbox.wake_fd, .events = POLLIN};
    uint64_t count;

    mailbox_doze(&walker->mailbox);
    reclaim_leaving(walker->reader);
    if (mailbox_empty(&walker->mailbox) && atomic_load(&walker->world->walking) > 1 &&
        reclaim_offline(walker->reader) && mailbox_sleep(&walker->mailbox)) {
        /* Nobody needs to send to us any more, so not for ever. */
        if (poll(&poll_fd, 1, 1) == 1)
            CHECK(read(poll_fd.fd, &count, sizeof count) == sizeof count);
        walker->slept++;
    }
    mailbox_awake(&walker->mailbox);
}

static void *walker_run(void *arg)
{
    struct walker *walker = arg;
    int more = 0;

    for (int i = 0; i < ROUNDS; i++) {
        walk(walker);
        if (i % 64 == 63)
            sleep_once(walker);
    }
    atomic_fetch_sub(&walker->world->walking, 1);
    /* The last ones keep the others from nothing.  Nobody goes before something was freed: who is
       off its core for all of its rounds holds up what the others retired meanwhile. */
    do {
        reclaim_enter(walker->reader);
        read_mail(walker);
        reclaim_leave(walker->reader, true);
    } while (atomic_load(&walker->world->walking) > 0 ||
             (atomic_load(&walker->world->freed) == 0 && more++ < PATIENCE));
    reclaim_enter(walker->reader);
    read_mail(walker);
    reclaim_leave(walker->reader, true);
    (void)reclaim_offline(walker->reader);
    return NULL;
}

static void test_stress(void **state)
{
    static struct world world;
    uint64_t seen = 0;

    world.reclaim = reclaim_new(THREADS);
    atomic_store(&world.walking, THREADS);
    for (int i = 0; i < SLOTS; i++)
        atomic_store(&world.slots[i], thing_new(&world.freed));
    for (int i = 0; i < THREADS; i++) {
        struct walker *walker = &world.walkers[i];

        walker->world = &world;
        walker->reader = reclaim_reader_new(world.reclaim);
        mailbox_init(&walker->mailbox, eventfd(0, EFD_NONBLOCK));
        random_seed(&walker->random, (uint64_t)i + 1);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&world.walkers[i].thread, NULL, walker_run, &world.walkers[i]), 0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(world.walkers[i].thread, NULL);
    /* Not only by reclaim_free.  How many is the scheduler's choice. */
    assert_true(atomic_load(&world.freed) > 0);
    reclaim_free(world.reclaim);
    assert_int_equal(atomic_load(&world.freed), atomic_load(&world.made));
    for (int i = 0; i < THREADS; i++) {
        seen += world.walkers[i].seen;
        mailbox_fini(&world.walkers[i].mailbox);
        (void)close(world.walkers[i].mailbox.wake_fd);
    }
    assert_int_equal(seen, 2 * THREADS * ROUNDS);
    for (int i = 0; i < SLOTS; i++)
        mem_free(atomic_load(&world.slots[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_readers_hold_up),
        cmocka_unit_test(test_two_steps_to_sleep),
        cmocka_unit_test(test_stress),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
