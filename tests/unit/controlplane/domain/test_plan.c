#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/plan.h"
#include "tests/lib/scene.h"

static struct scene scene;

static struct optional_int number(int64_t value)
{
    return (struct optional_int){true, value};
}

static void test_effective_limits(void **state)
{
    struct plan plan = {.limits = {.connections = number(100), .js_disk = number(1 << 30)}};
    struct limits over = {.connections = number(50), .max_payload = number(1024)};
    struct effective_limits out;

    limits_effective(&plan, &over, true, &out);
    assert_int_equal(out.limits.connections.value, 50);
    assert_int_equal(out.source[LIMIT_connections], LIMIT_FROM_OVERRIDE);
    assert_int_equal(out.limits.js_disk.value, 1 << 30);
    assert_int_equal(out.source[LIMIT_js_disk], LIMIT_FROM_PLAN);
    assert_int_equal(out.limits.leaf_connections.value, 0); /* what no source says */
    limits_effective(&plan, NULL, false, &out);
    assert_int_equal(out.limits.js_disk.value, 0);
    assert_int_equal(out.source[LIMIT_js_disk], LIMIT_FROM_SYSTEM);
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        assert_true(limit_at(&out.limits, (enum limit_name)i)->set);
}

static void test_which_is_looser(void **state)
{
    assert_true(limit_looser(LIMIT_connections, -1, 5));
    assert_true(limit_looser(LIMIT_connections, 6, 5));
    assert_false(limit_looser(LIMIT_connections, 5, -1));
    assert_false(limit_looser(LIMIT_connections, -1, -1));
    assert_true(limit_looser(LIMIT_disallow_bearer, 0, 1));
    assert_true(limit_looser(LIMIT_wildcard_exports, 1, 0));
}

static void test_tiers_and_flat_limits_exclude_one_another(void **state)
{
    struct tier_limits tier = {.tier = "R1", .js_disk = 100};
    struct limits limits = {.js_disk = number(5), .tiers = {&tier, 1}};

    scene_as_admin(&scene);
    assert_int_equal(limits_check(&scene.work, "/limits", &limits), ERR_INVALID);
    assert_string_equal(scene.refusal.errors[0].pointer, "/limits/js_disk");
    assert_int_equal(scene_end(&scene, OK), OK);
}

/* PLN-01: other limits are another version; those who have one keep it. */
static void test_a_changed_plan_is_a_new_version(void **state)
{
    struct tier_limits tier = {.tier = "R3", .js_disk = 100, .js_max_bytes_required = true};
    const struct plan_settings first = {
        .settings = {.name = "gold"},
        .limits = {.connections = number(7), .disallow_bearer = number(0), .tiers = {&tier, 1}}};
    struct plan_settings settings;
    struct plan plan, changed, old;

    scene_as_admin(&scene);
    assert_int_equal(plan_create(&scene.work, &first, &plan), OK);
    assert_int_equal(plan.limits.connections.value, 7);
    assert_true(plan.limits.disallow_bearer.set);
    assert_int_equal(plan.limits.disallow_bearer.value, 0);
    assert_int_equal(plan.limits.tiers.count, 1);
    assert_true(plan.limits.tiers.items[0].js_max_bytes_required);
    settings = plan_settings_of(&plan);
    settings.settings.description = "only words";
    assert_int_equal(plan_update(&scene.work, &plan, &settings, &changed), OK);
    assert_int_equal(changed.plan_version, 1);
    settings.limits.connections = number(8);
    assert_int_equal(plan_update(&scene.work, &plan, &settings, &old), ERR_CONFLICT); /* stale */
    scene.refusal.code = REFUSAL_none;
    assert_int_equal(plan_update(&scene.work, &changed, &settings, &changed), OK);
    assert_int_equal(changed.plan_version, 2);
    assert_int_equal(plan_by_ref(&scene.work, "gold", 1, &old), OK);
    assert_int_equal(old.limits.connections.value, 7);
    assert_int_equal(plan_delete(&scene.work, &changed), OK);
    assert_int_equal(plan_by_ref(&scene.work, "gold", 0, &old), ERR_NOT_FOUND);
    assert_int_equal(plan_version_any(&scene.work, plan.resource.id, 1, &old), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_a_plan_in_use_stays(void **state)
{
    struct plan plan;

    scene_as_admin(&scene);
    assert_int_equal(plan_default(&scene.work, &plan), OK);
    assert_int_equal(plan_delete(&scene.work, &plan), ERR_STATE);
    assert_string_equal(scene_refused(&scene), "in_use");
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_there_is_one_default(void **state)
{
    const struct plan_settings settings = {.settings = {.name = "newer"}, .is_default = true};
    struct plan plan, old;

    scene_as_admin(&scene);
    assert_int_equal(plan_create(&scene.work, &settings, &plan), OK);
    assert_int_equal(plan_by_ref(&scene.work, scene.plan_id, 0, &old), OK);
    assert_false(old.is_default);
    assert_int_equal(plan_default(&scene.work, &plan), OK);
    assert_string_equal(plan.resource.name, "newer");
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
        cmocka_unit_test(test_effective_limits),
        cmocka_unit_test(test_which_is_looser),
        cmocka_unit_test(test_tiers_and_flat_limits_exclude_one_another),
        cmocka_unit_test(test_a_changed_plan_is_a_new_version),
        cmocka_unit_test(test_a_plan_in_use_stays),
        cmocka_unit_test(test_there_is_one_default),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
