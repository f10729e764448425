#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/scene.h"

static struct scene scene;

static void test_ids_are_typed_and_sort_by_time(void **state)
{
    const char *a, *b;

    a = resource_id_new(&scene.work, "acc");
    assert_true(resource_id_valid("acc", a));
    assert_false(resource_id_valid("usr", a));
    assert_false(resource_id_valid("acc", "acc_short"));
    assert_false(resource_id_valid("acc", "acc_01JD3E7Q2M4Y8ZK5T6V9W0X1AI")); /* no I */
    for (int64_t begin = work_now(&scene.work) / NS_PER_MS;
         work_now(&scene.work) / NS_PER_MS == begin;)
        ;
    b = resource_id_new(&scene.work, "acc");
    assert_true(strcmp(a, b) < 0);
}

static void test_settings_come_from_a_resource(void **state)
{
    struct account account = scene_account(&scene);
    struct resource_settings settings = resource_settings_of(&account.resource);

    assert_string_equal(settings.name, "orders");
    assert_int_equal(json_object_size(resource_labels(&settings, &scene.arena)), 0);
    assert_string_equal(or_empty(NULL), "");
}

static void test_a_conflict_names_the_version(void **state)
{
    struct account account = scene_account(&scene);

    scene_as_admin(&scene);
    assert_int_equal(resource_conflict(&scene.work, &account.resource), ERR_CONFLICT);
    assert_string_equal(scene_refused(&scene), "version_conflict");
    assert_int_equal(scene.refusal.conflict_version, 1);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static int set_up(void **state)
{
    scene_start(&scene);
    return 0;
}

static int tear_down(void **state)
{
    scene_stop(&scene);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_are_typed_and_sort_by_time),
        cmocka_unit_test(test_settings_come_from_a_resource),
        cmocka_unit_test(test_a_conflict_names_the_version),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
