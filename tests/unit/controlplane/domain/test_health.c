#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/health.h"
#include "tests/lib/scene.h"

static struct scene scene;

static void test_all_is_well(void **state)
{
    struct health health;
    json_t *tree;

    scene_as_machine(&scene);
    health_check(&scene.work, &health);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_true(health_ready(&health));
    assert_int_equal(health.systems.count, 1);
    assert_int_equal(health.systems.items[0].ready, 0); /* no node: still ready to serve */
    tree = resource_json(&scene.arena, health_json(&health));
    assert_true(json_is_true(json_object_get(tree, "ready")));
    assert_false(health_ready(&(struct health){.database = true, .migrations = true}));
}

static void test_figures(void **state)
{
    struct buf buf = {0};

    scene_node(&scene, "n\"1", "NX");
    scene_as_machine(&scene);
    assert_int_equal(health_figures(&scene.work, &buf), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_non_null(strstr(buf_text(&buf), "cp_outbox_depth 1\n"));
    assert_non_null(strstr(buf_text(&buf), "cp_accounts{state=\"active\"} 1\n"));
    assert_non_null(strstr(buf_text(&buf), "cp_node_up{node=\"n\\\"1\"} 1\n"));
    buf_fini(&buf);
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
        cmocka_unit_test(test_all_is_well),
        cmocka_unit_test(test_figures),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
