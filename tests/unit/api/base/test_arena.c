#include "api/base/arena.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>

#include "api/base/check.h"
#include "tests/lib/dies.h"

static void test_pieces_are_zeroed_aligned_and_apart(void **state)
{
    static const char zero[4000];
    struct arena arena = {0};

    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < sizeof(zero); size += 37) {
            char *piece = arena_alloc(&arena, size);

            assert_int_equal((uintptr_t)piece % 16, 0);
            assert_memory_equal(piece, zero, size);
            memset(piece, 0xff, size);
        }
        arena_reset(&arena);
    }
    arena_fini(&arena);
    arena_fini(&arena);
}

static void test_large_pieces(void **state)
{
    struct arena arena;

    arena_init(&arena);
    memset(arena_alloc(&arena, 1 << 20), 1, 1 << 20);
    memset(arena_alloc_array(&arena, 1 << 10, 1 << 8), 1, 1 << 18);
    arena_reset(&arena);
    arena_alloc(&arena, 10);
    arena_fini(&arena);
}

static void test_copies(void **state)
{
    struct arena arena = {0};

    assert_string_equal(arena_strdup(&arena, "abc"), "abc");
    assert_string_equal(arena_copy(&arena, SLICE("xyz")), "xyz");
    assert_string_equal(arena_copy(&arena, slice_of(NULL)), "");
    assert_string_equal(arena_printf(&arena, "%s-%d", "a", 5), "a-5");
    assert_int_equal(strlen(arena_printf(&arena, "%5000s", "")), 5000);
    arena_fini(&arena);
}

static char order[8];

static void note(void *arg)
{
    strncat(order, arg, 1);
}

static void test_hooks_run_last_added_first(void **state)
{
    struct arena arena = {0};

    arena_on_free(&arena, note, "a");
    arena_on_free(&arena, note, "b");
    arena_reset(&arena);
    assert_string_equal(order, "ba");
    arena_on_free(&arena, note, "c");
    arena_fini(&arena);
    assert_string_equal(order, "bac");
}

static void overflow(void *arg)
{
    struct arena arena = {0};

    arena_alloc_array(&arena, SIZE_MAX / 2, 3);
}

static void test_a_product_that_does_not_fit_stops(void **state)
{
    assert_true(dies(overflow, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(test_large_pieces),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_hooks_run_last_added_first),
        cmocka_unit_test(test_a_product_that_does_not_fit_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
