#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/account.h"
#include "controlplane/domain/account_delete.h"
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

#define STATZ                                                                             \
    {                                                                                     \
        "$SYS.REQ.ACCOUNT.PING.STATZ", "{" WORKSHOP_SERVER ",\"data\":{\"accounts\":[]}}" \
    }
#define ANSWER_OK "{" WORKSHOP_SERVER ",\"data\":{\"code\":200,\"message\":\"deleted 1 accounts\"}}"
#define ANSWER_ERROR(text) \
    "{" WORKSHOP_SERVER ",\"error\":{\"code\":500,\"description\":\"" text "\"}}"

/* An account with these steps of its deletion to go, that every node has in its newest revision. */
static void begin_at(struct workshop *workshop, const char *state, const char *first,
                     const char *second)
{
    begin_delete(workshop);
    world_sql(workshop->world,
              "UPDATE account SET state = '%s' WHERE account_id = 'acc_1';"
              "DELETE FROM operation_step;"
              "INSERT INTO operation_step (operation_id, ordinal, name) VALUES"
              " ('ope_1', 1, '%s'), ('ope_1', 2, '%s');"
              "INSERT INTO node_account_sync (node_id, account_id, team_id, stored_revision, "
              "applied_revision) VALUES ('nod_1', 'acc_1', 'tea_1', 1, 1)",
              state, first, second);
}

static const char *step_states(struct workshop *workshop)
{
    return world_text(workshop->world,
                      "SELECT string_agg(state, ' ' ORDER BY ordinal) FROM operation_step");
}

static void due_now(struct workshop *workshop)
{
    world_sql(workshop->world, "UPDATE operation SET not_before = clock_timestamp()");
}

/* DEL-03: what the node says counts, not what is recorded of it. */
static void test_the_nodes_own_answer_says_whether_accounts_may_be_deleted(void **state)
{
    static const struct {
        const char *recorded, *answer;
        const char *steps, *operation; /* how it ends */
        const char *told;              /* how many steps speak of allow_delete */
    } cases[] = {
        {"false", ANSWER_OK, "succeeded succeeded", "succeeded", "0"},
        {"true", ANSWER_OK, "succeeded succeeded", "succeeded", "0"},
        {"false", ANSWER_ERROR("failed - delete must be enabled in server config"),
         "succeeded skipped", "succeeded", "1"},
        {"true", ANSWER_ERROR("failed - delete must be enabled in server config"),
         "succeeded succeeded", "succeeded", "1"},
        {"false", ANSWER_ERROR("failed - not trusted"), "running pending", "running", "0"},
        {"true", ANSWER_ERROR("failed - not trusted"), "succeeded running", "running", "0"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct fake_answer answers[] = {
            STATZ, {"$SYS.REQ.CLAIMS.DELETE", cases[i].answer}, {0}};
        struct workshop *workshop = workshop_open(answers);
        bool more;

        workshop_signer(workshop);
        workshop_connect(workshop);
        begin_at(workshop, "purging", "await_stored", "remove");
        world_sql(workshop->world, "UPDATE node SET allow_delete = %s", cases[i].recorded);
        assert_int_equal(delete_accounts_pass(&workshop->context, &more), OK);
        assert_string_equal(step_states(workshop), cases[i].steps);
        assert_string_equal(world_text(workshop->world, "SELECT state FROM operation"),
                            cases[i].operation);
        assert_string_equal(
            world_text(workshop->world, "SELECT state FROM account WHERE account_id = 'acc_1'"),
            "tombstoned");
        assert_string_equal(world_text(workshop->world, "SELECT count(*) FROM operation_step"
                                                        " WHERE detail LIKE '%%allow_delete%%'"),
                            cases[i].told);
        assert_string_equal(
            world_text(workshop->world,
                       "SELECT count(*) FROM operation WHERE result->>'account_state' = "
                       "'tombstoned' AND result->>'detail' LIKE '%%delete account acc_1 again%%'"),
            cases[i].told);
        workshop_close(workshop);
    }
}

/* The node was changed, and the account is deleted again: now it goes. */
static void test_a_second_deletion_ends_what_the_first_had_to_leave(void **state)
{
    static const struct fake_answer answers[] = {
        STATZ,
        {"$SYS.REQ.CLAIMS.DELETE", ANSWER_OK},
        {"$SYS.REQ.CLAIMS.LIST", "{" WORKSHOP_SERVER ",\"data\":[]}"},
        {0}};
    struct workshop *workshop = workshop_open(answers);
    struct operation operation;
    struct account account;
    struct job_call call;
    bool more;

    workshop_signer(workshop);
    workshop_connect(workshop);
    begin_at(workshop, "tombstoned", "await_stored", "remove");
    world_sql(workshop->world, "DELETE FROM operation_step; DELETE FROM operation");
    assert_int_equal(job_open(&workshop->context, &call), OK);
    assert_int_equal(job_begin(&call), OK);
    assert_int_equal(account_by_ref(&call.work, "acc_1", &account), OK);
    assert_int_equal(job_end(&call, account_delete(&call.work, &account, &operation)), OK);
    assert_int_equal(job_begin(&call), OK); /* while it is under way: not once more */
    assert_int_equal(job_end(&call, account_delete(&call.work, &account, &operation)), ERR_STATE);
    job_close(&call);
    for (int i = 0; i < 3; i++) { /* the list is looked at twice */
        due_now(workshop);
        assert_int_equal(delete_accounts_pass(&workshop->context, &more), OK);
    }
    assert_string_equal(step_states(workshop), "succeeded succeeded succeeded succeeded");
    assert_string_equal(
        world_text(workshop->world, "SELECT state FROM account WHERE account_id = 'acc_1'"),
        "deleted");
    assert_string_equal(world_text(workshop->world, "SELECT state FROM operation"), "succeeded");
    workshop_close(workshop);
}

#define JSZ(details) "{" WORKSHOP_SERVER ",\"data\":{\"account_details\":[" details "]}}"

static const char *detail(struct workshop *workshop)
{
    return world_text(workshop->world, "SELECT detail FROM operation_step WHERE ordinal = 1");
}

/* DEL-01: "initiated" proves nothing: the node has to say that nothing is left. */
static void test_it_waits_until_jetstream_holds_nothing_of_the_account(void **state)
{
    static const struct fake_answer answers[] = {
        {"$JS.API.ACCOUNT.PURGE.*", NULL}, {"$SYS.REQ.SERVER.@ID@.JSZ", NULL}, {0}};
    struct workshop *workshop = workshop_open(answers);
    const char *key = workshop->keys[0];
    bool more;

    workshop_connect(workshop);
    begin_at(workshop, "deleting", "purge_jetstream", "tombstone");
    world_sql(workshop->world, "UPDATE node SET jetstream = true");
    fake_node_set(workshop->node, 1,
                  arena_printf(&workshop->world->arena,
                               JSZ("{\"id\":\"%s\",\"memory\":0,\"storage\":0,"
                                   "\"stream_detail\":[{\"name\":\"S\"}]}"),
                               key));
    assert_int_equal(delete_accounts_pass(&workshop->context, &more), OK);
    assert_string_equal(step_states(workshop), "running pending");
    assert_string_equal(detail(workshop),
                        "node n still holds 1 streams and 0 bytes of the account");
    fake_node_set(workshop->node, 1,
                  arena_printf(&workshop->world->arena, JSZ("{\"id\":\"%s\",\"storage\":7}"), key));
    due_now(workshop);
    assert_int_equal(delete_accounts_pass(&workshop->context, &more), OK);
    assert_string_equal(detail(workshop),
                        "node n still holds 0 streams and 7 bytes of the account");
    fake_node_set(workshop->node, 1,
                  "{" WORKSHOP_SERVER ",\"error\":{\"code\":500,\"description\":\"no\"}}");
    due_now(workshop);
    assert_int_equal(delete_accounts_pass(&workshop->context, &more), OK);
    assert_string_equal(step_states(workshop), "running pending");
    fake_node_set(workshop->node, 1, JSZ(""));
    due_now(workshop);
    world_sql(workshop->world, "DELETE FROM operation_step WHERE ordinal = 2");
    assert_int_equal(delete_accounts_pass(&workshop->context, &more), OK);
    assert_string_equal(step_states(workshop), "succeeded");
    assert_string_equal(detail(workshop), "");
    workshop_close(workshop);
}

static void test_nodes_without_jetstream_are_not_asked(void **state)
{
    struct workshop *workshop = workshop_open(NULL);
    bool more;

    workshop_connect(workshop);
    begin_at(workshop, "deleting", "purge_jetstream", "tombstone");
    world_sql(workshop->world, "DELETE FROM operation_step WHERE ordinal = 2");
    assert_int_equal(delete_accounts_pass(&workshop->context, &more), OK);
    assert_string_equal(step_states(workshop), "skipped");
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
        cmocka_unit_test(test_the_nodes_own_answer_says_whether_accounts_may_be_deleted),
        cmocka_unit_test(test_a_second_deletion_ends_what_the_first_had_to_leave),
        cmocka_unit_test(test_it_waits_until_jetstream_holds_nothing_of_the_account),
        cmocka_unit_test(test_nodes_without_jetstream_are_not_asked),
        cmocka_unit_test(test_nothing_to_do_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
