#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/scene.h"

static struct scene scene;

static struct node seen(const char *name, const char *server_id, bool *fresh)
{
    const struct node_report report = {
        .system_id = scene.system_id, .name = name, .server_id = server_id, .started_at = NS_PER_S};
    struct node node;

    scene_as_machine(&scene);
    assert_int_equal(node_seen(&scene.work, &report, &node, fresh), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    return node;
}

static enum result record(const char *node_id, enum sync_outcome outcome, int64_t revision,
                          const char *class)
{
    const struct sync_record record = {.node_id = node_id,
                                       .account_id = scene.account_id,
                                       .server_id = "",
                                       .revision = revision,
                                       .jti = "j",
                                       .outcome = outcome,
                                       .error_class = class};

    scene_as_machine(&scene);
    return scene_end(&scene, sync_record(&scene.work, &record));
}

static struct sync sync_now(void)
{
    struct sync sync;

    scene_as_tenant(&scene);
    assert_int_equal(sync_of_account(&scene.work, scene.account_id, &sync), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    return sync;
}

/* A pass that was over before the account was made has not seen it. */
static void test_the_last_full_check_is_that_of_its_system(void **state)
{
    assert_int_equal(sync_now().last_full_check_at, 0);
    scene_sql(&scene, "UPDATE system SET last_compare_at = '2000-01-01'");
    assert_int_equal(sync_now().last_full_check_at, 0);
    scene_sql(&scene, "UPDATE system SET last_compare_at = clock_timestamp()");
    assert_true(sync_now().last_full_check_at > 0);
}

static bool reached(int64_t revision)
{
    bool out;

    scene_as_machine(&scene);
    assert_int_equal(sync_reached(&scene.work, scene.account_id, revision, &out), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    return out;
}

static void test_a_node_from_first_sight_to_retired(void **state)
{
    struct node node, out;
    int64_t moved;
    bool fresh;

    node = seen("n9", "NS1", &fresh);
    assert_true(fresh);
    seen("n9", "NS1", &fresh);
    assert_false(fresh);
    node = seen("n9", "NS2", &fresh); /* another process */
    assert_true(fresh);
    assert_string_equal(node.resource.state, "ready");
    scene_sql(&scene, "UPDATE node SET last_seen_at = now() - interval '1 minute'");
    scene_as_machine(&scene);
    assert_int_equal(node_age(&scene.work, scene.system_id, &moved), OK);
    assert_int_equal(moved, 1);
    assert_int_equal(node_by_ref(&scene.work, scene.system_id, "n9", &out), OK);
    assert_string_equal(out.resource.state, "suspect");
    assert_int_equal(node_leaving(&scene.work, "NS2", true), OK);
    assert_int_equal(node_by_ref(&scene.work, scene.system_id, "NS2", &out), OK);
    assert_string_equal(out.resource.state, "lost");
    assert_int_equal(node_stored_count(&scene.work, out.resource.id, 5), OK);
    assert_int_equal(node_retire(&scene.work, &out, &node), OK);
    assert_string_equal(node.resource.state, "retired");
    assert_int_equal(node.accounts_stored, 5);
    assert_int_equal(node_retire(&scene.work, &node, &out), ERR_STATE);
    assert_int_equal(scene_end(&scene, OK), OK);
}

/* NOD-01. */
static void test_a_node_shows_whom_it_trusts(void **state)
{
    struct node node;
    json_t *shown;

    scene_node(&scene, "trusting", "NT");
    scene_sql(&scene, "UPDATE node SET trusted_keys = '{OX,OY}' WHERE name = 'trusting'");
    scene_as_machine(&scene);
    assert_int_equal(
        scene_end(&scene, node_by_ref(&scene.work, scene.system_id, "trusting", &node)), OK);
    shown = shape_encode(&node_shape, &node);
    assert_int_equal(json_array_size(json_object_get(shown, "trusted_operator_keys")), 2);
    json_decref(shown);
    scene_sql(&scene, "DELETE FROM node_incarnation WHERE server_id = 'NT';"
                      "DELETE FROM node WHERE name = 'trusting'");
}

/* CNF-02: from pending to applied, node by node; late answers change nothing. */
static void test_sync_follows_what_nodes_say(void **state)
{
    int64_t revision = scene_account(&scene).revision;
    const char *a, *b;
    json_t *shown, *node;
    struct sync sync;

    a = arena_strdup(&scene.arena, scene_node(&scene, "a", "NA"));
    assert_string_equal(sync_now().state, "pending");
    assert_false(reached(revision));
    assert_int_equal(record(a, SYNC_STORED, revision, ""), OK);
    assert_string_equal(sync_now().state, "stored");
    assert_false(reached(revision)); /* not known to be applied */
    assert_int_equal(record(a, SYNC_APPLIED, revision, ""), OK);
    assert_string_equal(sync_now().state, "applied");
    assert_true(reached(revision));
    assert_int_equal(record(a, SYNC_STORED, revision - 1, ""), OK); /* late */
    assert_string_equal(sync_now().state, "applied");
    b = arena_strdup(&scene.arena, scene_node(&scene, "b", "NB"));
    assert_string_equal(sync_now().state, "pushing");
    assert_int_equal(record(b, SYNC_FAILED, 0, "store_full"), OK);
    assert_string_equal(sync_now().state, "degraded");
    assert_string_equal(sync_now().nodes.items[1].error_class, "store_full");
    assert_int_equal(sync_now().nodes.items[1].attempts, 1);
    sync = sync_now();
    shown = shape_encode(&sync_shape, &sync);
    node = json_array_get(json_object_get(shown, "nodes"), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(node, "error"), "class")),
                        "store_full");
    node = json_array_get(json_object_get(shown, "nodes"), 0);
    assert_true(json_is_null(json_object_get(node, "error")));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(shown, "desired"), "revision")),
        revision);
    json_decref(shown);
    assert_int_equal(record(b, SYNC_APPLIED, revision, ""), OK);
    assert_true(reached(revision));
    assert_int_equal(record(b, SYNC_MISSING, 0, "no_answer"), OK); /* silence proves nothing */
    assert_int_equal(sync_now().nodes.items[1].stored_revision, revision);
    assert_int_equal(record(b, SYNC_MISSING, 0, "missing"), OK); /* it does not hold it */
    assert_int_equal(sync_now().nodes.items[1].stored_revision, 0);
    assert_false(reached(revision));
    scene_as_machine(&scene);
    assert_int_equal(sync_forget_node(&scene.work, a), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(sync_now().nodes_stored, 0);
}

/* CNF-01: in force, but not with all its imports; whoever waits does not wait for these. */
static void test_a_token_with_missing_imports_is_incomplete(void **state)
{
    int64_t revision = scene_account(&scene).revision;
    struct sync sync;

    scene_sql(&scene, "UPDATE node SET own = false");
    sync = sync_now();
    for (size_t i = 0; i < sync.nodes.count; i++)
        assert_int_equal(record(sync.nodes.items[i].node_id, SYNC_APPLIED, revision, ""), OK);
    assert_string_equal(sync_now().state, "applied");
    assert_int_equal(record(sync.nodes.items[0].node_id, SYNC_INCOMPLETE, revision, ""), OK);
    sync = sync_now();
    assert_string_equal(sync.state, "incomplete");
    assert_string_equal(sync.nodes.items[0].applied, "incomplete");
    assert_string_equal(sync.nodes.items[0].error_class, "incomplete");
    assert_string_equal(sync.nodes.items[1].applied, "current");
    assert_string_equal(scene_account(&scene).sync.state, "incomplete");
    assert_true(reached(revision));
    assert_false(reached(revision + 1));
    /* To find it in the store says nothing new. */
    scene_as_machine(&scene);
    assert_int_equal(sync_held(&scene.work, sync.nodes.items[0].node_id,
                               sync.nodes.items[0].server_id,
                               &(struct sync_held){scene.account_id, "j", revision}, 1),
                     OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_string_equal(sync_now().state, "incomplete");
    assert_int_equal(record(sync.nodes.items[0].node_id, SYNC_APPLIED, revision, ""), OK);
    assert_string_equal(sync_now().state, "applied");
}

static void test_blocked_and_foreign_go_before_the_rest(void **state)
{
    bool changed = false;

    scene_as_machine(&scene);
    assert_int_equal(sync_foreign(&scene.work, scene.account_id, "other", &changed), OK);
    assert_true(changed);
    assert_int_equal(sync_foreign(&scene.work, scene.account_id, "other", &changed), OK);
    assert_false(changed); /* known */
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_string_equal(sync_now().state, "foreign_writer");
    scene_as_machine(&scene);
    assert_int_equal(sync_block(&scene.work, scene.account_id, "signer"), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_string_equal(sync_now().state, "blocked");
    assert_string_equal(sync_now().blocked, "signer");
    scene_as_machine(&scene);
    assert_int_equal(sync_block(&scene.work, scene.account_id, ""), OK);
    assert_int_equal(sync_foreign(&scene.work, scene.account_id, "", &changed), OK);
    assert_true(changed);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_string_not_equal(sync_now().state, "foreign_writer");
}

/* A look at all nodes ends it for all accounts but those that it saw. */
static void test_foreign_is_over_where_it_was_not_seen(void **state)
{
    const char *id = scene.account_id;
    const struct strings none = {NULL, 0}, still = {&id, 1};
    bool changed;

    scene_as_machine(&scene);
    assert_int_equal(sync_foreign(&scene.work, id, "other", &changed), OK);
    assert_int_equal(sync_foreign_over(&scene.work, scene.system_id, &still, &changed), OK);
    assert_false(changed);
    assert_int_equal(sync_foreign_over(&scene.work, "sys_other", &none, &changed), OK);
    assert_false(changed);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_string_equal(sync_now().state, "foreign_writer");
    scene_as_machine(&scene);
    assert_int_equal(sync_foreign_over(&scene.work, scene.system_id, &none, &changed), OK);
    assert_true(changed);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_string_not_equal(sync_now().state, "foreign_writer");
}

static void test_a_system_without_nodes_has_reached_nothing(void **state)
{
    struct db_rows rows;

    scene_sql(&scene, "UPDATE node SET state = 'retired'");
    assert_false(reached(1));
    scene_as_machine(&scene);
    assert_int_equal(node_expected(&scene.work, scene.system_id, &rows), OK);
    assert_int_equal(rows.count, 0);
    assert_int_equal(
        node_list(&scene.work, scene.system_id, &(struct list_query){.limit = 10}, &rows), OK);
    assert_true(rows.count > 0);
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
        cmocka_unit_test(test_the_last_full_check_is_that_of_its_system),
        cmocka_unit_test(test_a_node_from_first_sight_to_retired),
        cmocka_unit_test(test_a_node_shows_whom_it_trusts),
        cmocka_unit_test(test_sync_follows_what_nodes_say),
        cmocka_unit_test(test_a_token_with_missing_imports_is_incomplete),
        cmocka_unit_test(test_blocked_and_foreign_go_before_the_rest),
        cmocka_unit_test(test_foreign_is_over_where_it_was_not_seen),
        cmocka_unit_test(test_a_system_without_nodes_has_reached_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
