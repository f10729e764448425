#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/scene.h"

static struct scene scene;

static void test_an_account_is_found_by_id_key_and_name(void **state)
{
    struct account account = scene_account(&scene), found;
    struct db_rows rows;

    scene_as_tenant(&scene);
    assert_int_equal(account_by_ref(&scene.work, account.public_key, &found), OK);
    assert_string_equal(found.resource.id, scene.account_id);
    assert_int_equal(account_by_name(&scene.work, scene.team_id, "orders", &found), OK);
    assert_int_equal(account_by_name(&scene.work, scene.team_id, "nothing", &found), ERR_NOT_FOUND);
    assert_int_equal(
        account_list(&scene.work, &(struct account_query){.list = {.limit = 10}}, &rows), OK);
    assert_int_equal(rows.count, 1);
    assert_int_equal(scene_end(&scene, OK), OK);
}

/* DB-01: the second wall: another team's transaction does not find it. */
static void test_another_team_does_not_see_it(void **state)
{
    struct account found;
    struct principal other = scene.tenant;
    struct db_rows rows;

    other.team_id = "tea_other";
    assert_int_equal(db_begin(scene.work.db, other.team_id), OK);
    scene.work.who = &other;
    assert_int_equal(account_by_ref(&scene.work, scene.account_id, &found), ERR_NOT_FOUND);
    assert_int_equal(
        account_list(&scene.work, &(struct account_query){.list = {.limit = 10}}, &rows), OK);
    assert_int_equal(rows.count, 0);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_a_lock_checks_the_version(void **state)
{
    struct account found;

    scene_as_tenant(&scene);
    assert_int_equal(account_lock(&scene.work, scene.account_id, 1, &found), OK);
    assert_int_equal(account_lock(&scene.work, scene.account_id, 7, &found), ERR_CONFLICT);
    assert_int_equal(scene_end(&scene, OK), OK);
}

/* LIF-01: every move that there is, and the refusal of those that there are not. */
static void test_states_and_their_moves(void **state)
{
    static const struct {
        const char *action, *state;
        bool allowed;
    } cases[] = {
        {"change", "active", true},      {"change", "suspended", true},
        {"change", "deleting", false},   {"suspend", "active", true},
        {"suspend", "suspended", false}, {"resume", "suspended", true},
        {"resume", "active", false},     {"delete", "active", true},
        {"delete", "suspended", true},   {"delete", "deleting", false},
        {"take_over", "active", false},  {"take_over", "suspended", true},
        {"delete", "deleted", false},    {"tombstone", "deleting", true},
        {"tombstone", "active", false},  {"await", "purging", true},
        {"finish", "tombstoned", true},  {"finish", "active", false},
    };
    struct account account = scene_account(&scene);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (account_allows(cases[i].action, cases[i].state, NULL) != cases[i].allowed)
            fail_msg("%s of %s", cases[i].action, cases[i].state);
    }
    scene_as_tenant(&scene);
    account.resource.state = "deleting";
    assert_int_equal(account_may(&scene.work, &account, "resume"), ERR_STATE);
    assert_string_equal(scene_refused(&scene), "illegal_state");
    assert_non_null(strstr(scene.refusal.detail, "deleting"));
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_jwt_and_claims_are_of_the_newest_revision(void **state)
{
    struct account account = scene_account(&scene);
    const char *jwt;
    json_t *view;
    bool issued;

    scene_as_tenant(&scene);
    assert_int_equal(account_jwt(&scene.work, &account, &jwt), OK);
    assert_int_equal(strlen(jwt), account.jwt_size);
    assert_int_equal(account_claims_view(&scene.work, &account, &view), OK);
    assert_string_equal(json_string_value(json_object_get(json_object_get(view, "claims"), "sub")),
                        account.public_key);
    assert_int_equal(account_issued(&scene.work, account.resource.id, jwt, &issued), OK);
    assert_true(issued);
    assert_int_equal(account_issued(&scene.work, account.resource.id, "other", &issued), OK);
    assert_false(issued);
    assert_int_equal(account_issued(&scene.work, "acc_other", jwt, &issued), OK);
    assert_false(issued);
    assert_int_equal(account_push(&scene.work, &account), OK);
    assert_true(scene.work.wake & WAKE_OUTBOX);
    assert_int_equal(scene_end(&scene, OK), OK);
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
        cmocka_unit_test(test_an_account_is_found_by_id_key_and_name),
        cmocka_unit_test(test_another_team_does_not_see_it),
        cmocka_unit_test(test_a_lock_checks_the_version),
        cmocka_unit_test(test_states_and_their_moves),
        cmocka_unit_test(test_jwt_and_claims_are_of_the_newest_revision),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
