#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/tenants.h"

static const char *path(const char *rest)
{
    return control_format(control, "/v1/accounts/%s/revocations%s", account, rest);
}

static const char key[] = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

static void test_a_revocation_has_a_life(void **state)
{
    const char *one = control_format(control, "/v1/accounts/%s/revocations/%s", account, key);

    control_want(control, 200, payments.token, "PUT", one,
                 "{\"revoked_before\":\"2026-01-01T00:00:00Z\",\"reason\":\"old\"}");
    assert_string_equal(control_text(control, "revoked_before"), "2026-01-01T00:00:00.000Z");
    /* Its time moves forward only. */
    control_want(control, 200, payments.token, "PUT", one,
                 "{\"revoked_before\":\"2025-01-01T00:00:00Z\"}");
    assert_string_equal(control_text(control, "revoked_before"), "2026-01-01T00:00:00.000Z");
    control_want(control, 200, payments.token, "GET", path(""), NULL);
    assert_int_equal(control_count(control), 1);
    control_want(control, 200, payments.token, "DELETE", one, NULL);
    assert_int_equal(control_int(control, "credentials_valid_again"), 0);
    control_refused(control, 404, "not_found", payments.token, "GET", one, NULL);
}

/* AUD-10: what it was, and what it is now; the first one was nothing before. */
static void test_the_trail_keeps_what_was_before(void **state)
{
    const char *events = "/v1/audit-events?action=revocation.put";

    control_want(control, 200, payments.token, "PUT", path("/%2A"), "{\"reason\":\"first\"}");
    control_want(control, 200, payments.token, "GET", events, NULL);
    assert_true(json_is_null(control_member(control, "items/0/before")));
    control_want(control, 200, payments.token, "PUT", path("/%2A"), "{\"reason\":\"second\"}");
    control_want(control, 200, payments.token, "GET", events, NULL);
    assert_string_equal(control_text(control, "items/0/before/reason"), "first");
    assert_string_equal(control_text(control, "items/0/after/reason"), "second");
    control_want(control, 200, payments.token, "DELETE", path("/*"), NULL);
}

static void test_everybody(void **state)
{
    control_want(control, 200, payments.token, "PUT", path("/%2A"), "{}");
    assert_string_equal(control_text(control, "user_key"), "*");
    control_want(control, 200, payments.token, "DELETE", path("/*"), NULL);
}

/* Credentials of a new user; what is said of them is said of these. */
static void issue(const char *name, char id[40], char user_key[80])
{
    control_want(control, 201, payments.token, "POST",
                 control_format(control, "/v1/accounts/%s/users", account),
                 control_format(control, "{\"name\":\"%s\"}", name));
    control_want(control, 201, payments.token, "POST",
                 control_format(control, "/v1/accounts/%s/users/%s/credentials", account,
                                control_text(control, "id")),
                 "{\"generate\":true}");
    snprintf(id, 40, "%s", control_text(control, "id"));
    snprintf(user_key, 80, "%s", control_text(control, "public_key"));
}

static const char *state_of(const char *credential)
{
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/accounts/%s/credentials/%s", account, credential),
                 NULL);
    return control_text(control, "state");
}

/* Nobody is told that a credential is refused which nodes let in. */
static void test_what_is_valid_again_is_active(void **state)
{
    char one[40], one_key[80], other[40], other_key[80];

    issue("one", one, one_key);
    issue("other", other, other_key);
    control_want(control, 200, payments.token, "PUT", path(control_format(control, "/%s", one_key)),
                 "{}");
    control_want(control, 200, payments.token, "PUT", path("/*"), "{}");
    assert_string_equal(state_of(one), "revoked");
    assert_string_equal(state_of(other), "revoked");
    control_want(control, 200, payments.token, "DELETE", path("/*"), NULL);
    assert_int_equal(control_int(control, "credentials_valid_again"), 1);
    assert_string_equal(control_text(control, "credentials/0"), other);
    assert_string_equal(state_of(one), "revoked"); /* by itself, still */
    assert_string_equal(state_of(other), "active");
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/accounts/%s/signing-keys?q=default", account), NULL);
    control_want_if(control, 204, payments.token, "*", "DELETE",
                    control_format(control, "/v1/accounts/%s/signing-keys/%s?confirm_clients=0",
                                   account, control_text(control, "items/0/id")),
                    NULL);
    control_want(control, 200, payments.token, "DELETE",
                 path(control_format(control, "/%s", one_key)), NULL);
    assert_int_equal(control_int(control, "credentials_valid_again"),
                     0); /* who signed it is gone */
    assert_string_equal(state_of(one), "revoked");
}

static void test_what_is_refused(void **state)
{
    control_refused(control, 422, "validation_failed", payments.token, "PUT", path("/Unknown"),
                    "{}");
    control_refused(control, 422, "validation_failed", payments.token, "PUT", path("/*"),
                    "{\"revoked_before\":\"2999-01-01T00:00:00Z\"}");
    control_refused(control, 404, "not_found", games.token, "PUT", path("/*"), "{}");
    control_refused(control, 404, "not_found", payments.token, "DELETE", path("/*"), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_revocation_has_a_life),
        cmocka_unit_test(test_the_trail_keeps_what_was_before),
        cmocka_unit_test(test_everybody),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_what_is_valid_again_is_active),
    };
    return cmocka_run_group_tests(tests, tenants_start_accounts, tenants_stop);
}
