#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/clock.h"
#include "api/nats/claims_validate.h"
#include "api/nats/jwt.h"
#include "api/nats/nkey.h"
#include "tests/lib/tenants.h"

/* An operator made by the API: its path; seed: of its identity. */
static const char *make_operator(const char *name, char seed[80])
{
    control_want(control, 201, admin, "POST", "/v1/operators",
                 control_format(control, "{\"name\":\"%s\"}", name));
    snprintf(seed, 80, "%s", control_text(control, "seed"));
    return control_format(control, "/v1/operators/%s", control_text(control, "id"));
}

/* The operator's JWT, naming one more key, signed with the seed. */
static const char *sign_anew(const char *path, const char *seed, const char *extra_key)
{
    struct arena arena = {0};
    struct shape_error error;
    struct jwt_key_signer signer;
    struct nkey key;
    struct claims claims;
    const char *items[8], *text;
    struct slice token;
    size_t count;

    control_want(control, 200, admin, "GET", control_format(control, "%s/jwt", path), NULL);
    assert_int_equal(jwt_decode(slice_trim(slice_of(buf_text(&control_last(control)->body))),
                                &arena, &claims, &error),
                     OK);
    count = claims.operator->signing_keys.count;
    assert_in_range(count, 1, 6);
    memcpy(items, claims.operator->signing_keys.items, count * sizeof(items[0]));
    items[count++] = extra_key;
    claims.operator->signing_keys.items = items;
    claims.operator->signing_keys.count = count;
    claims.iat = clock_wall_ns(clock_system()) / NS_PER_S;
    assert_int_equal(nkey_from_seed(&key, slice_of(seed)), OK);
    jwt_key_signer_init(&signer, &key);
    assert_int_equal(jwt_encode(&claims, &signer.signer, &arena, &token), OK);
    text = control_format(control, "{\"jwt\":\"%.*s\"}", (int)token.len, token.data);
    nkey_wipe(&key);
    arena_fini(&arena);
    return text;
}

static void test_the_seed_is_shown_once(void **state)
{
    char seed[80];
    const char *path = make_operator("first", seed);
    struct nkey key;

    assert_int_equal(nkey_from_seed(&key, slice_of(seed)), OK);
    assert_int_equal(key.kind, NKEY_OPERATOR);
    nkey_wipe(&key);
    control_want(control, 200, admin, "GET", path, NULL);
    assert_null(control_member(control, "seed"));
    assert_true(json_is_true(control_member(control, "strict_signing_keys")));
    control_want(control, 200, admin, "GET",
                 control_format(control, "/v1/operators/%s", control_text(control, "public_key")),
                 NULL);
    control_want(control, 200, admin, "GET", control_format(control, "%s/jwt", path), NULL);
    assert_string_equal(control_last_header(control, "Content-Type"), "application/jwt");
    control_want(control, 200, admin, "GET", "/v1/audit-events?action=operator.create", NULL);
    assert_int_equal(control_count(control), 1);
    assert_null(strstr(buf_text(&control_last(control)->body), seed));
    control_refused(control, 409, "name_taken", admin, "POST", "/v1/operators",
                    "{\"name\":\"first\"}");
}

static void test_what_the_jwt_says_changes_with_the_jwt(void **state)
{
    char seed[80];
    const char *path = make_operator("settled", seed);

    control_want_if(control, 200, admin, "\"1\"", "PATCH", path, "{\"display_name\":\"S\"}");
    control_refused_if(control, 422, "validation_failed", admin, "\"2\"", "PATCH", path,
                       "{\"account_server_url\":\"https://example.com/\"}");
    assert_string_equal(control_text(control, "errors/0/pointer"), "/jwt");
    control_refused_if(control, 422, "validation_failed", admin, "\"2\"", "PATCH", path,
                       "{\"jwt\":\"nonsense\"}");
}

static void test_a_signing_key_comes_into_use(void **state)
{
    char seed[80], id[40], public_key[64], first[40];
    const char *path = make_operator("rotating", seed), *keys, *key;

    keys = control_format(control, "%s/signing-keys", path);
    control_want(control, 200, admin, "GET", keys, NULL);
    assert_string_equal(control_text(control, "items/0/state"), "active");
    snprintf(first, sizeof(first), "%s", control_text(control, "items/0/id"));
    control_want(control, 201, admin, "POST", keys, "{\"name\":\"second\"}");
    assert_string_equal(control_text(control, "state"), "staged");
    snprintf(id, sizeof(id), "%s", control_text(control, "id"));
    snprintf(public_key, sizeof(public_key), "%s", control_text(control, "public_key"));
    key = control_format(control, "%s/%s", keys, id);

    /* The operator's JWT must name it first. */
    control_refused(control, 422, "signer_not_trusted_by_node", admin, "POST",
                    control_format(control, "%s:activate", key), NULL);
    control_want_if(control, 200, admin, "*", "PATCH", path, sign_anew(path, seed, public_key));
    control_want(control, 200, admin, "POST", control_format(control, "%s:activate", key), NULL);
    assert_string_equal(control_text(control, "state"), "active");
    control_want(control, 200, admin, "GET", control_format(control, "%s/trust", key), NULL);
    assert_string_equal(control_text(control, "public_key"), public_key);

    control_refused(control, 409, "illegal_state", admin, "POST",
                    control_format(control, "%s:retire", key), NULL);
    key = control_format(control, "%s/%s", keys, first);
    control_want(control, 200, admin, "GET", key, NULL);
    assert_string_equal(control_text(control, "state"), "retiring");
    control_want(control, 200, admin, "POST", control_format(control, "%s:retire", key), NULL);
    assert_string_equal(control_text(control, "state"), "retired");
    control_refused(control, 409, "illegal_state", admin, "POST",
                    control_format(control, "%s:activate", key), NULL);
}

static void test_one_of_another_operator_is_refused(void **state)
{
    char seed[80], other_seed[80];
    const char *path = make_operator("mine", seed), *other = make_operator("theirs", other_seed);
    struct nkey key;
    char public_key[NKEY_PUBLIC_MAX];

    assert_int_equal(nkey_from_seed(&key, slice_of(other_seed)), OK);
    nkey_public(&key, public_key);
    nkey_wipe(&key);
    control_refused_if(control, 422, "validation_failed", admin, "*", "PATCH", path,
                       sign_anew(other, other_seed, public_key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_seed_is_shown_once),
        cmocka_unit_test(test_what_the_jwt_says_changes_with_the_jwt),
        cmocka_unit_test(test_a_signing_key_comes_into_use),
        cmocka_unit_test(test_one_of_another_operator_is_refused),
    };

    return cmocka_run_group_tests(tests, tenants_start_empty, tenants_stop);
}
