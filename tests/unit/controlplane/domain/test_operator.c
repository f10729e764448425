#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controlplane/domain/nats_system.h"
#include "controlplane/domain/operator.h"
#include "tests/lib/scene.h"

static struct scene scene;

static void test_the_seed_goes_out_once_and_is_not_stored(void **state)
{
    const struct operator_settings settings = {.settings = {.name = "second"}};
    struct operator made, found;
    char sql[256];

    scene_as_admin(&scene);
    assert_int_equal(operator_create(&scene.work, &settings, &made), OK);
    assert_int_equal(strlen(made.seed), NKEY_SEED_LEN);
    assert_int_equal(operator_by_ref(&scene.work, made.public_key, &found), OK);
    assert_null(found.seed);
    assert_non_null(found.active_signing_key_id);
    assert_int_equal(scene_end(&scene, OK), OK);
    snprintf(sql, sizeof(sql),
             "DO $$BEGIN IF EXISTS (SELECT FROM operator o WHERE o::text LIKE"
             " '%%%s%%') THEN RAISE 'stored'; END IF; END$$",
             made.seed);
    scene_sql(&scene, sql);
}

/* A new operator JWT, signed outside with the seed, that names one more key. */
static const char *sign_offline(const struct operator* operator, const char * seed_text,
                                const char *const *keys, size_t count)
{
    struct operator_claims body = {.signing_keys = {(const char **)(uintptr_t)keys, count},
                                   .strict_signing_key_usage = true};
    struct claims claims = {.iat = work_now(&scene.work) / NS_PER_S + 1,
                            .name = "x",
                            .sub = operator->public_key,
                            .type = CLAIMS_OPERATOR,
                            .version = CLAIMS_VERSION,
                            .operator= & body };
    struct vault_secret seed;
    struct issued issued;

    vault_secret_set(&seed, slice_of(seed_text));
    assert_int_equal(issuer_sign(scene.tools.vault, &seed, &claims, &scene.arena, &issued), OK);
    vault_secret_wipe(&seed);
    return issued.jwt;
}

static enum result upload(const struct operator* old, const char *jwt, struct operator* out)
{
    struct operator_settings settings = operator_settings_of(old);

    settings.jwt = jwt;
    return operator_update(&scene.work, old, &settings, out);
}

/* OPR-03: staged, trusted by every node, active, the old one retiring and retired. */
static void test_a_signing_key_from_staged_to_retired(void **state)
{
    const struct operator_settings settings = {.settings = {.name = "rotating"}};
    const struct resource_settings name = {.name = "next"};
    struct nats_system_settings system_settings = {.settings = {.name = "rotating"}};
    struct operator made, operator;
    struct operator_key first, next, out;
    struct nats_system system;
    struct node_report report = {.name = "n1", .server_id = "NA", .started_at = NS_PER_S};
    struct node_facts facts = {.operator_jti = "x"};
    struct node node;
    const char *keys[2], *jwt;
    bool fresh;

    scene_as_admin(&scene);
    assert_int_equal(operator_create(&scene.work, &settings, &made), OK);
    operator= made;
    system_settings.operator_id = made.resource.id;
    assert_int_equal(nats_system_create(&scene.work, &system_settings, &system), OK);
    report.system_id = system.resource.id;
    assert_int_equal(node_seen(&scene.work, &report, &node, &fresh), OK);
    assert_int_equal(
        operator_key_by_ref(&scene.work, made.resource.id, made.active_signing_key_id, &first), OK);
    assert_int_equal(operator_key_create(&scene.work, made.resource.id, &name, &next), OK);
    assert_string_equal(next.resource.state, "staged");
    assert_int_equal(operator_key_activate(&scene.work, &next, &out), ERR_UNTRUSTED);
    assert_string_equal(scene_refused(&scene), "signer_not_trusted_by_node");
    scene.refusal.code = REFUSAL_none;
    keys[0] = first.public_key;
    keys[1] = next.public_key;
    jwt = sign_offline(&made, made.seed, keys, 2);
    assert_int_equal(upload(&operator, jwt, &operator), OK);
    assert_int_equal(operator_key_activate(&scene.work, &next, &out), ERR_UNTRUSTED); /* no node */
    assert_non_null(strstr(scene.refusal.detail, "n1"));
    scene.refusal.code = REFUSAL_none;
    facts.trusted_keys = (struct strings){keys, 2};
    assert_int_equal(node_facts_set(&scene.work, node.resource.id, &facts), OK);
    assert_int_equal(operator_key_by_ref(&scene.work, made.resource.id, next.resource.id, &next),
                     OK);
    assert_string_equal(next.resource.state, "trusted");
    assert_int_equal(operator_key_retire(&scene.work, &first, &out), ERR_STATE); /* active */
    scene.refusal.code = REFUSAL_none;
    assert_int_equal(operator_key_activate(&scene.work, &next, &out), OK);
    assert_string_equal(out.resource.state, "active");
    assert_int_equal(operator_key_by_ref(&scene.work, made.resource.id, first.resource.id, &first),
                     OK);
    assert_string_equal(first.resource.state, "retiring");
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_uploads_are_judged(void **state)
{
    const struct operator_settings settings = {.settings = {.name = "judged"}};
    struct operator made, other, out;
    struct operator_settings change;

    scene_as_admin(&scene);
    assert_int_equal(operator_create(&scene.work, &settings, &made), OK);
    assert_int_equal(operator_by_ref(&scene.work, scene.operator_id, &other), OK);
    assert_int_equal(upload(&made, "nonsense", &out), ERR_INVALID);
    scene.refusal.code = REFUSAL_none;
    assert_int_equal(upload(&made, other.jwt, &out), ERR_INVALID); /* another operator's */
    scene.refusal.code = REFUSAL_none;
    assert_int_equal(upload(&made, sign_offline(&made, made.seed, NULL, 0), &out), ERR_INVALID);
    scene.refusal.code = REFUSAL_none;
    change = operator_settings_of(&made);
    change.strict_signing_keys = !change.strict_signing_keys; /* stands in the JWT */
    assert_int_equal(operator_update(&scene.work, &made, &change, &out), ERR_INVALID);
    assert_string_equal(scene.refusal.errors[0].pointer, "/jwt");
    assert_int_equal(scene_end(&scene, ERR_INVALID), ERR_INVALID);
}

static void test_an_operator_made_elsewhere(void **state)
{
    struct operator_settings settings = {.settings = {.name = "imported"}};
    char key[NKEY_PUBLIC_MAX], signing[NKEY_PUBLIC_MAX];
    const char *keys[] = {signing};
    struct vault_secret seed, signing_seed;
    struct operator outside = {.public_key = key}, made;

    issuer_new_key(random_system(), NKEY_OPERATOR, key, &seed);
    issuer_new_key(random_system(), NKEY_OPERATOR, signing, &signing_seed);
    settings.jwt = sign_offline(&outside, (char *)seed.data, keys, 1);
    settings.signing_seed = (char *)signing_seed.data;
    scene_as_admin(&scene);
    assert_int_equal(operator_create(&scene.work, &settings, &made), OK);
    assert_null(made.seed); /* it never was here */
    assert_string_equal(made.public_key, key);
    settings.settings.name = "again";
    assert_int_equal(operator_create(&scene.work, &settings, &made), ERR_EXISTS);
    assert_int_equal(scene_end(&scene, ERR_EXISTS), ERR_EXISTS);
    settings.signing_seed = (char *)seed.data; /* not a signing key */
    scene_as_admin(&scene);
    assert_int_equal(operator_create(&scene.work, &settings, &made), ERR_INVALID);
    assert_int_equal(scene_end(&scene, ERR_INVALID), ERR_INVALID);
    vault_secret_wipe(&seed);
    vault_secret_wipe(&signing_seed);
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
        cmocka_unit_test(test_the_seed_goes_out_once_and_is_not_stored),
        cmocka_unit_test(test_a_signing_key_from_staged_to_retired),
        cmocka_unit_test(test_uploads_are_judged),
        cmocka_unit_test(test_an_operator_made_elsewhere),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
