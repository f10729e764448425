#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/nats/jwt.h"
#include "controlplane/domain/credential.h"
#include "controlplane/domain/revocation.h"
#include "tests/lib/scene.h"

static struct scene scene;

static struct nats_user user;

static enum result issue(const struct credential_issue *given, struct credential *out)
{
    struct account account = scene_account(&scene);

    scene_as_tenant(&scene);
    return scene_end(&scene, credential_issue(&scene.work, &account, &user, given, out));
}

static void make_user(const char *name)
{
    struct account account = scene_account(&scene);
    const struct nats_user_settings settings = {.settings = {.name = name}};

    scene_as_tenant(&scene);
    assert_int_equal(nats_user_create(&scene.work, &account, &settings, &user), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
}

/* CRD-01: the seed goes out once and is in no table. */
static void test_issued_and_not_kept(void **state)
{
    struct credential made, found;
    struct claims claims;
    char sql[512];

    make_user("first");
    assert_int_equal(issue(&(struct credential_issue){.generate = true}, &made), OK);
    assert_non_null(strstr(made.creds, made.jwt));
    assert_non_null(strstr(made.creds, made.seed));
    assert_int_equal(jwt_decode(slice_of(made.jwt), &scene.arena, &claims, NULL), OK);
    assert_string_equal(claims.sub, made.public_key);
    assert_string_equal(claims.user->issuer_account, scene_account(&scene).public_key);
    assert_int_equal(claims.exp - claims.iat, 90 * 86400);
    scene_as_tenant(&scene);
    assert_int_equal(credential_by_id(&scene.work, scene.account_id, made.resource.id, &found), OK);
    assert_null(found.seed);
    assert_null(found.jwt);
    assert_int_equal(scene_end(&scene, OK), OK);
    snprintf(sql, sizeof(sql),
             "DO $$BEGIN IF EXISTS (SELECT FROM credential c WHERE c::text LIKE"
             " '%%%.30s%%') OR EXISTS (SELECT FROM audit_event e WHERE e::text"
             " LIKE '%%%.30s%%') THEN RAISE 'kept'; END IF; END$$",
             made.seed, made.seed);
    scene_sql(&scene, sql);
}

static void test_other_forms(void **state)
{
    struct credential made;

    make_user("forms");
    assert_int_equal(
        issue(&(struct credential_issue){.generate = true, .format = CREDENTIAL_ENV}, &made), OK);
    assert_non_null(strstr(made.env, "NATS_USER_SEED"));
    assert_int_equal(
        issue(&(struct credential_issue){.generate = true, .format = CREDENTIAL_CONTEXT}, &made),
        OK);
    assert_non_null(strstr(made.context, "user_seed"));
}

static void test_what_is_refused(void **state)
{
    const char *key = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    const struct {
        struct credential_issue given;
        enum result expect;
    } cases[] = {
        {{0}, ERR_INVALID},                                   /* neither key nor generate */
        {{.public_key = key, .generate = true}, ERR_INVALID}, /* both */
        {{.public_key = key}, ERR_INVALID},                   /* creds need a seed */
        {{.public_key = key, .format = CREDENTIAL_JWT}, OK},
        {{.generate = true, .ttl_s = {true, 0}}, ERR_INVALID},
        {{.generate = true, .ttl_s = {true, -1}}, ERR_DENIED}, /* for ever */
        {{.generate = true, .ttl_s = {true, 400 * 86400}}, ERR_DENIED},
        {{.generate = true, .ttl_s = {true, 60}}, OK},
    };
    struct credential made;

    make_user("refused");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (issue(&cases[i].given, &made) != cases[i].expect)
            fail_msg("case %zu: %s", i, scene_refused(&scene));
    }
    user.resource.state = "disabled";
    assert_int_equal(issue(&(struct credential_issue){.generate = true}, &made), ERR_STATE);
}

/* REV-10: revoked and issued again within a second: the new one is younger than the revocation. */
static void test_revoked_and_issued_again(void **state)
{
    const char *key = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    const struct credential_issue given = {.public_key = key, .format = CREDENTIAL_JWT};
    struct account account = scene_account(&scene);
    struct credential old, revoked, fresh;
    struct revocation revocation;
    int64_t revision;

    make_user("again");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(issue(&given, &old), OK);
        scene_as_tenant(&scene);
        assert_int_equal(account_lock(&scene.work, scene.account_id, 0, &account), OK);
        assert_int_equal(
            credential_revoke(&scene.work, &account, &old, "lost", &revoked, &revision), OK);
        assert_string_equal(revoked.resource.state, "revoked");
        assert_int_equal(revocation_by_key(&scene.work, scene.account_id, key, &revocation), OK);
        assert_true(revocation.revoked_before >= old.issued_at);
        assert_int_equal(scene_end(&scene, OK), OK);
        assert_int_equal(issue(&given, &fresh), OK);
        assert_true(fresh.issued_at > revocation.revoked_before);
    }
}

static void test_seen_and_grown_old(void **state)
{
    struct account account = scene_account(&scene);
    struct credential made, found;
    struct db_rows rows;
    int64_t moved;

    make_user("seen");
    assert_int_equal(issue(&(struct credential_issue){.generate = true}, &made), OK);
    scene_as_machine(&scene);
    assert_int_equal(
        credential_seen(&scene.work, account.public_key, made.jti, NS_PER_S, "10.0.0.1"), OK);
    assert_int_equal(credential_by_id(&scene.work, scene.account_id, made.resource.id, &found), OK);
    assert_string_equal(found.last_seen_from, "10.0.0.1");
    assert_int_equal(scene_end(&scene, OK), OK);
    scene_sql(&scene, "UPDATE credential SET expires_at = now() - interval '1 second'"
                      " WHERE name = 'seen'");
    scene_as_machine(&scene);
    assert_int_equal(credential_by_id(&scene.work, scene.account_id, made.resource.id, &found), OK);
    assert_string_equal(found.resource.state, "expired");
    assert_int_equal(credential_age(&scene.work, &moved), OK);
    assert_int_equal(moved, 1);
    assert_int_equal(credential_list(&scene.work, scene.account_id, user.resource.id,
                                     &(struct list_query){.limit = 10}, &rows),
                     OK);
    assert_int_equal(rows.count, 1);
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
        cmocka_unit_test(test_issued_and_not_kept), cmocka_unit_test(test_other_forms),
        cmocka_unit_test(test_what_is_refused),     cmocka_unit_test(test_revoked_and_issued_again),
        cmocka_unit_test(test_seen_and_grown_old),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
