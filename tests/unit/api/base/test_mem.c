#include "api/base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/dies.h"

static void test_memory_is_zeroed(void **state)
{
    char *a = mem_alloc(100), *b = mem_alloc_array(10, 10), *c = mem_alloc_aligned(64, 100);
    static const char zero[100];

    assert_memory_equal(a, zero, 100);
    assert_memory_equal(b, zero, 100);
    assert_memory_equal(c, zero, 100);
    assert_int_equal((uintptr_t)c % 64, 0);
    mem_free(a);
    mem_free(b);
    mem_free(c);
}

static void test_nothing_is_memory_too(void **state)
{
    void *a = mem_alloc(0), *b = mem_alloc_array(0, 5), *c = mem_alloc_aligned(16, 0);

    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    a = mem_realloc(a, 0);
    assert_non_null(a);
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(NULL);
}

static void test_copies_end_in_zero(void **state)
{
    char *a = mem_strdup("abc"), *b = mem_strndup("abcdef", 2), *c = mem_strndup(NULL, 0);

    assert_string_equal(a, "abc");
    assert_string_equal(b, "ab");
    assert_string_equal(c, "");
    a = mem_realloc(a, 1000);
    assert_string_equal(a, "abc");
    mem_free(a);
    mem_free(b);
    mem_free(c);
}

static void too_odd(void *arg)
{
    mem_free(mem_alloc_aligned(24, 1));
}

static void test_misuse_stops(void **state)
{
    assert_true(dies(too_odd, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed),
        cmocka_unit_test(test_nothing_is_memory_too),
        cmocka_unit_test(test_copies_end_in_zero),
        cmocka_unit_test(test_misuse_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
