#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/plan.h"
#include "controlplane/domain/team.h"
#include "tests/lib/world.h"

enum { ADMIN, VIEWER };

static struct team team(struct world *world, const char *id)
{
    struct team out;

    world_ok(world->work, team_by_ref(world->work, id, &out));
    return out;
}

static struct member_settings settings(const char *name, int role)
{
    return (struct member_settings){.settings = {.name = name}, .role = role};
}

static struct member join(struct world *world, const char *name, int role)
{
    struct member_settings of = settings(name, role);
    struct member out;

    world_ok(world->work, member_create(world->work, "tea_1", &of, &out));
    return out;
}

static void add_token(struct world *world, const char *id, const char *team_id, const char *member)
{
    world_sql(world,
              "INSERT INTO api_token (token_id, name, team_id, member_id, role, secret_hash,"
              " expires_at) VALUES ('%s', 't', '%s', %s%s%s, 'team_admin', 'h', now() +"
              " interval '1 day')",
              id, team_id, member != NULL ? "'" : "", member != NULL ? member : "NULL",
              member != NULL ? "'" : "");
}

static void test_a_team_gets_the_plan_named_or_the_default(void **state)
{
    struct world *world = *state;
    struct team_settings of = {.settings = {.name = "three", .display_name = "Three"}};
    struct team out;

    world_ok(world->work, team_create(world->work, &of, &out));
    assert_true(resource_id_valid("tea", out.resource.id));
    assert_string_equal(out.resource.name, "three");
    assert_string_equal(out.resource.created_by, "tester");
    assert_string_equal(out.plan_id, "pln_1");
    of = (struct team_settings){.settings = {.name = "four"}, .plan_id = "basic"};
    world_ok(world->work, team_create(world->work, &of, &out));
    assert_string_equal(out.plan_id, "pln_1"); /* by its name */

    of = (struct team_settings){.settings = {.name = "five"}, .plan_id = "pln_9"};
    world_refuses(world->work, REFUSAL_validation_failed, team_create(world->work, &of, &out));
    assert_string_equal(world->refusal->errors[0].pointer, "/plan_id");
    world_sql(world, "UPDATE plan SET is_default = false");
    of.plan_id = NULL;
    world_refuses(world->work, REFUSAL_validation_failed, team_create(world->work, &of, &out));
}

static void test_a_name_is_taken_until_its_team_is_gone(void **state)
{
    struct world *world = *state;
    struct team_settings of = {.settings = {.name = "one"}};
    struct team out, two = team(world, "tea_2");

    world_refuses(world->work, REFUSAL_name_taken, team_create(world->work, &of, &out));
    world_refuses(world->work, REFUSAL_name_taken, team_update(world->work, &two, &of, &out));
    world_sql(world, "UPDATE team SET state = 'deleted' WHERE team_id = 'tea_1'");
    world_ok(world->work, team_create(world->work, &of, &out));
}

static void test_changes_of_what_was_read(void **state)
{
    struct world *world = *state;
    struct team one = team(world, "tea_1"), out;
    struct team_settings of = team_settings_of(&one);

    of.settings.description = "new";
    world_ok(world->work, team_update(world->work, &one, &of, &out));
    assert_string_equal(out.resource.description, "new");
    assert_string_equal(out.resource.name, "one");
    assert_int_equal(out.resource.version, one.resource.version + 1);
    world_refuses(world->work, REFUSAL_version_conflict, team_update(world->work, &one, &of, &out));
    assert_string_equal(world->refusal->conflict_resource, "tea_1");
}

static void test_a_team_does_not_choose_its_plan(void **state)
{
    struct world *world = *state;
    struct team one = team(world, "tea_1"), out;
    struct team_settings of = team_settings_of(&one);

    world_sql(world, "INSERT INTO plan (plan_id, name) VALUES ('pln_2', 'big');"
                     "INSERT INTO plan_version (plan_id, plan_version, limit_set_id, max_set_id)"
                     " VALUES ('pln_2', 1, 'lim_1', 'lim_2')");
    world_as(world, ROLE_TEAM_ADMIN, "tea_1");
    world_ok(world->work, team_update(world->work, &one, &of, &one)); /* the same is no change */
    of.plan_id = "pln_2";
    world_refuses(world->work, REFUSAL_plan_forbids, team_update(world->work, &one, &of, &out));
    world_as(world, ROLE_OPERATOR_ADMIN, NULL);
    world_ok(world->work, team_update(world->work, &one, &of, &out));
    assert_string_equal(out.plan_id, "pln_2");
}

/* QUO-33: what the team's plan counts is not cut off unasked. */
static void test_a_plan_below_present_use(void **state)
{
    struct world *world = *state;
    const struct plan_settings small = {
        .settings = {.name = "tiny"},
        .limits = {.accounts = {true, 1}, .tokens = {true, 1}, .users = {true, 0}}};
    struct team old = team(world, "tea_1"), out;
    struct team_settings wanted = team_settings_of(&old);
    struct plan plan;

    add_token(world, "tok_a", "tea_1", NULL);
    world_ok(world->work, plan_create(world->work, &small, &plan));
    wanted.plan_id = plan.resource.id;
    world_refuses(world->work, REFUSAL_over_quota, team_update(world->work, &old, &wanted, &out));
    assert_int_equal(world->refusal->error_count, 1); /* one token may stay */
    assert_string_equal(world->refusal->errors[0].pointer, "/accounts");
    assert_int_equal(world->refusal->errors[0].actual, 2);
    add_token(world, "tok_b", "tea_1", NULL);
    world_refuses(world->work, REFUSAL_over_quota, team_update(world->work, &old, &wanted, &out));
    assert_int_equal(world->refusal->error_count, 2);
    wanted.allow_over_quota = true;
    world_ok(world->work, team_update(world->work, &old, &wanted, &out));
    assert_string_equal(out.plan_id, plan.resource.id);
    wanted.allow_over_quota = false; /* the plan stays: nothing becomes less */
    world_ok(world->work, team_update(world->work, &out, &wanted, &old));
}

static void test_lists_are_of_who_asks(void **state)
{
    struct world *world = *state;
    struct list_query query = {.limit = 10};
    struct db_rows rows;

    world_ok(world->work, team_list(world->work, &query, &rows));
    assert_int_equal(rows.count, 2);
    assert_int_equal(((const struct team *)rows.items)->account_count, 2);
    world_as(world, ROLE_TEAM_VIEWER, "tea_2");
    world_ok(world->work, team_list(world->work, &query, &rows));
    assert_int_equal(rows.count, 1);
    assert_string_equal(((const struct team *)rows.items)->resource.id, "tea_2");
}

static void test_deleting_needs_an_empty_team_and_ends_its_tokens(void **state)
{
    struct world *world = *state;
    struct team one = team(world, "tea_1"), out;

    add_token(world, "tok_1", "tea_1", NULL);
    add_token(world, "tok_2", "tea_2", NULL);
    world_refuses(world->work, REFUSAL_in_use, team_delete(world->work, &one));
    assert_string_equal(world_text(world, "SELECT count(*) FROM api_token WHERE state = 'active'"),
                        "2");
    world_sql(world, "UPDATE account SET state = 'tombstoned' WHERE team_id = 'tea_1'");
    join(world, "left", VIEWER);
    world_ok(world->work, team_delete(world->work, &one));
    assert_string_equal(
        world_text(world, "SELECT string_agg(DISTINCT state, ' ') FROM member WHERE team_id = '%s'",
                   one.resource.id),
        "removed");
    world_is(world->work, ERR_NOT_FOUND,
             world_do(world->work, team_by_ref(world->work, "tea_1", &out)));
    assert_string_equal(world_text(world, "SELECT string_agg(token_id, ' ') FROM api_token"
                                          " WHERE state = 'active'"),
                        "tok_2");
}

static void test_members_have_a_role_and_accounts(void **state)
{
    struct world *world = *state;
    const char *accounts[] = {"acc_1"};
    struct member_settings of = settings("ann@example.com", VIEWER);
    struct list_query query = {.limit = 10};
    struct member out;
    struct db_rows rows;

    of.accounts = (struct strings){accounts, 1};
    world_ok(world->work, member_create(world->work, "tea_1", &of, &out));
    assert_int_equal(out.role, VIEWER);
    assert_int_equal(out.accounts.count, 1);
    assert_string_equal(out.accounts.items[0], "acc_1");
    world_refuses(world->work, REFUSAL_name_taken, member_create(world->work, "tea_1", &of, &out));
    world_is(world->work, ERR_NOT_FOUND,
             world_do(world->work, member_by_id(world->work, "tea_2", out.resource.id, &out)));
    world_ok(world->work, member_create(world->work, "tea_2", &of, &out)); /* another team's */
    world_ok(world->work, member_list(world->work, "tea_1", &query, &rows));
    assert_int_equal(rows.count, 1);
}

/* Whoever is bound to some accounts gives nobody, himself included, the whole team. */
static void test_a_bound_admin_stays_bound(void **state)
{
    struct world *world = *state;
    const char *seen[] = {"acc_1"}, *other[] = {"acc_1", "acc_2"};
    struct member_settings of = settings("bound@example.com", ADMIN);
    struct member boss = join(world, "boss@example.com", ADMIN), bound, out;
    struct team_settings of_whole;
    struct team whole;
    struct principal *who;

    of.accounts = (struct strings){seen, 1};
    world_ok(world->work, member_create(world->work, "tea_1", &of, &bound));
    who = world_as(world, ROLE_TEAM_ADMIN, "tea_1");
    who->all_accounts = false;
    who->accounts = (struct strings){seen, 1};

    of.settings.name = "new@example.com";
    of.accounts.count = 0;
    world_refuses(world->work, REFUSAL_forbidden, member_create(world->work, "tea_1", &of, &out));
    of.accounts = (struct strings){other, 2};
    world_refuses(world->work, REFUSAL_forbidden, member_create(world->work, "tea_1", &of, &out));
    of.accounts.count = 1;
    world_ok(world->work, member_create(world->work, "tea_1", &of, &out));

    of.settings = resource_settings_of(&bound.resource);
    of.accounts.count = 0;
    world_refuses(world->work, REFUSAL_forbidden, member_update(world->work, &bound, &of, &out));
    world_refuses(world->work, REFUSAL_forbidden, member_remove(world->work, &boss));
    of.settings = resource_settings_of(&boss.resource); /* nor is anybody bound by him */
    of.accounts = (struct strings){seen, 1};
    world_refuses(world->work, REFUSAL_forbidden, member_update(world->work, &boss, &of, &out));
    whole = team(world, "tea_1");
    of_whole = team_settings_of(&whole);
    world_refuses(world->work, REFUSAL_forbidden,
                  team_update(world->work, &whole, &of_whole, &whole));
    of.settings = resource_settings_of(&bound.resource);
    of.settings.description = "still bound";
    world_ok(world->work, member_update(world->work, &bound, &of, &bound));
    world_ok(world->work, member_remove(world->work, &bound));
}

/* The last one who may do everything can neither go nor lose the right. */
static void test_the_last_admin_stays(void **state)
{
    struct world *world = *state;
    const char *accounts[] = {"acc_1"};
    struct member ann = join(world, "ann", ADMIN), bob, out;
    struct member_settings less = settings("ann", VIEWER), bound = settings("ann", ADMIN);

    bound.accounts = (struct strings){accounts, 1};
    join(world, "eve", VIEWER);
    world_refuses(world->work, REFUSAL_illegal_state, member_remove(world->work, &ann));
    world_refuses(world->work, REFUSAL_illegal_state,
                  member_update(world->work, &ann, &less, &out));
    world_refuses(world->work, REFUSAL_illegal_state,
                  member_update(world->work, &ann, &bound, &out));
    bob = join(world, "bob", ADMIN);
    world_ok(world->work, member_update(world->work, &ann, &bound, &ann));
    world_refuses(world->work, REFUSAL_illegal_state, member_remove(world->work, &bob));
    world_ok(world->work, member_remove(world->work, &ann)); /* she was not the last */
}

static void test_removing_ends_the_member_s_tokens(void **state)
{
    struct world *world = *state;
    struct member ann = join(world, "ann", VIEWER), out;
    struct member_settings of = member_settings_of(&ann);

    add_token(world, "tok_1", "tea_1", ann.resource.id);
    add_token(world, "tok_2", "tea_1", NULL);
    world_ok(world->work, member_remove(world->work, &ann));
    assert_string_equal(world_text(world, "SELECT string_agg(token_id, ' ') FROM api_token"
                                          " WHERE state = 'active'"),
                        "tok_2");
    world_is(world->work, ERR_NOT_FOUND,
             world_do(world->work, member_by_id(world->work, "tea_1", ann.resource.id, &out)));
    world_refuses(world->work, REFUSAL_version_conflict,
                  member_update(world->work, &ann, &of, &out));
    join(world, "ann", VIEWER); /* may come back, as somebody new */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_team_gets_the_plan_named_or_the_default),
        TEST(test_a_name_is_taken_until_its_team_is_gone),
        TEST(test_changes_of_what_was_read),
        TEST(test_a_team_does_not_choose_its_plan),
        TEST(test_a_plan_below_present_use),
        TEST(test_lists_are_of_who_asks),
        TEST(test_deleting_needs_an_empty_team_and_ends_its_tokens),
        TEST(test_members_have_a_role_and_accounts),
        TEST(test_a_bound_admin_stays_bound),
        TEST(test_the_last_admin_stays),
        TEST(test_removing_ends_the_member_s_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
