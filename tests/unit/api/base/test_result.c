#include "api/base/result.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_every_result_has_a_name_and_a_text(void **state)
{
    for (int rc = 0; rc < RESULT_COUNT; rc++) {
        assert_true(strlen(result_name(rc)) > 1);
        assert_true(strlen(result_text(rc)) > 1);
    }
    assert_string_equal(result_name(OK), "OK");
    assert_string_equal(result_name(ERR_LIMIT), "ERR_LIMIT");
    assert_string_equal(result_text(ERR_LIMIT), "a limit was reached");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_result_has_a_name_and_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
