#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/audit.h"
#include "tests/lib/scene.h"

static struct scene scene;

static void add(const char *action, const char *account_id)
{
    const struct audit_note note = {.action = action,
                                    .resource_kind = "account",
                                    .resource_id = "acc_1",
                                    .team_id = scene.team_id,
                                    .account_id = account_id};

    assert_int_equal(audit_add(&scene.work, &note), OK);
}

static size_t count(struct audit_query query)
{
    struct db_rows rows;

    query.list.limit = 100;
    assert_int_equal(audit_list(&scene.work, &query, &rows), OK);
    return rows.count;
}

/* AUD-11: no change without its event, no event without its change. */
static void test_an_event_lives_and_dies_with_its_transaction(void **state)
{
    scene_as_tenant(&scene);
    add("test.rolled_back", "acc_1");
    assert_int_equal(scene_end(&scene, ERR_STATE), ERR_STATE);
    scene_as_tenant(&scene);
    add("test.kept", "acc_1");
    assert_int_equal(scene_end(&scene, OK), OK);
    scene_as_tenant(&scene);
    assert_int_equal(count((struct audit_query){.action = "test.rolled_back"}), 0);
    assert_int_equal(count((struct audit_query){.action = "test.kept"}), 1);
    assert_int_equal(count((struct audit_query){.action = "test.kept", .outcome = "denied"}), 0);
    assert_int_equal(count((struct audit_query){.actor = "tok_tenant"}), 1);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_a_team_reads_its_own_events_only(void **state)
{
    struct principal other = scene.tenant;

    scene_as_admin(&scene);
    add("test.one", "acc_1");
    add("test.one", "acc_2");
    assert_int_equal(count((struct audit_query){.action = "test.one"}), 2);
    assert_int_equal(scene_end(&scene, OK), OK);
    other.team_id = "tea_other";
    assert_int_equal(db_begin(scene.work.db, other.team_id), OK);
    scene.work.who = &other;
    assert_int_equal(count((struct audit_query){.action = "test.one"}), 0);
    assert_int_equal(scene_end(&scene, OK), OK);
    /* A token bound to one account reads of that one only. */
    other = scene.tenant;
    other.all_accounts = false;
    other.accounts = (struct strings){(const char *[]){"acc_2"}, 1};
    scene_as_tenant(&scene);
    scene.work.who = &other;
    assert_int_equal(count((struct audit_query){.action = "test.one"}), 1);
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
        cmocka_unit_test(test_an_event_lives_and_dies_with_its_transaction),
        cmocka_unit_test(test_a_team_reads_its_own_events_only),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
