#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controlplane/job/meter.h"
#include "tests/lib/workshop.h"

/* The counters of acc_1 as an event has them: in 10 messages, of which 4 over a route. */
static struct node_event *event_of(struct workshop *workshop, int64_t in)
{
    char body[1024];

    snprintf(
        body, sizeof(body),
        "{\"type\":\"t\",\"id\":\"i\",\"server\":{\"name\":\"n\",\"id\":\"%s\",\"ver\":"
        "\"2.14.3\"},\"acc\":\"%s\",\"conns\":1,\"sent\":{\"msgs\":1,\"bytes\":2},"
        "\"received\":{\"msgs\":%lld,\"bytes\":100,\"routes\":{\"msgs\":4,\"bytes\":40}}}",
        fake_node_id(workshop->node),
        world_text(workshop->world, "SELECT public_key FROM account WHERE account_id = 'acc_1'"),
        (long long)in);
    node_events_add(workshop->context.events, "sys_1", "$SYS.ACCOUNT.A.SERVER.CONNS",
                    slice_of(body));
    return node_events_take(workshop->context.events);
}

static void test_an_event_is_a_sample_of_the_clients_part(void **state)
{
    struct workshop *workshop = workshop_open(NULL);
    struct node_event *event = event_of(workshop, 10);
    struct job_call call;

    assert_int_equal(job_open(&workshop->context, &call), OK);
    assert_int_equal(job_begin(&call), OK);
    assert_int_equal(job_end(&call, meter_event(&call, event)), OK);
    job_close(&call);
    node_event_free(event);
    assert_string_equal(world_text(workshop->world,
                                   "SELECT msgs_in || ' ' || bytes_in || ' ' || msgs_out FROM "
                                   "usage_ledger WHERE account_id = 'acc_1'"),
                        "6 60 1");
    workshop_close(workshop);
}

/* The broker behind the fake node answers for its own accounts: none of them is ours. */
static void test_a_pass_leaves_out_what_is_not_ours(void **state)
{
    struct workshop *workshop = workshop_open(NULL);
    struct meter_figures figures = {0};
    int64_t next_ms;

    workshop_connect(workshop);
    assert_int_equal(meter_pass(&workshop->context, &figures, &next_ms), OK);
    assert_true(figures.samples >= 1);
    assert_int_equal(next_ms, METER_EVERY_MS);
    assert_int_equal(figures.rows, 0);
    assert_string_equal(world_text(workshop->world, "SELECT count(*) FROM usage_ledger"), "0");
    assert_string_equal(world_text(workshop->world,
                                   "SELECT sampled_at > clock_timestamp() - interval '1 hour' "
                                   "FROM node WHERE node_id = 'nod_1'"),
                        "t");
    workshop_close(workshop);
}

/* Whoever records that the node was started anew holds its row, and wants what the samples hold. */
static void test_samples_are_not_held_while_the_nodes_row_is_waited_for(void **state)
{
    struct workshop *workshop = workshop_open(NULL);
    struct meter_figures figures = {0};
    int64_t next_ms;

    world_sql(workshop->world, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET lock_timeout ="
                               " 100', current_database()); END $$");
    workshop_connect(workshop);
    world_sql(workshop->world, "BEGIN");
    world_sql(workshop->world, "SELECT FROM node FOR NO KEY UPDATE");
    assert_int_not_equal(meter_pass(&workshop->context, &figures, &next_ms), OK);
    assert_true(figures.samples >= 1); /* they were written */
    world_sql(workshop->world, "COMMIT");
    assert_int_equal(meter_pass(&workshop->context, &figures, &next_ms), OK);
    workshop_close(workshop);
}

/* It may have died: whoever lives renews its lease long before the end. */
static void test_a_lease_of_another_replica_is_waited_for(void **state)
{
    struct workshop *workshop = workshop_open(NULL);
    struct meter_figures figures = {0};
    int64_t next_ms;

    workshop_connect(workshop);
    world_sql(workshop->world, "INSERT INTO lease (role, scope, holder, epoch, expires_at) VALUES "
                               "('meter', 'sys_1', 'other', 1, now() + interval '1 hour')");
    assert_int_equal(meter_pass(&workshop->context, &figures, &next_ms), OK);
    assert_int_equal(next_ms, METER_EVERY_MS);
    world_sql(workshop->world, "UPDATE lease SET expires_at = now() + interval '5 seconds'");
    assert_int_equal(meter_pass(&workshop->context, &figures, &next_ms), OK);
    assert_in_range(next_ms, 1, 5001);
    assert_int_equal(figures.samples, 0);
    world_sql(workshop->world, "UPDATE lease SET expires_at = now()");
    assert_int_equal(meter_pass(&workshop->context, &figures, &next_ms), OK);
    assert_int_equal(next_ms, METER_EVERY_MS);
    assert_true(figures.samples >= 1);
    workshop_close(workshop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_event_is_a_sample_of_the_clients_part),
        cmocka_unit_test(test_a_pass_leaves_out_what_is_not_ours),
        cmocka_unit_test(test_samples_are_not_held_while_the_nodes_row_is_waited_for),
        cmocka_unit_test(test_a_lease_of_another_replica_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
