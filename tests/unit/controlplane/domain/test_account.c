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

static void want_labelled(struct account_query query, json_t *labels, size_t expect)
{
    struct db_rows rows;
    const char *last = "";

    query.list.labels = labels;
    query.list.limit = query.list.limit != 0 ? query.list.limit : 100;
    assert_int_equal(account_list(&scene.work, &query, &rows), OK);
    assert_int_equal(rows.count, expect);
    for (size_t i = 0; i < rows.count; i++) {
        const struct account *account = (const struct account *)rows.items + i;

        assert_true(strcmp(account->resource.id, last) > 0);
        last = account->resource.id;
    }
    json_decref(labels);
}

/* Within a team by its own table, whose rows follow the accounts. */
static void test_accounts_are_found_by_label(void **state)
{
    struct account_query all = {0}, team = {.team_id = scene.team_id};
    struct account_query page = {.list = {.limit = 4, .after = "acc_l_1012"}};
    struct account_query suspended = {.list = {.state = "suspended"}};
    char value[260];

    memset(value, 'x', 250);
    value[250] = '0';
    value[251] = '\0';
    scene_sql(&scene, "INSERT INTO team (team_id, name, plan_id)"
                      " SELECT 'tea_l', 'others', plan_id FROM team");
    scene_sql(&scene,
              "INSERT INTO account (account_id, name, team_id, system_id, public_key, plan_id,"
              "                     plan_version, state, labels)"
              " SELECT 'acc_l_' || t.n || i, 'l' || i, t.team_id, s.system_id,"
              "        'A' || repeat('B', 51) || t.n || translate(i::text, '0189', 'WXYZ'),"
              "        p.plan_id, 1, CASE WHEN i = 130 THEN 'deleted' WHEN i = 103 THEN 'suspended'"
              "        ELSE 'active' END, jsonb_build_object('shard', (i % 3)::text, 'stage',"
              "        CASE WHEN i % 2 = 0 THEN 'test' ELSE 'live' END,"
              "        'long', repeat('x', 250) || (i % 5))"
              "   FROM generate_series(101, 130) i, system s, plan p,"
              "        (VALUES ('tea_l', 3), ((SELECT team_id FROM team"
              "                                 WHERE name = 'payments'), 2)) AS t (team_id, n)"
              "  WHERE p.is_default");
    scene_as_tenant(&scene);
    want_labelled(all, json_pack("{s:s}", "shard", "0"), 10);
    want_labelled(all, json_pack("{s:s, s:s}", "shard", "0", "stage", "live"), 5);
    want_labelled(all, json_pack("{s:s, s:s}", "stage", "live", "none", "x"), 0);
    want_labelled(all, json_pack("{s:s}", "long", value), 5);
    want_labelled(page, json_pack("{s:s}", "shard", "0"), 4);
    want_labelled(suspended, json_pack("{s:s}", "shard", "1"), 1);
    want_labelled(suspended, json_pack("{s:s}", "shard", "0"), 0);
    assert_int_equal(scene_end(&scene, OK), OK);

    scene_sql(&scene, "UPDATE account SET labels = labels || '{\"shard\":\"9\"}'"
                      " WHERE account_id = 'acc_l_2105'");
    scene_as_admin(&scene);
    want_labelled(team, json_pack("{s:s}", "shard", "0"), 9);
    want_labelled(team, json_pack("{s:s}", "shard", "9"), 1);
    want_labelled(all, json_pack("{s:s}", "shard", "0"), 19);
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
        cmocka_unit_test(test_accounts_are_found_by_label),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
