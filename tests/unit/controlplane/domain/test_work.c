#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/work.h"
#include "tests/lib/world.h"

/* A change of this work's: any statement that touches a row. */
static enum result change(struct work *work)
{
    return db_exec(work->db, SQL_plan_clear_default, DB_ARGS(db_text("")));
}

static bool changed(struct world *world)
{
    return strcmp(world_text(world, "SELECT is_default FROM plan"), "f") == 0;
}

static void test_it_is_the_machine_s_and_commits(void **state)
{
    struct world *world = *state;
    struct work *work = world->work;

    work->wake = WAKE_TRUST;
    assert_int_equal(work_begin(work), OK);
    assert_ptr_equal(work->who, principal_machine());
    assert_int_equal(work->wake, 0);
    assert_true(db_in_transaction(work->db));
    assert_int_equal(change(work), OK);
    assert_false(changed(world)); /* nobody else sees it yet */
    work->wake |= WAKE_OUTBOX;
    assert_int_equal(work_end(work, OK), OK);
    assert_true(changed(world));
    assert_int_equal(work->wake, WAKE_OUTBOX);
    assert_false(db_in_transaction(work->db));
}

/* What did not happen wakes nobody. */
static void test_a_failure_rolls_back_and_wakes_nobody(void **state)
{
    struct world *world = *state;
    struct work *work = world->work;

    assert_int_equal(work_begin(work), OK);
    assert_int_equal(change(work), OK);
    work->wake |= WAKE_OUTBOX | WAKE_OPERATION;
    assert_int_equal(work_end(work, ERR_STATE), ERR_STATE);
    assert_false(changed(world));
    assert_int_equal(work->wake, 0);
}

/* A statement that failed makes the whole fail, whatever the caller says. */
static void test_a_broken_transaction_cannot_commit(void **state)
{
    struct world *world = *state;
    struct work *work = world->work;
    int64_t out;

    assert_int_equal(work_begin(work), OK);
    assert_int_equal(change(work), OK);
    assert_int_not_equal(
        db_get_int(work->db, SQL_team_insert,
                   DB_ARGS(db_text("tea_1"), db_text("one"), db_text(""), db_text(""),
                           db_text("{}"), db_text(""), db_text("pln_1")),
                   &out),
        OK);
    work->wake |= WAKE_OUTBOX;
    assert_int_not_equal(work_end(work, OK), OK);
    assert_false(changed(world));
    assert_int_equal(work->wake, 0);
}

static void test_the_time_is_the_tools_clock(void **state)
{
    struct world *world = *state;

    world->now = 42;
    assert_int_equal(work_now(world->work), 42);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_the_machine_s_and_commits),
        TEST(test_a_failure_rolls_back_and_wakes_nobody),
        TEST(test_a_broken_transaction_cannot_commit),
        TEST(test_the_time_is_the_tools_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
