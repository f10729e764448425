#include "api/base/map.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "tests/lib/dies.h"

enum { COUNT = 2000 };

struct thing {
    char name[24];
    struct map_link link;
    int seen;
};

static void test_insert_find_remove(void **state)
{
    struct thing *things = mem_alloc_array(COUNT, sizeof(*things));
    struct thing twin = {.name = "thing 7"};
    struct map map = {0};

    assert_null(map_find(&map, SLICE("x")));
    for (int i = 0; i < COUNT; i++) {
        snprintf(things[i].name, sizeof(things[i].name), "thing %d", i);
        assert_true(map_insert(&map, &things[i].link, slice_of(things[i].name)));
    }
    assert_int_equal(map.count, COUNT);
    assert_false(map_insert(&map, &twin.link, slice_of(twin.name)));
    assert_int_equal(map.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        struct map_link *link = map_find(&map, slice_of(things[i].name));

        assert_ptr_equal(map_entry(link, struct thing, link), &things[i]);
    }
    assert_null(map_find(&map, SLICE("thing")));
    for (int i = 0; i < COUNT; i += 2)
        map_remove(&map, &things[i].link);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(map_find(&map, slice_of(things[i].name)) != NULL, i % 2);
    map_fini(&map);
    map_fini(&map);
    mem_free(things);
}

static void test_every_element_is_visited_once(void **state)
{
    struct thing *things = mem_alloc_array(COUNT, sizeof(*things));
    struct map_iter iter = {0};
    struct map_link *link;
    struct map map;
    int count = 0;

    map_init(&map);
    assert_null(map_next(&map, &iter));
    for (int i = 0; i < COUNT; i++) {
        snprintf(things[i].name, sizeof(things[i].name), "%d", i);
        map_insert(&map, &things[i].link, slice_of(things[i].name));
    }
    iter = (struct map_iter){0};
    while ((link = map_next(&map, &iter)) != NULL) {
        struct thing *thing = map_entry(link, struct thing, link);

        assert_int_equal(thing->seen++, 0);
        if (count++ % 3 == 0)
            map_remove(&map, link); /* the one at hand may go */
    }
    assert_int_equal(count, COUNT);
    assert_int_equal(map.count, COUNT - (COUNT + 2) / 3);
    map_fini(&map);
    mem_free(things);
}

static void test_keys_are_bytes(void **state)
{
    struct map map = {0};
    struct map_link a, b, c;

    assert_true(map_insert(&map, &a, slice_make("a\0b", 3)));
    assert_true(map_insert(&map, &b, slice_make("a\0c", 3)));
    assert_true(map_insert(&map, &c, slice_of(NULL)));
    assert_ptr_equal(map_find(&map, slice_make("a\0c", 3)), &b);
    assert_ptr_equal(map_find(&map, SLICE("")), &c);
    assert_int_equal(map_hash(SLICE("abc")), map_hash(SLICE("abc")));
    assert_true(map_hash(SLICE("abc")) != map_hash(SLICE("abd")));
    map_fini(&map);
}

static void remove_stranger(void *arg)
{
    struct map map = {0};
    struct map_link in, out = {0};

    map_insert(&map, &in, SLICE("in"));
    map_remove(&map, &out);
}

static void test_removing_a_stranger_stops(void **state)
{
    assert_true(dies(remove_stranger, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert_find_remove),
        cmocka_unit_test(test_every_element_is_visited_once),
        cmocka_unit_test(test_keys_are_bytes),
        cmocka_unit_test(test_removing_a_stranger_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
