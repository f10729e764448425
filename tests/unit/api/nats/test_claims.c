#include "api/nats/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_revocations(void **state)
{
    struct int_pair pairs[] = {{"U3", 20}, {"U1", 10}, {"U4", 3}, {"*", 5}};
    struct int_map map = {pairs, 4};

    claims_sort_revocations(&map);
    assert_true(claims_revoked(&map, "U3", 20));
    assert_false(claims_revoked(&map, "U4", 6));
    assert_true(claims_revoked(&map, "U4", 5));  /* as everybody */
    assert_true(claims_revoked(&map, "U1", 10)); /* inclusive */
    assert_false(claims_revoked(&map, "U1", 11));
    assert_true(claims_revoked(&map, "U2", 5));
    assert_false(claims_revoked(&map, "U2", 6));
    assert_false(claims_revoked(&(struct int_map){0}, "U1", 0));
}

static void test_defaults(void **state)
{
    struct account_claims account;
    struct claims_user_limits limits = {0};

    claims_account_defaults(&account);
    assert_int_equal(account.limits.conn, CLAIMS_UNLIMITED);
    assert_true(account.limits.wildcards);
    assert_false(claims_js_enabled(&account.limits));
    assert_true(claims_user_limits_empty(&limits));
    claims_user_defaults(&limits);
    assert_false(claims_user_limits_empty(&limits));
    assert_int_equal(limits.nats.payload, CLAIMS_UNLIMITED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_revocations),
        cmocka_unit_test(test_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
