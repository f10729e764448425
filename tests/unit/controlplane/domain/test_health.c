#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "controlplane/domain/health.h"
#include "controlplane/domain/secret.h"
#include "tests/lib/world.h"

static struct health check(struct world *world)
{
    struct health health;

    world_open(world->work);
    health_check(world->work, &health);
    (void)world_close(world->work, OK);
    return health;
}

static void test_all_is_well(void **state)
{
    struct health health = check(*state);
    json_t *tree = health_json(&health);

    assert_true(health_ready(&health));
    assert_true(json_is_true(json_object_get(tree, "ready")));
    json_decref(tree);
}

/* One that is not well makes the whole unready, and is named. */
static void test_each_part_counts(void **state)
{
    static const char *const names[] = {"database", "migrations", "signer"};

    for (int i = 0; i < 3; i++) {
        struct health health = {.database = i != 0, .migrations = i != 1, .signer = i != 2};
        json_t *tree = health_json(&health);
        const json_t *checks = json_object_get(tree, "checks");

        assert_false(health_ready(&health));
        assert_true(json_is_false(json_object_get(tree, "ready")));
        for (int j = 0; j < 3; j++)
            assert_string_equal(json_string_value(json_object_get(checks, names[j])),
                                i == j ? "failed" : "ok");
        json_decref(tree);
    }
}

/* With the database away nobody knows of the rest: it is not said to have failed. */
static void test_without_the_database_the_rest_is_unknown(void **state)
{
    struct health health = {0};
    json_t *tree = health_json(&health);
    const json_t *checks = json_object_get(tree, "checks");

    assert_string_equal(json_string_value(json_object_get(checks, "database")), "failed");
    assert_string_equal(json_string_value(json_object_get(checks, "migrations")), "unknown");
    assert_string_equal(json_string_value(json_object_get(checks, "signer")), "unknown");
    json_decref(tree);
}

static void test_a_schema_of_another_version(void **state)
{
    struct world *world = *state;
    struct health health;

    world_sql(world, "DELETE FROM schema_version WHERE version = (SELECT max(version) FROM"
                     " schema_version)");
    health = check(world);
    assert_true(health.database);
    assert_false(health.migrations);
    assert_false(health_ready(&health));
}

static void test_another_master_key(void **state)
{
    static const unsigned char other_key[VAULT_KEY_LEN] = {9};
    struct world *world = *state;
    struct health health;

    assert_true(check(world).signer);
    vault_close(world->tools.vault);
    world->tools.vault = vault_from_key(other_key, random_system());
    health = check(world);
    assert_true(health.database && health.migrations);
    assert_false(health.signer);
}

static void test_a_lost_database(void **state)
{
    struct world *world = *state;
    struct health health;

    world_sql(world, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                     " WHERE datname = current_database() AND pid <> pg_backend_pid()");
    health_check(world->work, &health);
    assert_false(health.database || health.migrations || health.signer);
}

/* A system without a node is told of, but the API serves. */
static void test_nodes_that_are_away(void **state)
{
    struct world *world = *state;
    struct health health = check(world);
    json_t *tree;

    assert_int_equal(health.systems.count, 1);
    assert_int_equal(health.systems.items[0].ready, 1);
    world_sql(world, "UPDATE node SET state = 'lost';"
                     "INSERT INTO node (node_id, name, system_id, server_id, state) VALUES"
                     " ('nod_2', 'gone', 'sys_1', '', 'retired')");
    health = check(world);
    assert_true(health_ready(&health));
    assert_int_equal(health.systems.items[0].total, 1);
    tree = health_json(&health);
    assert_string_equal(
        json_string_value(json_object_get(
            json_object_get(json_object_get(json_object_get(tree, "checks"), "systems"), "s"),
            "state")),
        "no_node_ready");
    json_decref(tree);
    world_sql(world, "UPDATE system SET state = 'released'");
    assert_int_equal(check(world).systems.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_is_well),
        TEST(test_each_part_counts),
        TEST(test_without_the_database_the_rest_is_unknown),
        TEST(test_a_schema_of_another_version),
        TEST(test_another_master_key),
        TEST(test_a_lost_database),
        TEST(test_nodes_that_are_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
