#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/account_life.h"
#include "controlplane/domain/plan.h"
#include "tests/lib/scene.h"

static struct scene scene;

static enum result create(const char *name, const char *plan, struct account *out)
{
    const struct account_settings settings = {.settings = {.name = name}, .plan_id = plan};
    enum result rc;

    scene_as_tenant(&scene);
    rc = account_create(&scene.work, &settings, out);
    return scene_end(&scene, rc);
}

static void test_a_name_is_taken_once(void **state)
{
    struct account account;

    assert_int_equal(create("second", NULL, &account), OK);
    assert_string_equal(account.team_id, scene.team_id);
    assert_string_equal(account.resource.state, "active");
    assert_int_equal(account.revision, 1);
    assert_int_equal(create("second", NULL, &account), ERR_EXISTS);
    assert_string_equal(scene_refused(&scene), "name_taken");
}

/* AUZ-04: a team does not give itself another plan. */
static void test_a_team_does_not_choose_its_plan(void **state)
{
    const struct plan_settings settings = {.settings = {.name = "large"}};
    struct account account;
    struct plan plan;

    scene_as_admin(&scene);
    assert_int_equal(plan_create(&scene.work, &settings, &plan), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(create("greedy", plan.resource.id, &account), ERR_DENIED);
    assert_string_equal(scene_refused(&scene), "plan_forbids");
}

static void test_the_plan_counts_accounts(void **state)
{
    struct plan_settings settings;
    struct plan plan, changed;
    struct account account;

    scene_as_admin(&scene);
    assert_int_equal(plan_by_ref(&scene.work, scene.plan_id, 0, &plan), OK);
    settings = plan_settings_of(&plan);
    settings.limits.accounts = (struct optional_int){true, plan.account_count};
    assert_int_equal(plan_update(&scene.work, &plan, &settings, &changed), OK);
    assert_int_equal(changed.plan_version, plan.plan_version + 1);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(create("too-many", NULL, &account), ERR_LIMIT);
    assert_string_equal(scene_refused(&scene), "quota_exceeded");
    scene_as_admin(&scene);
    settings.limits.accounts.set = false;
    assert_int_equal(plan_update(&scene.work, &changed, &settings, &plan), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_suspend_and_resume(void **state)
{
    struct account account = scene_account(&scene), out;

    scene_as_tenant(&scene);
    assert_int_equal(account_suspend(&scene.work, &account, "unpaid", true, &out), OK);
    assert_string_equal(out.resource.state, "suspended");
    assert_string_equal(out.state_reason, "unpaid");
    assert_string_equal(out.suspended_by, "team");
    assert_true(scene.work.wake & WAKE_OUTBOX);
    assert_int_equal(account_suspend(&scene.work, &out, "again", false, &account), ERR_STATE);
    assert_int_equal(scene_end(&scene, OK), OK);
    scene_as_tenant(&scene);
    assert_int_equal(account_resume(&scene.work, &out, &account), OK);
    assert_string_equal(account.resource.state, "active");
    assert_string_equal(account.suspended_by, "");
    assert_int_equal(scene_end(&scene, OK), OK);
}

/* What the operator suspended a team neither resumes nor makes its own. */
static void test_a_team_does_not_undo_the_operators_suspension(void **state)
{
    struct account account = scene_account(&scene), out;

    scene_as_admin(&scene);
    assert_int_equal(account_suspend(&scene.work, &account, "abuse", false, &out), OK);
    assert_string_equal(out.suspended_by, "operator");
    assert_int_equal(scene_end(&scene, OK), OK);
    scene_as_tenant(&scene);
    assert_int_equal(account_resume(&scene.work, &out, &account), ERR_DENIED);
    assert_string_equal(scene_refused(&scene), "suspended_by_operator");
    assert_int_equal(scene_end(&scene, ERR_DENIED), ERR_DENIED);
    scene_as_tenant(&scene);
    assert_int_equal(account_suspend(&scene.work, &out, "ours", false, &account), ERR_STATE);
    assert_int_equal(scene_end(&scene, ERR_STATE), ERR_STATE);
    account = scene_account(&scene);
    assert_string_equal(account.suspended_by, "operator");
    assert_string_equal(account.state_reason, "abuse");
    scene_as_admin(&scene);
    assert_int_equal(account_resume(&scene.work, &account, &out), OK);
    assert_string_equal(out.suspended_by, "");
    assert_int_equal(scene_end(&scene, OK), OK);
}

/* Else a team that suspends first would keep the operator from it, and resume when it likes. */
static void test_the_operator_takes_a_teams_suspension_over(void **state)
{
    struct account account = scene_account(&scene), out;

    scene_as_tenant(&scene);
    assert_int_equal(account_suspend(&scene.work, &account, "ours", false, &out), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    scene_as_admin(&scene);
    assert_int_equal(account_suspend(&scene.work, &out, "abuse", false, &account), OK);
    assert_string_equal(account.suspended_by, "operator");
    assert_string_equal(account.state_reason, "abuse");
    assert_int_equal(account_suspend(&scene.work, &account, "again", false, &out), ERR_STATE);
    assert_int_equal(scene_end(&scene, OK), OK);
    scene_as_tenant(&scene);
    assert_int_equal(account_resume(&scene.work, &account, &out), ERR_DENIED);
    assert_int_equal(scene_end(&scene, ERR_DENIED), ERR_DENIED);
    scene_as_admin(&scene);
    assert_int_equal(account_resume(&scene.work, &account, &out), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
}

/* The operator may open what a team closed. */
static void test_the_operator_resumes_anything(void **state)
{
    struct account account = scene_account(&scene), out;

    scene_as_tenant(&scene);
    assert_int_equal(account_suspend(&scene.work, &account, "", false, &out), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    scene_as_admin(&scene);
    assert_int_equal(account_resume(&scene.work, &out, &account), OK);
    assert_string_equal(account.resource.state, "active");
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_what_is_fixed_stays(void **state)
{
    struct account account = scene_account(&scene), out;
    struct account_settings settings = account_settings_of(&account);

    settings.team_id = "tea_other";
    scene_as_tenant(&scene);
    assert_int_equal(account_update(&scene.work, &account, &settings, &out), ERR_INVALID);
    assert_string_equal(scene.refusal.errors[0].pointer, "/team_id");
    assert_int_equal(scene_end(&scene, ERR_INVALID), ERR_INVALID);
}

static void test_a_token_of_some_accounts_makes_no_others(void **state)
{
    struct account account;

    scene.tenant.all_accounts = false;
    assert_int_equal(create("other", NULL, &account), ERR_DENIED);
    assert_string_equal(scene_refused(&scene), "forbidden");
    scene.tenant.all_accounts = true;
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
        cmocka_unit_test(test_a_name_is_taken_once),
        cmocka_unit_test(test_a_team_does_not_choose_its_plan),
        cmocka_unit_test(test_the_plan_counts_accounts),
        cmocka_unit_test(test_suspend_and_resume),
        cmocka_unit_test(test_a_team_does_not_undo_the_operators_suspension),
        cmocka_unit_test(test_the_operator_takes_a_teams_suspension_over),
        cmocka_unit_test(test_the_operator_resumes_anything),
        cmocka_unit_test(test_what_is_fixed_stays),
        cmocka_unit_test(test_a_token_of_some_accounts_makes_no_others),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
