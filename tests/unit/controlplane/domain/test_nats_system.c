#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "api/nats/jwt.h"
#include "controlplane/domain/nats_system.h"
#include "controlplane/vault/issuer.h"
#include "tests/lib/scene.h"

static struct scene scene;

static void test_a_configuration_has_all_a_node_needs(void **state)
{
    const struct server_config config = {.server_name = "n1",
                                         .listen = "127.0.0.1",
                                         .store_dir = "/srv/n1",
                                         .port = 4222,
                                         .http_port = 8222};
    struct nats_system system;
    const char *text;

    scene_as_admin(&scene);
    assert_int_equal(nats_system_by_ref(&scene.work, "main", &system), OK);
    assert_int_equal(nats_system_server_config(&scene.work, &system, &config, &text), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_non_null(strstr(text, "server_name: \"n1\""));
    assert_non_null(strstr(text, "listen: \"127.0.0.1:4222\""));
    assert_non_null(strstr(text, "http: \"127.0.0.1:8222\""));
    assert_non_null(strstr(text, "operator: eyJ"));
    assert_non_null(strstr(text, system.system_account_key));
    assert_non_null(strstr(text, "allow_delete: true"));
    assert_non_null(strstr(text, "limit: 4000"));
}

/* Under a strict operator nodes take users of signing keys only. */
static void test_our_own_user_is_signed_by_a_signing_key(void **state)
{
    char key[NKEY_PUBLIC_MAX];
    struct vault_secret seed;
    struct nats_system system;
    struct claims claims;
    const char *jwt;

    issuer_new_key(random_system(), NKEY_USER, key, &seed);
    scene_as_machine(&scene);
    assert_int_equal(nats_system_by_ref(&scene.work, scene.system_id, &system), OK);
    assert_int_equal(nats_system_connect_jwt(&scene.work, scene.system_id, key, 3600, &jwt), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(jwt_decode(slice_of(jwt), &scene.arena, &claims, NULL), OK);
    assert_string_equal(claims.sub, key);
    assert_string_equal(claims.user->issuer_account, system.system_account_key);
    assert_string_not_equal(claims.iss, system.system_account_key);
    assert_int_equal(claims.exp - claims.iat, 3600);
    vault_secret_wipe(&seed);
}

static void test_a_system_with_accounts_stays(void **state)
{
    const struct nats_system_settings settings = {.settings = {.name = "empty"}};
    struct nats_system system;

    scene_as_admin(&scene);
    assert_int_equal(nats_system_by_ref(&scene.work, scene.system_id, &system), OK);
    assert_int_equal(nats_system_delete(&scene.work, &system), ERR_STATE);
    assert_string_equal(scene_refused(&scene), "in_use");
    scene.refusal.code = REFUSAL_none;
    assert_int_equal(nats_system_create(&scene.work, &settings, &system), OK);
    assert_int_equal(nats_system_delete(&scene.work, &system), OK);
    assert_int_equal(nats_system_by_ref(&scene.work, "empty", &system), ERR_NOT_FOUND);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_what_a_system_should_hold(void **state)
{
    const struct desired_account *desired;
    struct nats_system system;
    struct strings ids;
    struct db_rows rows;
    const char *only;
    json_t *sync;

    scene_as_machine(&scene);
    assert_int_equal(nats_system_desired(&scene.work, scene.system_id, NULL, 10, &rows), OK);
    assert_int_equal(rows.count, 2); /* the system account is preloaded, and compared */
    desired = rows.items;
    assert_true(desired[0].is_system);
    desired++;
    assert_string_equal(desired->account_id, scene.account_id);
    assert_false(desired->tombstone);
    assert_int_equal(
        nats_system_desired(&scene.work, scene.system_id, desired->account_id, 10, &rows), OK);
    assert_int_equal(rows.count, 0);
    assert_int_equal(nats_system_only(&scene.work, &only), OK);
    assert_int_equal(nats_system_of_operator(&scene.work, scene.operator_id, &ids), OK);
    assert_int_equal(ids.count, 1);
    assert_int_equal(nats_system_want_reconcile(&scene.work, scene.system_id), OK);
    assert_true(scene.work.wake & WAKE_RECONCILE);
    assert_int_equal(nats_system_reconciled(&scene.work, scene.system_id, true), OK);
    assert_int_equal(nats_system_refresh_state(&scene.work, scene.system_id), OK);
    assert_int_equal(nats_system_by_ref(&scene.work, scene.system_id, &system), OK);
    assert_true(system.last_compare_at > 0);
    assert_int_equal(nats_system_sync(&scene.work, &system, &sync), OK);
    assert_int_equal(json_array_size(json_object_get(sync, "drifts")), 1);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_a_request_to_forget_is_signed_by_the_operator(void **state)
{
    struct account account = scene_account(&scene);
    struct claims claims;
    const char *jwt;

    scene_as_machine(&scene);
    assert_int_equal(nats_system_delete_request(&scene.work, scene.system_id,
                                                &(struct strings){&account.public_key, 1}, &jwt),
                     OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(jwt_decode(slice_of(jwt), &scene.arena, &claims, NULL), OK);
    assert_int_equal(claims.iss[0], 'O');
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
        cmocka_unit_test(test_what_a_system_should_hold),
        cmocka_unit_test(test_a_configuration_has_all_a_node_needs),
        cmocka_unit_test(test_our_own_user_is_signed_by_a_signing_key),
        cmocka_unit_test(test_a_system_with_accounts_stays),
        cmocka_unit_test(test_a_request_to_forget_is_signed_by_the_operator),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
