#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/operation.h"
#include "tests/lib/world.h"

static const char *const two_steps[] = {STEP_SUSPEND, STEP_FINISH, NULL};

static struct operation_new deletion(const char *account)
{
    return (struct operation_new){
        .type = OPERATION_ACCOUNT_DELETE,
        .team_id = strcmp(account, "acc_3") == 0 ? "tea_2" : "tea_1",
        .account_id = account,
        .resource_kind = "account",
        .resource_id = account,
        .resource_name = "a",
        .steps = two_steps,
    };
}

static struct operation start(struct work *work, const char *account)
{
    struct operation_new new = deletion(account);
    struct operation out;

    world_ok(work, operation_start(work, &new, &out));
    assert_true((work->wake & WAKE_OPERATION) != 0);
    return out;
}

static struct operation claim(struct work *work)
{
    struct operation out;

    world_ok(work, operation_claim(work, 60, &out));
    return out;
}

static struct operation read_again(struct work *work, const struct operation *operation)
{
    struct operation out;

    world_ok(work, operation_by_id(work, operation->resource.id, &out));
    return out;
}

static void expire(struct world *world)
{
    world_sql(world, "UPDATE operation SET lease_until = clock_timestamp() - interval '1 second'");
}

static void test_it_begins_with_all_its_steps(void **state)
{
    struct operation one = start(((struct world *)*state)->work, "acc_1");

    assert_true(resource_id_valid("ope", one.resource.id));
    assert_string_equal(one.resource.state, "pending");
    assert_string_equal(one.resource.created_by, "tester");
    assert_string_equal(one.type, OPERATION_ACCOUNT_DELETE);
    assert_int_equal(one.steps.count, 2);
    assert_int_equal(one.steps.items[0].ordinal, 1);
    assert_string_equal(one.steps.items[0].name, STEP_SUSPEND);
    assert_string_equal(one.steps.items[1].name, STEP_FINISH);
    assert_string_equal(one.steps.items[1].state, "pending");
}

static void test_the_same_is_under_way_once(void **state)
{
    struct work *work = ((struct world *)*state)->work;
    struct operation_new new = deletion("acc_1");
    struct operation out = start(work, "acc_1");

    world_refuses(work, REFUSAL_illegal_state, operation_start(work, &new, &out));
    start(work, "acc_2"); /* another account's is another one */
    out = claim(work);
    world_ok(work, operation_finish(work, &out, NULL, NULL, NULL));
    start(work, out.account_id); /* and after the end it may be again */
}

static void test_two_workers_never_get_the_same(void **state)
{
    struct world *world = *state;
    struct world_seat *second = world_seat(world);
    struct operation mine, theirs;

    start(world->work, "acc_1");
    start(world->work, "acc_2");
    world_open(world->work);
    assert_int_equal(operation_claim(world->work, 60, &mine), OK);
    theirs = claim(&second->work);
    assert_int_equal(world_close(world->work, OK), OK);
    assert_string_not_equal(mine.resource.id, theirs.resource.id);
    assert_string_equal(mine.resource.state, "running");
    world_is(&second->work, ERR_NOT_FOUND,
             world_do(&second->work, operation_claim(&second->work, 60, &theirs)));
    world_seat_leave(second);
}

static void test_steps_remember(void **state)
{
    struct work *work = ((struct world *)*state)->work;
    json_t *data = json_pack("{s:i}", "seen", 2);
    struct operation one;

    start(work, "acc_1");
    one = claim(work);
    world_ok(work, operation_step_set(work, &one, 1, "running", NULL, NULL));
    world_ok(work, operation_step_set(work, &one, 1, "running", "again", data));
    world_ok(work, operation_step_set(work, &one, 1, "succeeded", NULL, NULL));
    one = read_again(work, &one);
    assert_string_equal(one.steps.items[0].state, "succeeded");
    assert_int_equal(one.steps.items[0].attempts, 2);
    assert_string_equal(one.steps.items[0].detail, "again");
    assert_true(json_equal(one.steps.items[0].data, data));
    assert_true(one.steps.items[0].started_at > 0 && one.steps.items[0].finished_at > 0);
    assert_string_equal(one.steps.items[1].state, "pending");
    assert_int_equal(one.steps.items[1].finished_at, 0);
    world_is(work, ERR_NOT_FOUND,
             world_do(work, operation_step_set(work, &one, 3, "running", NULL, NULL)));
    json_decref(data);
}

/* Who lost the lease changes nothing any more. */
static void test_a_lost_lease_is_a_fence(void **state)
{
    struct world *world = *state;
    struct work *work = world->work;
    struct operation slow, other;

    start(work, "acc_1");
    slow = claim(work);
    expire(world);
    other = claim(work);
    assert_string_equal(other.resource.id, slow.resource.id);
    assert_true(other.lease_epoch > slow.lease_epoch);
    world_is(work, ERR_CONFLICT,
             world_do(work, operation_step_set(work, &slow, 1, "failed", NULL, NULL)));
    world_is(work, ERR_CONFLICT, world_do(work, operation_renew(work, &slow, 60)));
    world_is(work, ERR_CONFLICT, world_do(work, operation_pause(work, &slow, 1, "late", 0)));
    world_is(work, ERR_CONFLICT,
             world_do(work, operation_finish(work, &slow, NULL, "internal", "x")));
    assert_string_equal(read_again(work, &slow).resource.state, "running");
    assert_string_equal(world_text(world, "SELECT count(*) FROM audit_event"), "0");
    world_ok(work, operation_renew(work, &other, 60));
    world_ok(work, operation_finish(work, &other, NULL, NULL, NULL));
}

static void test_a_pause_gives_it_back_for_later(void **state)
{
    struct world *world = *state;
    struct work *work = world->work;
    struct operation one;
    int64_t ms;

    world_ok(work, operation_next_ms(work, &ms));
    assert_int_equal(ms, -1);
    start(work, "acc_1");
    world_ok(work, operation_next_ms(work, &ms));
    assert_int_equal(ms, 0);
    one = claim(work);
    world_ok(work, operation_pause(work, &one, 1, "waiting for n1", 60000));
    assert_string_equal(read_again(work, &one).steps.items[0].detail, "waiting for n1");
    world_is(work, ERR_NOT_FOUND, world_do(work, operation_claim(work, 60, &one)));
    world_ok(work, operation_next_ms(work, &ms));
    assert_true(ms > 50000 && ms <= 60000);
    world_sql(world, "UPDATE operation SET not_before = clock_timestamp()");
    one = claim(work);
    assert_int_equal(one.lease_epoch, 2);
    world_ok(work, operation_pause(work, &one, 1, NULL, 0));
    assert_string_equal(read_again(work, &one).steps.items[0].detail, "waiting for n1");
}

static void test_its_end_is_told_and_final(void **state)
{
    struct world *world = *state;
    struct work *work = world->work;
    json_t *shown, *result = json_pack("{s:b}", "removed", 1);
    struct operation good, bad;

    start(work, "acc_1");
    good = claim(work);
    world_ok(work, operation_finish(work, &good, result, NULL, NULL));
    start(work, "acc_2");
    bad = claim(work);
    world_ok(work, operation_finish(work, &bad, NULL, "node_timeout", "nobody answered"));
    good = read_again(work, &good);
    bad = read_again(work, &bad);
    assert_string_equal(good.resource.state, "succeeded");
    assert_true(json_equal(good.result, result) && good.finished_at > 0);
    assert_string_equal(bad.resource.state, "failed");
    assert_string_equal(bad.error_code, "node_timeout");
    assert_string_equal(bad.error_detail, "nobody answered");
    shown = shape_encode(&operation_shape, &bad);
    assert_string_equal(json_string_value(json_object_get(json_object_get(shown, "error"), "code")),
                        "node_timeout");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(shown, "resource"), "id")), "acc_2");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(shown, "progress"), "done")), 0);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(shown, "progress"), "total")),
        bad.steps.count);
    assert_null(json_object_get(shown, "error_code"));
    json_decref(shown);
    assert_string_equal(
        world_text(world, "SELECT string_agg(action || ' ' || account_id || ' ' || outcome, ', '"
                          " ORDER BY account_id) FROM audit_event"),
        "account.delete acc_1 success, account.delete acc_2 failed");
    /* The control plane did it; who asked for it stands there too. */
    assert_string_equal(world_text(world, "SELECT string_agg(DISTINCT actor_type || ' ' ||"
                                          " on_behalf_of, ', ') FROM audit_event"),
                        "operator tester");
    world_is(work, ERR_CONFLICT, world_do(work, operation_finish(work, &good, NULL, NULL, NULL)));
    world_is(work, ERR_NOT_FOUND, world_do(work, operation_claim(work, 60, &good)));
    json_decref(result);
}

static void test_canceling(void **state)
{
    struct world *world = *state;
    struct operation one = start(world->work, "acc_1"), out;

    world_refuses(world->work, REFUSAL_illegal_state,
                  operation_cancel(world->work, one.resource.id, &out));
    world_sql(world, "UPDATE operation SET cancelable = true");
    world_ok(world->work, operation_cancel(world->work, one.resource.id, &out));
    assert_string_equal(out.resource.state, "canceled");
    world_is(world->work, ERR_NOT_FOUND,
             world_do(world->work, operation_claim(world->work, 60, &out)));
    start(world->work, "acc_1");
    world_sql(world, "UPDATE operation SET cancelable = true WHERE state = 'pending'");
    one = claim(world->work); /* what has begun is not canceled */
    world_refuses(world->work, REFUSAL_illegal_state,
                  operation_cancel(world->work, one.resource.id, &out));
}

static void test_who_sees_which(void **state)
{
    struct world *world = *state;
    struct operation_query query = {.list = {.limit = 10}}, of_one = query;
    struct operation one = start(world->work, "acc_1"), other = start(world->work, "acc_2"), out;
    const char *seen[] = {"acc_1"};
    struct principal *who;
    struct db_rows rows;

    of_one.resource = "acc_2";
    world_ok(world->work, operation_list(world->work, &query, &rows));
    assert_int_equal(rows.count, 2);
    world_ok(world->work, operation_list(world->work, &of_one, &rows));
    assert_int_equal(rows.count, 1);
    who = world_as(world, ROLE_TEAM_VIEWER, "tea_1");
    who->all_accounts = false;
    who->accounts = (struct strings){seen, 1};
    world_ok(world->work, operation_list(world->work, &query, &rows));
    assert_int_equal(rows.count, 1);
    world_ok(world->work, operation_by_id(world->work, one.resource.id, &out));
    world_is(world->work, ERR_NOT_FOUND,
             world_do(world->work, operation_by_id(world->work, other.resource.id, &out)));
    world_is(world->work, ERR_NOT_FOUND,
             world_do(world->work, operation_cancel(world->work, other.resource.id, &out)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_begins_with_all_its_steps),
        TEST(test_the_same_is_under_way_once),
        TEST(test_two_workers_never_get_the_same),
        TEST(test_steps_remember),
        TEST(test_a_lost_lease_is_a_fence),
        TEST(test_a_pause_gives_it_back_for_later),
        TEST(test_its_end_is_told_and_final),
        TEST(test_canceling),
        TEST(test_who_sees_which),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
