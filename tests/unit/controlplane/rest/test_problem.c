#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/check.h"
#include "controlplane/rest/problem.h"

static const char *member(const char *body, const char *name)
{
    static char out[512];
    struct shape_error error;
    json_t *tree;

    assert_int_equal(shape_parse(slice_of(body), &tree, &error), OK);
    assert_true(json_object_get(tree, name) != NULL);
    snprintf(out, sizeof(out), "%s",
             json_is_string(json_object_get(tree, name))
                 ? json_string_value(json_object_get(tree, name))
                 : "");
    json_decref(tree);
    return out;
}

static void test_a_refusal_says_what_where_and_how_much(void **state)
{
    struct arena arena = {0};
    struct refusal refusal = {.arena = &arena};
    struct problem problem;
    enum result rc;

    rc = refusal_limit(&refusal, "/limits/connections", "above_plan_maximum", 10, 20);
    problem = problem_of(rc, &refusal, "req_1", "/v1/accounts", &arena);
    assert_int_equal(problem.status, 422);
    assert_string_equal(member(problem.body, "code"), "validation_failed");
    assert_string_equal(member(problem.body, "type"), "/v1/problems/validation_failed");
    assert_string_equal(member(problem.body, "instance"), "/v1/accounts");
    assert_string_equal(member(problem.body, "request_id"), "req_1");
    assert_non_null(strstr(problem.body, "\"limit\":10"));
    assert_non_null(strstr(problem.body, "\"actual\":20"));
    assert_non_null(strstr(problem.body, "\"pointer\":\"/limits/connections\""));
    arena_fini(&arena);
}

static void test_a_bare_result_has_its_general_row(void **state)
{
    struct arena arena = {0};
    struct refusal refusal = {.arena = &arena};

    assert_int_equal(problem_of(ERR_NOT_FOUND, &refusal, "r", "/", &arena).status, 404);
    assert_int_equal(problem_of(ERR_CORRUPT, &refusal, "r", "/", &arena).status, 500);
    assert_true(problem_of(ERR_UNAVAILABLE, &refusal, "r", "/", &arena).status >= 500);
    arena_fini(&arena);
}

static void test_every_code_has_its_page(void **state)
{
    json_t *all = problem_catalogue(), *items = json_object_get(all, "items");

    assert_int_equal(json_array_size(items), REFUSAL_COUNT - 1);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *code = json_string_value(json_object_get(json_array_get(items, i), "code"));
        json_t *entry = problem_entry(code);

        assert_non_null(entry);
        assert_true(strlen(json_string_value(json_object_get(entry, "cause"))) > 0);
        assert_true(strlen(json_string_value(json_object_get(entry, "remedy"))) > 0);
        json_decref(entry);
    }
    assert_null(problem_entry("no_such_code"));
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refusal_says_what_where_and_how_much),
        cmocka_unit_test(test_a_bare_result_has_its_general_row),
        cmocka_unit_test(test_every_code_has_its_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
