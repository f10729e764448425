#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/secret.h"
#include "tests/lib/scene.h"

static struct scene scene;

static void test_a_secret_comes_back(void **state)
{
    struct vault_secret secret, again;
    const char *id;

    vault_secret_set(&secret, SLICE("a seed"));
    scene_as_admin(&scene);
    assert_int_equal(secret_put(&scene.work, scene.team_id, "acc_x", "test", &secret, &id), OK);
    assert_int_equal(secret_get(&scene.work, id, &again), OK);
    assert_string_equal((char *)again.data, "a seed");
    assert_string_equal(secret_show(&scene.work, &again), "a seed");
    vault_secret_wipe(&again);
    vault_secret_wipe(&secret);
    assert_int_equal(secret_destroy(&scene.work, "acc_x"), OK);
    assert_int_equal(secret_get(&scene.work, id, &again), ERR_NOT_FOUND);
    assert_int_equal(scene_end(&scene, OK), OK);
}

/* SEC-01: a row that was moved to another owner does not open. */
static void test_a_moved_ciphertext_does_not_open(void **state)
{
    struct vault_secret secret, again;
    const char *a, *b;

    vault_secret_set(&secret, SLICE("a seed"));
    scene_as_admin(&scene);
    assert_int_equal(secret_put(&scene.work, scene.team_id, "acc_a", "test", &secret, &a), OK);
    assert_int_equal(secret_put(&scene.work, scene.team_id, "acc_b", "test", &secret, &b), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    scene_sql(&scene, "UPDATE secret s SET ciphertext = t.ciphertext FROM secret t, data_key k"
                      " WHERE k.data_key_id = t.data_key_id AND k.owner_id = 'acc_a'"
                      "   AND s.data_key_id = (SELECT data_key_id FROM data_key"
                      "                         WHERE owner_id = 'acc_b')");
    scene_as_admin(&scene);
    assert_int_equal(secret_get(&scene.work, a, &again), OK);
    vault_secret_wipe(&again);
    assert_int_not_equal(secret_get(&scene.work, b, &again), OK);
    assert_string_equal(scene_refused(&scene), "signer_unavailable");
    assert_int_equal(scene_end(&scene, OK), OK);
    vault_secret_wipe(&secret);
}

static void test_another_master_key_is_refused(void **state)
{
    const unsigned char wrong[VAULT_KEY_LEN] = {1};
    struct tools tools = scene.tools;

    tools.vault = vault_from_key(wrong, random_system());
    scene_as_admin(&scene);
    assert_int_equal(secret_check_master(&scene.work), OK);
    scene.work.tools = &tools;
    assert_int_equal(secret_check_master(&scene.work), ERR_CORRUPT);
    scene.work.tools = &scene.tools;
    assert_int_equal(scene_end(&scene, OK), OK);
    vault_close(tools.vault);
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
        cmocka_unit_test(test_a_secret_comes_back),
        cmocka_unit_test(test_a_moved_ciphertext_does_not_open),
        cmocka_unit_test(test_another_master_key_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
