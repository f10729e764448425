#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/authz.h"
#include "tests/lib/dies.h"

/*
 * The table of who may do what, a line for each row, written apart from the code: a column for
 * each role (nobody, bootstrap, operator admin and viewer, team admin and viewer, service,
 * machine) and the scope that a service needs.
 */
static const struct {
    const char *permission, *cells, *scope;
} wanted[] = {
    {"public", "yyyyyyyy", NULL},
    {"self:read", "-yyyyyyy", NULL},
    {"bootstrap:exchange", "-y-----y", NULL},
    {"operator:read", "--yy---y", NULL},
    {"operator:change", "--y----y", NULL},
    {"system:read", "--yy---y", NULL},
    {"system:change", "--y----y", NULL},
    {"node:read", "--yy---y", NULL},
    {"node:change", "--y----y", NULL},
    {"plan:read", "--yyyysy", "accounts:read"},
    {"plan:change", "--y----y", NULL},
    {"team:read", "--yyoo-y", NULL},
    {"team:create", "--y----y", NULL},
    {"team:change", "--y-o--y", NULL},
    {"team:delete", "--y----y", NULL},
    {"member:read", "--yyoo-y", NULL},
    {"member:change", "--y-o--y", NULL},
    {"account:read", "--yyoosy", "accounts:read"},
    {"account:create", "--y-o-sy", "accounts:write"},
    {"account:change", "--y-o-sy", "accounts:write"},
    {"account:delete", "--y-o-sy", "accounts:write"},
    {"account:suspend", "--y-o-sy", "accounts:write"},
    {"limits:read", "--yyoosy", "accounts:read"},
    {"limits:change", "--y-o--y", NULL},
    {"user:read", "--yyoosy", "users:read"},
    {"user:change", "--y-o-sy", "users:write"},
    {"role:read", "--yyoosy", "users:read"},
    {"role:change", "--y-o-sy", "users:write"},
    {"key:read", "--yyoosy", "users:read"},
    {"key:change", "--y-o-sy", "users:write"},
    {"credential:read", "--yyoosy", "users:read"},
    {"credential:issue", "----o-sy", "credentials:issue"},
    {"credential:revoke", "--y-o-sy", "credentials:revoke"},
    {"revocation:read", "--yyoosy", "users:read"},
    {"revocation:change", "--y-o-sy", "credentials:revoke"},
    {"usage:read", "--yyoosy", "usage:read"},
    {"usage:all", "--yy---y", NULL},
    {"audit:read", "--yyoosy", "audit:read"},
    {"token:read", "--yyoo-y", NULL},
    {"token:change", "--y-o--y", NULL},
    {"operation:read", "--yyoosy", "accounts:read"},
    {"operation:change", "--y-o-sy", "accounts:write"},
};

static const struct authz_target nothing = {0}, own_team = {.team_id = "tea_1"},
                                 own_account = {"tea_1", "acc_1"},
                                 unseen_account = {"tea_1", "acc_2"},
                                 other_team = {.team_id = "tea_2"},
                                 other_account = {"tea_2", "acc_3"};
static const char *const seen[] = {"acc_1"};

/* Of tea_1, where the role is a team's, seeing acc_1 only. */
static struct principal principal(enum principal_role role, const char *const *scope)
{
    bool of_team = role == ROLE_TEAM_ADMIN || role == ROLE_TEAM_VIEWER || role == ROLE_SERVICE;

    return (struct principal){
        .role = role,
        .team_id = of_team ? "tea_1" : NULL,
        .accounts = {(const char **)(uintptr_t)seen, 1},
        .scopes = {(const char **)(uintptr_t)scope, scope != NULL ? 1 : 0},
    };
}

static void expect(const struct principal *who, const char *permission,
                   const struct authz_target *target, enum verdict verdict)
{
    static const char *const words[] = {"allow", "deny", "hide"};
    enum verdict got = authz_check(who, permission, target);

    if (got != verdict)
        fail_msg("%s %s on %s/%s: %s, not %s", principal_role_words[who->role], permission,
                 target->team_id != NULL ? target->team_id : "",
                 target->account_id != NULL ? target->account_id : "", words[got], words[verdict]);
}

/* One cell with what is its own and with what is not. */
static void check_cell(enum principal_role role, const char *permission, char cell,
                       const char *const *scope)
{
    struct principal who = principal(role, scope);
    const struct authz_target *own[] = {&nothing, &own_team, &own_account};
    const struct authz_target *foreign[] = {&unseen_account, &other_team, &other_account};
    enum verdict mine = cell == '-' ? VERDICT_DENY : VERDICT_ALLOW, theirs;

    if (cell == 'y')
        theirs = VERDICT_ALLOW;
    else
        theirs = principal_is_operator(&who) ? VERDICT_DENY : VERDICT_HIDE;
    if (who.team_id == NULL && !principal_is_operator(&who)) { /* owns nothing */
        expect(&who, permission, &nothing, mine);
        expect(&who, permission, &own_account, theirs);
    } else {
        for (size_t i = 0; i < COUNT_OF(own); i++)
            expect(&who, permission, own[i], mine);
    }
    for (size_t i = 0; i < COUNT_OF(foreign); i++)
        expect(&who, permission, foreign[i], theirs);
}

static void test_every_cell_both_directions(void **state)
{
    static const char *const wrong[] = {"streams:purge"};

    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        for (int role = 0; role < ROLE_COUNT; role++) {
            char cell = wanted[i].cells[role];
            const char *scope[] = {wanted[i].scope};

            if (cell != 's') {
                check_cell((enum principal_role)role, wanted[i].permission, cell, NULL);
                continue;
            }
            check_cell((enum principal_role)role, wanted[i].permission, 'o', scope);
            check_cell((enum principal_role)role, wanted[i].permission, '-', wrong);
            check_cell((enum principal_role)role, wanted[i].permission, '-', NULL);
        }
    }
}

/* No row that this test does not know, and none that is gone. */
static void test_the_table_is_all_there_is(void **state)
{
    size_t count;
    const struct authz_row *rows = authz_rows(&count);

    assert_int_equal(count, COUNT_OF(wanted));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(rows[i].permission, wanted[i].permission);
        assert_memory_equal(rows[i].cell, wanted[i].cells, ROLE_COUNT);
        assert_true(authz_known(rows[i].permission));
        assert_true((rows[i].scope != NULL) == (rows[i].cell[ROLE_SERVICE] == 's'));
        assert_true(rows[i].scope == NULL || rule_scope(rows[i].scope));
    }
    assert_false(authz_known("account:*"));
    assert_false(rule_scope("accounts:*"));
    assert_false(rule_scope(""));
}

static void test_scopes_open_nothing_to_other_roles(void **state)
{
    const char *const all[] = {"accounts:write"};
    struct principal who = principal(ROLE_TEAM_VIEWER, all);

    expect(&who, "account:change", &own_account, VERDICT_DENY);
    who = principal(ROLE_SERVICE, all);
    expect(&who, "account:change", &own_account, VERDICT_ALLOW);
    expect(&who, "account:read", &own_account, VERDICT_DENY); /* to write is not to read */
}

static void test_whose_accounts_are_seen(void **state)
{
    struct principal who = principal(ROLE_TEAM_ADMIN, NULL);

    assert_true(principal_sees_account(&who, "tea_1", "acc_1"));
    assert_false(principal_sees_account(&who, "tea_1", "acc_2"));
    assert_false(principal_sees_account(&who, "tea_2", "acc_1"));
    assert_false(principal_sees_account(&who, NULL, "acc_1"));
    who.all_accounts = true;
    assert_true(principal_sees_account(&who, "tea_1", "acc_2"));
    assert_false(principal_sees_account(&who, "tea_2", "acc_2"));
    who = principal(ROLE_OPERATOR_VIEWER, NULL);
    assert_true(principal_sees_account(&who, "tea_2", "acc_3"));
    who = principal(ROLE_NOBODY, NULL);
    who.all_accounts = true;
    assert_false(principal_sees_account(&who, "tea_1", "acc_1"));
    assert_true(principal_is_operator(principal_machine()));
}

/* Bound to nothing is the whole team: that is covered by nobody who is bound. */
static void test_who_is_bound_covers_what_is_bound_as_he_is(void **state)
{
    static const char *some[] = {"acc_1", "acc_2", "acc_3"};
    static const struct {
        enum principal_role role;
        bool all;
        size_t own, wanted;
        bool covers;
    } cases[] = {
        {ROLE_TEAM_ADMIN, false, 1, 1, true},     {ROLE_TEAM_ADMIN, false, 1, 2, false},
        {ROLE_TEAM_ADMIN, false, 2, 1, true},     {ROLE_TEAM_ADMIN, false, 2, 2, true},
        {ROLE_TEAM_ADMIN, false, 2, 3, false},    {ROLE_TEAM_ADMIN, false, 2, 0, false},
        {ROLE_TEAM_ADMIN, false, 0, 0, false},    {ROLE_TEAM_ADMIN, true, 0, 0, true},
        {ROLE_TEAM_ADMIN, true, 0, 3, true},      {ROLE_SERVICE, false, 1, 0, false},
        {ROLE_OPERATOR_ADMIN, false, 0, 0, true},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct principal who = {.role = cases[i].role,
                                .team_id = "tea_1",
                                .all_accounts = cases[i].all,
                                .accounts = {some, cases[i].own}};
        struct strings asked = {some, cases[i].wanted};

        if (principal_covers(&who, &asked) != cases[i].covers)
            fail_msg("row %zu", i);
    }
}

static void ask_unknown(void *arg)
{
    (void)authz_check(principal_machine(), "account:*", arg);
}

static void test_an_unknown_permission_stops_the_process(void **state)
{
    assert_true(dies(ask_unknown, (void *)(uintptr_t)&nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell_both_directions),
        cmocka_unit_test(test_the_table_is_all_there_is),
        cmocka_unit_test(test_scopes_open_nothing_to_other_roles),
        cmocka_unit_test(test_whose_accounts_are_seen),
        cmocka_unit_test(test_who_is_bound_covers_what_is_bound_as_he_is),
        cmocka_unit_test(test_an_unknown_permission_stops_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
