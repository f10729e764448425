#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/check.h"
#include "dataplane/core/pool.h"

static void test_classes(void **state)
{
    static const struct {
        size_t asked, got;
    } rows[] = {{1, 512},
                {512, 512},
                {513, 2048},
                {2049, 16 << 10},
                {16 << 10, 16 << 10},
                {20000, 64 << 10},
                {64 << 10, 64 << 10},
                {65537, 65537}};
    struct pool *pool = pool_new();

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct chunk *chunk = pool_take(pool, rows[i].asked), *again;

        assert_int_equal(chunk->cap, rows[i].got);
        assert_int_equal((uintptr_t)chunk->data & 15, 0);
        memset(chunk->data, 1, chunk->cap);
        pool_put(pool, chunk);
        again = pool_take(pool, rows[i].asked);
        if (rows[i].got <= 64 << 10)
            assert_ptr_equal(again, chunk); /* the one that is warm */
        assert_int_equal(again->begin + again->end, 0);
        pool_put(pool, again);
    }
    pool_free(pool);
}

/* What was used once is not kept for ever. */
static void test_gives_back(void **state)
{
    struct chunk *many[300];
    struct pool *pool = pool_new();
    size_t taken, idle;

    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = pool_take(pool, 64 << 10);
    pool_usage(pool, &taken, &idle);
    assert_int_equal(taken, COUNT_OF(many) * (64 << 10));
    assert_int_equal(idle, 0);
    for (size_t i = 0; i < COUNT_OF(many); i++)
        pool_put(pool, many[i]);
    pool_usage(pool, &taken, &idle);
    assert_int_equal(taken, 0);
    assert_int_equal(pool_taken(pool), 0);
    assert_true(idle > 0 && idle <= 4 << 20);
    pool_free(pool);
    pool_free(NULL);
}

/* A chunk that travels is in the books of one pool at a time. */
static void test_travels(void **state)
{
    struct pool *from = pool_new(), *to = pool_new();
    struct chunk *chunk = pool_take(from, 2000), *loose = chunk_new(100);

    pool_disown(from, chunk);
    assert_int_equal(pool_taken(from), 0);
    pool_adopt(to, chunk);
    pool_adopt(to, loose);
    assert_int_equal(pool_taken(to), 2048 + 512);
    pool_put(to, chunk);
    pool_put(to, loose);
    assert_int_equal(pool_taken(to), 0);
    assert_ptr_equal(pool_take(to, 2000), chunk);
    pool_put(to, chunk);
    pool_free(from);
    pool_free(to);
    chunk_free(chunk_new(100000));
    chunk_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_gives_back),
        cmocka_unit_test(test_travels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
