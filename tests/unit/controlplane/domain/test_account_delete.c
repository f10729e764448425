#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/account_delete.h"
#include "controlplane/domain/account_life.h"
#include "controlplane/domain/secret.h"
#include "tests/lib/scene.h"

static struct scene scene;

static void set_protection(bool on)
{
    struct account account = scene_account(&scene), out;
    struct account_settings settings = account_settings_of(&account);

    settings.protection = on;
    scene_as_tenant(&scene);
    assert_int_equal(account_update(&scene.work, &account, &settings, &out), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_a_protected_account_stays(void **state)
{
    struct account account;
    struct operation operation;

    set_protection(true);
    account = scene_account(&scene);
    scene_as_tenant(&scene);
    assert_int_equal(account_delete(&scene.work, &account, &operation), ERR_STATE);
    assert_string_equal(scene_refused(&scene), "protected");
    assert_int_equal(scene_end(&scene, ERR_STATE), ERR_STATE);
    set_protection(false);
}

/* What an account may have when it is deleted. */
static void add_belongings(void)
{
    (void)scene_node(&scene, "a", "NA");
    scene_sql(&scene, "INSERT INTO node_account_sync (node_id, account_id, team_id)"
                      " SELECT n.node_id, a.account_id, a.team_id FROM node n, account a"
                      "  WHERE NOT a.is_system");
    scene_sql(&scene,
              "INSERT INTO scoped_role (role_id, name, team_id, account_id)"
              " SELECT 'rol_1', 'r', team_id, account_id FROM account WHERE NOT is_system;"
              "INSERT INTO nats_user (user_id, name, team_id, account_id, state)"
              " SELECT 'usr_' || s, s, team_id, account_id, s"
              "   FROM account, unnest(ARRAY['active', 'disabled']) s WHERE NOT is_system;"
              "INSERT INTO credential (credential_id, name, team_id, account_id, user_id, jti,"
              "                        public_key, issuer_key, issued_at, state)"
              " SELECT 'crd_' || s, s, team_id, account_id, 'usr_active', s, 'U' || repeat('A', "
              "55), 'A', now(), s"
              "   FROM account, unnest(ARRAY['active', 'superseded', 'revoked']) s"
              "  WHERE NOT is_system");
}

/* Nothing of it looks as if it could still be used, nothing waits to be told to nodes. */
static void check_nothing_is_left(void)
{
    scene_sql(&scene,
              "DO $$ DECLARE left_over text; BEGIN"
              " SELECT string_agg(what || ' ' || state, ', ') INTO left_over FROM ("
              "  SELECT 'user' AS what, state FROM nats_user WHERE state <> 'deleted' UNION ALL"
              "  SELECT 'role', state FROM scoped_role WHERE state <> 'deleted' UNION ALL"
              "  SELECT 'key', k.state FROM signing_key k JOIN account a USING (account_id)"
              "   WHERE NOT a.is_system AND k.state <> 'retired' UNION ALL"
              "  SELECT 'credential', state FROM credential"
              "   WHERE state NOT IN ('orphaned', 'revoked') UNION ALL"
              "  SELECT 'version', user_id FROM nats_user WHERE version = 1 UNION ALL"
              "  SELECT 'sync', node_id FROM node_account_sync UNION ALL"
              "  SELECT 'outbox', kind FROM outbox) AS rows;"
              " IF left_over IS NOT NULL THEN RAISE EXCEPTION 'left: %', left_over; END IF;"
              "END $$");
}

/* The whole way, each step twice: whoever dies in one, another repeats it. */
static void test_step_by_step(void **state)
{
    struct account account = scene_account(&scene), again;
    struct operation operation;
    struct vault_secret seed;
    const char *secret_id = account.secret_id;
    int64_t revision, same;

    add_belongings();
    scene_as_tenant(&scene);
    assert_int_equal(account_delete(&scene.work, &account, &operation), OK);
    assert_int_equal(operation.steps.count, 7);
    assert_string_equal(operation.steps.items[0].name, STEP_SUSPEND);
    assert_true(scene.work.wake & WAKE_OPERATION);
    assert_int_equal(scene_end(&scene, OK), OK);

    scene_as_machine(&scene);
    assert_int_equal(account_delete_tombstone(&scene.work, scene.account_id, &revision), OK);
    assert_int_equal(account_delete_tombstone(&scene.work, scene.account_id, &same), OK);
    assert_int_equal(revision, same);
    assert_int_equal(account_delete_tombstoned(&scene.work, scene.account_id), OK);
    assert_int_equal(account_delete_tombstoned(&scene.work, scene.account_id), OK);
    assert_int_equal(account_by_ref(&scene.work, scene.account_id, &again), OK);
    assert_string_equal(again.resource.state, "tombstoned");
    assert_int_equal(secret_get(&scene.work, secret_id, &seed), OK);
    vault_secret_wipe(&seed);
    assert_int_equal(account_delete_finish(&scene.work, scene.account_id, true), OK);
    assert_int_equal(account_delete_finish(&scene.work, scene.account_id, true), OK);
    assert_int_equal(account_by_ref(&scene.work, scene.account_id, &again), OK);
    assert_string_equal(again.resource.state, "deleted");
    assert_int_equal(secret_get(&scene.work, secret_id, &seed), ERR_NOT_FOUND);
    assert_int_equal(scene_end(&scene, OK), OK);
    check_nothing_is_left();
}

/* Its name is free again; its key never is. */
static void test_the_name_is_free_again(void **state)
{
    const struct account_settings settings = {.settings = {.name = "orders"}};
    struct account account;

    scene_as_tenant(&scene);
    assert_int_equal(account_create(&scene.work, &settings, &account), OK);
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
        cmocka_unit_test(test_a_protected_account_stays),
        cmocka_unit_test(test_step_by_step),
        cmocka_unit_test(test_the_name_is_free_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
