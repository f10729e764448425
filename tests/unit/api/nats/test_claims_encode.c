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

static void test_claims_are_kept_whole(void **state)
{
    const char *text = claims_text_account(*state);
    struct claims claims;
    json_t *tree, *again;

    assert_int_equal(claims_text_decode(*state, text, &claims), OK);
    assert_int_equal(claims.account->exports.items[0].service_latency->sampling, 0);
    assert_int_equal(claims.account->limits.tiers.items[0].limits.disk_max_stream_bytes, 7);
    assert_true(claims_js_enabled(&claims.account->limits));
    again = claims_encode(&claims);
    assert_int_equal(shape_parse(slice_of(text), &tree, NULL), OK);
    if (!json_equal(tree, again)) {
        char *is = shape_dump(again);

        fail_msg("%s\n%s", text, is);
    }
    json_decref(tree);
    json_decref(again);
}

static void test_order_makes_no_difference(void **state)
{
    static const char one[] =
        "{\"sub\":\"" ACCOUNT "\",\"nats\":{\"version\":2,\"type\":\"account\","
        "\"zz\":1,\"yy\":2,"
        "\"exports\":[{\"subject\":\"b\",\"type\":\"stream\",\"revocations\":{\"y\":1,\"x\":2}},"
        "{\"subject\":\"a\",\"type\":\"service\"},{\"subject\":\"a\",\"type\":\"stream\"}],"
        "\"revocations\":{\"b\":1,\"a\":2},\"signing_keys\":[{\"kind\":\"user_scope\",\"key\":"
        "\"k2\"},"
        "\"k1\"],\"mappings\":{\"q\":[],\"p\":[]}}}";
    static const char other[] =
        "{\"nats\":{\"mappings\":{\"p\":[],\"q\":[]},\"signing_keys\":[\"k1\",{\"kind\":"
        "\"user_scope\",\"key\":\"k2\"}],\"revocations\":{\"a\":2,\"b\":1},\"yy\":2,"
        "\"exports\":[{\"subject\":\"a\",\"type\":\"stream\"},{\"subject\":\"a\",\"type\":"
        "\"service\"},"
        "{\"revocations\":{\"x\":2,\"y\":1},\"subject\":\"b\",\"type\":\"stream\"}],"
        "\"type\":\"account\",\"zz\":1,\"version\":2},\"sub\":\"" ACCOUNT "\"}";
    struct claims a, b;
    json_t *x, *y;
    char *s, *t;

    assert_int_equal(claims_text_decode(*state, one, &a), OK);
    assert_int_equal(claims_text_decode(*state, other, &b), OK);
    x = claims_encode(&a);
    y = claims_encode(&b);
    s = shape_dump(x);
    t = shape_dump(y);
    assert_string_equal(s, t);
    /* Every limit is written, and the ending stands last. */
    assert_non_null(strstr(s, "\"limits\":{\"subs\":0,\"data\":0,\"payload\":0,\"imports\":0,"
                              "\"exports\":0,\"wildcards\":false,\"disallow_bearer\":false,"
                              "\"conn\":0,\"leaf\":0,\"mem_storage\":0,"));
    assert_non_null(strstr(s, "\"yy\":2,\"zz\":1,\"type\":\"account\",\"version\":2}}"));
    mem_free(s);
    mem_free(t);
    json_decref(x);
    json_decref(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_claims_are_kept_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_order_makes_no_difference, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
