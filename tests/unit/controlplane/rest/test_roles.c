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
    return control_format(control, "/v1/accounts/%s/roles%s", account, rest);
}

/* ROL-01: a service that may only publish to its own subjects is one call. */
static void test_one_call_makes_a_role(void **state)
{
    char one[160], id[40], user[40];

    control_want(control, 201, payments.token, "POST", path(""),
                 "{\"name\":\"service\",\"permissions\":{\"pub\":{\"allow\":[\"{{name()}}.>\"]},"
                 "\"sub\":{\"deny\":[\">\"]}}}");
    snprintf(id, sizeof(id), "%s", control_text(control, "id"));
    assert_string_equal(control_text(control, "permissions/pub/allow/0"), "{{name()}}.>");
    snprintf(one, sizeof(one), "%s", path(""));
    snprintf(one + strlen(one), sizeof(one) - strlen(one), "/%s", id);
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/accounts/%s/signing-keys", account), NULL);
    assert_string_equal(control_text(control, "items/1/role_id"), id);
    control_want_if(control, 200, payments.token, "*", "PATCH", one, "{\"subs\":5}");
    assert_int_equal(control_int(control, "subs"), 5);
    assert_string_equal(control_text(control, "permissions/sub/deny/0"), ">");
    control_want_if(control, 200, payments.token, "*", "PATCH", one, "{\"subs\":null}");
    assert_int_equal(control_int(control, "subs"), -1);

    control_want(control, 201, payments.token, "POST",
                 control_format(control, "/v1/accounts/%s/users", account),
                 control_format(control, "{\"name\":\"u\",\"role_id\":\"%s\"}", id));
    snprintf(user, sizeof(user), "%s", control_text(control, "id"));
    control_refused_if(control, 409, "in_use", payments.token, "*", "DELETE", one, NULL);
    control_want_if(control, 204, payments.token, "*", "DELETE",
                    control_format(control, "/v1/accounts/%s/users/%s", account, user), NULL);
    control_want_if(control, 204, payments.token, "*", "DELETE", one, NULL);
}

static void test_bodies_that_are_refused(void **state)
{
    static const struct {
        const char *body, *pointer;
    } cases[] = {
        {"{\"name\":\"x\",\"permissions\":{\"pub\":{\"allow\":[\"a..b\"]}}}",
         "/permissions/pub/allow/0"},
        {"{\"name\":\"x\",\"permissions\":{\"pub\":{\"allow\":[\"{{name()\"]}}}",
         "/permissions/pub/allow/0"},
        {"{\"name\":\"x\",\"permissions\":{\"pub\":{\"allow\":[\"a workers\"]}}}",
         "/permissions/pub/allow/0"},
        {"{\"name\":\"x\",\"src\":[\"10.0.0.0\"]}", "/src/0"},
        {"{\"name\":\"x\",\"times\":[{\"start\":\"25:00:00\",\"end\":\"09:00:00\"}]}",
         "/times/0/start"},
        {"{\"name\":\"x\",\"connection_types\":[\"CARRIER_PIGEON\"]}", "/connection_types/0"},
        {"{\"name\":\"x\",\"subs\":-2}", "/subs"},
        {"{\"name\":\"x\",\"times_location\":\"Nowhere\"}", "/times_location"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        control_refused(control, 422, "validation_failed", payments.token, "POST", path(""),
                        cases[i].body);
        assert_string_equal(control_text(control, "errors/0/pointer"), cases[i].pointer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_call_makes_a_role),
        cmocka_unit_test(test_bodies_that_are_refused),
    };
    return cmocka_run_group_tests(tests, tenants_start_accounts, tenants_stop);
}
