#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/team.h"
#include "controlplane/domain/token.h"
#include "tests/lib/world.h"

static struct token_settings settings(struct world *world, enum principal_role role)
{
    return (struct token_settings){
        .settings = {.name = "t"}, .role = (int)role, .expires_at = world->now + 3600 * NS_PER_S};
}

static struct token create(struct world *world, const char *team, const struct token_settings *of)
{
    struct token out;

    world_ok(world->work, token_create(world->work, team, of, &out));
    return out;
}

static struct token of_team(struct world *world, enum principal_role role)
{
    struct token_settings of = settings(world, role);

    return create(world, "tea_1", &of);
}

static struct principal authenticate(struct world *world, const struct token *token)
{
    struct principal out;

    world_ok(world->work, token_authenticate(world->work, token->token, "192.0.2.1", &out));
    return out;
}

static void refused(struct world *world, const char *text, const char *ip, enum refusal_code code)
{
    struct principal out;

    world_refuses(world->work, code, token_authenticate(world->work, text, ip, &out));
}

static struct member join(struct world *world, int role)
{
    struct member_settings of = {.settings = {.name = "ann"}, .role = role};
    struct member out;

    world_ok(world->work, member_create(world->work, "tea_1", &of, &out));
    return out;
}

static void test_its_text_lets_in_and_is_stored_nowhere(void **state)
{
    struct world *world = *state;
    struct token token = of_team(world, ROLE_TEAM_ADMIN), again;
    struct principal who = authenticate(world, &token);
    char secret[53];

    assert_memory_equal(token.token, "berth_", 6);
    assert_memory_equal(token.token + 6, token.resource.id + 4, 26);
    assert_int_equal(who.role, ROLE_TEAM_ADMIN);
    assert_string_equal(who.token_id, token.resource.id);
    assert_string_equal(who.team_id, "tea_1");
    assert_string_equal(who.name, "t");
    assert_true(who.all_accounts);
    memcpy(secret, token.token + 33, 52);
    secret[52] = '\0';
    assert_string_equal(world_text(world,
                                   "SELECT count(*) FROM api_token t WHERE t::text LIKE"
                                   " '%%%s%%'",
                                   secret),
                        "0");
    world_ok(world->work, token_by_id(world->work, "tea_1", token.resource.id, &again));
    assert_null(again.token);
    world_is(world->work, ERR_NOT_FOUND,
             world_do(world->work, token_by_id(world->work, "tea_2", token.resource.id, &again)));
}

/* Whatever was mistyped is told apart without a look-up. */
static void test_typing_errors(void **state)
{
    struct world *world = *state;
    struct token token = of_team(world, ROLE_TEAM_ADMIN);
    size_t len = strlen(token.token);
    char text[TOKEN_TEXT_MAX];

    assert_true(token_well_formed(token.token));
    for (size_t i = 0; i < len; i++) {
        memcpy(text, token.token, len + 1);
        text[i] = text[i] == 'B' ? 'C' : 'B';
        if (token_well_formed(text))
            fail_msg("another character at %zu is well formed", i);
        text[i] = '\0';
        assert_false(token_well_formed(text));
    }
    memcpy(text, token.token, len + 1);
    text[len] = 'A';
    text[len + 1] = '\0';
    assert_false(token_well_formed(text));
    refused(world, text, "192.0.2.1", REFUSAL_unauthenticated);
}

static void test_an_unknown_one_and_a_wrong_secret(void **state)
{
    struct world *world = *state;
    struct token a = of_team(world, ROLE_TEAM_ADMIN), b = of_team(world, ROLE_TEAM_ADMIN);

    world_sql(world,
              "UPDATE api_token SET secret_hash = (SELECT secret_hash FROM api_token WHERE"
              " token_id = '%s') WHERE token_id = '%s'",
              b.resource.id, a.resource.id);
    refused(world, a.token, "192.0.2.1", REFUSAL_unauthenticated);
    world_sql(world, "UPDATE api_token SET secret_hash = ''");
    refused(world, b.token, "192.0.2.1", REFUSAL_unauthenticated);
    world_sql(world, "DELETE FROM api_token");
    refused(world, b.token, "192.0.2.1", REFUSAL_unauthenticated);
}

static void test_its_end(void **state)
{
    struct world *world = *state;
    struct token token = of_team(world, ROLE_TEAM_ADMIN);

    world->now = token.expires_at - NS_PER_S;
    authenticate(world, &token);
    world->now = token.expires_at;
    refused(world, token.token, "192.0.2.1", REFUSAL_token_expired);
    world->now -= 600 * NS_PER_S;
    world_sql(world, "UPDATE team SET state = 'deleted' WHERE team_id = 'tea_1'");
    refused(world, token.token, "192.0.2.1", REFUSAL_token_revoked);
    world_sql(world, "UPDATE team SET state = 'active'");
    world_ok(world->work, token_revoke(world->work, &token));
    refused(world, token.token, "192.0.2.1", REFUSAL_token_revoked);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *cidr, *ip;
        bool allowed;
    } rows[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.1/32", "192.0.2.1", true},
        {"192.0.2.1/32", "192.0.2.0", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"2001:db8::/33", "2001:db8::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::/0", "192.0.2.1", false},
        {"10.0.0.0/8", "nonsense", false},
        {"10.0.0.0/8", "", false},
    };
    struct world *world = *state;
    struct token token = of_team(world, ROLE_TEAM_ADMIN);
    struct principal out;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        enum result rc;

        world_sql(world, "UPDATE api_token SET allowed_cidrs = '{198.51.100.7/32,%s}'",
                  rows[i].cidr);
        rc = world_do(world->work, token_authenticate(world->work, token.token, rows[i].ip, &out));
        if ((rc == OK) != rows[i].allowed)
            fail_msg("%s in %s: %s", rows[i].ip, rows[i].cidr, result_name(rc));
        if (rc != OK)
            assert_int_equal(world->refusal->code, REFUSAL_address_not_allowed);
    }
}

/* A member's token follows the member, downwards only. */
static void test_a_token_never_outgrows_its_member(void **state)
{
    struct world *world = *state;
    struct member ann = join(world, 0);
    const char *bound[] = {"acc_1", "acc_2"}, *scopes[] = {"users:read", "users:write"};
    struct token_settings of = settings(world, ROLE_NOBODY);
    struct token whole, two, service;
    struct principal who;

    of.member_id = ann.resource.id;
    whole = create(world, "tea_1", &of);
    of.accounts = (struct strings){bound, 2};
    two = create(world, "tea_1", &of);
    of = settings(world, ROLE_SERVICE);
    of.member_id = ann.resource.id;
    of.scopes = (struct strings){scopes, 2};
    service = create(world, "tea_1", &of);
    who = authenticate(world, &whole);
    assert_int_equal(who.role, ROLE_TEAM_ADMIN); /* not said: as the member */
    assert_string_equal(who.name, "ann");
    assert_string_equal(who.member_id, ann.resource.id);
    assert_true(who.all_accounts);
    assert_int_equal(authenticate(world, &two).accounts.count, 2);
    assert_int_equal(authenticate(world, &service).scopes.count, 2);

    world_sql(world, "UPDATE member SET role = 'viewer', accounts = '{acc_2,acc_9}'");
    who = authenticate(world, &whole);
    assert_int_equal(who.role, ROLE_TEAM_VIEWER);
    assert_false(who.all_accounts);
    assert_true(principal_sees_account(&who, "tea_1", "acc_2"));
    assert_false(principal_sees_account(&who, "tea_1", "acc_1"));
    who = authenticate(world, &two);
    assert_int_equal(who.accounts.count, 1);
    assert_string_equal(who.accounts.items[0], "acc_2");
    who = authenticate(world, &service);
    assert_true(principal_has_scope(&who, "users:read"));
    assert_false(principal_has_scope(&who, "users:write"));
    world_sql(world, "UPDATE member SET state = 'removed'");
    refused(world, whole.token, "192.0.2.1", REFUSAL_token_revoked);
}

static void test_its_use_is_noted_once_a_minute(void **state)
{
    struct world *world = *state;
    struct token token = of_team(world, ROLE_TEAM_ADMIN);

    authenticate(world, &token);
    assert_string_equal(world_text(world, "SELECT last_used_from FROM api_token"), "192.0.2.1");
    world_sql(world, "UPDATE api_token SET last_used_from = 'x', last_used_at = now()");
    authenticate(world, &token);
    assert_string_equal(world_text(world, "SELECT last_used_from FROM api_token"), "x");
    world_sql(world, "UPDATE api_token SET last_used_at = now() - interval '2 minutes'");
    authenticate(world, &token);
    assert_string_equal(world_text(world, "SELECT last_used_from FROM api_token"), "192.0.2.1");
}

/* Who may make what: for oneself, for the team; in the order of the roles. */
static void test_a_token_never_gives_more_than_its_maker_has(void **state)
{
    static const struct {
        enum principal_role maker;
        const char *own_team, *team, *allowed;
    } rows[] = {
        {ROLE_OPERATOR_ADMIN, NULL, NULL, "--yy----"},
        {ROLE_OPERATOR_ADMIN, NULL, "tea_1", "y---yyy-"},
        {ROLE_OPERATOR_VIEWER, NULL, NULL, "--------"},
        {ROLE_OPERATOR_VIEWER, NULL, "tea_1", "--------"},
        {ROLE_TEAM_ADMIN, "tea_1", "tea_1", "y---yyy-"},
        {ROLE_TEAM_VIEWER, "tea_1", "tea_1", "--------"},
        {ROLE_SERVICE, "tea_1", "tea_1", "--------"},
        {ROLE_BOOTSTRAP, NULL, NULL, "--------"},
    };
    struct world *world = *state;
    const char *scopes[] = {"usage:read"};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int role = ROLE_NOBODY; role < ROLE_COUNT; role++) {
            struct token_settings of = settings(world, (enum principal_role)role);
            struct token out;
            enum result rc;

            if (role == ROLE_NOBODY && rows[i].team == NULL)
                continue; /* as its maker's */
            if (role == ROLE_SERVICE)
                of.scopes = (struct strings){scopes, 1};
            world_as(world, rows[i].maker, rows[i].own_team);
            rc = world_do(world->work, token_create(world->work, rows[i].team, &of, &out));
            if ((rc == OK) != (rows[i].allowed[role] == 'y'))
                fail_msg("%s makes %s for %s: %s", principal_role_words[rows[i].maker],
                         principal_role_words[role], rows[i].team, result_name(rc));
            if (rc != OK)
                assert_int_equal(world->refusal->code, REFUSAL_forbidden);
        }
    }
}

static void test_accounts_of_a_bound_maker(void **state)
{
    struct world *world = *state;
    struct token_settings of = settings(world, ROLE_TEAM_VIEWER);
    const char *seen[] = {"acc_1"}, *wanted[] = {"acc_1", "acc_2"};
    struct token whole = create(world, "tea_1", &of), out;
    struct principal *who = world_as(world, ROLE_TEAM_ADMIN, "tea_1");

    who->all_accounts = false;
    who->accounts = (struct strings){seen, 1};
    world_refuses(world->work, REFUSAL_forbidden, token_revoke(world->work, &whole));
    world_refuses(world->work, REFUSAL_forbidden, token_create(world->work, "tea_1", &of, &out));
    of.accounts = (struct strings){wanted, 2};
    world_refuses(world->work, REFUSAL_validation_failed,
                  token_create(world->work, "tea_1", &of, &out));
    assert_string_equal(world->refusal->errors[0].pointer, "/accounts/1");
    of.accounts.count = 1;
    out = create(world, "tea_1", &of);
    assert_false(authenticate(world, &out).all_accounts);
    of.settings = resource_settings_of(&whole.resource); /* nobody else is bound by him */
    world_refuses(world->work, REFUSAL_forbidden, token_update(world->work, &whole, &of, &whole));
    of.accounts.count = 0; /* nor can it be unbound later */
    of.settings = resource_settings_of(&out.resource);
    world_refuses(world->work, REFUSAL_forbidden, token_update(world->work, &out, &of, &out));
}

/* Stolen where it may be used, it makes nothing that may be used elsewhere. */
static void test_addresses_of_a_bound_maker(void **state)
{
    static const char *own[] = {"192.0.2.0/24", "2001:db8::/32"};
    static const struct {
        const char *wanted[2], *pointer; /* NULL: taken */
    } cases[] = {
        {{NULL}, "/allowed_cidrs"},
        {{"192.0.2.0/24"}, NULL},
        {{"192.0.2.128/25", "2001:db8:1::/48"}, NULL},
        {{"192.0.2.7/32"}, NULL},
        {{"192.0.2.0/23"}, "/allowed_cidrs/0"},
        {{"192.0.3.0/24"}, "/allowed_cidrs/0"},
        {{"192.0.2.7/32", "0.0.0.0/0"}, "/allowed_cidrs/1"},
        {{"2001:db8::/31"}, "/allowed_cidrs/0"},
        {{"::/0"}, "/allowed_cidrs/0"},
        {{"::ffff:192.0.2.0/120"}, "/allowed_cidrs/0"},
    };
    struct world *world = *state;
    struct token_settings of = settings(world, ROLE_TEAM_VIEWER);
    struct token other = create(world, "tea_1", &of), narrow, out;
    struct principal *who = world_as(world, ROLE_TEAM_ADMIN, "tea_1");

    who->cidrs = (struct strings){own, 2};
    of.allowed_cidrs = (struct strings){own, 1};
    narrow = create(world, "tea_1", &of);
    assert_string_equal(authenticate(world, &narrow).cidrs.items[0], own[0]);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t count = cases[i].wanted[0] == NULL ? 0 : cases[i].wanted[1] == NULL ? 1 : 2;
        enum result rc;

        of.allowed_cidrs = (struct strings){(const char **)(uintptr_t)cases[i].wanted, count};
        rc = world_do(world->work, token_create(world->work, "tea_1", &of, &out));
        if ((rc == OK) != (cases[i].pointer == NULL))
            fail_msg("row %zu", i);
        if (rc != OK)
            assert_string_equal(world->refusal->errors[0].pointer, cases[i].pointer);
        /* What is made narrow does not become wider. */
        of.settings = resource_settings_of(&narrow.resource);
        rc = world_do(world->work, token_update(world->work, &narrow, &of, &out));
        assert_true((rc == OK) == (cases[i].pointer == NULL));
        if (rc == OK)
            narrow = out;
    }
    /* Of what others made only the addresses are not his to choose. */
    of.settings = resource_settings_of(&other.resource);
    of.settings.description = "from anywhere, as before";
    of.allowed_cidrs.count = 0;
    world_ok(world->work, token_update(world->work, &other, &of, &out));
}

/* Who is bound speaks for himself, and for members who are bound as he is. */
static void test_tokens_in_another_member_s_name(void **state)
{
    struct world *world = *state;
    const char *seen[] = {"acc_1"};
    struct token_settings of = settings(world, ROLE_TEAM_VIEWER);
    struct member_settings bound = {.settings = {.name = "bob"}, .role = 1, .accounts = {seen, 1}};
    struct member ann = join(world, 0), bob;
    struct token of_ann, of_bob, own;
    struct principal *who;

    world_ok(world->work, member_create(world->work, "tea_1", &bound, &bob));
    of.member_id = ann.resource.id;
    of_ann = create(world, "tea_1", &of);
    who = world_as(world, ROLE_TEAM_ADMIN, "tea_1");
    who->all_accounts = false;
    who->accounts = (struct strings){seen, 1};

    /* Not even for the accounts that he has himself. */
    world_refuses(world->work, REFUSAL_forbidden, token_create(world->work, "tea_1", &of, &own));
    of.accounts = (struct strings){seen, 1};
    world_refuses(world->work, REFUSAL_forbidden, token_create(world->work, "tea_1", &of, &own));
    world_refuses(world->work, REFUSAL_forbidden, token_revoke(world->work, &of_ann));
    of.accounts.count = 0;
    of.settings = resource_settings_of(&of_ann.resource);
    world_refuses(world->work, REFUSAL_forbidden, token_update(world->work, &of_ann, &of, &of_ann));

    of.member_id = bob.resource.id; /* whose bounds are the token's */
    of_bob = create(world, "tea_1", &of);
    assert_false(authenticate(world, &of_bob).all_accounts);
    world_ok(world->work, token_revoke(world->work, &of_bob));

    who->member_id = ann.resource.id; /* his token is bound, he is not */
    of.member_id = NULL;
    world_refuses(world->work, REFUSAL_forbidden, token_create(world->work, NULL, &of, &own));
    of.accounts.count = 1;
    own = create(world, NULL, &of);
    assert_string_equal(own.member_id, ann.resource.id);
    who->token_id = of_ann.resource.id; /* his own he may end, whatever it may see */
    world_ok(world->work, token_revoke(world->work, &of_ann));
}

static void test_what_does_not_go_together(void **state)
{
    struct world *world = *state;
    const char *scopes[] = {"usage:read"}, *accounts[] = {"acc_1"};
    const struct strings scope = {scopes, 1}, account = {accounts, 1};
    const int64_t day = 86400 * NS_PER_S;
    const struct {
        const char *team;
        enum principal_role role;
        struct strings scopes, accounts;
        const char *member;
        int64_t life;
        const char *pointer;
    } rows[] = {
        {"tea_1", ROLE_SERVICE, scope, {0}, NULL, day, NULL},
        {"tea_1", ROLE_SERVICE, {0}, {0}, NULL, day, "/scopes"},
        {"tea_1", ROLE_TEAM_ADMIN, scope, {0}, NULL, day, "/scopes"},
        {NULL, ROLE_OPERATOR_VIEWER, {0}, account, NULL, day, "/accounts"},
        {"tea_1", ROLE_TEAM_ADMIN, {0}, {0}, "mem_9", day, "/member_id"},
        {NULL, ROLE_OPERATOR_ADMIN, {0}, {0}, "mem_9", day, "/member_id"},
        {"tea_1", ROLE_TEAM_ADMIN, {0}, {0}, NULL, 0, "/expires_at"},
        {"tea_1", ROLE_TEAM_ADMIN, {0}, {0}, NULL, 366 * day, NULL},
        {"tea_1", ROLE_TEAM_ADMIN, {0}, {0}, NULL, 367 * day, "/expires_at"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct token_settings of = settings(world, rows[i].role);
        struct token out;

        of.scopes = rows[i].scopes;
        of.accounts = rows[i].accounts;
        of.member_id = rows[i].member;
        of.expires_at = world->now + rows[i].life;
        world_is(world->work, rows[i].pointer == NULL ? OK : ERR_INVALID,
                 world_do(world->work, token_create(world->work, rows[i].team, &of, &out)));
        if (rows[i].pointer != NULL)
            assert_string_equal(world->refusal->errors[0].pointer, rows[i].pointer);
    }
}

static void test_the_plan_s_quota(void **state)
{
    struct world *world = *state;
    struct token_settings of = settings(world, ROLE_TEAM_ADMIN);
    struct token first, out;

    world_sql(world, "UPDATE limit_set SET tokens = 1 WHERE limit_set_id = 'lim_1'");
    first = create(world, "tea_1", &of);
    world_refuses(world->work, REFUSAL_quota_exceeded,
                  token_create(world->work, "tea_1", &of, &out));
    create(world, "tea_2", &of); /* each team its own */
    world_ok(world->work, token_revoke(world->work, &first));
    create(world, "tea_1", &of);
}

struct rival {
    struct world_seat *seat;
    const struct token_settings *of;
    enum result rc;
    _Atomic bool done;
};

static void *create_too(void *arg)
{
    struct rival *rival = arg;
    struct token out;

    rival->rc =
        world_do(&rival->seat->work, token_create(&rival->seat->work, "tea_1", rival->of, &out));
    atomic_store(&rival->done, true);
    return NULL;
}

/* The second waits until the first is committed, and counts it. */
static void test_two_at_once_do_not_pass_the_quota(void **state)
{
    struct world *world = *state;
    struct token_settings of = settings(world, ROLE_TEAM_ADMIN);
    struct rival rival = {.seat = world_seat(world), .of = &of};
    pthread_t thread;
    struct token out;

    world_sql(world, "UPDATE limit_set SET tokens = 1 WHERE limit_set_id = 'lim_1'");
    world_open(world->work);
    assert_int_equal(token_create(world->work, "tea_1", &of, &out), OK);
    assert_int_equal(pthread_create(&thread, NULL, create_too, &rival), 0);
    while (!atomic_load(&rival.done) &&
           *world_text(world, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                              " AND datname = current_database()") == '\0')
        ;
    assert_int_equal(world_close(world->work, OK), OK);
    pthread_join(thread, NULL);
    world_refused(&rival.seat->work, REFUSAL_quota_exceeded, rival.rc);
    world_seat_leave(rival.seat);
}

static void test_an_expired_one_comes_back_within_the_quota_only(void **state)
{
    struct world *world = *state;
    struct token_settings of = settings(world, ROLE_TEAM_ADMIN);
    struct token old = create(world, "tea_1", &of), other, out;

    world_sql(world, "UPDATE limit_set SET tokens = 1 WHERE limit_set_id = 'lim_1';"
                     "UPDATE api_token SET expires_at = now() - interval '1 hour'");
    other = create(world, "tea_1", &of);
    world_ok(world->work, token_by_id(world->work, "tea_1", old.resource.id, &old));
    of.settings.name = "renamed";
    of.expires_at = old.expires_at;
    world_ok(world->work, token_update(world->work, &old, &of, &old));
    of.expires_at = world->now + 3600 * NS_PER_S;
    world_refuses(world->work, REFUSAL_quota_exceeded, token_update(world->work, &old, &of, &out));
    world_ok(world->work, token_revoke(world->work, &other));
    world_ok(world->work, token_update(world->work, &old, &of, &out));
    assert_string_equal(out.resource.state, "active");
}

static void test_changes(void **state)
{
    struct world *world = *state;
    struct token token = of_team(world, ROLE_TEAM_VIEWER), out;
    struct token_settings of = token_settings_of(&token);

    of.role = ROLE_TEAM_ADMIN;
    world_refuses(world->work, REFUSAL_validation_failed,
                  token_update(world->work, &token, &of, &out));
    assert_string_equal(world->refusal->errors[0].pointer, "/role");
    of = token_settings_of(&token);
    of.expires_at = world->now + 400 * 86400 * NS_PER_S;
    world_refuses(world->work, REFUSAL_validation_failed,
                  token_update(world->work, &token, &of, &out));
    of.expires_at = world->now + 10 * NS_PER_S;
    world_ok(world->work, token_update(world->work, &token, &of, &out));
    world_refuses(world->work, REFUSAL_version_conflict,
                  token_update(world->work, &token, &of, &out));
    world->now += 11 * NS_PER_S;
    refused(world, token.token, "192.0.2.1", REFUSAL_token_expired);
}

static void test_lists(void **state)
{
    struct world *world = *state;
    struct list_query query = {.limit = 10};
    struct token_settings of = settings(world, ROLE_OPERATOR_VIEWER);
    struct token one = of_team(world, ROLE_TEAM_ADMIN), two = of_team(world, ROLE_TEAM_ADMIN);
    struct db_rows rows;

    create(world, NULL, &of);
    world_ok(world->work, token_list(world->work, NULL, &query, &rows));
    assert_int_equal(rows.count, 1); /* the operator's own kind */
    world_ok(world->work, token_list(world->work, "tea_1", &query, &rows));
    assert_int_equal(rows.count, 2);
    world_ok(world->work, token_revoke(world->work, &two));
    world_ok(world->work, token_list(world->work, "tea_1", &query, &rows));
    assert_int_equal(rows.count, 1);
    two = of_team(world, ROLE_TEAM_ADMIN);
    world_as(world, ROLE_TEAM_ADMIN, "tea_1")->token_id = one.resource.id;
    world_ok(world->work, token_list(world->work, NULL, &query, &rows));
    assert_int_equal(rows.count, 1); /* itself */
    assert_string_equal(((const struct token *)rows.items)->resource.id, one.resource.id);
}

/* From nothing to an operator admin, once. */
static void test_bootstrap_and_exchange(void **state)
{
    struct world *world = *state;
    struct token_settings of = {.settings = {.name = "root"}};
    const char *first, *second, *none;
    struct principal who;
    struct token admin, out;

    world_ok(world->work, token_bootstrap(world->work, &first));
    world_ok(world->work, token_bootstrap(world->work, &second));
    refused(world, first, "192.0.2.1", REFUSAL_token_revoked); /* a new one ends the older */
    world_ok(world->work, token_authenticate(world->work, second, "192.0.2.1", &who));
    assert_int_equal(who.role, ROLE_BOOTSTRAP);
    of.expires_at = world->now - 1;
    world_refuses(world->work, REFUSAL_validation_failed, token_exchange(world->work, &of, &out));
    of.expires_at = 0;
    world_ok(world->work, token_exchange(world->work, &of, &admin));
    assert_int_equal(authenticate(world, &admin).role, ROLE_OPERATOR_ADMIN);
    refused(world, second, "192.0.2.1", REFUSAL_token_revoked); /* it is spent */
    world_refuses(world->work, REFUSAL_illegal_state, token_exchange(world->work, &of, &out));
    world_ok(world->work, token_bootstrap(world->work, &none));
    assert_null(none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_its_text_lets_in_and_is_stored_nowhere),
        TEST(test_typing_errors),
        TEST(test_an_unknown_one_and_a_wrong_secret),
        TEST(test_its_end),
        TEST(test_addresses),
        TEST(test_a_token_never_outgrows_its_member),
        TEST(test_its_use_is_noted_once_a_minute),
        TEST(test_a_token_never_gives_more_than_its_maker_has),
        TEST(test_accounts_of_a_bound_maker),
        TEST(test_addresses_of_a_bound_maker),
        TEST(test_tokens_in_another_member_s_name),
        TEST(test_what_does_not_go_together),
        TEST(test_the_plan_s_quota),
        TEST(test_two_at_once_do_not_pass_the_quota),
        TEST(test_an_expired_one_comes_back_within_the_quota_only),
        TEST(test_changes),
        TEST(test_lists),
        TEST(test_bootstrap_and_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
