#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/workshop.h"

static void test_a_call_is_a_transaction_and_wakes_after_its_end(void **state)
{
    struct workshop *workshop = workshop_open(NULL);
    struct job_call call;
    struct db_rows systems, nodes;

    assert_int_equal(job_open(&workshop->context, &call), OK);
    assert_int_equal(job_systems(&call, &systems), OK);
    assert_int_equal(job_begin(&call), OK);
    call.work.wake = WAKE_OUTBOX;
    assert_int_equal(node_expected(&call.work, "sys_1", &nodes), OK);
    assert_int_equal(workshop->woken, 0);
    assert_int_equal(job_end(&call, OK), OK);
    assert_int_equal(workshop->woken, WAKE_OUTBOX);
    assert_int_equal(systems.count, 1);
    assert_non_null(job_node(&nodes, fake_node_id(workshop->node)));
    assert_null(job_node(&nodes, "NSOMEBODY"));

    workshop->woken = 0;
    assert_int_equal(job_begin(&call), OK);
    call.work.wake = WAKE_OUTBOX;
    assert_int_equal(job_end(&call, ERR_STATE), ERR_STATE); /* rolled back: nobody is woken */
    assert_int_equal(workshop->woken, 0);
    job_close(&call);
    assert_int_equal(pool_in_use(workshop->context.pool), 0);
    workshop_close(workshop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_is_a_transaction_and_wakes_after_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
