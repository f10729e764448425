#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/operation.h"
#include "tests/lib/scene.h"

static struct scene scene;

static const char *const steps[] = {"one", "two", NULL};

static enum result start(const char *resource, struct operation *out)
{
    const struct operation_new new = {.type = "test",
                                      .team_id = scene.team_id,
                                      .account_id = scene.account_id,
                                      .resource_kind = "account",
                                      .resource_id = resource,
                                      .resource_name = "x",
                                      .steps = steps};

    scene_as_tenant(&scene);
    return scene_end(&scene, operation_start(&scene.work, &new, out));
}

static void test_step_by_step_under_a_lease(void **state)
{
    struct operation operation, claimed, other;
    struct db_rows rows;

    assert_int_equal(start("acc_1", &operation), OK);
    assert_int_equal(start("acc_1", &other), ERR_STATE); /* one at a time for a resource */
    scene_as_machine(&scene);
    assert_int_equal(operation_claim(&scene.work, 30, &claimed), OK);
    assert_string_equal(claimed.resource.state, "running");
    assert_int_equal(operation_claim(&scene.work, 30, &other), ERR_NOT_FOUND);
    assert_int_equal(operation_step_set(&scene.work, &claimed, 1, "running", "busy", NULL), OK);
    assert_int_equal(operation_step_set(&scene.work, &claimed, 1, "succeeded", NULL, NULL), OK);
    assert_int_equal(operation_by_id(&scene.work, claimed.resource.id, &other), OK);
    assert_string_equal(other.steps.items[0].state, "succeeded");
    assert_string_equal(other.steps.items[0].detail, "busy");
    assert_int_equal(other.steps.items[0].attempts, 1);
    assert_int_equal(operation_finish(&scene.work, &claimed, NULL, NULL, NULL), OK);
    assert_int_equal(operation_by_id(&scene.work, claimed.resource.id, &other), OK);
    assert_string_equal(other.resource.state, "succeeded");
    assert_int_equal(
        operation_list(&scene.work,
                       &(struct operation_query){.list = {.limit = 9}, .resource = "acc_1"}, &rows),
        OK);
    assert_int_equal(rows.count, 1);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_who_lost_the_lease_changes_nothing(void **state)
{
    struct operation operation, first, second;
    int64_t ms;

    assert_int_equal(start("acc_2", &operation), OK);
    scene_as_machine(&scene);
    assert_int_equal(operation_claim(&scene.work, 30, &first), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    scene_sql(&scene, "UPDATE operation SET lease_until = now() - interval '1 second'");
    scene_as_machine(&scene);
    assert_int_equal(operation_claim(&scene.work, 30, &second), OK);
    assert_int_equal(operation_step_set(&scene.work, &first, 1, "failed", NULL, NULL),
                     ERR_CONFLICT);
    assert_int_equal(operation_finish(&scene.work, &first, NULL, NULL, NULL), ERR_CONFLICT);
    assert_int_equal(operation_renew(&scene.work, &first, 30), ERR_CONFLICT);
    assert_int_equal(operation_renew(&scene.work, &second, 30), OK);
    assert_int_equal(operation_pause(&scene.work, &second, 60000), OK);
    assert_int_equal(operation_next_ms(&scene.work, &ms), OK);
    assert_in_range(ms, 50000, 60000);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_not_every_operation_can_be_canceled(void **state)
{
    struct operation operation, out;

    assert_int_equal(start("acc_3", &operation), OK);
    scene_as_tenant(&scene);
    assert_int_equal(operation_cancel(&scene.work, operation.resource.id, &out), ERR_STATE);
    assert_string_equal(scene_refused(&scene), "illegal_state");
    assert_int_equal(operation_cancel(&scene.work, "ope_none", &out), ERR_NOT_FOUND);
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
        cmocka_unit_test(test_step_by_step_under_a_lease),
        cmocka_unit_test(test_who_lost_the_lease_changes_nothing),
        cmocka_unit_test(test_not_every_operation_can_be_canceled),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
