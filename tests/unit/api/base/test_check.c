#include "api/base/check.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/dies.h"

static void check_it(void *arg)
{
    CHECK(*(int *)arg == 1);
}

static void never(void *arg)
{
    CHECK_UNREACHABLE("not here");
}

static void test_a_false_condition_stops_the_process(void **state)
{
    int one = 1, two = 2;

    assert_false(dies(check_it, &one));
    assert_true(dies(check_it, &two));
    assert_true(dies(never, NULL));
}

struct inner {
    int value;
};
struct outer {
    char before[3];
    struct inner inner;
};

static void test_container_of_finds_the_outer_struct(void **state)
{
    struct outer outer;
    struct inner *inner = &outer.inner;

    assert_ptr_equal(container_of(inner, struct outer, inner), &outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_false_condition_stops_the_process),
        cmocka_unit_test(test_container_of_finds_the_outer_struct),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
