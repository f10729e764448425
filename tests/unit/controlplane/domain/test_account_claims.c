#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/account_claims.h"
#include "controlplane/domain/revocation.h"
#include "controlplane/domain/signing_key.h"
#include "tests/lib/scene.h"

static struct scene scene;

static struct claims build(void)
{
    struct account account = scene_account(&scene);
    struct claims claims;

    scene_as_tenant(&scene);
    assert_int_equal(account_claims_build(&scene.work, &account, &claims), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    return claims;
}

/* QUO-30: every limit is written out. */
static void test_limits_are_the_plans(void **state)
{
    const struct claims_account_limits *limits = &build().account->limits;

    assert_int_equal(limits->conn, -1);
    assert_int_equal(limits->leaf, 0);
    assert_int_equal(limits->nats.data, -1);
    assert_int_equal(limits->nats.payload, -1);
    assert_true(limits->disallow_bearer);
    assert_int_equal(limits->js.disk_storage, 0); /* the system has no JetStream */
}

/* JWT-05: keys, scopes and revocations are all in, from the database. */
static void test_keys_and_revocations_are_in(void **state)
{
    const char *user = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    struct account account = scene_account(&scene);
    struct scoped_role_settings role = {
        .settings = {.name = "service"},
        .rules = {.permissions = {.pub = {.allow = {(const char *[]){"svc.{{name()}}.>"}, 1}}}}};
    const struct revocation_settings settings = {.reason = "test"};
    struct scoped_role made;
    struct revocation revocation;
    struct claims claims;

    scene_as_tenant(&scene);
    assert_int_equal(scoped_role_create(&scene.work, &account, &role, &made), OK);
    assert_int_equal(revocation_put(&scene.work, &account, user, &settings, &revocation), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    claims = build();
    assert_int_equal(claims.account->signing_keys.count, 2); /* the account's first, the role's */
    for (size_t i = 0; i < 2; i++) {
        const struct claims_signing_key *key = &claims.account->signing_keys.items[i];

        if (key->template == NULL)
            continue;
        assert_string_equal(key->role, "service");
        assert_string_equal(key->template->permissions.pub.allow.items[0], "svc.{{name()}}.>");
        assert_int_equal(key->template->nats.subs, -1);
    }
    assert_int_equal(claims.account->revocations.count, 1);
    assert_string_equal(claims.account->revocations.items[0].key, user);
}

static void test_a_suspended_account_has_no_connections(void **state)
{
    struct account account = scene_account(&scene);
    struct claims claims;

    scene_as_tenant(&scene);
    account.resource.state = "suspended";
    assert_int_equal(account_claims_build(&scene.work, &account, &claims), OK);
    assert_int_equal(claims.account->limits.conn, 0);
    assert_int_equal(claims.account->limits.leaf, 0);
    account_claims_tombstone(&scene.work, &account, &claims);
    assert_int_equal(claims.account->limits.nats.subs, 0);
    assert_int_equal(claims.account->signing_keys.count, 0);
    assert_int_equal(claims.exp, 0);
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
        cmocka_unit_test(test_limits_are_the_plans),
        cmocka_unit_test(test_keys_and_revocations_are_in),
        cmocka_unit_test(test_a_suspended_account_has_no_connections),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
