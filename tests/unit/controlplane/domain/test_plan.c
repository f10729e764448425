#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/plan.h"
#include "tests/lib/world.h"

static const struct optional_int unset = {0};

static struct optional_int set(int64_t value)
{
    return (struct optional_int){true, value};
}

static struct plan_settings settings(const char *name)
{
    return (struct plan_settings){.settings = {.name = name}};
}

static struct plan create(struct world *world, const struct plan_settings *of)
{
    struct plan out;

    world_ok(world->work, plan_create(world->work, of, &out));
    return out;
}

static struct plan read_plan(struct world *world, const char *ref, int64_t version)
{
    struct plan out;

    world_ok(world->work, plan_by_ref(world->work, ref, version, &out));
    return out;
}

static void test_what_is_looser(void **state)
{
    static const struct {
        enum limit_name name;
        int64_t a, b;
        bool looser;
    } rows[] = {
        {LIMIT_connections, 2, 1, true},       {LIMIT_connections, 1, 2, false},
        {LIMIT_connections, 1, 1, false},      {LIMIT_connections, -1, 5, true},
        {LIMIT_connections, 5, -1, false},     {LIMIT_connections, -1, -1, false},
        {LIMIT_connections, 0, -1, false},     {LIMIT_wildcard_exports, 1, 0, true},
        {LIMIT_wildcard_exports, 0, 1, false}, {LIMIT_disallow_bearer, 0, 1, true},
        {LIMIT_disallow_bearer, 1, 0, false},  {LIMIT_js_max_bytes_required, 0, 1, true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (limit_looser(rows[i].name, rows[i].a, rows[i].b) != rows[i].looser)
            fail_msg("%s %d %d", limit_kind(rows[i].name)->name, (int)rows[i].a, (int)rows[i].b);
    }
}

/* Plan, then override; what nobody says is the table's. */
static void test_effective_limits(void **state)
{
    struct plan plan = {.limits = {.connections = set(10), .js_disk = set(100), .users = set(3)}};
    struct limits over = {.connections = set(20), .imports = set(0)};
    struct effective_limits out;

    limits_effective(&plan, NULL, true, &out);
    for (int i = 0; i < LIMIT_COUNT; i++)
        assert_true(limit_at(&out.limits, (enum limit_name)i)->set);
    assert_int_equal(out.limits.connections.value, 10);
    assert_int_equal(out.source[LIMIT_connections], LIMIT_FROM_PLAN);
    assert_int_equal(out.limits.leaf_connections.value, 0);
    assert_int_equal(out.limits.max_payload.value, -1);
    assert_int_equal(out.limits.disallow_bearer.value, 1);
    assert_int_equal(out.limits.js_disk.value, 100);

    limits_effective(&plan, &over, false, &out);
    assert_int_equal(out.limits.connections.value, 20);
    assert_int_equal(out.source[LIMIT_connections], LIMIT_FROM_OVERRIDE);
    assert_int_equal(out.limits.imports.value, 0);
    assert_int_equal(out.limits.users.value, 3);
    assert_int_equal(out.limits.js_disk.value, 0); /* the system has none to give */
    assert_int_equal(out.source[LIMIT_js_disk], LIMIT_FROM_SYSTEM);
}

static void test_tiers_stand_in_place_of_the_flat_ones(void **state)
{
    struct tier_limits tier = {.tier = "R3", .js_disk = 50};
    struct plan plan = {.limits = {.js_disk = set(100), .tiers = {&tier, 1}}};
    struct effective_limits out;

    limits_effective(&plan, NULL, true, &out);
    assert_int_equal(out.limits.tiers.count, 1);
    assert_int_equal(out.limits.js_disk.value, 0);
    limits_effective(&plan, NULL, false, &out);
    assert_int_equal(out.limits.tiers.count, 0);
}

static void test_what_limits_cannot_be(void **state)
{
    struct world *world = *state;
    struct tier_limits twice[] = {{.tier = "R1"}, {.tier = "R1"}};
    const struct {
        struct limits limits;
        const char *pointer;
    } rows[] = {
        {{.data = set(-1)}, NULL},
        {{.data = set(5)}, "/limits/data"},
        {{.tiers = {twice, 1}}, NULL},
        {{.tiers = {twice, 1}, .js_disk = set(0)}, NULL},
        {{.tiers = {twice, 1}, .js_disk = set(5)}, "/limits/js_disk"},
        {{.tiers = {twice, 2}}, "/limits/tiers/1/tier"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        *world->refusal = (struct refusal){.arena = &world->arena};
        assert_int_equal(limits_check(world->work, "/limits", &rows[i].limits),
                         rows[i].pointer == NULL ? OK : ERR_INVALID);
        if (rows[i].pointer != NULL)
            assert_string_equal(world->refusal->errors[0].pointer, rows[i].pointer);
    }
}

static void test_nothing_above_the_maximum(void **state)
{
    struct world *world = *state;
    const struct limits max = {.connections = set(10), .disallow_bearer = set(1)};
    struct limits wanted = {.connections = set(10), .imports = set(-1), .users = unset};

    *world->refusal = (struct refusal){.arena = &world->arena};
    assert_int_equal(limits_within(world->work, &wanted, &max), OK);
    wanted.connections = set(-1);
    wanted.disallow_bearer = set(0);
    assert_int_equal(limits_within(world->work, &wanted, &max), ERR_INVALID);
    assert_int_equal(world->refusal->error_count, 2);
    assert_string_equal(world->refusal->errors[0].pointer, "/connections");
    assert_int_equal(world->refusal->errors[0].limit, 10);
    assert_int_equal(world->refusal->errors[0].actual, -1);
    assert_string_equal(world->refusal->errors[1].pointer, "/disallow_bearer");
}

/* Every limit goes into its own column and comes back. */
static void test_each_limit_is_stored(void **state)
{
    struct world *world = *state;
    struct tier_limits tier = {.tier = "R3", .js_disk = 50, .js_streams = 7};
    struct plan_settings of = settings("full");
    struct plan plan;

    for (int i = 0; i < LIMIT_COUNT; i++) {
        const struct limit_kind *kind = limit_kind((enum limit_name)i);

        *limit_at(&of.limits, (enum limit_name)i) = set(kind->flag ? i % 2 : 1000 + i);
    }
    of.limits.data = set(-1);
    of.max = (struct limits){.tiers = {&tier, 1}};
    plan = create(world, &of);
    for (int i = 0; i < LIMIT_COUNT; i++) {
        enum limit_name name = (enum limit_name)i;

        assert_true(limit_at(&plan.limits, name)->set);
        assert_false(limit_at(&plan.max, name)->set);
        if (limit_at(&plan.limits, name)->value != limit_at(&of.limits, name)->value)
            fail_msg("%s: %d", limit_kind(name)->name, (int)limit_at(&plan.limits, name)->value);
    }
    assert_int_equal(plan.max.tiers.count, 1);
    assert_string_equal(plan.max.tiers.items[0].tier, "R3");
    assert_int_equal(plan.max.tiers.items[0].js_disk, 50);
    assert_int_equal(plan.max.tiers.items[0].js_streams, 7);
}

static void test_a_name_is_taken_once(void **state)
{
    struct world *world = *state;
    struct plan_settings of = settings("basic");
    struct plan out;

    world_refuses(world->work, REFUSAL_name_taken, plan_create(world->work, &of, &out));
    of = settings("other");
    out = create(world, &of);
    of = settings("basic");
    world_refuses(world->work, REFUSAL_name_taken, plan_update(world->work, &out, &of, &out));
    of = settings("bad");
    of.limits.connections = set(2);
    of.max.connections = set(1);
    world_refuses(world->work, REFUSAL_validation_failed, plan_create(world->work, &of, &out));
    assert_string_equal(world_text(world, "SELECT count(*) FROM plan WHERE name = 'bad'"), "0");
}

static void test_there_is_one_default(void **state)
{
    struct world *world = *state;
    struct plan_settings of = settings("new");
    struct plan out;

    of.is_default = true;
    create(world, &of);
    world_ok(world->work, plan_default(world->work, &out));
    assert_string_equal(out.resource.name, "new");
    assert_false(read_plan(world, "pln_1", 0).is_default);
}

/* Accounts keep the limits they have: only changed limits make a version, and the old stays. */
static void test_versions(void **state)
{
    struct world *world = *state;
    struct plan_settings of = settings("p");
    struct plan first, out;

    of.limits.connections = set(1);
    first = create(world, &of);
    of.settings.display_name = "P";
    world_ok(world->work, plan_update(world->work, &first, &of, &out));
    assert_int_equal(out.plan_version, 1);
    of.limits.connections = set(2);
    world_refuses(world->work, REFUSAL_version_conflict,
                  plan_update(world->work, &first, &of, &first));
    world_ok(world->work, plan_update(world->work, &out, &of, &out));
    assert_int_equal(out.plan_version, 2);
    assert_int_equal(out.limits.connections.value, 2);
    assert_int_equal(read_plan(world, "p", 1).limits.connections.value, 1);
    assert_int_equal(read_plan(world, "p", 0).limits.connections.value, 2);
    world_is(world->work, ERR_NOT_FOUND,
             world_do(world->work, plan_by_ref(world->work, "p", 3, &out)));
}

static void test_deleting(void **state)
{
    struct world *world = *state;
    struct plan used = read_plan(world, "pln_1", 0), free_one, out;
    struct plan_settings of = settings("p");

    assert_int_equal(used.account_count, 3);
    world_refuses(world->work, REFUSAL_in_use, plan_delete(world->work, &used));
    free_one = create(world, &of);
    world_ok(world->work, plan_delete(world->work, &free_one));
    world_is(world->work, ERR_NOT_FOUND,
             world_do(world->work, plan_by_ref(world->work, "p", 0, &out)));
    world_ok(world->work, plan_version_any(world->work, free_one.resource.id, 1, &out));
    create(world, &of); /* its name is free again */
}

static void test_room_for_one_more(void **state)
{
    struct world *world = *state; /* tea_1 has two accounts */

    world_ok(world->work, plan_room(world->work, SQL_account_count, "tea_1", 3, "It has", "of it"));
    world_ok(world->work,
             plan_room(world->work, SQL_account_count, "tea_1", -1, "It has", "of it"));
    world_refuses(world->work, REFUSAL_quota_exceeded,
                  plan_room(world->work, SQL_account_count, "tea_1", 2, "It has", "of it"));
    assert_string_equal(world->refusal->detail, "It has 2 of it.");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_looser),
        TEST(test_effective_limits),
        TEST(test_tiers_stand_in_place_of_the_flat_ones),
        TEST(test_what_limits_cannot_be),
        TEST(test_nothing_above_the_maximum),
        TEST(test_each_limit_is_stored),
        TEST(test_a_name_is_taken_once),
        TEST(test_there_is_one_default),
        TEST(test_versions),
        TEST(test_deleting),
        TEST(test_room_for_one_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
