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

/* The whole way, each step twice: whoever dies in one, another repeats it. */
static void test_step_by_step(void **state)
{
    struct account account = scene_account(&scene), again;
    struct operation operation;
    struct vault_secret seed;
    const char *secret_id = account.secret_id;
    int64_t revision, same;

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
