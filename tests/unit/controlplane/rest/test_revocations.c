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
    };
    return cmocka_run_group_tests(tests, tenants_start_accounts, tenants_stop);
}
