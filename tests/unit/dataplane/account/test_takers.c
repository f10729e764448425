#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "dataplane/account/takers.h"
#include "tests/lib/taker.h"

static struct sub_owner owners[2] = {{.worker = 0}, {.worker = WORKERS_MAX - 1}};

static void test_slots(void **state)
{
    struct taker *taker = taker_new(&owners[1], "a", NULL);
    struct grave *grave = NULL;
    uint64_t value = takers_add(0, &taker->sub, &grave);

    assert_ptr_equal(slot_sub(value), &taker->sub);
    assert_int_equal(slot_worker(value), WORKERS_MAX - 1);
    assert_int_equal(value & SLOT_SPECIAL, 0);
    assert_null(value_block(value));
    taker->sub.flags = SUB_NO_ECHO;
    value = takers_touch(value, &taker->sub);
    assert_int_equal(value & SLOT_SPECIAL, SLOT_SPECIAL);
    assert_ptr_equal(slot_sub(value), &taker->sub);
    taker->sub.flags = SUB_HIDDEN;
    assert_int_equal(takers_touch(value, &taker->sub) & SLOT_SPECIAL, 0);
    assert_int_equal(takers_remove(value, &taker->sub, &grave), 0);
    assert_null(grave);
    mem_free(taker);
}

static bool count(struct sub *sub, void *arg)
{
    taker_of(sub)->got++;
    ++*(unsigned *)arg;
    return true;
}

static bool first_only(struct sub *sub, void *arg)
{
    ++*(unsigned *)arg;
    return false;
}

/* Comings and goings in any order: all that are in are walked, once each. */
static void test_all_are_walked_once(void **state)
{
    enum { TAKERS = 200, CHANGES = 20000 };
    static const char *const queues[] = {NULL, NULL, "q", "r", "s"};
    struct taker *takers[TAKERS];
    bool in[TAKERS] = {false};
    struct random_seeded random;
    unsigned expected = 0;
    uint64_t value = 0;

    random_seed(&random, 9);
    for (unsigned i = 0; i < TAKERS; i++)
        takers[i] = taker_new(&owners[i % 2], "a", queues[i % COUNT_OF(queues)]);
    for (unsigned i = 0; i < CHANGES; i++) {
        struct grave *grave = NULL;
        unsigned at = (unsigned)random_below(&random.random, TAKERS), walked = 0;
        bool wanted = random_below(&random.random, 10) < (i / 4000 % 2 == 0 ? 9u : 1u);

        if (wanted && !in[at])
            value = takers_add(value, &takers[at]->sub, &grave);
        else if (!wanted && in[at])
            value = takers_remove(value, &takers[at]->sub, &grave);
        else if (in[at])
            value = takers_touch(value, &takers[at]->sub);
        grave_close(grave);
        expected += (unsigned)wanted - (unsigned)in[at];
        in[at] = wanted;
        assert_int_equal(value == 0, expected == 0);
        if (i % 16 != 0 || value == 0)
            continue;
        for (unsigned t = 0; t < TAKERS; t++)
            takers[t]->got = 0;
        assert_true(takers_walk(value, count, &walked));
        assert_int_equal(walked, expected);
        for (unsigned t = 0; t < TAKERS; t++)
            assert_int_equal(takers[t]->got, in[t]);
        walked = 0;
        assert_false(takers_walk(value, first_only, &walked));
        assert_int_equal(walked, 1);
    }
    for (unsigned i = 0; i < TAKERS; i++) {
        struct grave *grave = NULL;

        if (in[i])
            value = takers_remove(value, &takers[i]->sub, &grave);
        grave_close(grave);
        mem_free(takers[i]);
    }
    assert_int_equal(value, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_all_are_walked_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
