#include "controlplane/rest/conflict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "tests/lib/tenants.h"

static int begin(void **state)
{
    tenants_start_team(state);
    control_account_make(control, &payments, "orders", account);
    return 0;
}

static void test_what_differs(void **state)
{
    static const struct {
        const char *then, *now, *changes;
    } cases[] = {
        {"{'a':1,'b':[1,2]}", "{'a':1,'b':[1,2]}", "[]"},
        {"{'a':1}", "{'a':2}", "[{'field':'/a','then':1,'now':2}]"},
        {"{'a':1}", "{'b':2}",
         "[{'field':'/b','then':null,'now':2},{'field':'/a','then':1,'now':null}]"},
        {"{'a':null}", "{}", "[]"},
        {"{}", "{'a':null}", "[]"},
        {"{'a':{'x':1,'y':2}}", "{'a':{'x':1,'y':3,'z/~':4}}",
         "[{'field':'/a/y','then':2,'now':3},{'field':'/a/z~1~0','then':null,'now':4}]"},
        {"{'a':{'x':1}}", "{'a':null}", "[{'field':'/a','then':{'x':1},'now':null}]"},
        {"{'a':[1,2]}", "{'a':[2,1]}", "[{'field':'/a','then':[1,2],'now':[2,1]}]"},
        /* What nobody sets; below another member the same name is an ordinary one. */
        {"{'version':1,'updated_at':'x','sync':{},'a':{'version':1}}",
         "{'version':2,'updated_at':'y','sync':{'s':1},'a':{'version':2}}",
         "[{'field':'/a/version','then':1,'now':2}]"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *texts[3] = {cases[i].then, cases[i].now, cases[i].changes};
        json_t *trees[3], *changes;
        bool complete = false;

        for (size_t j = 0; j < 3; j++) {
            char text[512];
            size_t len = strlen(texts[j]);

            for (size_t k = 0; k <= len; k++)
                text[k] = (char)(texts[j][k] == '\'' ? '"' : texts[j][k]);
            trees[j] = json_loads(text, 0, NULL);
            assert_non_null(trees[j]);
        }
        changes = conflict_changes(trees[0], trees[1], &complete);
        if (!json_equal(changes, trees[2]))
            fail_msg("%s to %s: %s", texts[0], texts[1], json_dumps(changes, 0));
        assert_true(complete);
        json_decref(changes);
        for (size_t j = 0; j < 3; j++)
            json_decref(trees[j]);
    }
}

/* However much differs, the answer is small, and says that something is left out. */
static void test_it_is_bounded(void **state)
{
    json_t *then = json_object(), *now = json_object(), *changes;
    char name[SHAPE_PATH_MAX + 8], value[CONFLICT_VALUE_MAX + 1];
    bool complete = true;

    for (int i = 0; i <= CONFLICT_CHANGES_MAX; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        json_object_set_new(now, name, json_integer(i));
    }
    changes = conflict_changes(then, now, &complete);
    assert_int_equal(json_array_size(changes), CONFLICT_CHANGES_MAX);
    assert_false(complete);
    json_decref(changes);

    json_object_clear(now);
    memset(value, 'x', sizeof(value));
    value[CONFLICT_VALUE_MAX - 2] = '\0';
    json_object_set_new(now, "fits", json_string(value));
    changes = conflict_changes(then, now, &complete);
    assert_true(complete);
    json_decref(changes);
    value[CONFLICT_VALUE_MAX - 2] = 'x';
    value[CONFLICT_VALUE_MAX - 1] = '\0';
    json_object_set_new(now, "fits", json_string(value));
    changes = conflict_changes(then, now, &complete);
    assert_false(complete);
    assert_int_equal(json_array_size(changes), 1);
    assert_null(json_object_get(json_array_get(changes, 0), "now"));
    json_decref(changes);

    json_object_clear(now);
    memset(name, '/', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    json_object_set_new(now, name, json_true());
    changes = conflict_changes(then, now, &complete);
    assert_int_equal(json_array_size(changes), 0);
    assert_false(complete);
    json_decref(changes);
    json_decref(then);
    json_decref(now);
}

static const char *path_of(const char *rest)
{
    return control_format(control, "/v1/accounts/%s%s", account, rest);
}

static const char *change(size_t i, const char *member)
{
    return control_format(control, "conflict/changes/%zu/%s", i, member);
}

static void test_a_stale_writer_learns_what_changed(void **state)
{
    control_want_if(control, 200, payments.token, "\"1\"", "PATCH", path_of(""),
                    "{\"description\":\"one\",\"labels\":{\"a/b\":\"1\"}}");
    control_want_if(control, 200, payments.token, "\"2\"", "PATCH", path_of("/limits"),
                    "{\"connections\":5}");
    control_want_if(control, 200, payments.token, "\"3\"", "PATCH", path_of(""),
                    "{\"description\":\"two\"}");
    control_refused_if(control, 412, "version_conflict", payments.token, "\"2\"", "PATCH",
                       path_of(""), "{\"description\":\"mine\"}");
    assert_int_equal(control_int(control, "conflict/version"), 4);
    assert_int_equal(control_int(control, "conflict/since"), 2);
    assert_true(json_is_true(control_member(control, "conflict/complete")));
    assert_int_equal(json_array_size(control_member(control, "conflict/changes")), 2);
    assert_string_equal(control_text(control, change(0, "field")), "/description");
    assert_string_equal(control_text(control, change(0, "then")), "one");
    assert_string_equal(control_text(control, change(0, "now")), "two");
    assert_string_equal(control_text(control, change(1, "field")), "/overrides/connections");
    assert_true(json_is_null(control_member(control, change(1, "then"))));
    assert_int_equal(control_int(control, change(1, "now")), 5);
    assert_string_equal(control_text(control, "detail"),
                        "the resource is at version 4, not 2; changed since: /description, "
                        "/overrides/connections");
    /* A deletion is told as well. */
    control_refused_if(control, 412, "version_conflict", payments.token, "\"3\"", "DELETE",
                       path_of(""), NULL);
    assert_int_equal(json_array_size(control_member(control, "conflict/changes")), 1);
}

static void test_a_version_that_the_trail_does_not_know(void **state)
{
    control_refused_if(control, 412, "version_conflict", payments.token, "\"77\"", "PATCH",
                       path_of(""), "{}");
    assert_int_equal(control_int(control, "conflict/since"), 4);
    assert_true(json_is_false(control_member(control, "conflict/complete")));
    assert_int_equal(json_array_size(control_member(control, "conflict/changes")), 0);
}

/* What is counted is not what somebody changed. */
static void test_what_others_made_is_no_change_of_its_team_and_plan(void **state)
{
    char plan[80], one[80];

    control_want(control, 201, admin, "POST", "/v1/plans", "{\"name\":\"counted\"}");
    snprintf(plan, sizeof(plan), "/v1/plans/%s", control_text(control, "id"));
    control_want(control, 201, admin, "POST", "/v1/teams",
                 "{\"name\":\"counting\",\"plan_id\":\"counted\"}");
    snprintf(one, sizeof(one), "/v1/teams/%s", control_text(control, "id"));
    control_want(control, 201, admin, "POST", "/v1/accounts",
                 control_format(control, "{\"name\":\"a\",\"team_id\":\"%s\"}",
                                control_text(control, "id")));
    control_refused_if(control, 412, "version_conflict", admin, "\"9\"", "PATCH", plan, "{}");
    assert_int_equal(json_array_size(control_member(control, "conflict/changes")), 0);
    control_refused_if(control, 412, "version_conflict", admin, "\"9\"", "PATCH", one, "{}");
    assert_int_equal(json_array_size(control_member(control, "conflict/changes")), 0);
}

/* A signing key's seed and a token's text stand in its first answer only. */
static void test_no_secret_is_told(void **state)
{
    char token[160], id[40], path[80];

    control_want(control, 201, admin, "POST", "/v1/tokens",
                 control_format(control, "{\"name\":\"other\",\"expires_at\":\"%s\"}",
                                control_in_days(control, 1)));
    snprintf(token, sizeof(token), "%s", control_text(control, "token"));
    snprintf(id, sizeof(id), "%s", control_text(control, "id"));
    snprintf(path, sizeof(path), "/v1/tokens/%s", id);
    control_want_if(control, 200, admin, "*", "PATCH", path, "{\"description\":\"x\"}");
    control_refused_if(control, 412, "version_conflict", admin, "\"1\"", "PATCH", path, "{}");
    assert_int_equal(json_array_size(control_member(control, "conflict/changes")), 1);
    assert_string_equal(control_text(control, change(0, "field")), "/description");
    assert_null(memmem(control_last(control)->body.data, control_last(control)->body.len, token,
                       strlen(token)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_differs),
        cmocka_unit_test(test_it_is_bounded),
        cmocka_unit_test(test_a_stale_writer_learns_what_changed),
        cmocka_unit_test(test_a_version_that_the_trail_does_not_know),
        cmocka_unit_test(test_what_others_made_is_no_change_of_its_team_and_plan),
        cmocka_unit_test(test_no_secret_is_told),
    };

    return cmocka_run_group_tests(tests, begin, tenants_stop);
}
