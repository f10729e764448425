#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/account_delete.h"
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

/* One of two that work at the same time, each on its own connection. */
struct rival {
    struct scene scene;
    const char *name, *other_plan;
    unsigned random;
    int made, refused, failed;
    size_t count;
    char ids[24][48];
};

static enum result rival_create(struct rival *rival, struct account *out)
{
    char name[32];
    const struct account_settings settings = {.settings = {.name = name}};
    enum result rc;

    snprintf(name, sizeof(name), "%s-%d", rival->name, rival->made + rival->refused);
    scene_as_tenant(&rival->scene);
    rc = account_create(&rival->scene.work, &settings, out);
    rc = scene_end(&rival->scene, rc);
    if (rc == OK)
        rival->made++;
    else if (strcmp(scene_refused(&rival->scene), "quota_exceeded") == 0)
        rival->refused++;
    else
        rival->failed++;
    return rc;
}

static void *create_ten(void *arg)
{
    struct account account;

    for (int i = 0; i < 10; i++)
        (void)rival_create(arg, &account);
    return NULL;
}

static void compete(void *(*fn)(void *arg), const char *other_plan, struct rival rivals[2])
{
    static const char *const names[] = {"castor", "pollux", "romulus", "remus"};
    static size_t named;
    pthread_t threads[2];

    for (size_t i = 0; i < 2; i++) {
        rivals[i] =
            (struct rival){.name = names[named++], .other_plan = other_plan, .random = (unsigned)i};
        scene_second(&rivals[i].scene, &scene);
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fn, &rivals[i]), 0);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        scene_stop(&rivals[i].scene);
    }
}

static void change_limit(struct optional_int accounts)
{
    struct plan_settings settings;
    struct plan plan, changed;

    scene_as_admin(&scene);
    assert_int_equal(plan_by_ref(&scene.work, scene.plan_id, 0, &plan), OK);
    settings = plan_settings_of(&plan);
    settings.limits.accounts = accounts;
    assert_int_equal(plan_update(&scene.work, &plan, &settings, &changed), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_two_at_once_do_not_pass_the_quota(void **state)
{
    static struct rival rivals[2];
    struct team team;

    scene_as_tenant(&scene);
    assert_int_equal(team_by_ref(&scene.work, scene.team_id, &team), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    change_limit((struct optional_int){true, team.account_count + 10});
    compete(create_ten, NULL, rivals);
    assert_int_equal(rivals[0].failed + rivals[1].failed, 0);
    assert_int_equal(rivals[0].made + rivals[1].made, 10);
    assert_int_equal(rivals[0].refused + rivals[1].refused, 10);
    change_limit((struct optional_int){0});
}

/* The next thing that happens to an account of this rival's. */
static enum result befall(struct rival *rival, struct account *account)
{
    struct work *work = &rival->scene.work;
    const char *id = account->resource.id, *is = account->resource.state;
    struct account_settings settings = account_settings_of(account);
    struct operation operation;
    struct account out;
    int64_t revision;

    if (strcmp(is, "deleting") == 0)
        return account_delete_tombstone(work, id, &revision);
    if (strcmp(is, "purging") == 0)
        return account_delete_tombstoned(work, id);
    if (strcmp(is, "tombstoned") == 0)
        return account_delete_finish(work, id, true);
    if (strcmp(is, "suspended") == 0)
        return account_resume(work, account, &out);
    if (strcmp(is, "active") != 0)
        return OK;
    switch (rand_r(&rival->random) % 4) {
    case 0:
        return account_suspend(work, account, "", true, &out);
    case 1:
        return account_delete(work, account, &operation);
    default:
        settings.plan_id = strcmp(account->plan_id, rival->other_plan) == 0 ? rival->scene.plan_id
                                                                            : rival->other_plan;
        return account_update(work, account, &settings, &out);
    }
}

static void *live(void *arg)
{
    struct rival *rival = arg;
    struct account account;

    for (int i = 0; i < 120; i++) {
        size_t at = (size_t)rand_r(&rival->random) % COUNT_OF(rival->ids);
        enum result rc;

        if (at >= rival->count) {
            if (rival_create(rival, &account) == OK)
                snprintf(rival->ids[rival->count++], sizeof(rival->ids[0]), "%s",
                         account.resource.id);
            continue;
        }
        scene_as_admin(&rival->scene);
        rc = account_lock(&rival->scene.work, rival->ids[at], 0, &account);
        if (rc == OK)
            rc = befall(rival, &account);
        if (scene_end(&rival->scene, rc) != OK)
            rival->failed++;
    }
    return NULL;
}

/* Whatever happens, by whomever: nothing is counted twice, nothing lost, nobody waits in a circle.
 */
static void test_the_tally_is_what_counting_finds(void **state)
{
    const struct plan_settings settings = {.settings = {.name = "other"}};
    static struct rival rivals[2];
    struct plan plan;

    scene_as_admin(&scene);
    assert_int_equal(plan_create(&scene.work, &settings, &plan), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    compete(live, plan.resource.id, rivals);
    assert_int_equal(rivals[0].failed + rivals[1].failed, 0);
    scene_sql(&scene, "DO $$BEGIN IF EXISTS (SELECT"
                      " FROM (SELECT team_id, plan_id, plan_version, state, count(*)"
                      "         FROM account WHERE NOT is_system GROUP BY 1, 2, 3, 4) a"
                      " FULL JOIN account_tally t USING (team_id, plan_id, plan_version, state)"
                      " WHERE coalesce(a.count, 0) <> coalesce(t.accounts, 0))"
                      " THEN RAISE 'the tally is wrong'; END IF;"
                      " IF (SELECT count(DISTINCT (plan_id, state)) FROM account"
                      "      WHERE NOT is_system) < 6"
                      " THEN RAISE 'too little has happened'; END IF; END$$");
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
        cmocka_unit_test(test_two_at_once_do_not_pass_the_quota),
        cmocka_unit_test(test_the_tally_is_what_counting_finds),
        cmocka_unit_test(test_suspend_and_resume),
        cmocka_unit_test(test_a_team_does_not_undo_the_operators_suspension),
        cmocka_unit_test(test_the_operator_takes_a_teams_suspension_over),
        cmocka_unit_test(test_the_operator_resumes_anything),
        cmocka_unit_test(test_what_is_fixed_stays),
        cmocka_unit_test(test_a_token_of_some_accounts_makes_no_others),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
