#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controlplane/domain/token.h"
#include "tests/lib/scene.h"

static struct scene scene;

static int64_t in_days(int days)
{
    return work_now(&scene.work) + days * INT64_C(86400) * NS_PER_S;
}

static struct token_settings settings(enum principal_role role)
{
    return (struct token_settings){
        .settings = {.name = "t"}, .role = (int)role, .expires_at = in_days(30)};
}

static enum result make(bool tenant, const char *team, const struct token_settings *given,
                        struct token *out)
{
    if (tenant)
        scene_as_tenant(&scene);
    else
        scene_as_admin(&scene);
    return scene_end(&scene, token_create(&scene.work, team, given, out));
}

static enum result knock(const char *text, const char *from, struct principal *who)
{
    scene_as_machine(&scene);
    return scene_end(&scene, token_authenticate(&scene.work, text, from, who));
}

static void test_a_token_lets_in(void **state)
{
    struct token_settings given = settings(ROLE_TEAM_ADMIN);
    struct token token;
    struct principal who;
    char broken[TOKEN_TEXT_MAX];

    assert_int_equal(make(false, scene.team_id, &given, &token), OK);
    assert_true(token_well_formed(token.token));
    assert_int_equal(knock(token.token, "127.0.0.1", &who), OK);
    assert_int_equal(who.role, ROLE_TEAM_ADMIN);
    assert_string_equal(who.team_id, scene.team_id);
    assert_true(who.all_accounts);
    /* Any other character: refused before a look-up. */
    snprintf(broken, sizeof(broken), "%s", token.token);
    broken[50] = broken[50] == 'A' ? 'B' : 'A';
    assert_false(token_well_formed(broken));
    assert_int_equal(knock(broken, "127.0.0.1", &who), ERR_UNAUTHENTICATED);
    assert_int_equal(knock("", "127.0.0.1", &who), ERR_UNAUTHENTICATED);
    scene_as_admin(&scene);
    assert_int_equal(token_revoke(&scene.work, &token), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(knock(token.token, "127.0.0.1", &who), ERR_UNAUTHENTICATED);
    assert_string_equal(scene_refused(&scene), "token_revoked");
}

static void test_the_secret_is_nowhere(void **state)
{
    struct token_settings given = settings(ROLE_TEAM_ADMIN);
    struct token token;
    char sql[512];

    assert_int_equal(make(false, scene.team_id, &given, &token), OK);
    snprintf(sql, sizeof(sql),
             "DO $$BEGIN IF EXISTS (SELECT FROM api_token t WHERE t::text LIKE '%%%.20s%%')"
             " THEN RAISE 'there it is'; END IF; END$$",
             token.token + 33);
    scene_sql(&scene, sql);
}

static void test_where_and_how_long(void **state)
{
    struct token_settings given = settings(ROLE_TEAM_VIEWER);
    struct token token;
    struct principal who;

    given.allowed_cidrs = (struct strings){(const char *[]){"10.0.0.0/8", "fe80::/10"}, 2};
    assert_int_equal(make(false, scene.team_id, &given, &token), OK);
    assert_int_equal(knock(token.token, "10.1.2.3", &who), OK);
    assert_int_equal(knock(token.token, "fe80::1", &who), OK);
    assert_int_equal(knock(token.token, "11.1.2.3", &who), ERR_DENIED);
    assert_string_equal(scene_refused(&scene), "address_not_allowed");
    scene_sql(&scene, "UPDATE api_token SET expires_at = now() - interval '1 second'");
    assert_int_equal(knock(token.token, "10.1.2.3", &who), ERR_UNAUTHENTICATED);
    assert_string_equal(scene_refused(&scene), "token_expired");
    given.expires_at = in_days(400);
    assert_int_equal(make(false, scene.team_id, &given, &token), ERR_INVALID);
    given.expires_at = in_days(-1);
    assert_int_equal(make(false, scene.team_id, &given, &token), ERR_INVALID);
    given.expires_at = 0;
    assert_int_equal(make(false, scene.team_id, &given, &token), ERR_INVALID);
}

/* AUZ-03: never more than one has. */
static void test_nobody_gives_more_than_he_has(void **state)
{
    static const struct {
        bool tenant, of_team;
        enum principal_role role;
        enum result expect;
    } cases[] = {
        {false, true, ROLE_TEAM_ADMIN, OK},
        {false, true, ROLE_OPERATOR_ADMIN, ERR_DENIED},
        {false, false, ROLE_OPERATOR_VIEWER, OK},
        {false, false, ROLE_TEAM_ADMIN, ERR_DENIED},
        {true, true, ROLE_TEAM_VIEWER, OK},
        {true, true, ROLE_OPERATOR_ADMIN, ERR_DENIED},
        {true, true, ROLE_MACHINE, ERR_DENIED},
        {true, true, ROLE_BOOTSTRAP, ERR_DENIED},
        {true, false, ROLE_OPERATOR_VIEWER, ERR_DENIED},
    };
    struct token token;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct token_settings given = settings(cases[i].role);

        if (make(cases[i].tenant, cases[i].of_team ? scene.team_id : NULL, &given, &token) !=
            cases[i].expect)
            fail_msg("case %zu", i);
    }
}

static void test_a_bound_token_stays_bound(void **state)
{
    struct token_settings given = settings(ROLE_TEAM_ADMIN);
    struct token token;

    scene.tenant.all_accounts = false;
    scene.tenant.accounts = (struct strings){&scene.account_id, 1};
    assert_int_equal(make(true, scene.team_id, &given, &token), ERR_DENIED);
    given.accounts = (struct strings){(const char *[]){"acc_other"}, 1};
    assert_int_equal(make(true, scene.team_id, &given, &token), ERR_INVALID);
    given.accounts = (struct strings){&scene.account_id, 1};
    assert_int_equal(make(true, scene.team_id, &given, &token), OK);
    scene.tenant.all_accounts = true;
}

/* A member's token has what the member has now. */
static void test_a_members_token_follows_the_member(void **state)
{
    const struct member_settings ada = {.settings = {.name = "ada@example.com"}, .role = 0};
    const struct member_settings bob = {.settings = {.name = "bob@example.com"}, .role = 0};
    struct token_settings given = settings(ROLE_NOBODY);
    struct member_settings lower;
    struct member member, other;
    struct token token;
    struct principal who;

    scene_as_tenant(&scene);
    assert_int_equal(member_create(&scene.work, scene.team_id, &ada, &member), OK);
    assert_int_equal(member_create(&scene.work, scene.team_id, &bob, &other), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    given.member_id = member.resource.id;
    assert_int_equal(make(true, scene.team_id, &given, &token), OK);
    assert_int_equal(knock(token.token, "127.0.0.1", &who), OK);
    assert_int_equal(who.role, ROLE_TEAM_ADMIN);
    assert_string_equal(who.name, "ada@example.com");
    scene_as_tenant(&scene);
    lower = member_settings_of(&member);
    lower.role = 1;
    assert_int_equal(member_update(&scene.work, &member, &lower, &member), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(knock(token.token, "127.0.0.1", &who), OK);
    assert_int_equal(who.role, ROLE_TEAM_VIEWER);
    scene_as_tenant(&scene);
    assert_int_equal(member_remove(&scene.work, &member), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(knock(token.token, "127.0.0.1", &who), ERR_UNAUTHENTICATED);
}

static void test_scopes_are_for_service_tokens(void **state)
{
    struct token_settings given = settings(ROLE_SERVICE);
    struct token token;
    struct principal who;

    assert_int_equal(make(true, scene.team_id, &given, &token), ERR_INVALID);
    given.scopes = (struct strings){(const char *[]){"accounts:read"}, 1};
    assert_int_equal(make(true, scene.team_id, &given, &token), OK);
    assert_int_equal(knock(token.token, "127.0.0.1", &who), OK);
    assert_true(principal_has_scope(&who, "accounts:read"));
    assert_false(principal_has_scope(&who, "accounts:write"));
    given.role = ROLE_TEAM_ADMIN;
    assert_int_equal(make(true, scene.team_id, &given, &token), ERR_INVALID);
}

/* SSO-02: once, and only while there is no admin. */
static void test_bootstrap(void **state)
{
    struct token_settings given = {.settings = {.name = "root"}};
    struct principal who;
    struct token token;
    const char *first, *second, *none;

    scene_sql(&scene, "DELETE FROM api_token");
    scene_as_machine(&scene);
    assert_int_equal(token_bootstrap(&scene.work, &first), OK);
    assert_int_equal(token_bootstrap(&scene.work, &second), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(knock(first, "127.0.0.1", &who), ERR_UNAUTHENTICATED);
    assert_int_equal(knock(second, "127.0.0.1", &who), OK);
    assert_int_equal(who.role, ROLE_BOOTSTRAP);
    scene_as_machine(&scene);
    assert_int_equal(token_exchange(&scene.work, &given, &token), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(knock(token.token, "127.0.0.1", &who), OK);
    assert_int_equal(who.role, ROLE_OPERATOR_ADMIN);
    assert_int_equal(knock(second, "127.0.0.1", &who), ERR_UNAUTHENTICATED);
    scene_as_machine(&scene);
    assert_int_equal(token_bootstrap(&scene.work, &none), OK);
    assert_null(none);
    assert_int_equal(token_exchange(&scene.work, &given, &token), ERR_STATE);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static int set_up(void **state)
{
    scene_start(&scene);
    return 0;
}

static int tear_down(void **state)
{
    scene_stop(&scene);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_lets_in),
        cmocka_unit_test(test_the_secret_is_nowhere),
        cmocka_unit_test(test_where_and_how_long),
        cmocka_unit_test(test_nobody_gives_more_than_he_has),
        cmocka_unit_test(test_a_bound_token_stays_bound),
        cmocka_unit_test(test_a_members_token_follows_the_member),
        cmocka_unit_test(test_scopes_are_for_service_tokens),
        cmocka_unit_test(test_bootstrap),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
