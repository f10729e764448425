#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/signing_key.h"
#include "controlplane/vault/issuer.h"
#include "tests/lib/scene.h"

static struct scene scene;

static struct scoped_role make_role(const char *name)
{
    struct account account = scene_account(&scene);
    const struct scoped_role_settings settings = {
        .settings = {.name = name},
        .rules = {.permissions = {.pub = {.allow = {(const char *[]){"svc.>"}, 1}}}}};
    struct scoped_role role;

    scene_as_tenant(&scene);
    assert_int_equal(scoped_role_create(&scene.work, &account, &settings, &role), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    return role;
}

/* ROL-01: one call makes the role and its key; the account's claims name it. */
static void test_a_role_comes_with_its_key(void **state)
{
    int64_t before = scene_account(&scene).revision;
    struct scoped_role role = make_role("service");
    struct account account = scene_account(&scene);
    struct signing_key key;
    struct vault_secret seed;

    assert_int_equal(account.revision, before + 1);
    scene_as_tenant(&scene);
    assert_int_equal(signing_key_for(&scene.work, &account, role.resource.id, &key, &seed), OK);
    assert_string_equal(key.role_id, role.resource.id);
    vault_secret_wipe(&seed);
    assert_int_equal(signing_key_for(&scene.work, &account, NULL, &key, &seed), OK);
    assert_string_equal(key.resource.name, "default");
    vault_secret_wipe(&seed);
    assert_int_equal(scene_end(&scene, OK), OK);
}

/* It will not come by itself: nobody is told to try again. */
static void test_who_has_no_managed_key_cannot_sign(void **state)
{
    struct account account = scene_account(&scene);
    struct signing_key key;
    struct vault_secret seed;

    scene_as_tenant(&scene);
    assert_int_equal(signing_key_for(&scene.work, &account, "rol_none", &key, &seed), ERR_STATE);
    assert_string_equal(scene_refused(&scene), "illegal_state");
    assert_int_equal(scene_end(&scene, ERR_STATE), ERR_STATE);
}

static void test_a_changed_role_changes_the_claims(void **state)
{
    struct scoped_role role = make_role("changing"), out;
    struct scoped_role_settings settings = scoped_role_settings_of(&role);
    int64_t before = scene_account(&scene).revision;

    settings.rules.subs = (struct optional_int){true, 3};
    scene_as_tenant(&scene);
    assert_int_equal(scoped_role_update(&scene.work, &role, &settings, &out), OK);
    assert_int_equal(out.rules.subs.value, 3);
    assert_int_equal(out.resource.version, 2);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(scene_account(&scene).revision, before + 1);
    scene_as_tenant(&scene);
    assert_int_equal(scoped_role_delete(&scene.work, &out), OK);
    assert_int_equal(scoped_role_by_ref(&scene.work, scene.account_id, "changing", &out),
                     ERR_NOT_FOUND);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(scene_account(&scene).revision, before + 2);
}

static void test_a_role_with_users_stays(void **state)
{
    struct scoped_role role = make_role("used");

    role.user_count = 1;
    scene_as_tenant(&scene);
    assert_int_equal(scoped_role_delete(&scene.work, &role), ERR_STATE);
    assert_string_equal(scene_refused(&scene), "in_use");
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void deletion_refused(const struct signing_key *key,
                             const struct signing_key_clients *clients, int64_t confirm,
                             const char *part)
{
    assert_int_equal(signing_key_delete(&scene.work, key, clients, confirm), ERR_STATE);
    assert_string_equal(scene_refused(&scene), "in_use");
    assert_non_null(strstr(scene.refusal.detail, part));
    scene.refusal.code = REFUSAL_none;
}

static void test_a_customers_key(void **state)
{
    struct account account = scene_account(&scene);
    struct signing_key_settings settings = {.settings = {.name = "theirs"}, .custody = 1};
    char public_key[NKEY_PUBLIC_MAX];
    struct vault_secret seed;
    struct signing_key key;
    static const struct signing_key_clients none = {0}, two = {.connected = 2},
                                            unknown = {.silent = 1};

    issuer_new_key(random_system(), NKEY_ACCOUNT, public_key, &seed);
    scene_as_tenant(&scene);
    assert_int_equal(signing_key_create(&scene.work, &account, &settings, &key), ERR_INVALID);
    scene.refusal.code = REFUSAL_none;
    settings.public_key = public_key;
    assert_int_equal(signing_key_create(&scene.work, &account, &settings, &key), OK);
    assert_null(key.secret_id);
    assert_int_equal(signing_key_by_ref(&scene.work, scene.account_id, public_key, &key), OK);
    deletion_refused(&key, &two, -1, "confirm_clients=2");
    deletion_refused(&key, &two, 1, "confirm_clients=2");
    deletion_refused(&key, &two, 0, "confirm_clients=2");
    deletion_refused(&key, &none, 2, "confirm_clients=0");
    deletion_refused(&key, &unknown, -1, "1 of the system's nodes did not say");
    key.live_credentials = 3;
    deletion_refused(&key, &none, -1, "Living credentials issued by it: 3");
    deletion_refused(&key, &none, 3, "confirm_clients=0");
    assert_int_equal(signing_key_delete(&scene.work, &key, &two, 2), OK);
    assert_int_equal(signing_key_by_ref(&scene.work, scene.account_id, public_key, &key),
                     ERR_NOT_FOUND);
    assert_int_equal(scene_end(&scene, OK), OK);
    vault_secret_wipe(&seed);
}

/* Whoever may change keys, but not issue credentials, does not get the right by a key of his own.
 */
static void test_a_customers_key_needs_the_right_to_issue(void **state)
{
    static const char *scopes[] = {"users:write", "credentials:issue"};
    const struct principal tenant = scene.tenant;
    struct account account = scene_account(&scene);
    struct signing_key_settings settings = {.settings = {.name = "own"}, .custody = 1};
    char public_key[NKEY_PUBLIC_MAX];
    struct vault_secret seed;
    struct signing_key key;

    issuer_new_key(random_system(), NKEY_ACCOUNT, public_key, &seed);
    vault_secret_wipe(&seed);
    settings.public_key = public_key;
    scene.tenant.role = ROLE_SERVICE;
    scene.tenant.scopes = (struct strings){scopes, 1};
    scene_as_tenant(&scene);
    assert_int_equal(scene_end(&scene, signing_key_create(&scene.work, &account, &settings, &key)),
                     ERR_DENIED);
    assert_string_equal(scene_refused(&scene), "forbidden");
    scene_as_admin(&scene); /* the operator cannot issue either */
    assert_int_equal(scene_end(&scene, signing_key_create(&scene.work, &account, &settings, &key)),
                     ERR_DENIED);
    assert_string_equal(scene_refused(&scene), "forbidden");
    scene.tenant.scopes.count = 2;
    scene_as_tenant(&scene);
    assert_int_equal(scene_end(&scene, signing_key_create(&scene.work, &account, &settings, &key)),
                     OK);
    /* A managed key signs only through those who may. */
    scene.tenant.scopes.count = 1;
    settings = (struct signing_key_settings){.settings = {.name = "managed"}};
    scene_as_tenant(&scene);
    assert_int_equal(scene_end(&scene, signing_key_create(&scene.work, &account, &settings, &key)),
                     OK);
    scene.tenant = tenant;
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
        cmocka_unit_test(test_a_role_comes_with_its_key),
        cmocka_unit_test(test_who_has_no_managed_key_cannot_sign),
        cmocka_unit_test(test_a_changed_role_changes_the_claims),
        cmocka_unit_test(test_a_role_with_users_stays),
        cmocka_unit_test(test_a_customers_key),
        cmocka_unit_test(test_a_customers_key_needs_the_right_to_issue),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
