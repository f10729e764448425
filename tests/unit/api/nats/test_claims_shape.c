#include "api/nats/claims_shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static size_t count_name(const struct shape *shape, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];

        if (field->kind == KIND_FLATTEN)
            count += count_name(field->type, name);
        else
            count += strcmp(field->name, name) == 0;
    }
    return count;
}

/* Types have names, and no two members of "nats" share one: neither with each other nor with the
 * members that every type has. */
static void test_names_are_unique(void **state)
{
    for (int i = CLAIMS_OPERATOR; i < CLAIMS_TYPES; i++) {
        const struct shape *shape = claims_types[i].shape;

        assert_non_null(claims_types[i].name);
        for (int j = CLAIMS_OPERATOR; j < i; j++)
            assert_string_not_equal(claims_types[i].name, claims_types[j].name);
        for (size_t j = 0; j < shape->field_count; j++) {
            if (shape->fields[j].kind == KIND_FLATTEN)
                continue;
            assert_int_equal(count_name(shape, shape->fields[j].name), 1);
            assert_int_equal(count_name(&claims_ending_shape, shape->fields[j].name), 0);
        }
    }
    assert_int_equal(claims_types[CLAIMS_GENERIC].shape->field_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_unique),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
