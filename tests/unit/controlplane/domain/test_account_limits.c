#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/account_life.h"
#include "controlplane/domain/account_limits.h"
#include "tests/lib/scene.h"

static struct scene scene;

static struct optional_int number(int64_t value)
{
    return (struct optional_int){true, value};
}

/* The plan: 100 connections, may be raised to 200 by the team; 10 users, not to be raised. */
static void make_plan(void)
{
    struct plan_settings settings;
    struct plan plan, out;
    struct account account = scene_account(&scene);
    struct account_settings other;
    const struct plan_settings parking = {.settings = {.name = "parking"}};

    scene_as_admin(&scene);
    assert_int_equal(plan_by_ref(&scene.work, scene.plan_id, 0, &plan), OK);
    settings = plan_settings_of(&plan);
    settings.limits.connections = number(100);
    settings.limits.users = number(10);
    settings.max.connections = number(200);
    settings.allowed_overrides = (struct strings){(const char *[]){"connections"}, 1};
    assert_int_equal(plan_update(&scene.work, &plan, &settings, &out), OK);
    /* An account keeps its version until it is given the plan again. */
    assert_int_equal(plan_create(&scene.work, &parking, &plan), OK);
    other = account_settings_of(&account);
    other.plan_id = plan.resource.id;
    assert_int_equal(account_update(&scene.work, &account, &other, &account), OK);
    other.plan_id = scene.plan_id;
    assert_int_equal(account_update(&scene.work, &account, &other, &account), OK);
    assert_int_equal(account.plan_version, out.plan_version);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static enum result override(bool tenant, const struct limits *limits, bool allow)
{
    struct account account = scene_account(&scene), out;

    if (tenant)
        scene_as_tenant(&scene);
    else
        scene_as_admin(&scene);
    return scene_end(&scene, account_set_limits(&scene.work, &account, limits, allow, &out));
}

static void test_who_may_override_what(void **state)
{
    make_plan();
    assert_int_equal(override(true, &(struct limits){.connections = number(50)}, false), OK);
    assert_int_equal(override(true, &(struct limits){.connections = number(200)}, false), OK);
    assert_int_equal(override(true, &(struct limits){.connections = number(201)}, false),
                     ERR_INVALID);
    assert_string_equal(scene.refusal.errors[0].code, "above_plan_maximum");
    assert_int_equal(override(true, &(struct limits){.users = number(11)}, false), ERR_DENIED);
    assert_string_equal(scene_refused(&scene), "plan_forbids");
    assert_int_equal(override(true, &(struct limits){.users = number(5)}, false), OK);
    assert_int_equal(override(false, &(struct limits){.users = number(11)}, false), OK);
    assert_int_equal(override(true, /* what the operator gave stays, and is no ladder */
                              &(struct limits){.users = number(11), .connections = number(60)},
                              false),
                     OK);
    assert_int_equal(override(true, &(struct limits){.users = number(12)}, false), ERR_DENIED);
    assert_int_equal(override(true, &(struct limits){.users = number(10)}, false), OK);
    assert_int_equal(override(true, &(struct limits){.users = number(11)}, false), ERR_DENIED);
    assert_int_equal(override(false, &(struct limits){.connections = number(-1)}, false),
                     ERR_INVALID);
    assert_int_equal(override(false, &(struct limits){.data = number(5)}, false), ERR_INVALID);
    assert_string_equal(scene.refusal.errors[0].code, "not_enforced");
}

/* QUO-31: value, source, who enforces it, use. */
static void test_each_quota_says_where_it_comes_from(void **state)
{
    struct account account;
    json_t *tree, *entry;

    assert_int_equal(override(true, &(struct limits){.connections = number(60)}, false), OK);
    account = scene_account(&scene);
    scene_as_tenant(&scene);
    assert_int_equal(account_limits(&scene.work, &account, "effective", &tree), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    entry = json_object_get(tree, "connections");
    assert_int_equal(json_integer_value(json_object_get(entry, "effective")), 60);
    assert_string_equal(json_string_value(json_object_get(entry, "source")), "override");
    assert_string_equal(json_string_value(json_object_get(entry, "enforced_by")), "node");
    entry = json_object_get(tree, "users");
    assert_string_equal(json_string_value(json_object_get(entry, "source")), "plan");
    assert_int_equal(json_integer_value(json_object_get(entry, "used")), 0);
    entry = json_object_get(tree, "js_disk");
    assert_string_equal(json_string_value(json_object_get(entry, "source")), "system");
    assert_int_equal(json_object_size(tree), LIMIT_COUNT);
}

/* QUO-33: below what is in use only when that is said. */
static void test_below_present_use(void **state)
{
    scene_sql(&scene, "INSERT INTO nats_user (user_id, name, team_id, account_id)"
                      " SELECT 'usr_' || i, 'u' || i, a.team_id, a.account_id"
                      "   FROM account a, generate_series(1, 3) i WHERE NOT a.is_system");
    assert_int_equal(override(true, &(struct limits){.users = number(2)}, false), ERR_LIMIT);
    assert_string_equal(scene_refused(&scene), "over_quota");
    assert_string_equal(scene.refusal.errors[0].pointer, "/users");
    assert_int_equal(scene.refusal.errors[0].limit, 2);
    assert_int_equal(scene.refusal.errors[0].actual, 3);
    assert_int_equal(override(true, &(struct limits){.users = number(2)}, true), OK);
    /* What is over already may become less over, and need not be said again for the rest. */
    assert_int_equal(
        override(true, &(struct limits){.users = number(2), .connections = number(7)}, false), OK);
}

/* The epoch of a node that was retired stays open. */
static void test_connections_of_a_retired_node_are_not_in_use(void **state)
{
    struct limits limits = {.users = number(2), .connections = number(6)};

    scene_node(&scene, "n1", "N1");
    scene_sql(&scene, "INSERT INTO usage_epoch (system_id, node_id, server_id, account_id, team_id,"
                      " started_at, sampled_at, connections)"
                      " SELECT n.system_id, n.node_id, 'N1', a.account_id, a.team_id, now(), now(),"
                      " 7 FROM node n, account a WHERE NOT a.is_system");
    assert_int_equal(override(true, &limits, false), ERR_LIMIT);
    assert_string_equal(scene.refusal.errors[0].pointer, "/connections");
    assert_int_equal(scene.refusal.errors[0].actual, 7);
    scene_sql(&scene, "UPDATE node SET state = 'retired'");
    assert_int_equal(override(true, &limits, false), OK);
}

/* The operator's smaller plan, and an override taken back, are asked about just as well. */
static void test_a_plan_below_present_use(void **state)
{
    const struct plan_settings small = {.settings = {.name = "tiny"},
                                        .limits = {.users = number(1), .connections = number(5)}};
    struct account account, out;
    struct account_settings settings;
    struct plan plan;

    assert_int_equal(override(false, &(struct limits){0}, true), OK);
    account = scene_account(&scene);
    scene_as_admin(&scene);
    assert_int_equal(plan_create(&scene.work, &small, &plan), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    settings = account_settings_of(&account);
    settings.plan_id = plan.resource.id;
    scene_as_admin(&scene);
    assert_int_equal(scene_end(&scene, account_update(&scene.work, &account, &settings, &out)),
                     ERR_LIMIT);
    assert_string_equal(scene_refused(&scene), "over_quota");
    assert_int_equal(scene.refusal.error_count, 1);
    assert_string_equal(scene.refusal.errors[0].pointer, "/users");
    assert_int_equal(scene.refusal.errors[0].actual, 3);
    settings.allow_over_quota = true;
    scene_as_admin(&scene);
    assert_int_equal(scene_end(&scene, account_update(&scene.work, &account, &settings, &out)), OK);
    assert_string_equal(out.plan_id, plan.resource.id);
    assert_int_equal(override(false, &(struct limits){.users = number(9)}, false), OK);
    assert_int_equal(override(false, &(struct limits){0}, false), ERR_LIMIT);
    assert_string_equal(scene_refused(&scene), "over_quota");
}

static int set_up(void **state)
{
    scene_start(&scene);
    return 0;
}

static int tear_down(void **state)
{
    scene_stop(&scene);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_override_what),
        cmocka_unit_test(test_each_quota_says_where_it_comes_from),
        cmocka_unit_test(test_below_present_use),
        cmocka_unit_test(test_connections_of_a_retired_node_are_not_in_use),
        cmocka_unit_test(test_a_plan_below_present_use),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
