#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/job/push_claims.h"
#include "tests/lib/workshop.h"

#define ADD                                                                       \
    "INSERT INTO outbox (account_id, team_id, system_id, kind, revision) VALUES " \
    "('acc_1', 'tea_1', 'sys_1', 'claims', 1)"

static const struct fake_answer applies[] = {
    {"$SYS.REQ.CLAIMS.UPDATE",
     "{" WORKSHOP_SERVER ",\"data\":{\"account\":\"A\",\"code\":200,\"message\":\"jwt updated\","
     "\"applied\":true,\"jti\":\"jti-1\",\"iat\":1}}"},
    {0}};
static const struct fake_answer full[] = {
    {"$SYS.REQ.CLAIMS.UPDATE",
     "{" WORKSHOP_SERVER
     ",\"error\":{\"account\":\"A\",\"code\":500,\"description\":\"jwt store is full\"}}"},
    {0}};

/* A stock node: what is in force is asked with INFO. */
static const struct fake_answer stock[] = {
    {"$SYS.REQ.CLAIMS.UPDATE",
     "{" WORKSHOP_SERVER ",\"data\":{\"account\":\"A\",\"code\":200,\"message\":\"jwt updated\"}}"},
    {"$SYS.REQ.ACCOUNT.*.INFO", NULL},
    {0}};

static struct workshop *pass(const struct fake_answer *answers, const char *before)
{
    struct workshop *workshop = workshop_open(answers);
    struct push_figures figures = {0};
    bool more;

    workshop_connect(workshop);
    world_sql(workshop->world, ADD);
    if (before != NULL)
        world_sql(workshop->world, "%s", before);
    assert_int_equal(push_claims_pass(&workshop->context, &figures, &more), OK);
    assert_false(more);
    return workshop;
}

static void test_what_is_due_reaches_the_node_and_is_done(void **state)
{
    struct workshop *workshop = pass(applies, NULL);

    assert_string_equal(fake_node_heard(workshop->node, 0), workshop->jwts[0]);
    assert_string_equal(world_text(workshop->world, "SELECT count(*) FROM outbox"), "0");
    assert_string_equal(world_text(workshop->world,
                                   "SELECT stored_revision || ' ' || applied_revision FROM "
                                   "node_account_sync WHERE account_id = 'acc_1'"),
                        "1 1");
    assert_true(workshop->told > 0);
    workshop_close(workshop);
}

static void test_a_refusal_is_recorded_and_tried_again_later(void **state)
{
    struct workshop *workshop = pass(full, NULL);

    assert_string_equal(world_text(workshop->world, "SELECT error_class FROM node_account_sync"),
                        "store_full");
    assert_string_equal(
        world_text(workshop->world, "SELECT attempts || ' ' || (not_before > now()) FROM outbox"),
        "1 true");
    workshop_close(workshop);
}

/* OBS-01: what is measured is a change that every node has. */
static void test_the_time_until_every_node_has_it_is_measured(void **state)
{
    static const struct {
        const struct fake_answer *answers;
        const char *reason;
        uint64_t duration, revoked;
    } cases[] = {
        {applies, "changed", 1, 0}, {applies, "revocation", 1, 1}, {full, "revocation", 0, 0}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct workshop *workshop = workshop_open(cases[i].answers);
        struct push_figures figures;
        bool more;

        push_figures_init(&figures);
        workshop_connect(workshop);
        world_sql(workshop->world,
                  "UPDATE account_revision SET reason = '%s',"
                  " created_at = clock_timestamp() - interval '40 seconds';" ADD ";"
                  "UPDATE outbox SET created_at = (SELECT min(created_at) FROM account_revision)",
                  cases[i].reason);
        assert_int_equal(push_claims_pass(&workshop->context, &figures, &more), OK);
        assert_int_equal(figures.duration.total, cases[i].duration);
        assert_int_equal(figures.revoked.total, cases[i].revoked);
        assert_true(figures.duration.total_us >= cases[i].duration * 40000000);
        assert_true(figures.revoked.total_us >= cases[i].revoked * 40000000);
        workshop_close(workshop);
    }
}

/* REC-03: another hand's token is gone when every node took ours, and only then. */
static void test_a_push_to_every_node_ends_foreign_writer(void **state)
{
    static const struct {
        const struct fake_answer *answers;
        const char *left;
    } cases[] = {{applies, ""}, {full, "theirs"}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct workshop *workshop = pass(cases[i].answers, "UPDATE account SET foreign_jti = "
                                                           "'theirs' WHERE account_id = 'acc_1'");

        assert_string_equal(world_text(workshop->world, "SELECT foreign_jti FROM account WHERE "
                                                        "account_id = 'acc_1'"),
                            cases[i].left);
        workshop_close(workshop);
    }
}

static void test_a_signer_that_a_node_does_not_trust_is_not_even_sent(void **state)
{
    struct workshop *workshop = pass(applies, "UPDATE node SET trusted_keys = '{OSOMEBODY}'");

    assert_string_equal(fake_node_heard(workshop->node, 0), "");
    assert_string_equal(
        world_text(workshop->world, "SELECT sync_blocked FROM account WHERE account_id = 'acc_1'"),
        "signer_not_trusted_by_node");
    assert_string_equal(world_text(workshop->world, "SELECT count(*) FROM outbox"), "1");
    workshop_close(workshop);
}

static void test_a_node_that_nobody_reached_is_missing(void **state)
{
    struct workshop *workshop =
        pass(applies, "INSERT INTO node (node_id, name, system_id, server_id, state) VALUES "
                      "('nod_2', 'n2', 'sys_1', 'NFAR', 'suspect')");

    assert_string_equal(world_text(workshop->world, "SELECT error_class FROM node_account_sync "
                                                    "WHERE node_id = 'nod_2'"),
                        "no_answer");
    assert_string_equal(world_text(workshop->world, "SELECT count(*) FROM outbox"), "1");
    workshop_close(workshop);
}

/* CNF-01: it counts as reached, and is looked at again until its imports are there. */
static void test_missing_imports_are_recorded_and_asked_for_again(void **state)
{
    struct workshop *workshop = workshop_open(stock);
    struct push_figures figures = {0};
    bool more, reached = false;

    workshop_connect(workshop);
    world_sql(workshop->world, ADD);
    fake_node_set(workshop->node, 1,
                  arena_printf(&workshop->world->arena,
                               "{" WORKSHOP_SERVER
                               ",\"data\":{\"jwt\":\"%s\",\"complete\":false,\"imports\":"
                               "[{\"subject\":\"x\",\"account\":\"AX\",\"invalid\":true}]}}",
                               workshop->jwts[0]));
    assert_int_equal(push_claims_pass(&workshop->context, &figures, &more), OK);
    assert_int_equal(figures.ok, 1);
    assert_string_equal(
        world_text(workshop->world,
                   "SELECT error_class || ' ' || error_text FROM node_account_sync"),
        "incomplete x of AX");
    assert_string_equal(
        world_text(workshop->world, "SELECT not_before > now() + interval '30 s' FROM outbox"),
        "t");
    world_open(workshop->world->work);
    assert_int_equal(world_close(workshop->world->work,
                                 sync_reached(workshop->world->work, "acc_1", 1, &reached)),
                     OK);
    assert_true(reached);
    workshop_close(workshop);
}

static void test_backoff_doubles_to_a_minute(void **state)
{
    struct random_seeded random;

    random_seed(&random, 1);
    for (int64_t attempts = 0; attempts < 100; attempts++) {
        int64_t delay = push_backoff_ms(attempts, &random.random);
        int64_t middle = attempts < 6 ? INT64_C(1000) << attempts : 60000;

        assert_in_range(delay, middle * 3 / 4, middle * 5 / 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_due_reaches_the_node_and_is_done),
        cmocka_unit_test(test_a_refusal_is_recorded_and_tried_again_later),
        cmocka_unit_test(test_the_time_until_every_node_has_it_is_measured),
        cmocka_unit_test(test_a_push_to_every_node_ends_foreign_writer),
        cmocka_unit_test(test_a_signer_that_a_node_does_not_trust_is_not_even_sent),
        cmocka_unit_test(test_a_node_that_nobody_reached_is_missing),
        cmocka_unit_test(test_missing_imports_are_recorded_and_asked_for_again),
        cmocka_unit_test(test_backoff_doubles_to_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
