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
    return control_format(control, "/v1/accounts/%s/signing-keys%s", account, rest);
}

static void test_an_account_begins_with_one(void **state)
{
    control_want(control, 200, payments.token, "GET", path(""), NULL);
    assert_int_equal(control_count(control), 1);
    assert_string_equal(control_text(control, "items/0/name"), "default");
    assert_string_equal(control_text(control, "items/0/custody"), "managed");
    assert_null(control_member(control, "items/0/secret_id"));
}

static void test_a_key_has_a_life(void **state)
{
    char one[160];

    control_want(control, 201, payments.token, "POST", path(""), "{\"name\":\"second\"}");
    snprintf(one, sizeof(one), "%s", path(""));
    snprintf(one + strlen(one), sizeof(one) - strlen(one), "/%s", control_text(control, "id"));
    control_want(control, 200, payments.token, "GET", one, NULL);
    control_refused(control, 428, "precondition_required", payments.token, "DELETE", one, NULL);
    control_refused_if(control, 409, "in_use", payments.token, "*", "DELETE",
                       control_format(control, "%s?confirm_clients=3", one), NULL);
    control_want_if(control, 204, payments.token, "*", "DELETE", one, NULL);
    control_refused(control, 404, "not_found", payments.token, "GET", one, NULL);
}

static void test_what_it_takes_with_it_is_confirmed(void **state)
{
    const char *one;

    control_want(control, 201, payments.token, "POST",
                 control_format(control, "/v1/accounts/%s/users", account), "{\"name\":\"app\"}");
    control_want(control, 201, payments.token, "POST",
                 control_format(control, "/v1/accounts/%s/users/%s/credentials", account,
                                control_text(control, "id")),
                 "{\"generate\":true,\"format\":\"creds\"}");
    control_want(control, 200, payments.token, "GET", path(""), NULL);
    assert_int_equal(control_int(control, "items/0/live_credentials"), 1);
    one = path(control_format(control, "/%s", control_text(control, "items/0/id")));
    control_refused_if(control, 409, "in_use", payments.token, "*", "DELETE", one, NULL);
    control_refused_if(control, 412, "version_conflict", payments.token, "\"77\"", "DELETE", one,
                       NULL);
    control_refused_if(control, 409, "in_use", payments.token, "*", "DELETE",
                       control_format(control, "%s?confirm_clients=1", one), NULL);
    control_want_if(control, 204, payments.token, "*", "DELETE",
                    control_format(control, "%s?confirm_clients=0", one), NULL);
}

static void test_bodies_that_are_refused(void **state)
{
    control_refused(control, 409, "name_taken", payments.token, "POST", path(""),
                    "{\"name\":\"default\"}");
    control_refused(control, 422, "validation_failed", payments.token, "POST", path(""),
                    "{\"name\":\"x\",\"custody\":\"customer\"}");
    control_refused(control, 422, "validation_failed", payments.token, "POST", path(""),
                    "{\"name\":\"x\",\"public_key\":\"AAA\"}");
    control_refused(control, 422, "validation_failed", payments.token, "POST", path(""),
                    "{\"name\":\"x\",\"role_id\":\"rol_none\"}");
    control_refused(control, 404, "not_found", games.token, "POST", path(""), "{\"name\":\"x\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_account_begins_with_one),
        cmocka_unit_test(test_a_key_has_a_life),
        cmocka_unit_test(test_bodies_that_are_refused),
        cmocka_unit_test(test_what_it_takes_with_it_is_confirmed),
    };
    return cmocka_run_group_tests(tests, tenants_start_accounts, tenants_stop);
}
