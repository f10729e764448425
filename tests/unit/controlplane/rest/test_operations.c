#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/tenants.h"

static void test_deleting_is_an_operation(void **state)
{
    char id[40];
    const char *path;

    control_account_make(control, &payments, "leaving", account);
    control_want_if(control, 202, payments.token, "*", "DELETE",
                    control_format(control, "/v1/accounts/%s", account), NULL);
    snprintf(id, sizeof(id), "%s", control_text(control, "id"));
    assert_string_equal(control_text(control, "type"), "account.delete");
    assert_string_equal(control_text(control, "resource/kind"), "account");
    assert_string_equal(control_text(control, "resource/id"), account);
    assert_int_equal(control_int(control, "progress/total"), 7);
    assert_true(json_is_integer(control_member(control, "progress/done")));
    assert_true(json_is_null(control_member(control, "error")));
    path = control_format(control, "/v1/operations/%s", id);
    control_want(control, 200, payments.token, "GET", path, NULL);
    assert_string_equal(control_text(control, "steps/0/name"), "suspend");
    control_refused(control, 404, "not_found", games.token, "GET", path, NULL);
    control_want(control, 200, games.token, "GET", "/v1/operations", NULL);
    assert_int_equal(control_count(control), 0);
    control_want(control, 200, admin, "GET",
                 control_format(control, "/v1/operations?resource=%s", account), NULL);
    assert_string_equal(control_text(control, "items/0/id"), id);
    control_want(
        control, 200, payments.token, "GET",
        control_format(control, "/v1/audit-events?action=account.delete&resource=%s", account),
        NULL);
    assert_string_equal(control_text(control, "items/0/operation_id"), id);
    control_refused(control, 409, "illegal_state", payments.token, "POST",
                    control_format(control, "%s:cancel", path), NULL);
    control_refused(control, 404, "not_found", games.token, "POST",
                    control_format(control, "%s:cancel", path), NULL);
}

static void test_what_is_not_there(void **state)
{
    control_refused(control, 404, "not_found", admin, "GET", "/v1/operations/ope_1", NULL);
    control_refused(control, 404, "not_found", admin, "POST", "/v1/operations/ope_1:cancel", NULL);
    control_refused(control, 404, "not_found", admin, "POST", "/v1/operations/ope_1:repeat", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deleting_is_an_operation),
        cmocka_unit_test(test_what_is_not_there),
    };

    return cmocka_run_group_tests(tests, tenants_start_teams, tenants_stop);
}
