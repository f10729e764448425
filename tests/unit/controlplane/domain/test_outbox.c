#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/outbox.h"
#include "tests/lib/world.h"

/* acc_1 to acc_3 wait for the nodes of sys_1. */

static struct db_rows claim(struct work *work, const char *system_id, int64_t limit)
{
    struct db_rows rows;

    world_ok(work, outbox_claim(work, system_id, limit, 60, &rows));
    return rows;
}

static const struct outbox_row *row_of(const struct db_rows *rows, size_t i)
{
    return (const struct outbox_row *)rows->items + i;
}

static void add(struct work *work, const char *account, int64_t revision)
{
    world_ok(work, outbox_add(work, account, revision));
    assert_true((work->wake & WAKE_OUTBOX) != 0);
}

/* As account_issue does: a newer revision of acc_1 and its JWT. */
static void revise(struct world *world, int64_t revision)
{
    world_sql(world,
              "INSERT INTO account_revision (account_id, revision, team_id, jti, iat, claims_hash,"
              " claims, reason, created_by) VALUES ('acc_1', %d, 'tea_1', 'jti-%d', %d, '', '{}',"
              " '', '');"
              "UPDATE account_jwt SET active = false WHERE account_id = 'acc_1';"
              "INSERT INTO account_jwt (account_id, revision, team_id, jwt) VALUES"
              " ('acc_1', %d, 'tea_1', 'jwt-%d');"
              "UPDATE account SET revision = %d WHERE account_id = 'acc_1'",
              (int)revision, (int)revision, (int)revision, (int)revision, (int)revision,
              (int)revision);
    add(world->work, "acc_1", revision);
}

static int64_t depth(struct work *work)
{
    struct outbox_depth out;

    world_ok(work, outbox_depth(work, &out));
    return out.depth;
}

static void expire(struct world *world)
{
    world_sql(world, "UPDATE outbox SET lease_until = clock_timestamp() - interval '1 second'");
}

static void test_a_claim_has_what_is_to_be_pushed(void **state)
{
    struct work *work = ((struct world *)*state)->work;
    struct db_rows rows;

    add(work, "acc_1", 1);
    rows = claim(work, "sys_1", 10);
    assert_int_equal(rows.count, 1);
    assert_string_equal(row_of(&rows, 0)->account_id, "acc_1");
    assert_string_equal(row_of(&rows, 0)->team_id, "tea_1");
    assert_string_equal(row_of(&rows, 0)->jwt, "jwt-1");
    assert_string_equal(row_of(&rows, 0)->jti, "jti-1");
    assert_int_equal(row_of(&rows, 0)->revision, 1);
    assert_int_equal(row_of(&rows, 0)->lease_epoch, 1);
    assert_false(row_of(&rows, 0)->is_tombstone);
    world_ok(work, outbox_done(work, row_of(&rows, 0)));
    assert_int_equal(depth(work), 0);
}

static void test_only_the_system_asked_for(void **state)
{
    struct work *work = ((struct world *)*state)->work;

    add(work, "acc_1", 1);
    assert_int_equal(claim(work, "sys_2", 10).count, 0);
    assert_int_equal(claim(work, NULL, 10).count, 1);
}

static void test_the_oldest_come_first_and_no_more_than_asked_for(void **state)
{
    struct world *world = *state;
    struct db_rows rows;

    add(world->work, "acc_1", 1);
    add(world->work, "acc_2", 1);
    add(world->work, "acc_3", 1);
    world_sql(world, "UPDATE outbox SET not_before = not_before - interval '1 minute'"
                     " WHERE account_id = 'acc_3'");
    rows = claim(world->work, "sys_1", 1);
    assert_int_equal(rows.count, 1);
    assert_string_equal(row_of(&rows, 0)->account_id, "acc_3");
    assert_int_equal(claim(world->work, "sys_1", 10).count, 2);
}

/* What one took in a transaction that is still open, the other passes over without waiting. */
static void test_two_workers_never_get_the_same_row(void **state)
{
    struct world *world = *state;
    struct world_seat *second = world_seat(world);
    struct db_rows mine, theirs;

    add(world->work, "acc_1", 1);
    add(world->work, "acc_2", 1);
    add(world->work, "acc_3", 1);
    world_open(world->work);
    assert_int_equal(outbox_claim(world->work, "sys_1", 2, 60, &mine), OK);
    theirs = claim(&second->work, "sys_1", 10);
    assert_int_equal(world_close(world->work, OK), OK);
    assert_int_equal(mine.count, 2);
    assert_int_equal(theirs.count, 1);
    for (size_t i = 0; i < mine.count; i++)
        assert_string_not_equal(row_of(&mine, i)->account_id, row_of(&theirs, 0)->account_id);
    assert_int_equal(claim(&second->work, "sys_1", 10).count, 0); /* all are leased */
    world_seat_leave(second);
}

/* Whoever dies loses its lease; whoever was only slow can close or put off nothing any more. */
static void test_a_lost_lease_is_a_fence(void **state)
{
    struct world *world = *state;
    struct work *work = world->work;
    struct db_rows slow, other;

    add(work, "acc_1", 1);
    slow = claim(work, "sys_1", 10);
    expire(world);
    other = claim(work, "sys_1", 10);
    assert_int_equal(other.count, 1);
    assert_int_equal(row_of(&other, 0)->lease_epoch, 2);
    world_is(work, ERR_CONFLICT, world_do(work, outbox_done(work, row_of(&slow, 0))));
    world_is(work, ERR_CONFLICT, world_do(work, outbox_renew(work, row_of(&slow, 0), 60)));
    world_is(work, ERR_CONFLICT, world_do(work, outbox_retry(work, row_of(&slow, 0), 0, "x")));
    assert_int_equal(depth(work), 1);
    world_ok(work, outbox_done(work, row_of(&other, 0)));
    assert_int_equal(depth(work), 0);
}

static void test_renewing_keeps_others_out(void **state)
{
    struct world *world = *state;
    struct db_rows rows;

    add(world->work, "acc_1", 1);
    rows = claim(world->work, "sys_1", 10);
    expire(world);
    world_ok(world->work, outbox_renew(world->work, row_of(&rows, 0), 60));
    assert_int_equal(claim(world->work, "sys_1", 10).count, 0);
}

/* One row for each account: only the newest is ever pushed. */
static void test_newer_revisions_collapse(void **state)
{
    struct world *world = *state;
    struct db_rows rows;

    add(world->work, "acc_1", 1);
    revise(world, 2);
    revise(world, 3);
    add(world->work, "acc_1", 2); /* late: never back */
    assert_int_equal(depth(world->work), 1);
    assert_string_equal(world_text(world, "SELECT revision FROM outbox"), "3");
    rows = claim(world->work, "sys_1", 10);
    assert_int_equal(rows.count, 1);
    assert_int_equal(row_of(&rows, 0)->revision, 3);
    assert_string_equal(row_of(&rows, 0)->jwt, "jwt-3");
}

static void test_what_came_during_a_push_stays_and_is_due_at_once(void **state)
{
    struct world *world = *state;
    struct work *work = world->work;
    struct db_rows rows;

    add(work, "acc_1", 1);
    rows = claim(work, "sys_1", 10);
    revise(world, 2);
    world_ok(work, outbox_done(work, row_of(&rows, 0)));
    assert_true((work->wake & WAKE_OUTBOX) != 0);
    rows = claim(work, "sys_1", 10);
    assert_int_equal(rows.count, 1);
    assert_int_equal(row_of(&rows, 0)->revision, 2);

    revise(world, 3);
    world_ok(work, outbox_retry(work, row_of(&rows, 0), 3600 * 1000, "node away"));
    rows = claim(work, "sys_1", 10);
    assert_int_equal(rows.count, 1);
    assert_int_equal(row_of(&rows, 0)->revision, 3);
}

static void since(struct world *world, int revision, int seconds, const char *reason)
{
    world_sql(world,
              "UPDATE account_revision SET reason = '%s',"
              " created_at = clock_timestamp() - interval '%d seconds'"
              " WHERE account_id = 'acc_1' AND revision = %d",
              reason, seconds, revision);
}

/* Seconds of the i-th wait; a revocation's with a minus. */
static int64_t wait_s(const struct db_rows *waits, size_t i)
{
    const struct outbox_wait *wait = (const struct outbox_wait *)waits->items + i;

    assert_true(i < waits->count);
    return wait->us / 1000000 / 100 * (wait->revoked ? -1 : 1);
}

/* A row waits since its first revision; what revoked something is told apart.  In hundreds of
 * seconds, so that a slow machine changes nothing. */
static void test_how_long_the_nodes_have_waited(void **state)
{
    struct world *world = *state;
    struct work *work = world->work;
    struct db_rows rows, waits;

    since(world, 1, 900, "user deleted");
    add(work, "acc_1", 1);
    revise(world, 2);
    since(world, 2, 500, "changed");
    revise(world, 3);
    since(world, 3, 300, "credential revoked");
    rows = claim(work, "sys_1", 10);
    world_ok(work, outbox_waits(work, row_of(&rows, 0), &waits));
    assert_int_equal(waits.count, 3);
    assert_int_equal(wait_s(&waits, 0), 9);
    assert_int_equal(wait_s(&waits, 1) + wait_s(&waits, 2), -(9 + 3));
    /* What came meanwhile waits since then, and what was told is not told again. */
    revise(world, 4);
    since(world, 4, 200, "revocation");
    world_ok(work, outbox_done(work, row_of(&rows, 0)));
    rows = claim(work, "sys_1", 10);
    world_ok(work, outbox_waits(work, row_of(&rows, 0), &waits));
    assert_int_equal(waits.count, 2);
    assert_int_equal(wait_s(&waits, 0), 2);
    assert_int_equal(wait_s(&waits, 1), -2);
}

static void test_a_failure_waits_counts_and_says_why(void **state)
{
    struct world *world = *state;
    struct work *work = world->work;
    struct db_rows rows;
    int64_t ms;

    world_ok(work, outbox_next_ms(work, &ms));
    assert_int_equal(ms, -1);
    add(work, "acc_1", 1);
    world_ok(work, outbox_next_ms(work, &ms));
    assert_int_equal(ms, 0);
    rows = claim(work, "sys_1", 10);
    world_ok(work, outbox_retry(work, row_of(&rows, 0), 60000, "node away"));
    assert_int_equal(claim(work, "sys_1", 10).count, 0);
    world_ok(work, outbox_next_ms(work, &ms));
    assert_true(ms > 50000 && ms <= 60000);
    assert_string_equal(world_text(world, "SELECT last_error FROM outbox"), "node away");

    world_ok(work, outbox_poke_system(work, "sys_2")); /* not its node */
    assert_int_equal(claim(work, "sys_1", 10).count, 0);
    world_ok(work, outbox_poke_system(work, "sys_1"));
    rows = claim(work, "sys_1", 10);
    assert_int_equal(rows.count, 1);
    assert_int_equal(row_of(&rows, 0)->attempts, 1);
}

static void test_a_poke_makes_a_row_where_there_is_something_to_push(void **state)
{
    struct world *world = *state;

    world_sql(world, "UPDATE account SET revision = 0 WHERE account_id = 'acc_2'");
    world_ok(world->work, outbox_poke(world->work, "acc_1"));
    world_ok(world->work, outbox_poke(world->work, "acc_2")); /* nothing issued yet */
    assert_int_equal(depth(world->work), 1);
    assert_int_equal(claim(world->work, "sys_1", 10).count, 1);
}

static void test_a_deleted_account_goes_out_as_a_tombstone(void **state)
{
    struct world *world = *state;
    struct db_rows rows;

    add(world->work, "acc_1", 1);
    add(world->work, "acc_2", 1);
    world_sql(world, "UPDATE account SET state = 'purging' WHERE account_id = 'acc_1';"
                     "UPDATE account SET state = 'deleting' WHERE account_id = 'acc_2'");
    rows = claim(world->work, "sys_1", 10);
    assert_int_equal(rows.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(row_of(&rows, i)->is_tombstone,
                         strcmp(row_of(&rows, i)->account_id, "acc_1") == 0);
}

static void test_an_unknown_account_is_no_row(void **state)
{
    struct work *work = ((struct world *)*state)->work;

    world_is(work, ERR_NOT_FOUND, world_do(work, outbox_add(work, "acc_9", 1)));
}

/* Another replica sleeps on its connection; what the commit tells wakes it. */
static void test_listeners_wake_up_after_the_commit(void **state)
{
    struct world *world = *state;
    struct world_seat *second = world_seat(world);

    assert_int_equal(outbox_listen(second->work.db), OK);
    assert_int_equal(db_wait(second->work.db, 0, -1), ERR_TIMEOUT);
    world_ok(world->work, outbox_notify(world->work->db));
    assert_int_equal(db_wait(second->work.db, 60000, -1), OK);
    world_seat_leave(second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_claim_has_what_is_to_be_pushed),
        TEST(test_only_the_system_asked_for),
        TEST(test_the_oldest_come_first_and_no_more_than_asked_for),
        TEST(test_two_workers_never_get_the_same_row),
        TEST(test_a_lost_lease_is_a_fence),
        TEST(test_renewing_keeps_others_out),
        TEST(test_newer_revisions_collapse),
        TEST(test_what_came_during_a_push_stays_and_is_due_at_once),
        TEST(test_how_long_the_nodes_have_waited),
        TEST(test_a_failure_waits_counts_and_says_why),
        TEST(test_a_poke_makes_a_row_where_there_is_something_to_push),
        TEST(test_a_deleted_account_goes_out_as_a_tombstone),
        TEST(test_an_unknown_account_is_no_row),
        TEST(test_listeners_wake_up_after_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
