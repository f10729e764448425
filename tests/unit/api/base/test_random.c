#include "api/base/random.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/dies.h"

static void test_a_seed_repeats(void **state)
{
    struct random_seeded a, b, c;
    char x[33], y[33];

    random_seed(&a, 5);
    random_seed(&b, 5);
    random_seed(&c, 6);
    random_fill(&a.random, x, sizeof(x));
    random_fill(&b.random, y, sizeof(y));
    assert_memory_equal(x, y, sizeof(x));
    random_fill(&c.random, y, sizeof(y));
    assert_memory_not_equal(x, y, sizeof(x));
}

/* The published generator: state {1, 2, 3, 4}. */
static void test_the_generator_is_xoshiro256(void **state)
{
    struct random_seeded random;

    random_seed(&random, 0);
    memcpy(random.state, (uint64_t[]){1, 2, 3, 4}, sizeof(random.state));
    assert_int_equal(random_u64(&random.random), 11520);
    assert_int_equal(random_u64(&random.random), 0);
    assert_int_equal(random_u64(&random.random), 1509978240);
}

static void test_below_is_below_and_reaches_all(void **state)
{
    struct random_seeded random;
    unsigned seen[6] = {0};

    random_seed(&random, 1);
    for (int i = 0; i < 6000; i++)
        seen[random_below(&random.random, 6)]++;
    for (int i = 0; i < 6; i++)
        assert_in_range(seen[i], 850, 1150);
    assert_int_equal(random_below(&random.random, 1), 0);
    for (int i = 0; i < 100; i++)
        assert_true(random_below(&random.random, UINT64_MAX - 1) < UINT64_MAX - 1);
}

static void test_the_system_generator_gives_other_numbers(void **state)
{
    struct random *random = random_system();

    assert_true(random_u64(random) != random_u64(random));
}

static void below_nothing(void *arg)
{
    random_below(random_system(), 0);
}

static void test_below_nothing_stops(void **state)
{
    assert_true(dies(below_nothing, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_seed_repeats),
        cmocka_unit_test(test_the_generator_is_xoshiro256),
        cmocka_unit_test(test_below_is_below_and_reaches_all),
        cmocka_unit_test(test_the_system_generator_gives_other_numbers),
        cmocka_unit_test(test_below_nothing_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
