#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>

#include "controlplane/domain/lease.h"
#include "tests/lib/world.h"

static struct lease lease_of(const char *holder, const char *scope)
{
    struct lease lease = {.role = "meter", .scope = scope};

    snprintf(lease.holder, sizeof(lease.holder), "%s", holder);
    return lease;
}

static void expire(struct world *world)
{
    world_sql(world, "UPDATE lease SET expires_at = clock_timestamp() - interval '1 second'");
}

static void test_one_holder_at_a_time(void **state)
{
    struct work *work = ((struct world *)*state)->work;
    struct lease a = lease_of("a", "sys_1"), b = lease_of("b", "sys_1"),
                 other = lease_of("b", "sys_2");

    world_ok(work, lease_acquire(work, &a, 60));
    assert_int_equal(a.epoch, 1);
    world_is(work, ERR_AGAIN, world_do(work, lease_acquire(work, &b, 60)));
    assert_int_equal(b.epoch, 0);
    world_is(work, ERR_CONFLICT, world_do(work, lease_check(work, &b)));
    world_ok(work, lease_acquire(work, &other, 60)); /* another scope is another lease */
}

static void test_renewing_keeps_the_epoch(void **state)
{
    struct world *world = *state;
    struct lease a = lease_of("a", "sys_1");

    world_ok(world->work, lease_acquire(world->work, &a, 1));
    world_ok(world->work, lease_acquire(world->work, &a, 3600));
    assert_int_equal(a.epoch, 1);
    assert_string_equal(world_text(world,
                                   "SELECT expires_at > clock_timestamp() + interval '1 hour' - "
                                   "interval '1 minute' FROM lease"),
                        "t");
}

/* A holder that slept through its time is fenced off, however late it writes. */
static void test_the_epoch_is_a_fence(void **state)
{
    struct world *world = *state;
    struct work *work = world->work;
    struct lease a = lease_of("a", "sys_1"), b = lease_of("b", "sys_1"), again;

    world_ok(work, lease_acquire(work, &a, 60));
    expire(world);
    world_is(work, ERR_CONFLICT, world_do(work, lease_check(work, &a)));
    world_ok(work, lease_acquire(work, &b, 60));
    assert_int_equal(b.epoch, 2);
    world_is(work, ERR_CONFLICT, world_do(work, lease_check(work, &a)));
    world_ok(work, lease_check(work, &b));
    world_is(work, ERR_AGAIN, world_do(work, lease_acquire(work, &a, 60)));

    /* Back again after another: a third epoch, in which the first one's writes stay refused. */
    expire(world);
    again = a = lease_of("a", "sys_1");
    world_ok(work, lease_acquire(work, &again, 60));
    assert_int_equal(again.epoch, 3);
    a.epoch = 1;
    world_is(work, ERR_CONFLICT, world_do(work, lease_check(work, &a)));
}

static void test_it_says_when_it_is_free(void **state)
{
    struct world *world = *state;
    struct lease a = lease_of("a", "sys_1"), b = lease_of("b", "sys_1");
    int64_t free_in_ms;

    world_ok(world->work, lease_free_in_ms(world->work, &b, &free_in_ms));
    assert_int_equal(free_in_ms, 0); /* there never was one */
    world_ok(world->work, lease_acquire(world->work, &a, 3600));
    world_ok(world->work, lease_free_in_ms(world->work, &b, &free_in_ms));
    assert_in_range(free_in_ms, 3500 * 1000, 3600 * 1000);
    expire(world);
    world_ok(world->work, lease_free_in_ms(world->work, &b, &free_in_ms));
    assert_int_equal(free_in_ms, 0);
}

/* Its own expired lease is a new one too: somebody may have worked between. */
static void test_an_expired_one_of_ours_gets_a_new_epoch(void **state)
{
    struct world *world = *state;
    struct lease a = lease_of("a", "sys_1");

    world_ok(world->work, lease_acquire(world->work, &a, 60));
    expire(world);
    world_ok(world->work, lease_acquire(world->work, &a, 60));
    assert_int_equal(a.epoch, 2);
}

static void test_released_is_free_and_only_by_its_holder(void **state)
{
    struct work *work = ((struct world *)*state)->work;
    struct lease a = lease_of("a", "sys_1"), b = lease_of("b", "sys_1"), thief;

    world_ok(work, lease_acquire(work, &a, 60));
    thief = lease_of("b", "sys_1");
    thief.epoch = a.epoch;
    world_ok(work, lease_release(work, &thief));
    world_ok(work, lease_check(work, &a));
    world_ok(work, lease_release(work, &a));
    assert_int_equal(a.epoch, 0);
    world_ok(work, lease_acquire(work, &b, 60));
    assert_int_equal(b.epoch, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_holder_at_a_time),
        TEST(test_it_says_when_it_is_free),
        TEST(test_renewing_keeps_the_epoch),
        TEST(test_the_epoch_is_a_fence),
        TEST(test_an_expired_one_of_ours_gets_a_new_epoch),
        TEST(test_released_is_free_and_only_by_its_holder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
