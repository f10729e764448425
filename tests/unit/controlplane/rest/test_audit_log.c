#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/tenants.h"

static int begin(void **state)
{
    tenants_start_teams(state);
    control_account_make(control, &payments, "orders", account);
    return 0;
}

static void test_who_did_what(void **state)
{
    control_want(control, 200, admin, "GET", "/v1/audit-events?action=account.create", NULL);
    assert_int_equal(control_count(control), 1);
    assert_string_equal(control_text(control, "items/0/resource/id"), account);
    assert_string_equal(control_text(control, "items/0/actor/type"), "member");
    assert_string_equal(control_text(control, "items/0/outcome"), "success");
    assert_string_equal(control_text(control, "items/0/resource/team"), payments.id);
    assert_string_equal(control_text(control, "items/0/after/name"), "orders");
    assert_true(control_text(control, "items/0/request_id")[0] != '\0');
    assert_string_equal(control_text(control, "items/0/source/ip"), "127.0.0.1");
    assert_true(control_text(control, "items/0/actor/name")[0] != '\0');
    assert_string_equal(control_text(control, "items/0/actor/id"),
                        control_text(control, "items/0/actor/via_token"));
    assert_string_equal(control_text(control, "items/0/resource/kind"), "account");
    assert_string_equal(control_text(control, "items/0/resource/account"), account);
    assert_true(json_is_null(control_member(control, "items/0/on_behalf_of")));
}

static void test_what_was_refused_stands_there_too(void **state)
{
    control_refused(control, 403, "forbidden", games.token, "POST", "/v1/teams",
                    "{\"name\":\"x\"}");
    control_want(control, 200, admin, "GET",
                 control_format(control, "/v1/audit-events?outcome=denied&team=%s", games.id),
                 NULL);
    assert_int_equal(control_count(control), 1);
    assert_string_equal(control_text(control, "items/0/reason"), "forbidden");
    control_refused(control, 422, "validation_failed", admin, "POST", "/v1/teams", "{}");
    control_want(control, 200, admin, "GET", "/v1/audit-events?outcome=failed", NULL);
    assert_string_equal(control_text(control, "items/0/reason"), "validation_failed");
}

static void test_a_tenant_sees_its_own_events(void **state)
{
    control_want(control, 200, payments.token, "GET", "/v1/audit-events?limit=500", NULL);
    assert_true(control_count(control) > 0);
    for (size_t i = 0; i < control_count(control); i++)
        assert_string_equal(
            control_text(control, control_format(control, "items/%zu/resource/team", i)),
            payments.id);
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/audit-events?team=%s", games.id), NULL);
    for (size_t i = 0; i < control_count(control); i++)
        assert_string_equal(
            control_text(control, control_format(control, "items/%zu/resource/team", i)),
            payments.id);
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/accounts/%s/audit-events", account), NULL);
    assert_int_equal(control_count(control), 1);
    control_refused(control, 404, "not_found", games.token, "GET",
                    control_format(control, "/v1/accounts/%s/audit-events", account), NULL);
}

static void test_newest_first_in_pages(void **state)
{
    char last[40] = "~";
    const char *path = "/v1/audit-events?limit=2";
    size_t pages = 0;

    do {
        control_want(control, 200, admin, "GET", path, NULL);
        for (size_t i = 0; i < control_count(control); i++) {
            const char *id = control_text(control, control_format(control, "items/%zu/id", i));

            assert_true(strcmp(id, last) < 0);
            snprintf(last, sizeof(last), "%s", id);
        }
        path = control_format(control, "/v1/audit-events?limit=2&cursor=%s",
                              control_text(control, "next_cursor"));
        pages++;
    } while (json_is_true(control_member(control, "has_more")));
    assert_true(pages > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_did_what),
        cmocka_unit_test(test_what_was_refused_stands_there_too),
        cmocka_unit_test(test_a_tenant_sees_its_own_events),
        cmocka_unit_test(test_newest_first_in_pages),
    };

    return cmocka_run_group_tests(tests, begin, tenants_stop);
}
