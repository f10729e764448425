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
    assert_int_equal(figures.unmanaged.appeared, 1); /* left alone */
    assert_string_equal(world_text(workshop->world, "SELECT count(*) FROM outbox"), "3");
    assert_true(workshop->woken & WAKE_OUTBOX);
    assert_true(figures.last_success_at > 0);
    unmanaged_fini(&figures.unmanaged);
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
    unmanaged_fini(&figures.unmanaged);
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
    unmanaged_fini(&figures.unmanaged);
    workshop_close(workshop);
}

static const struct fake_answer holding[] = {
    {"$SYS.REQ.CLAIMS.LIST", ""}, {"$SYS.REQ.CLAIMS.PACK", ""}, {0}};

/* The node lists all three accounts; acc_1 with this token (NULL: all with ours). */
static void hold_token(struct workshop *workshop, const char *jwt)
{
    struct arena *arena = &workshop->world->arena;
    const char *const *keys = workshop->keys;

    fake_node_set(workshop->node, 0,
                  arena_printf(arena, "{" WORKSHOP_SERVER ",\"data\":[\"%s\",\"%s\",\"%s\"]}",
                               keys[0], keys[1], keys[2]));
    fake_node_set(workshop->node, 1,
                  jwt != NULL ? arena_printf(arena, "%s|%s\n--\n", keys[0], jwt) : "");
}

static void compare(struct workshop *workshop, struct reconcile_figures *figures)
{
    bool complete;

    assert_int_equal(reconcile_pass(&workshop->context, true, figures, &complete), OK);
}

static const char *foreign_jti(struct workshop *workshop)
{
    return world_text(workshop->world,
                      "SELECT foreign_jti FROM account WHERE account_id = 'acc_1'");
}

/* REC-03: raised once, left alone, and over when the node holds our token again. */
static void test_a_token_that_we_never_issued_is_foreign_while_it_is_there(void **state)
{
    struct workshop *workshop = workshop_open(holding);
    struct reconcile_figures figures = {0};
    bool complete;

    workshop_connect(workshop);
    hold_token(workshop, workshop_token(workshop, 0, 7));
    compare(workshop, &figures);
    compare(workshop, &figures);
    assert_int_equal(figures.foreign, 1);
    assert_int_equal(figures.differing, 0);
    assert_string_not_equal(foreign_jti(workshop), "");
    hold_token(workshop, NULL);
    assert_int_equal(reconcile_pass(&workshop->context, false, &figures, &complete), OK);
    assert_string_not_equal(foreign_jti(workshop), ""); /* nobody looked at contents */
    compare(workshop, &figures);
    assert_string_equal(foreign_jti(workshop), "");
    assert_true(workshop->told > 0);
    unmanaged_fini(&figures.unmanaged);
    workshop_close(workshop);
}

/* What a node holds that cannot be asked now, nobody knows. */
static void test_a_foreign_token_is_not_over_while_a_node_cannot_be_looked_at(void **state)
{
    struct workshop *workshop = workshop_open(holding);
    struct reconcile_figures figures = {0};

    workshop_connect(workshop);
    world_sql(workshop->world,
              "INSERT INTO node (node_id, name, system_id, server_id, state) VALUES "
              "('nod_2', 'n2', 'sys_1', 'NFAR', 'lost');"
              "UPDATE account SET foreign_jti = 'x' WHERE account_id = 'acc_1'");
    hold_token(workshop, NULL);
    compare(workshop, &figures);
    assert_string_equal(foreign_jti(workshop), "x");
    world_sql(workshop->world, "UPDATE node SET state = 'retired' WHERE node_id = 'nod_2'");
    compare(workshop, &figures);
    assert_string_equal(foreign_jti(workshop), "");
    unmanaged_fini(&figures.unmanaged);
    workshop_close(workshop);
}

/* An account that changed, and was pushed, after what is desired was read: the node is ahead. */
static void test_a_newer_token_of_ours_is_not_foreign(void **state)
{
    struct workshop *workshop = workshop_open(holding);
    const char *newer = workshop_token(workshop, 0, 7);
    struct reconcile_figures figures = {0};

    workshop_connect(workshop);
    world_sql(
        workshop->world,
        "INSERT INTO account_revision (account_id, revision, team_id, jti, iat, claims_hash,"
        " claims, reason, created_by) VALUES ('acc_1', 2, 'tea_1', 'j2', 7, '', '{}', '', '');"
        "INSERT INTO account_jwt (account_id, revision, team_id, active, jwt)"
        " VALUES ('acc_1', 2, 'tea_1', false, '%s')",
        newer);
    hold_token(workshop, newer);
    compare(workshop, &figures);
    assert_int_equal(figures.foreign, 0);
    assert_int_equal(figures.differing, 0);
    assert_string_equal(foreign_jti(workshop), "");
    unmanaged_fini(&figures.unmanaged);
    workshop_close(workshop);
}

/* An older one, whoever issued it, is replaced. */
static void test_an_older_token_is_replaced(void **state)
{
    struct workshop *workshop = workshop_open(holding);
    struct reconcile_figures figures = {0};

    workshop_connect(workshop);
    world_sql(workshop->world, "UPDATE account SET iat = 9 WHERE account_id = 'acc_1'");
    hold_token(workshop, workshop_token(workshop, 0, 7));
    compare(workshop, &figures);
    assert_int_equal(figures.foreign, 0);
    assert_int_equal(figures.differing, 1);
    assert_string_equal(world_text(workshop->world, "SELECT account_id FROM outbox"), "acc_1");
    unmanaged_fini(&figures.unmanaged);
    workshop_close(workshop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_node_lost_is_due_again),
        cmocka_unit_test(test_a_lease_of_another_replica_is_respected),
        cmocka_unit_test(test_a_node_that_cannot_be_asked_is_no_error),
        cmocka_unit_test(test_a_token_that_we_never_issued_is_foreign_while_it_is_there),
        cmocka_unit_test(test_a_foreign_token_is_not_over_while_a_node_cannot_be_looked_at),
        cmocka_unit_test(test_a_newer_token_of_ours_is_not_foreign),
        cmocka_unit_test(test_an_older_token_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
