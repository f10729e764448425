#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "dataplane/auth/auth_account.h"
#include "tests/lib/office.h"

static void test_account_claims_that_are_refused(void **state)
{
    struct office *office = *state;
    struct auth_account_token *token = NULL;
    char issue[AUTH_ISSUE_MAX], claims[256];
    struct buf jwt = {0};

    assert_int_equal(office_claims(office, OFFICE_LIMITS(-1, -1), 1600000000), ERR_EXPIRED);
    snprintf(claims, sizeof(claims),
             "{\"sub\":\"%s\",\"iat\":1,\"nats\":{\"type\":\"account\",\"version\":2}}",
             office->account.name);
    assert_true(nkey_pair_token(&office->other.pair, claims, &jwt));
    assert_int_equal(
        auth_account_verify(office->hall.auth, buf_slice(&jwt), 1700000000, &token, issue),
        ERR_UNTRUSTED);
    assert_null(token);
    jwt.data[jwt.len / 2] ^= 1;
    assert_int_not_equal(
        auth_account_verify(office->hall.auth, buf_slice(&jwt), 1700000000, &token, issue), OK);
    assert_null(token);
    buf_fini(&jwt);
}

static void test_terms_are_what_the_claims_say(void **state)
{
    struct office *office = *state;
    const struct account_terms *terms;

    assert_int_equal(
        office_claims(
            office,
            "\"default_permissions\":{\"pub\":{\"deny\":[\"x\"]},\"sub\":{}}," OFFICE_LIMITS(7, 9),
            4000000000),
        OK);
    terms = office->terms;
    assert_int_equal(terms->connections, 7);
    assert_int_equal(terms->subscriptions, 9);
    assert_int_equal(terms->payload, -1);
    assert_int_equal(terms->expires_at_s, 4000000000);
    assert_int_equal(terms->issued_at_s, office->iat);
    assert_true(terms->has_default_permissions);
    assert_int_equal(terms->default_permissions.publish_deny.count, 1);
    assert_string_equal(terms->label, "team");
    assert_false(terms->disallow_bearer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_claims_that_are_refused),
        cmocka_unit_test(test_terms_are_what_the_claims_say),
    };

    return cmocka_run_group_tests(tests, office_setup, office_teardown);
}
