#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/audit.h"
#include "tests/lib/world.h"

static void add(struct work *work, const char *action, const char *team, const char *account)
{
    const struct audit_note note = {.action = action,
                                    .resource_kind = "account",
                                    .resource_id = account,
                                    .team_id = team,
                                    .account_id = account};

    world_ok(work, audit_add(work, &note));
}

static struct db_rows list(struct work *work, struct audit_query query)
{
    struct db_rows rows;

    if (query.list.limit == 0)
        query.list.limit = 100;
    world_ok(work, audit_list(work, &query, &rows));
    return rows;
}

static const struct audit_event *event(const struct db_rows *rows, size_t i)
{
    return (const struct audit_event *)rows->items + i;
}

static void test_an_event_says_who_what_and_from_where(void **state)
{
    struct world *world = *state;
    struct principal *who = world_as(world, ROLE_TEAM_ADMIN, "tea_1");
    json_t *before = json_pack("{s:i}", "version", 1), *after = json_pack("{s:i}", "version", 2);
    const struct audit_note note = {.action = "account.update",
                                    .resource_kind = "account",
                                    .resource_id = "acc_1",
                                    .resource_name = "a1",
                                    .team_id = "tea_1",
                                    .account_id = "acc_1",
                                    .outcome = AUDIT_DENIED,
                                    .reason = "forbidden",
                                    .before = before,
                                    .after = after,
                                    .revision = 7,
                                    .operation_id = "ope_1",
                                    .on_behalf_of = "ann"};
    const struct audit_event *got;
    struct db_rows rows;

    who->token_id = "tok_1";
    who->member_id = "mem_1";
    world_ok(world->work, audit_add(world->work, &note));
    rows = list(world->work, (struct audit_query){0});
    assert_int_equal(rows.count, 1);
    got = event(&rows, 0);
    assert_string_equal(got->actor_type, "member");
    assert_string_equal(got->actor_id, "mem_1"); /* the person, and by what token */
    assert_string_equal(got->actor_name, "tester");
    assert_string_equal(got->via_token, "tok_1");
    assert_string_equal(got->source_ip, "192.0.2.1");
    assert_string_equal(got->user_agent, "test");
    assert_string_equal(got->request_id, "req_1");
    assert_string_equal(got->action, "account.update");
    assert_string_equal(got->resource_id, "acc_1");
    assert_string_equal(got->resource_name, "a1");
    assert_string_equal(got->outcome, "denied");
    assert_string_equal(got->reason, "forbidden");
    assert_true(json_equal(got->before, before) && json_equal(got->after, after));
    assert_true(got->revision.set && got->revision.value == 7);
    assert_string_equal(got->operation_id, "ope_1");
    assert_string_equal(got->on_behalf_of, "ann");
    assert_int_equal(got->time / NS_PER_US, world->now / NS_PER_US);
    json_decref(before);
    json_decref(after);
}

/* AUD-10: the document; an API of its own, whatever the table's columns are called. */
static void test_its_document_has_who_whence_and_what_as_objects(void **state)
{
    static const char expected[] =
        "{'id': 'evt_1', 'kind': 'audit_event', 'time': '1970-01-01T00:00:00.001Z',"
        " 'actor': {'type': 'member', 'id': 'mem_1', 'name': 'ann', 'via_token': 'tok_1'},"
        " 'source': {'ip': '192.0.2.1', 'user_agent': 'curl'},"
        " 'resource': {'kind': 'user', 'id': 'usr_1', 'name': 'u', 'team': 'tea_1',"
        "              'account': null},"
        " 'on_behalf_of': null, 'request_id': 'req_1', 'action': 'user.create',"
        " 'outcome': 'success', 'reason': '', 'before': null, 'after': null, 'revision': null}";
    const struct audit_event event = {
        .id = "evt_1",
        .kind = "audit_event",
        .time = NS_PER_MS,
        .actor_type = "member",
        .actor_id = "mem_1",
        .actor_name = "ann",
        .via_token = "tok_1",
        .source_ip = "192.0.2.1",
        .user_agent = "curl",
        .request_id = "req_1",
        .action = "user.create",
        .resource_kind = "user",
        .resource_id = "usr_1",
        .resource_name = "u",
        .team_id = "tea_1",
        .outcome = "success",
        .reason = "",
    };
    struct world *world = *state;
    char *text = arena_strdup(&world->arena, expected);
    json_t *shown = shape_encode(&audit_event_shape, &event), *wanted;

    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    wanted = json_loads(text, 0, NULL);
    assert_non_null(wanted);
    assert_true(json_equal(shown, wanted));
    json_decref(shown);
    json_decref(wanted);
}

/* What a caller says of himself is bounded, and cut between characters. */
static void test_of_a_long_user_agent_the_beginning_is_kept(void **state)
{
    struct world *world = *state;
    struct principal *who = world_as(world, ROLE_OPERATOR_ADMIN, NULL);
    char agent[400], *kept;

    memset(agent, 'a', sizeof(agent));
    memcpy(agent + 255, "\xc3\xa9", 2);
    agent[sizeof(agent) - 1] = '\0';
    who->user_agent = agent;
    add(world->work, "x", NULL, NULL);
    kept = arena_printf(&world->arena, "%.255s", agent);
    assert_string_equal(world_text(world, "SELECT user_agent FROM audit_event"), kept);
}

static void test_without_a_member_the_token_is_the_actor(void **state)
{
    static const struct {
        enum principal_role role;
        const char *type;
    } rows[] = {
        {ROLE_BOOTSTRAP, "bootstrap"},      {ROLE_OPERATOR_ADMIN, "operator"},
        {ROLE_OPERATOR_VIEWER, "operator"}, {ROLE_TEAM_VIEWER, "member"},
        {ROLE_SERVICE, "service"},          {ROLE_MACHINE, "system"},
        {ROLE_NOBODY, "anonymous"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_as(world, rows[i].role, NULL)->token_id = "tok_9";
        add(world->work, "x", NULL, NULL);
        assert_string_equal(world_text(world,
                                       "SELECT actor_type || actor_id FROM audit_event"
                                       " WHERE actor_type = '%s'",
                                       rows[i].type),
                            arena_printf(&world->arena, "%stok_9", rows[i].type));
        world_sql(world, "TRUNCATE audit_event");
    }
}

/* The record and what it tells of are one transaction. */
static void test_what_did_not_happen_is_not_told(void **state)
{
    struct world *world = *state;
    const struct audit_note note = {.action = "account.create"};

    world_open(world->work);
    assert_int_equal(audit_add(world->work, &note), OK);
    assert_int_equal(world_close(world->work, ERR_CONFLICT), ERR_CONFLICT);
    assert_int_equal(list(world->work, (struct audit_query){0}).count, 0);
}

static void test_it_can_be_added_to_only(void **state)
{
    struct world *world = *state;

    assert_string_equal(
        world_text(world, "SELECT string_agg(r || p, ' ') FROM unnest(ARRAY['berth_service',"
                          " 'berth_tenant']) AS r, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE'])"
                          " AS p WHERE has_table_privilege(r, 'audit_event', p)"),
        "");
}

static void test_everybody_sees_their_own(void **state)
{
    struct world *world = *state;
    struct principal *who;
    const char *seen[] = {"acc_1"};
    struct db_rows rows;

    add(world->work, "a", "tea_1", "acc_1");
    add(world->work, "b", "tea_1", "acc_2");
    add(world->work, "c", "tea_2", "acc_3");
    add(world->work, "d", NULL, NULL);
    assert_int_equal(list(world->work, (struct audit_query){0}).count, 4);
    assert_int_equal(list(world->work, (struct audit_query){.team_id = "tea_2"}).count, 1);
    who = world_as(world, ROLE_TEAM_ADMIN, "tea_1");
    assert_int_equal(list(world->work, (struct audit_query){0}).count, 2);
    /* Asking for another team's changes nothing. */
    assert_int_equal(list(world->work, (struct audit_query){.team_id = "tea_2"}).count, 2);
    assert_int_equal(list(world->work, (struct audit_query){.account_id = "acc_3"}).count, 0);
    who->all_accounts = false;
    who->accounts = (struct strings){seen, 1};
    rows = list(world->work, (struct audit_query){0});
    assert_int_equal(rows.count, 1);
    assert_string_equal(event(&rows, 0)->account_id, "acc_1");
}

static void test_newest_first_page_by_page_and_filtered(void **state)
{
    struct world *world = *state;
    struct audit_query query = {.list = {.limit = 2}};
    struct db_rows rows;

    for (int i = 0; i < 3; i++) {
        world->now += NS_PER_S;
        add(world->work, i == 1 ? "even" : "odd", "tea_1", i == 2 ? "acc_2" : "acc_1");
    }
    rows = list(world->work, query);
    assert_int_equal(rows.count, 2);
    assert_string_equal(event(&rows, 0)->account_id, "acc_2");
    query.list.after = event(&rows, 1)->id;
    rows = list(world->work, query);
    assert_int_equal(rows.count, 1);
    assert_int_equal(list(world->work, (struct audit_query){.action = "odd"}).count, 2);
    assert_int_equal(list(world->work, (struct audit_query){.resource = "acc_1"}).count, 2);
    assert_int_equal(list(world->work, (struct audit_query){.outcome = "denied"}).count, 0);
    assert_int_equal(list(world->work, (struct audit_query){.actor = "nobody"}).count, 0);
    query = (struct audit_query){.list = {.created_after = world->now}};
    assert_int_equal(list(world->work, query).count, 1);
    query = (struct audit_query){.list = {.created_before = world->now}};
    assert_int_equal(list(world->work, query).count, 2);
}

/* One change of a resource, from a version to the next. */
static void add_change(struct work *work, const char *team, const char *account, const char *id,
                       int version)
{
    json_t *before = json_pack("{s:i}", "version", version),
           *after = json_pack("{s:i}", "version", version + 1);
    const struct audit_note note = {.action = "change",
                                    .resource_id = id,
                                    .team_id = team,
                                    .account_id = account,
                                    .before = before,
                                    .after = after};

    world_ok(work, audit_add(work, &note));
    json_decref(before);
    json_decref(after);
}

static void test_a_resource_as_it_was(void **state)
{
    static const struct {
        const char *id, *team; /* who asks; NULL: the operator */
        int64_t version, nearest;
    } cases[] = {
        {"usr_1", "tea_1", 3, 3}, {"usr_1", "tea_1", 4, 4}, {"usr_1", "tea_1", 6, 7},
        {"usr_1", NULL, 99, 8},   {"usr_2", "tea_1", 1, 0}, {"usr_1", "tea_2", 3, 0},
        {"mem_1", "tea_1", 1, 1}, {"mem_1", NULL, 1, 1},    {"mem_1", "tea_2", 1, 0},
        {"pln_1", NULL, 2, 2},    {"pln_1", "tea_1", 2, 0},
    };
    struct world *world = *state;

    add_change(world->work, "tea_1", "acc_1", "usr_1", 3);
    add_change(world->work, "tea_1", "acc_1", "usr_1", 7);
    add_change(world->work, "tea_1", NULL, "mem_1", 1);
    add_change(world->work, NULL, NULL, "pln_1", 1);
    add(world->work, "no states", "tea_1", "acc_1");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct audit_state at = {.resource_id = cases[i].id, .version = cases[i].version};
        enum result rc;

        world_as(world, cases[i].team != NULL ? ROLE_TEAM_ADMIN : ROLE_OPERATOR_ADMIN,
                 cases[i].team);
        rc = world_do(world->work, audit_state_near(world->work, &at));
        assert_int_equal(rc, cases[i].nearest != 0 ? OK : ERR_NOT_FOUND);
        if (rc != OK)
            continue;
        assert_int_equal(at.version, cases[i].nearest);
        assert_int_equal(json_integer_value(json_object_get(at.state, "version")),
                         cases[i].nearest);
    }
}

/* However often it was tried to change it, the question stays cheap. */
static void test_only_the_newest_events_are_looked_at(void **state)
{
    struct world *world = *state;
    struct audit_state at = {.resource_id = "usr_1", .version = 3};

    add_change(world->work, "tea_1", "acc_1", "usr_1", 3);
    world_sql(world,
              "INSERT INTO audit_event (event_id, at, team_id, account_id, actor_type, actor_id,"
              " actor_name, action, resource_kind, resource_id, outcome)"
              " SELECT 'evt_Z' || n, now(), 'tea_1', 'acc_1', '', '', '', '', '', 'usr_1',"
              " 'success' FROM generate_series(1, 999) AS n");
    world_ok(world->work, audit_state_near(world->work, &at));
    world_sql(
        world,
        "INSERT INTO audit_event (event_id, at, team_id, account_id, actor_type, actor_id,"
        " actor_name, action, resource_kind, resource_id, outcome)"
        " VALUES ('evt_ZZ', now(), 'tea_1', 'acc_1', '', '', '', '', '', 'usr_1', 'success')");
    world_is(world->work, ERR_NOT_FOUND, world_do(world->work, audit_state_near(world->work, &at)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_event_says_who_what_and_from_where),
        TEST(test_its_document_has_who_whence_and_what_as_objects),
        TEST(test_of_a_long_user_agent_the_beginning_is_kept),
        TEST(test_without_a_member_the_token_is_the_actor),
        TEST(test_what_did_not_happen_is_not_told),
        TEST(test_it_can_be_added_to_only),
        TEST(test_everybody_sees_their_own),
        TEST(test_newest_first_page_by_page_and_filtered),
        TEST(test_a_resource_as_it_was),
        TEST(test_only_the_newest_events_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
