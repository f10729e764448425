#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/domain/authz.h"
#include "controlplane/rest/router.h"
#include "tests/lib/openapi_document.h"

#define FILE_NAME "api/openapi.json"

/* AUZ-01: no route without a permission that the matrix knows. */
static void test_every_route_has_a_permission(void **state)
{
    for (size_t i = 0; rest_tables[i] != NULL; i++) {
        for (const struct rest_route *route = rest_tables[i]; route->method != NULL; route++) {
            if (route->permission == NULL || !authz_known(route->permission))
                fail_msg("%s %s has no permission", route->method, route->path);
            assert_non_null(route->handler);
            assert_non_null(route->id);
        }
    }
}

/* An id names one operation, a method and path one route. */
static void test_no_route_stands_twice(void **state)
{
    for (size_t i = 0; rest_tables[i] != NULL; i++) {
        for (const struct rest_route *a = rest_tables[i]; a->method != NULL; a++) {
            for (size_t j = 0; rest_tables[j] != NULL; j++) {
                for (const struct rest_route *b = rest_tables[j]; b->method != NULL; b++) {
                    if (a == b)
                        continue;
                    if (strcmp(a->id, b->id) == 0)
                        fail_msg("%s stands twice", a->id);
                    if (strcmp(a->method, b->method) == 0 && strcmp(a->path, b->path) == 0)
                        fail_msg("%s %s stands twice", a->method, a->path);
                }
            }
        }
    }
}

/* Run with BERTH_WRITE_OPENAPI=1 to write the file anew after a route or a shape has changed. */
static void test_the_document_is_what_the_program_does(void **state)
{
    json_t *expected = openapi_document(), *found;
    json_error_t error;

    assert_non_null(expected);
    if (getenv("BERTH_WRITE_OPENAPI") != NULL)
        assert_int_equal(json_dump_file(expected, FILE_NAME, JSON_INDENT(1)), 0);
    found = json_load_file(FILE_NAME, 0, &error);
    if (found == NULL)
        fail_msg(FILE_NAME ": %s", error.text);
    if (!json_equal(expected, found))
        fail_msg(FILE_NAME " differs from the route tables: BERTH_WRITE_OPENAPI=1 writes it anew");
    json_decref(found);
    json_decref(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_has_a_permission),
        cmocka_unit_test(test_no_route_stands_twice),
        cmocka_unit_test(test_the_document_is_what_the_program_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
