#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/nats_user.h"
#include "controlplane/domain/revocation.h"
#include "tests/lib/scene.h"

static struct scene scene;

static enum result make(const struct nats_user_settings *settings, struct nats_user *out)
{
    struct account account = scene_account(&scene);

    scene_as_tenant(&scene);
    return scene_end(&scene, nats_user_create(&scene.work, &account, settings, out));
}

static void test_a_user(void **state)
{
    const struct nats_user_settings settings = {.settings = {.name = "billing_worker"}};
    struct nats_user user;

    assert_int_equal(make(&settings, &user), OK);
    assert_string_equal(user.resource.state, "active");
    assert_int_equal(user.default_ttl_s.value, 90 * 86400);
    assert_int_equal(make(&settings, &user), ERR_EXISTS);
    assert_string_equal(scene_refused(&scene), "name_taken");
}

/* VAL-09: a scoped user has nothing of its own. */
static void test_a_scoped_user_has_no_rules_of_its_own(void **state)
{
    struct account account = scene_account(&scene);
    const struct scoped_role_settings role_settings = {.settings = {.name = "service"}};
    struct nats_user_settings settings = {.settings = {.name = "scoped"}, .role_id = "service"};
    struct scoped_role role;
    struct nats_user user;

    scene_as_tenant(&scene);
    assert_int_equal(scoped_role_create(&scene.work, &account, &role_settings, &role), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(make(&settings, &user), OK);
    assert_string_equal(user.role_id, role.resource.id);
    settings.settings.name = "other";
    settings.rules.subs = (struct optional_int){true, 5};
    assert_int_equal(make(&settings, &user), ERR_INVALID);
    assert_string_equal(scene.refusal.errors[0].code, "exclusive");
    settings.role_id = "nothing";
    settings.rules.subs.set = false;
    assert_int_equal(make(&settings, &user), ERR_INVALID);
}

static void test_bearer_only_where_the_account_allows(void **state)
{
    const struct nats_user_settings settings = {.settings = {.name = "bearer"},
                                                .rules = {.bearer = true}};
    struct nats_user user;

    assert_int_equal(make(&settings, &user), ERR_INVALID);
    assert_string_equal(scene.refusal.errors[0].pointer, "/bearer");
}

/* USR-02, REV-12: disabled and deleted users are revoked in the same transaction. */
static void test_disabling_and_deleting_revoke(void **state)
{
    const char *key = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    const struct nats_user_settings settings = {.settings = {.name = "leaver"}, .public_key = key};
    struct nats_user_settings change;
    struct account account;
    struct nats_user user, out;
    struct revocation revocation;
    int64_t before = scene_account(&scene).revision;

    assert_int_equal(make(&settings, &user), OK);
    account = scene_account(&scene);
    scene_as_tenant(&scene);
    change = nats_user_settings_of(&user);
    change.disabled = true;
    assert_int_equal(nats_user_update(&scene.work, &account, &user, &change, &out), OK);
    assert_string_equal(out.resource.state, "disabled");
    assert_int_equal(revocation_by_key(&scene.work, scene.account_id, key, &revocation), OK);
    assert_int_equal(nats_user_delete(&scene.work, &account, &out), OK);
    assert_int_equal(nats_user_by_name(&scene.work, scene.account_id, "leaver", &user),
                     ERR_NOT_FOUND);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_true(scene_account(&scene).revision > before);
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
        cmocka_unit_test(test_a_user),
        cmocka_unit_test(test_a_scoped_user_has_no_rules_of_its_own),
        cmocka_unit_test(test_bearer_only_where_the_account_allows),
        cmocka_unit_test(test_disabling_and_deleting_revoke),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
