#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/account.h"
#include "controlplane/job/delete_accounts.h"
#include "tests/lib/workshop.h"

/* Somebody is still connected. */
static const struct fake_answer busy[] = {
    {"$SYS.REQ.ACCOUNT.*.CONNZ", "{" WORKSHOP_SERVER ",\"data\":{\"total\":1}}"}, {0}};

/* An account on its way out, as account_delete leaves it. */
static void begin_delete(struct workshop *workshop)
{
    world_sql(workshop->world,
              "UPDATE account SET state = 'deleting' WHERE account_id = 'acc_1';"
              "INSERT INTO operation (operation_id, name, type, team_id, account_id, resource_kind,"
              " resource_id, state) VALUES ('ope_1', 'a1', 'account.delete', 'tea_1', 'acc_1',"
              " 'account', 'acc_1', 'pending');"
              "INSERT INTO operation_step (operation_id, ordinal, name) VALUES ('ope_1', 1,"
              " 'suspend'), ('ope_1', 2, 'purge_jetstream'), ('ope_1', 3, 'tombstone')");
}

static const char *step(struct workshop *workshop)
{
    return world_text(workshop->world, "SELECT state || ' ' || attempts FROM operation_step WHERE "
                                       "ordinal = 1");
}

static void test_it_waits_until_the_nodes_have_the_suspension(void **state)
{
    struct workshop *workshop = workshop_open(busy);
    bool more;

    workshop_connect(workshop);
    begin_delete(workshop);
    assert_int_equal(delete_accounts_pass(&workshop->context, &more), OK);
    assert_true(more);
    assert_string_equal(step(workshop), "running 1");
    /* Given back, and due again a moment later. */
    assert_string_equal(
        world_text(workshop->world, "SELECT state || ' ' || (lease_until IS NULL) FROM operation"),
        "running true");
    assert_string_equal(
        world_text(workshop->world, "SELECT state FROM account WHERE account_id = 'acc_1'"),
        "deleting");
    workshop_close(workshop);
}

static void test_it_waits_until_the_last_client_is_gone(void **state)
{
    struct workshop *workshop = workshop_open(busy);
    bool more;

    workshop_connect(workshop);
    begin_delete(workshop);
    world_sql(workshop->world,
              "INSERT INTO node_account_sync (node_id, account_id, team_id, stored_revision, "
              "applied_revision) VALUES ('nod_1', 'acc_1', 'tea_1', 1, 1)");
    assert_int_equal(delete_accounts_pass(&workshop->context, &more), OK);
    assert_string_equal(step(workshop), "running 1");
    workshop_close(workshop);
}

static void test_nothing_to_do_is_no_error(void **state)
{
    struct workshop *workshop = workshop_open(NULL);
    bool more = true;

    assert_int_equal(delete_accounts_pass(&workshop->context, &more), OK);
    assert_false(more);
    workshop_close(workshop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_waits_until_the_nodes_have_the_suspension),
        cmocka_unit_test(test_it_waits_until_the_last_client_is_gone),
        cmocka_unit_test(test_nothing_to_do_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
