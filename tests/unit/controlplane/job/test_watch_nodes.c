#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controlplane/job/watch_nodes.h"
#include "tests/lib/workshop.h"

/* Nobody answers LIST: a memory resolver. */
static const struct fake_answer answers[] = {
    {"$SYS.REQ.SERVER.@ID@.VARZ",
     "{" WORKSHOP_SERVER
     ",\"data\":{\"server_id\":\"@ID@\",\"server_name\":\"n\",\"version\":\"2.14.3\","
     "\"go\":\"berth-broker 1\",\"start\":\"2026-11-23T01:40:00Z\",\"max_payload\":1000}}"},
    {0}};

static void test_a_process_not_seen_before_puts_the_node_in_doubt(void **state)
{
    struct workshop *workshop = workshop_open(answers);
    struct watch_nodes *watch = watch_nodes_new(&workshop->context);

    world_sql(workshop->world, "UPDATE node SET server_id = 'NOLD'");
    world_sql(workshop->world, "INSERT INTO node_account_sync (node_id, account_id, team_id, "
                               "stored_revision) VALUES ('nod_1', 'acc_1', 'tea_1', 1)");
    assert_int_equal(watch_nodes_pass(watch), OK); /* opens the link, and asks over it */
    assert_int_equal(watch_nodes_pass(watch), OK);
    assert_string_equal(world_text(workshop->world, "SELECT server_id FROM node"),
                        fake_node_id(workshop->node));
    assert_string_equal(world_text(workshop->world, "SELECT own || resolver_kind FROM node"),
                        "truememory");
    assert_string_equal(
        world_text(workshop->world, "SELECT stored_revision FROM node_account_sync"), "0");
    assert_true(workshop->woken & WAKE_RECONCILE);
    watch_nodes_free(watch);
    workshop_close(workshop);
}

static const char *facts(struct workshop *workshop)
{
    return world_text(workshop->world, "SELECT resolver_kind || ' ' || allow_delete FROM node");
}

/* A node that has just begun has no store, and lets nothing be deleted, for a moment only. */
static void test_a_no_of_a_node_that_begins_is_asked_again(void **state)
{
    static const struct fake_answer later[] = {
        {"$SYS.REQ.CLAIMS.LIST", "{" WORKSHOP_SERVER ",\"data\":[]}"},
        {"$SYS.REQ.CLAIMS.DELETE", "{" WORKSHOP_SERVER ",\"data\":{\"code\":200}}"},
    };
    struct workshop *workshop = workshop_open(answers);
    struct watch_nodes *watch = watch_nodes_new(&workshop->context);

    workshop_signer(workshop);
    workshop_connect(workshop);
    assert_int_equal(watch_nodes_pass(watch), OK);
    assert_string_equal(facts(workshop), "memory false");
    for (size_t i = 0; i < COUNT_OF(later); i++)
        fake_node_listen(workshop->node, &later[i]);
    watch_nodes_look(watch);
    assert_int_equal(watch_nodes_pass(watch), OK);
    assert_string_equal(facts(workshop), "memory false"); /* believed for a while */
    workshop->world->now += 3 * NS_PER_S;
    assert_int_equal(watch_nodes_pass(watch), OK);
    assert_string_equal(facts(workshop), "full true");
    watch_nodes_free(watch);
    workshop_close(workshop);
}

/* A node that stays without is asked ever more rarely, and a new process anew. */
static void test_a_no_is_asked_ever_more_rarely(void **state)
{
    static const struct fake_answer denies[] = {
        {"$SYS.REQ.CLAIMS.LIST", "{" WORKSHOP_SERVER ",\"data\":[]}"},
        {"$SYS.REQ.CLAIMS.DELETE",
         "{" WORKSHOP_SERVER ",\"error\":{\"code\":500,\"description\":\"not here\"}}"},
        {"$SYS.REQ.SERVER.@ID@.VARZ",
         "{" WORKSHOP_SERVER ",\"data\":{\"server_id\":\"@ID@\",\"server_name\":\"n\"}}"},
        {0}};
    struct workshop *workshop = workshop_open(denies);
    struct watch_nodes *watch = watch_nodes_new(&workshop->context);
    const char *asked, *heard = "";
    int times = 0;

    workshop_signer(workshop);
    workshop_connect(workshop);
    for (int second = 0; second < 130; second++) {
        assert_int_equal(watch_nodes_pass(watch), OK);
        asked = fake_node_heard(workshop->node, 1);
        times += strcmp(asked, heard) != 0; /* each request names another account */
        heard = arena_strdup(&workshop->world->arena, asked);
        workshop->world->now += NS_PER_S;
    }
    assert_int_equal(times, 7); /* at 0, 2, 6, 14, 30, 62 and 126 s */
    assert_string_equal(facts(workshop), "full false");
    watch_nodes_free(watch);
    workshop_close(workshop);
}

static void say(struct workshop *workshop, const char *subject, const char *format)
{
    char body[512];

    snprintf(body, sizeof(body), format, fake_node_id(workshop->node));
    node_events_add(workshop->context.events, "sys_1", subject, slice_of(body));
}

static void test_events_move_the_registry_and_noise_does_not_stop_it(void **state)
{
    struct workshop *workshop = workshop_open(NULL);
    struct watch_nodes *watch = watch_nodes_new(&workshop->context);

    say(workshop, "$SYS.SERVER.X.LAMEDUCK", "{\"name\":\"stranger\",\"id\":\"NSTRANGER\"}%.0s");
    say(workshop, "$SYS.SERVER.X.LAMEDUCK", "{\"name\":\"n\",\"id\":\"%s\"}");
    assert_int_equal(watch_nodes_events(watch), OK);
    assert_string_equal(world_text(workshop->world, "SELECT state FROM node"), "lame_duck");
    assert_null(node_events_take(workshop->context.events));
    watch_nodes_free(watch);
    workshop_close(workshop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_process_not_seen_before_puts_the_node_in_doubt),
        cmocka_unit_test(test_a_no_of_a_node_that_begins_is_asked_again),
        cmocka_unit_test(test_a_no_is_asked_ever_more_rarely),
        cmocka_unit_test(test_events_move_the_registry_and_noise_does_not_stop_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
