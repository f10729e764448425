#include "api/nats/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "tests/lib/claims_text.h"

static int set_up(void **state)
{
    *state = mem_alloc(sizeof(struct arena));
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(*state);
    mem_free(*state);
    return 0;
}

static void test_malformed(void **state)
{
    static const struct {
        const char *nats;
        enum result rc;
    } cases[] = {
        {"1", ERR_SYNTAX},
        {"{\"version\":3}", ERR_UNSUPPORTED},
        {"{\"version\":-1}", ERR_UNSUPPORTED},
        {"{\"type\":\"user\"}", ERR_UNSUPPORTED},
        {"{\"version\":\"2\"}", ERR_SYNTAX},
        {"{\"type\":5}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"limits\":[]}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"limits\":{\"subs\":\"1\"}}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"limits\":{\"tiered_limits\":[]}}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"limits\":{\"tiered_limits\":{\"R1\":1}}}",
         ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"signing_keys\":{}}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"signing_keys\":[1]}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"signing_keys\":[{\"kind\":\"user_scope\"}]}",
         ERR_INVALID},
        {"{\"type\":\"account\",\"version\":2,\"signing_keys\":[{\"kind\":\"x\",\"key\":\"k\"}]}",
         ERR_UNSUPPORTED},
        {"{\"type\":\"account\",\"version\":2,\"mappings\":[]}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"mappings\":{\"a\":{}}}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"mappings\":{\"a\":[1]}}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"exports\":[{\"type\":\"queue\"}]}", ERR_INVALID},
        {"{\"type\":\"user\",\"version\":2,\"src\":5}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"limits\":null,\"signing_keys\":null,"
         "\"mappings\":null,\"imports\":null}",
         OK},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *text = arena_printf(*state, "{\"nats\":%s}", cases[i].nats);
        struct claims claims;
        enum result rc = claims_text_decode(*state, text, &claims);

        if (rc != cases[i].rc)
            fail_msg("%s: %s", cases[i].nats, result_name(rc));
    }
}

/* Of a scope; elsewhere what is absent is 0. */
static void test_limits_that_are_absent(void **state)
{
    static const char text[] =
        "{\"nats\":{\"type\":\"account\",\"version\":2,\"signing_keys\":["
        "{\"kind\":\"user_scope\",\"key\":\"a\"},"
        "{\"kind\":\"user_scope\",\"key\":\"b\",\"template\":{\"subs\":0,\"payload\":7}}]}}";
    const struct claims_signing_key *keys;
    struct claims claims;

    assert_int_equal(claims_text_decode(*state, text, &claims), OK);
    keys = claims.account->signing_keys.items;
    assert_int_equal(keys[0].template->nats.subs, CLAIMS_UNLIMITED);
    assert_int_equal(keys[0].template->nats.payload, CLAIMS_UNLIMITED);
    assert_int_equal(keys[1].template->nats.subs, 0);
    assert_int_equal(keys[1].template->nats.data, CLAIMS_UNLIMITED);
    assert_int_equal(keys[1].template->nats.payload, 7);
    assert_int_equal(
        claims_text_decode(*state, "{\"nats\":{\"type\":\"user\",\"version\":2}}", &claims), OK);
    assert_int_equal(claims.user->limits.nats.subs, 0);
}

/* In whatever order they are written, each is found. */
static void test_revocations_are_found(void **state)
{
    static const char text[] = "{\"nats\":{\"type\":\"account\",\"version\":2,\"revocations\":"
                               "{\"C\":3,\"A\":1,\"E\":5,\"B\":2,\"*\":0,\"D\":4}}}";
    struct claims claims;

    assert_int_equal(claims_text_decode(*state, text, &claims), OK);
    for (int i = 1; i <= 5; i++) {
        const char key[2] = {(char)('A' + i - 1)};

        assert_true(claims_revoked(&claims.account->revocations, key, i));
        assert_false(claims_revoked(&claims.account->revocations, key, i + 1));
    }
    assert_true(claims_revoked(&claims.account->revocations, "F", 0));
}

static void test_generic_claims(void **state)
{
    static const char text[] = "{\"iss\":\"" OPER "\",\"sub\":\"" OPER
                               "\",\"nats\":{\"accounts\":[\"" ACCOUNT "\"],\"version\":2}}";
    struct claims claims;
    json_t *tree;
    char *again;

    assert_int_equal(claims_text_decode(*state, text, &claims), OK);
    assert_int_equal(claims.type, CLAIMS_GENERIC);
    assert_int_equal(json_array_size(json_object_get(claims.rest, "accounts")), 1);
    tree = claims_encode(&claims);
    again = shape_dump(tree);
    assert_string_equal(again, text);
    mem_free(again);
    json_decref(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_malformed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_revocations_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_generic_claims, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits_that_are_absent, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
