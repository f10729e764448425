#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controlplane/db/db.h"
#include "tests/lib/tenants.h"

static const char *path(const char *rest)
{
    return control_format(control, "/v1/accounts/%s%s", account, rest);
}

static int64_t version(void)
{
    control_want(control, 200, payments.token, "GET", path(""), NULL);
    return control_int(control, "version");
}

static void test_an_account_as_returned(void **state)
{
    control_want(control, 200, payments.token, "GET", path(""), NULL);
    assert_string_equal(control_text(control, "kind"), "account");
    assert_string_equal(control_text(control, "name"), "orders");
    assert_string_equal(control_text(control, "state"), "active");
    assert_string_equal(control_text(control, "sync/state"), "pending");
    assert_int_equal(control_text(control, "public_key")[0], 'A');
    assert_string_equal(control_text(control, "effective_limits/connections/source"), "plan");
    assert_null(control_member(control, "secret_id"));
    /* Its key is as good as its id. */
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/accounts/%s", control_text(control, "public_key")),
                 NULL);
    assert_string_equal(control_text(control, "id"), account);
}

static void test_changes_need_the_version(void **state)
{
    const char *body = "{\"description\":\"new\",\"labels\":{\"cost-center\":\"42\"}}";
    char etag[24];

    control_refused(control, 428, "precondition_required", payments.token, "PATCH", path(""), body);
    control_refused_if(control, 412, "version_conflict", payments.token, "\"77\"", "PATCH",
                       path(""), body);
    snprintf(etag, sizeof(etag), "\"%lld\"", (long long)version());
    control_want_if(control, 200, payments.token, etag, "PATCH", path(""), body);
    assert_string_equal(control_text(control, "labels/cost-center"), "42");
    control_want_if(control, 200, payments.token, "*", "PATCH", path(""),
                    "{\"labels\":null,\"description\":null}");
    assert_string_equal(control_text(control, "description"), "");
    control_refused_if(control, 422, "validation_failed", payments.token, "*", "PATCH", path(""),
                       "{\"system_id\":\"sys_other\"}");
    assert_string_equal(control_text(control, "errors/0/pointer"), "/system_id");
    control_refused_if(control, 422, "unknown_field", payments.token, "*", "PATCH", path(""),
                       "{\"public_key\":\"A\"}");
    control_want(control, 201, admin, "POST", "/v1/plans", "{\"name\":\"large\"}");
    control_refused_if(control, 403, "plan_forbids", payments.token, "*", "PATCH", path(""),
                       "{\"plan_id\":\"large\"}");
}

static void test_by_name(void **state)
{
    const char *by_name = "/v1/accounts/by-name/declared";
    char id[40];

    control_refused(control, 422, "validation_failed", payments.token, "PUT", by_name,
                    "{\"name\":\"another\"}");
    control_want(control, 201, payments.token, "PUT", by_name, "{\"name\":\"declared\"}");
    snprintf(id, sizeof(id), "%s", control_text(control, "id"));
    control_refused(control, 428, "precondition_required", payments.token, "PUT", by_name,
                    "{\"name\":\"declared\"}");
    control_want(control, 200, payments.token, "GET",
                 "/v1/audit-events?action=account.change&outcome=failed", NULL);
    assert_string_equal(control_text(control, "items/0/reason"), "precondition_required");
    assert_string_equal(control_text(control, "items/0/resource/id"), "declared");
    control_want_if(control, 200, payments.token, "\"1\"", "PUT", by_name,
                    "{\"name\":\"declared\",\"description\":\"again\"}");
    assert_string_equal(control_text(control, "id"), id);
    assert_string_equal(control_text(control, "description"), "again");
}

static void test_suspend_and_resume(void **state)
{
    control_want(control, 200, payments.token, "POST", path(":suspend"),
                 "{\"reason\":\"unpaid\",\"revoke_users\":true}");
    assert_string_equal(control_text(control, "state"), "suspended");
    assert_string_equal(control_text(control, "state_reason"), "unpaid");
    assert_string_equal(control_text(control, "suspended_by"), "team");
    control_refused(control, 409, "illegal_state", payments.token, "POST", path(":suspend"), "{}");
    control_want(control, 200, payments.token, "GET", path("/claims"), NULL);
    assert_int_equal(control_int(control, "claims/nats/limits/conn"), 0);
    assert_true(control_int(control, "claims/nats/revocations/*") > 0);
    control_want(control, 200, payments.token, "POST", path(":resume"), NULL);
    assert_string_equal(control_text(control, "state"), "active");
    assert_null(control_member(control, "suspended_by"));
}

/* Neither an admin of the team nor its service token undoes what the operator did. */
static void test_the_operators_suspension_is_the_operators(void **state)
{
    char service[200];

    control_want(control, 201, payments.token, "POST", "/v1/tokens",
                 control_format(control,
                                "{\"name\":\"robot\",\"role\":\"service\","
                                "\"scopes\":[\"accounts:write\"],\"expires_at\":\"%s\"}",
                                control_in_days(control, 1)));
    snprintf(service, sizeof(service), "%s", control_text(control, "token"));
    control_want(control, 200, payments.token, "POST", path(":suspend"), "{}");
    control_want(control, 200, admin, "POST", path(":suspend"), "{\"reason\":\"abuse\"}");
    assert_string_equal(control_text(control, "suspended_by"), "operator");
    control_refused(control, 403, "suspended_by_operator", payments.token, "POST", path(":resume"),
                    NULL);
    control_refused(control, 403, "suspended_by_operator", service, "POST", path(":resume"), NULL);
    control_refused(control, 409, "illegal_state", payments.token, "POST", path(":suspend"), "{}");
    control_want(control, 200, payments.token, "GET", path(""), NULL);
    assert_string_equal(control_text(control, "state"), "suspended");
    assert_string_equal(control_text(control, "suspended_by"), "operator");
    assert_string_equal(control_text(control, "state_reason"), "abuse");
    control_want(control, 200, admin, "POST", path(":resume"), NULL);
    assert_string_equal(control_text(control, "state"), "active");
}

static void test_limits(void **state)
{
    control_want_if(control, 200, payments.token, "*", "PATCH", path("/limits"),
                    "{\"users\":3,\"disallow_bearer\":true}");
    assert_int_equal(control_int(control, "users/effective"), 3);
    assert_string_equal(control_text(control, "users/source"), "override");
    control_want_if(control, 200, payments.token, "*", "PATCH", path("/limits"),
                    "{\"users\":null}");
    assert_string_equal(control_text(control, "users/source"), "plan");
    control_refused_if(control, 403, "plan_forbids", payments.token, "*", "PATCH", path("/limits"),
                       "{\"leaf_connections\":5}");
    control_refused_if(control, 422, "validation_failed", payments.token, "*", "PATCH",
                       path("/limits"), "{\"users\":-2}");
    control_refused_if(control, 422, "unknown_field", payments.token, "*", "PATCH", path("/limits"),
                       "{\"colour\":1}");
    control_want_if(control, 200, admin, "*", "PATCH", path("/limits"), "{\"leaf_connections\":5}");
    assert_int_equal(control_int(control, "leaf_connections/effective"), 5);
    assert_int_equal(json_integer_value(control_member(control, "users/reserved")), 0);
    assert_true(json_is_integer(control_member(control, "users/reserved")));
    assert_true(json_is_null(control_member(control, "js_disk/reserved")));
    control_want(control, 200, payments.token, "GET", path(""), NULL);
    assert_int_equal(control_int(control, "effective_limits/leaf_connections/value"), 5);
    control_want_if(control, 200, payments.token, "*", "PATCH", path("/limits"), "{\"users\":3}");
    assert_int_equal(control_int(control, "leaf_connections/effective"), 5);
    control_want_if(control, 200, payments.token, "*", "PATCH", path("/limits"),
                    "{\"users\":null}");
}

static void test_jwt_claims_and_sync(void **state)
{
    control_want(control, 200, payments.token, "GET", path("/jwt"), NULL);
    assert_memory_equal(buf_text(&control_last(control)->body), "eyJ", 3);
    control_want(control, 200, payments.token, "GET", path("/sync"), NULL);
    assert_int_equal(control_int(control, "nodes_total"), 0);
    control_want(control, 202, payments.token, "POST", path(":push"), NULL);
    control_want(control, 200, payments.token, "GET", path("/audit-events?action=account.push"),
                 NULL);
    assert_string_equal(control_text(control, "items/0/resource/kind"), "account");
    assert_string_equal(control_text(control, "items/0/resource/id"), account);
}

/* As the operation leaves an account that a node does not let go. */
static void leave_tombstoned(const char *id)
{
    char message[DB_MESSAGE_MAX];
    struct db *db;

    assert_int_equal(db_open(control_plane_conninfo(control), DB_PLAIN, &db, message), OK);
    if (db_script(db, control_format(control,
                                     "UPDATE operation SET state = 'succeeded' WHERE account_id = "
                                     "'%s'; UPDATE account SET state = 'tombstoned' WHERE "
                                     "account_id = '%s'",
                                     id, id)) != OK)
        fail_msg("%s", db_error(db));
    db_close(db);
}

static void test_deleting_is_an_operation(void **state)
{
    char id[40], operation[80];

    control_account_make(control, &payments, "short-lived", id);
    control_refused_if(control, 400, "invalid_parameter", payments.token, "*", "DELETE",
                       control_format(control, "/v1/accounts/%s?mode=slowly", id), NULL);
    control_want_if(control, 202, payments.token, "*", "DELETE",
                    control_format(control, "/v1/accounts/%s", id), NULL);
    assert_string_equal(control_text(control, "type"), "account.delete");
    snprintf(operation, sizeof(operation), "/v1/operations/%s", control_text(control, "id"));
    control_want(control, 200, payments.token, "GET", operation, NULL);
    control_refused(control, 404, "not_found", games.token, "GET", operation, NULL);
    control_refused_if(control, 409, "illegal_state", payments.token, "*", "DELETE",
                       control_format(control, "/v1/accounts/%s", id), NULL);
    leave_tombstoned(id); /* a node did not let it go: once more, when it does */
    control_want_if(control, 202, payments.token, "*", "DELETE",
                    control_format(control, "/v1/accounts/%s", id), NULL);
    assert_string_equal(control_text(control, "type"), "account.delete");
    assert_string_equal(control_text(control, "steps/0/name"), "await_stored");
    control_want_if(control, 200, payments.token, "*", "PATCH", path(""), "{\"protection\":true}");
    control_refused_if(control, 409, "protected", payments.token, "*", "DELETE", path(""), NULL);
    control_want_if(control, 200, payments.token, "*", "PATCH", path(""), "{\"protection\":false}");
}

/* AUZ-01, API-53: another team's account is not there. */
static void test_another_teams_account_is_not_there(void **state)
{
    static const struct {
        const char *method, *rest, *body;
    } cases[] = {
        {"GET", "", NULL},
        {"PATCH", "", "{}"},
        {"DELETE", "", NULL},
        {"POST", ":suspend", "{}"},
        {"POST", ":resume", NULL},
        {"POST", ":push", NULL},
        {"GET", "/limits", NULL},
        {"PATCH", "/limits", "{}"},
        {"GET", "/jwt", NULL},
        {"GET", "/claims", NULL},
        {"GET", "/sync", NULL},
        {"GET", "/users", NULL},
        {"POST", "/users", "{\"name\":\"x\"}"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        control_refused_if(control, 404, "not_found", games.token, "*", cases[i].method,
                           path(cases[i].rest), cases[i].body);
    control_want(control, 200, games.token, "GET", "/v1/accounts", NULL);
    assert_int_equal(control_count(control), 1);
    assert_string_equal(control_text(control, "items/0/id"), other_account);
    control_refused(control, 422, "validation_failed", games.token, "POST", "/v1/accounts",
                    control_format(control, "{\"name\":\"spy\",\"team_id\":\"%s\"}", payments.id));
}

/* The system account is the operator's tool. */
static void test_the_system_account_is_left_alone(void **state)
{
    char system[40];

    control_want(control, 200, admin, "GET", "/v1/systems", NULL);
    snprintf(system, sizeof(system), "%s", control_text(control, "items/0/system_account_id"));
    control_want(control, 200, admin, "GET", control_format(control, "/v1/accounts/%s", system),
                 NULL);
    control_refused_if(control, 409, "protected", admin, "*", "DELETE",
                       control_format(control, "/v1/accounts/%s", system), NULL);
    control_refused_if(control, 409, "protected", admin, "*", "PATCH",
                       control_format(control, "/v1/accounts/%s", system), "{}");
    control_refused(control, 404, "not_found", payments.token, "GET",
                    control_format(control, "/v1/accounts/%s", system), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_account_as_returned),
        cmocka_unit_test(test_changes_need_the_version),
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_suspend_and_resume),
        cmocka_unit_test(test_the_operators_suspension_is_the_operators),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_jwt_claims_and_sync),
        cmocka_unit_test(test_deleting_is_an_operation),
        cmocka_unit_test(test_another_teams_account_is_not_there),
        cmocka_unit_test(test_the_system_account_is_left_alone),
    };
    return cmocka_run_group_tests(tests, tenants_start_accounts, tenants_stop);
}
