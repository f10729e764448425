#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/job/reconcile.h"
#include "tests/lib/workshop.h"

static const struct fake_answer lost_all[] = {
    {"$SYS.REQ.CLAIMS.LIST", "{" WORKSHOP_SERVER ",\"data\":[\"AUNKNOWN\"]}"},
    {"$SYS.REQ.CLAIMS.PACK", "AUNKNOWN|x\n--\n"},
    {0}};

static void test_what_a_node_lost_is_due_again(void **state)
{
    struct workshop *workshop = workshop_open(lost_all);
    struct reconcile_figures figures = {0};
    bool complete = false;

    workshop_connect(workshop);
    assert_int_equal(reconcile_pass(&workshop->context, false, &figures, &complete), OK);
    assert_true(complete);
    assert_int_equal(figures.missing, 3);
    assert_int_equal(figures.unmanaged, 1); /* left alone */
    assert_string_equal(world_text(workshop->world, "SELECT count(*) FROM outbox"), "3");
    assert_true(workshop->woken & WAKE_OUTBOX);
    assert_true(figures.last_success_at > 0);
    workshop_close(workshop);
}

static void test_a_lease_of_another_replica_is_respected(void **state)
{
    struct workshop *workshop = workshop_open(lost_all);
    struct reconcile_figures figures = {0};
    bool complete;

    workshop_connect(workshop);
    world_sql(workshop->world, "INSERT INTO lease (role, scope, holder, epoch, expires_at) VALUES "
                               "('reconcile', 'sys_1', 'other', 1, now() + interval '1 hour')");
    assert_int_equal(reconcile_pass(&workshop->context, false, &figures, &complete), OK);
    assert_int_equal(figures.missing, 0);
    assert_string_equal(world_text(workshop->world, "SELECT count(*) FROM outbox"), "0");
    workshop_close(workshop);
}

static void test_a_node_that_cannot_be_asked_is_no_error(void **state)
{
    struct workshop *workshop = workshop_open(lost_all); /* and no link to it */
    struct reconcile_figures figures = {0};
    bool complete = true;

    assert_int_equal(reconcile_pass(&workshop->context, true, &figures, &complete), OK);
    assert_false(complete);
    assert_int_equal(figures.missing, 0);
    workshop_close(workshop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_node_lost_is_due_again),
        cmocka_unit_test(test_a_lease_of_another_replica_is_respected),
        cmocka_unit_test(test_a_node_that_cannot_be_asked_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
