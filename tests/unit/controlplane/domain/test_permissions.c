#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/permissions.h"
#include "tests/lib/scene.h"

static struct scene scene;

static void test_rules_become_claims(void **state)
{
    struct response_permission resp = {.max = 3, .ttl_ns = 5};
    struct time_range range = {"08:00:00", "18:00:00"};
    struct user_rules rules = {
        .permissions = {.pub = {.allow = {(const char *[]){"a.>"}, 1}}, .resp = &resp},
        .subs = {true, 7},
        .src = {(const char *[]){"10.0.0.0/8"}, 1},
        .times = {&range, 1},
        .times_location = "UTC",
        .bearer = true};
    struct claims_user_limits limits;

    user_rules_claims(&rules, &limits, &scene.arena);
    assert_string_equal(limits.permissions.pub.allow.items[0], "a.>");
    assert_int_equal(limits.permissions.resp->max, 3);
    assert_int_equal(limits.nats.subs, 7);
    assert_int_equal(limits.nats.payload, -1);
    assert_string_equal(limits.times.items[0].end, "18:00:00");
    assert_true(limits.bearer_token);
    assert_false(user_rules_empty(&rules));
    assert_true(user_rules_empty(&(struct user_rules){.subs = {true, -1}}));
    assert_int_equal(json_array_size(time_ranges_json(&rules.times, &scene.arena)), 1);
}

static void test_what_a_shape_cannot_say(void **state)
{
    struct time_range empty = {"08:00:00", "08:00:00"};
    const struct user_rules cases[] = {
        {.permissions = {.pub = {.allow = {(const char *[]){"a workers"}, 1}}}},
        {.permissions = {.pub = {.deny = {(const char *[]){"a workers"}, 1}}}},
        {.times = {&empty, 1}},
        {.times_location = "UTC"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        scene_as_tenant(&scene);
        if (user_rules_check(&scene.work, &cases[i]) != ERR_INVALID)
            fail_msg("case %zu", i);
        assert_int_equal(scene_end(&scene, OK), OK);
    }
}

/* Through JSON and back, as rows and bodies have them. */
static void test_permissions_read_back(void **state)
{
    struct permissions in = {.sub = {.deny = {(const char *[]){"x", "y.*"}, 2}}}, out;
    json_t *tree = permissions_json(&in, &scene.arena);
    struct shape_error error;

    assert_int_equal(
        shape_decode(&permissions_shape, tree, SHAPE_STRICT, &scene.arena, &out, &error), OK);
    assert_int_equal(out.sub.deny.count, 2);
    json_object_set_new(tree, "sub", json_pack("{s:[s]}", "allow", "a..b"));
    assert_int_equal(
        shape_decode(&permissions_shape, tree, SHAPE_STRICT, &scene.arena, &out, &error),
        ERR_INVALID);
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
        cmocka_unit_test(test_rules_become_claims),
        cmocka_unit_test(test_what_a_shape_cannot_say),
        cmocka_unit_test(test_permissions_read_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
