#include "controlplane/domain/lifecycle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/account.h"
#include "controlplane/domain/node.h"
#include "controlplane/domain/operation.h"
#include "controlplane/domain/operator.h"
#include "controlplane/domain/signing_key.h"
#include "tests/lib/world.h"

/* All that may happen: in which state, which actions, and where they lead. */
static const struct {
    const struct lifecycle *life;
    const char *state, *moves;
} rows[] = {
    {&account_lifecycle, "creating", ""},
    {&account_lifecycle, "active", "change>- suspend>suspended delete>deleting"},
    {&account_lifecycle, "suspended", "change>- resume>active take_over>suspended delete>deleting"},
    {&account_lifecycle, "deleting", "tombstone>purging"},
    {&account_lifecycle, "purging", "tombstone>purging await>tombstoned"},
    {&account_lifecycle, "tombstoned", "await>tombstoned finish>deleted"},
    {&account_lifecycle, "deleted", "finish>deleted"},
    {&account_lifecycle, "failed", "delete>deleting"},

    {&operator_key_lifecycle, "staged", "promote>trusted activate>active retire>retired"},
    {&operator_key_lifecycle, "trusted", "activate>active retire>retired"},
    {&operator_key_lifecycle, "active", "relieve>retiring"},
    {&operator_key_lifecycle, "retiring", "retire>retired"},
    {&operator_key_lifecycle, "retired", ""},
    {&operator_key_lifecycle, "compromised", "retire>retired"},

    {&signing_key_lifecycle, "active", "retire>retired end>retired"},
    {&signing_key_lifecycle, "retiring", "retire>retired end>retired"},
    {&signing_key_lifecycle, "retired", ""},
    {&signing_key_lifecycle, "compromised", "end>retired"},

#define WHEREVER "restart>ready lame_duck>lame_duck shut_down>lost retire>retired "
    {&node_lifecycle, "joining", WHEREVER "hear>ready suspect>suspect lose>lost"},
    {&node_lifecycle, "ready", WHEREVER "hear>ready suspect>suspect lose>lost"},
    {&node_lifecycle, "suspect", WHEREVER "hear>ready lose>lost"},
    {&node_lifecycle, "lost", WHEREVER "hear>ready"},
    {&node_lifecycle, "lame_duck", WHEREVER "suspect>suspect lose>lost"},
    {&node_lifecycle, "retired", "hear>ready restart>ready"},
#undef WHEREVER

    {&operation_lifecycle, "pending", "cancel>canceled claim>running"},
    {&operation_lifecycle, "running", "claim>running work>- succeed>succeeded fail>failed"},
    {&operation_lifecycle, "succeeded", ""},
    {&operation_lifecycle, "failed", ""},
    {&operation_lifecycle, "canceled", ""},
};

static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        if ((at == text || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    }
    return false;
}

static size_t count_of(const char *text, char wanted)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += *text == wanted;
    return count;
}

static void test_every_state_and_every_action(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct lifecycle *life = rows[i].life;
        size_t allowed = 0;

        for (size_t j = 0; j < life->move_count; j++) {
            const char *to = NULL;
            char move[64];
            bool is = lifecycle_allows(life, life->moves[j].action, rows[i].state, &to);

            snprintf(move, sizeof(move), "%s>%s", life->moves[j].action, to != NULL ? to : "-");
            if (is != has_word(rows[i].moves, move))
                fail_msg("%s %s: %s", life->kind, rows[i].state, move);
            allowed += is;
        }
        assert_int_equal(allowed, count_of(rows[i].moves, '>'));
    }
}

/* The database, the table and the rows above know the same states. */
static void test_the_states_are_those_of_the_database(void **state)
{
    static const struct {
        const struct lifecycle *life;
        const char *table;
    } tables[] = {
        {&account_lifecycle, "account"},         {&operator_key_lifecycle, "operator_key"},
        {&signing_key_lifecycle, "signing_key"}, {&node_lifecycle, "node"},
        {&operation_lifecycle, "operation"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        const char *states = tables[i].life->states;
        size_t count = 0;

        assert_string_equal(
            world_text(world,
                       "SELECT string_agg(s, '|' ORDER BY s) FROM regexp_matches("
                       "(SELECT pg_get_constraintdef(oid) FROM pg_constraint"
                       "  WHERE conrelid = '%s'::regclass AND conname = '%s_state_check'),"
                       " '''([a-z_]+)''', 'g') AS m (found) CROSS JOIN unnest(found) AS s",
                       tables[i].table, tables[i].table),
            world_text(world,
                       "SELECT string_agg(s, '|' ORDER BY s)"
                       "  FROM unnest(string_to_array(trim('%s', '|'), '|')) AS s",
                       states));
        for (size_t j = 0; j < COUNT_OF(rows); j++) {
            char needle[32];

            snprintf(needle, sizeof(needle), "|%s|", rows[j].state);
            count += rows[j].life == tables[i].life && strstr(states, needle) != NULL;
        }
        assert_int_equal(count, count_of(states, '|') - 1);
    }
}

static void report(struct world *world, const char *server_id)
{
    const struct node_report heard = {
        .system_id = "sys_1", .name = "n1", .server_id = server_id, .started_at = 1};
    struct node node;
    bool fresh;

    world_ok(world->work, node_seen(world->work, &heard, &node, &fresh));
}

static void age(struct world *world, const char *interval)
{
    int64_t moved;

    world_sql(world, "UPDATE node SET last_seen_at = clock_timestamp() - interval '%s'", interval);
    world_ok(world->work, node_age(world->work, "sys_1", &moved));
}

static void move_node(struct world *world, const char *action)
{
    struct node node, out;
    enum result rc;

    if (strcmp(action, "hear") == 0) {
        report(world, WORLD_SERVER);
    } else if (strcmp(action, "restart") == 0) {
        report(world, "NNEW");
    } else if (strcmp(action, "suspect") == 0) {
        age(world, "1 minute");
    } else if (strcmp(action, "lose") == 0) {
        age(world, "10 minutes");
    } else if (strcmp(action, "retire") == 0) {
        world_ok(world->work, node_by_ref(world->work, "sys_1", "n1", &node));
        rc = world_do(world->work, node_retire(world->work, &node, &out));
        assert_true(rc == OK || rc == ERR_STATE);
    } else {
        world_ok(world->work,
                 node_leaving(world->work, WORLD_SERVER, strcmp(action, "shut_down") == 0));
    }
}

/* What the database does is what the table says. */
static void test_nodes_move_as_the_table_says(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t j = 0; rows[i].life == &node_lifecycle && j < node_lifecycle.move_count; j++) {
            const char *action = node_lifecycle.moves[j].action, *to;
            bool allowed = lifecycle_allows(&node_lifecycle, action, rows[i].state, &to);

            world_sql(world,
                      "UPDATE node SET name = 'n1', state = '%s', server_id = '" WORLD_SERVER
                      "', last_seen_at = clock_timestamp()",
                      rows[i].state);
            move_node(world, action);
            if (strcmp(world_text(world, "SELECT state FROM node"), allowed ? to : rows[i].state) !=
                0)
                fail_msg("%s of %s", action, rows[i].state);
        }
    }
}

static enum result move_operation(struct world *world, const char *id, const char *action)
{
    struct work *work = world->work;
    struct operation operation, out;

    world_ok(work, operation_by_id(work, id, &operation));
    if (strcmp(action, "cancel") == 0)
        return world_do(work, operation_cancel(work, id, &out));
    if (strcmp(action, "claim") == 0)
        return world_do(work, operation_claim(work, 60, &out));
    if (strcmp(action, "work") == 0)
        return world_do(work, operation_pause(work, &operation, 1, NULL, 0));
    return world_do(work, operation_finish(work, &operation, NULL,
                                           strcmp(action, "fail") == 0 ? "internal" : NULL, NULL));
}

static void test_operations_move_as_the_table_says(void **state)
{
    static const char *const steps[] = {"one", NULL};
    const struct operation_new new = {.type = "test",
                                      .team_id = "tea_1",
                                      .account_id = "acc_1",
                                      .resource_kind = "account",
                                      .resource_id = "acc_1",
                                      .resource_name = "a1",
                                      .steps = steps};
    struct world *world = *state;
    struct operation operation;

    world_ok(world->work, operation_start(world->work, &new, &operation));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t j = 0; rows[i].life == &operation_lifecycle && j < rows[i].life->move_count;
             j++) {
            const char *action = operation_lifecycle.moves[j].action, *to;
            bool allowed = lifecycle_allows(&operation_lifecycle, action, rows[i].state, &to);

            world_sql(world,
                      "UPDATE operation SET state = '%s', lease_until = NULL, cancelable = true,"
                      " not_before = '-infinity'",
                      rows[i].state);
            if ((move_operation(world, operation.resource.id, action) == OK) != allowed ||
                strcmp(world_text(world, "SELECT state FROM operation"),
                       allowed && to != NULL ? to : rows[i].state) != 0)
                fail_msg("%s of %s", action, rows[i].state);
        }
    }
}

static void test_a_refusal_names_what_is_allowed(void **state)
{
    struct world *world = *state;

    assert_int_equal(lifecycle_may(world->work, &account_lifecycle, "suspend", "active"), OK);
    assert_int_equal(lifecycle_may(world->work, &account_lifecycle, "suspend", "suspended"),
                     ERR_STATE);
    assert_int_equal(world->refusal->code, REFUSAL_illegal_state);
    assert_string_equal(world->refusal->detail,
                        "The account is suspended, which allows: change resume delete.");
    *world->refusal = (struct refusal){.arena = &world->arena};
    assert_int_equal(lifecycle_may(world->work, &account_lifecycle, "delete", "deleting"),
                     ERR_STATE);
    assert_string_equal(world->refusal->detail, "The account is deleting, which allows: nothing.");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_state_and_every_action),
        TEST(test_the_states_are_those_of_the_database),
        TEST(test_nodes_move_as_the_table_says),
        TEST(test_operations_move_as_the_table_says),
        TEST(test_a_refusal_names_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
