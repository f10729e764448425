#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/db/db.h"
#include "controlplane/domain/usage.h"
#include "tests/lib/pg.h"

/*
 * A world with one team, one system, one node and accounts; samples go through usage_ingest and
 * the ledger is read back.  The truth is what a counter said last in each of its lives.
 */
#define ACCOUNT_A "ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA"
#define ACCOUNT_B "ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLB"
#define SERVER_1 "NAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1"

static char *conninfo;
static struct arena arena;
static struct db *db;
static struct work work;
static struct tools tools;
static _Atomic uint64_t last_id;
static struct refusal refusal;

static int64_t at(int seconds)
{
    return INT64_C(1795000000) * NS_PER_S + seconds * NS_PER_S;
}

static struct usage_sample sample(int seconds, int64_t msgs, int64_t connections)
{
    return (struct usage_sample){
        .system_id = "sys_1",
        .node_id = "nod_1",
        .server_id = SERVER_1,
        .account_key = ACCOUNT_A,
        .started_at = at(-100),
        .sampled_at = at(seconds),
        .msgs_in = msgs,
        .bytes_in = msgs * 10,
        .msgs_out = msgs * 2,
        .bytes_out = msgs * 20,
        .connections = connections,
        .exact = true,
    };
}

static int64_t ingest(struct usage_sample one)
{
    int64_t written;

    assert_int_equal(db_begin(db, NULL), OK);
    if (db_end(db, usage_ingest(&work, &one, 1, &written)) != OK)
        fail_msg("%s", db_error(db));
    return written;
}

static void close_server(int seconds, bool clean)
{
    assert_int_equal(db_begin(db, NULL), OK);
    if (db_end(db, usage_close_server(&work, SERVER_1, at(seconds), clean, "test")) != OK)
        fail_msg("%s", db_error(db));
}

static struct usage_total total(void)
{
    struct db_rows rows;
    struct usage_total zero = {0};

    assert_int_equal(db_begin(db, NULL), OK);
    if (db_end(db, usage_totals(&work, USAGE_BY_ACCOUNT, at(-3600), at(7200), &rows)) != OK)
        fail_msg("%s", db_error(db));
    return rows.count > 0 ? ((struct usage_total *)rows.items)[0] : zero;
}

static int begin(void **state)
{
    static const char world[] =
        "INSERT INTO operator (operator_id, name, jwt, jwt_id, public_key) VALUES ('opr_1', 'o', "
        "'j', 'j', "
        "'OBJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA');"
        "INSERT INTO limit_set (limit_set_id) VALUES ('l');"
        "INSERT INTO plan (plan_id, name) VALUES ('pln_1', 'p');"
        "INSERT INTO plan_version (plan_id, plan_version, limit_set_id, max_set_id)"
        " VALUES ('pln_1', 1, 'l', 'l');"
        "INSERT INTO team (team_id, name, plan_id) VALUES ('tea_1', 't', 'pln_1');"
        "INSERT INTO system (system_id, name, operator_id, urls) VALUES ('sys_1', 's', 'opr_1', "
        "'{nats://127.0.0.1:4222}');"
        "INSERT INTO node (node_id, name, system_id, server_id) VALUES ('nod_1', 'n', 'sys_1', "
        "'" SERVER_1 "');"
        "INSERT INTO account (account_id, name, team_id, system_id, public_key, plan_id, "
        "plan_version) VALUES ('acc_1', 'a', 'tea_1', 'sys_1', '" ACCOUNT_A "', 'pln_1', 1);";
    char message[DB_MESSAGE_MAX];
    struct db *owner;

    conninfo = pg_database_migrated();
    if (db_open(conninfo, DB_PLAIN, &owner, message) != OK)
        fail_msg("%s", message);
    if (db_script(owner, world) != OK)
        fail_msg("%s", db_error(owner));
    db_close(owner);
    if (db_open(conninfo, DB_PREPARED, &db, message) != OK)
        fail_msg("%s", message);
    arena_init(&arena);
    tools = (struct tools){.clock = clock_system(), .random = random_system(), .last_id = &last_id};
    work = (struct work){.db = db, .arena = &arena, .tools = &tools, .refusal = &refusal};
    return 0;
}

static int end(void **state)
{
    db_close(db);
    pg_drop(conninfo);
    arena_fini(&arena);
    return 0;
}

static void test_differences_add_up_and_repeats_change_nothing(void **state)
{
    assert_int_equal(ingest(sample(0, 10, 1)), 1);
    assert_int_equal(ingest(sample(10, 25, 1)), 1);
    assert_int_equal(ingest(sample(10, 25, 1)), 0); /* the same again */
    assert_int_equal(ingest(sample(0, 10, 1)), 0);  /* late */
    assert_int_equal(ingest(sample(20, 25, 0)), 1); /* only connection seconds */
    assert_int_equal(total().msgs_in, 25);
    assert_int_equal(total().msgs_out, 50);
    assert_int_equal(total().bytes_in, 250);
    assert_int_equal(total().connection_seconds, 20);
    assert_string_equal(total().quality, "exact");
}

/* STATZ and an event may be stamped the other way round than they were counted. */
static void test_out_of_order_by_a_moment_is_not_a_reset(void **state)
{
    ingest(sample(0, 100, 1));
    ingest(sample(1, 90, 1));
    ingest(sample(2, 110, 1));
    assert_int_equal(total().msgs_in, 110);
}

static void test_a_counter_that_went_back_opens_a_sub_epoch(void **state)
{
    ingest(sample(0, 100, 1));
    ingest(sample(10, 7, 1));
    ingest(sample(20, 9, 1));
    assert_int_equal(total().msgs_in, 109);
}

static void test_a_missed_hour_loses_nothing_and_says_so(void **state)
{
    ingest(sample(0, 10, 1));
    ingest(sample(3600, 1000, 1));
    assert_int_equal(total().msgs_in, 1000);
    assert_string_equal(total().quality, "bounded");
}

static void test_a_killed_process_leaves_a_gap_with_its_bound(void **state)
{
    struct db_rows rows;
    const struct usage_gap *gap;

    ingest(sample(0, 0, 1));
    ingest(sample(10, 10000, 1)); /* 30,000 messages in and out, perhaps all in one second */
    close_server(15, false);
    assert_int_equal(ingest(sample(16, 50000, 1)), 0); /* its last words came too late */
    assert_int_equal(total().msgs_in, 10000);
    assert_string_equal(total().quality, "gap");
    assert_int_equal(db_begin(db, NULL), OK);
    assert_int_equal(db_end(db, usage_gaps(&work, "acc_1", at(0), at(100), &rows)), OK);
    assert_int_equal(rows.count, 1);
    gap = rows.items;
    assert_int_equal(gap->starts_at, at(10));
    assert_int_equal(gap->ends_at, at(15));
    assert_int_equal(gap->msgs_max, 30000 * 6);
    assert_int_equal(gap->bytes_max, 10000000 * 6);
}

static void test_who_had_no_time_to_show_a_rate_has_a_bound(void **state)
{
    struct db_rows rows;
    const struct usage_gap *gap;

    ingest(sample(0, 0, 1));
    close_server(4, false);
    assert_int_equal(db_begin(db, NULL), OK);
    assert_int_equal(db_end(db, usage_gaps(&work, "acc_1", at(0), at(100), &rows)), OK);
    assert_int_equal(rows.count, 1);
    gap = rows.items;
    assert_int_equal(gap->msgs_max, 10000 * 5);
}

/* A control plane that was away for an hour: the rate is that of the hour, ten times. */
static void test_a_long_span_is_no_burst(void **state)
{
    struct db_rows rows;
    const struct usage_gap *gap;

    ingest(sample(0, 0, 1));
    ingest(sample(3600, 12000000, 1));
    close_server(3600, false);
    assert_int_equal(db_begin(db, NULL), OK);
    assert_int_equal(db_end(db, usage_gaps(&work, "acc_1", at(0), at(3601), &rows)), OK);
    assert_int_equal(rows.count, 1);
    gap = rows.items;
    assert_int_equal(gap->msgs_max, 100000);
}

static void test_a_clean_end_leaves_none(void **state)
{
    struct db_rows rows;

    ingest(sample(0, 5, 1));
    close_server(3, true);
    assert_int_equal(db_begin(db, NULL), OK);
    assert_int_equal(db_end(db, usage_gaps(&work, "acc_1", at(-10), at(100), &rows)), OK);
    assert_int_equal(rows.count, 0);
    assert_int_equal(total().msgs_in, 5);
}

/* The account was made while there was no process that could count for it. */
static void test_an_account_made_after_a_clean_end_has_none(void **state)
{
    enum { LATER = 18000 * 86400 };
    struct db_rows rows;

    assert_int_equal(db_script(db, "INSERT INTO node_incarnation (server_id, node_id, started_at, "
                                   "ended_at, end_reason) VALUES ('" SERVER_1 "', 'nod_1', "
                                   "'2026-01-01', '2026-01-02', 'shutdown')"),
                     OK);
    close_server(LATER, false);
    assert_int_equal(db_begin(db, NULL), OK);
    assert_int_equal(db_end(db, usage_gaps(&work, "acc_1", at(-10), at(LATER), &rows)), OK);
    assert_int_equal(rows.count, 0);
    /* Without the goodbye it may have lost something. */
    assert_int_equal(db_script(db, "UPDATE node_incarnation SET end_reason = 'replaced'"), OK);
    close_server(LATER, false);
    assert_int_equal(db_begin(db, NULL), OK);
    assert_int_equal(db_end(db, usage_gaps(&work, "acc_1", at(-10), at(LATER), &rows)), OK);
    assert_int_equal(rows.count, 1);
}

/* The other account was sampled: had it done anything by then, it would have been, too. */
static void test_who_was_never_sampled_lost_nothing_before_the_others_were(void **state)
{
    enum { LATER = 18000 * 86400 };
    struct db_rows rows;
    const struct usage_gap *gap;
    struct usage_sample other = sample(LATER, 1, 1);

    assert_int_equal(
        db_script(db,
                  "INSERT INTO account (account_id, name, team_id, system_id, public_key, plan_id, "
                  "plan_version) VALUES ('acc_2', 'b', 'tea_1', 'sys_1', '" ACCOUNT_B
                  "', 'pln_1', 1);"
                  "INSERT INTO node_incarnation (server_id, node_id, started_at) VALUES "
                  "('" SERVER_1 "', 'nod_1', '2026-01-01')"),
        OK);
    other.account_key = ACCOUNT_B;
    ingest(other);
    close_server(LATER + 5, false);
    assert_int_equal(db_begin(db, NULL), OK);
    assert_int_equal(db_end(db, usage_gaps(&work, "acc_1", at(-10), at(LATER + 5), &rows)), OK);
    assert_int_equal(rows.count, 1);
    gap = rows.items;
    assert_int_equal(gap->starts_at, at(LATER - 120));
    assert_int_equal(gap->ends_at, at(LATER + 5));
}

static int64_t age_known(void)
{
    struct usage_now now;

    assert_int_equal(db_begin(db, NULL), OK);
    if (db_end(db, usage_now(&work, "acc_1", &now)) != OK)
        fail_msg("%s", db_error(db));
    return now.sampled_at;
}

static void node_told(int seconds)
{
    assert_int_equal(db_begin(db, NULL), OK);
    if (db_end(db, usage_sampled(&work, "nod_1", at(seconds))) != OK)
        fail_msg("%s", db_error(db));
}

/* USE-02: nobody used it, and the node that would know was asked. */
static void test_zeros_have_an_age_too(void **state)
{
    assert_int_equal(db_script(db, "UPDATE node SET state = 'ready';"
                                   "UPDATE account SET created_at = to_timestamp(1795000000)"),
                     OK);
    assert_int_equal(age_known(), 0);
    node_told(-1); /* that was before the account */
    assert_int_equal(age_known(), 0);
    node_told(10);
    node_told(9); /* late */
    assert_int_equal(age_known(), at(10));
    ingest(sample(5, 1, 1));
    assert_int_equal(age_known(), at(5)); /* its own sample is older */
    close_server(20, true);
    assert_int_equal(age_known(), at(10));
    assert_int_equal(db_script(db, "UPDATE node SET state = 'lost'"), OK);
    assert_int_equal(age_known(), 0);
}

/* Its epoch stays open, for it may come back. */
static void test_a_retired_node_has_no_connections(void **state)
{
    struct usage_now now;

    ingest(sample(5, 1, 3));
    assert_int_equal(age_known(), at(5));
    assert_int_equal(db_script(db, "UPDATE node SET state = 'retired'"), OK);
    assert_int_equal(db_begin(db, NULL), OK);
    if (db_end(db, usage_now(&work, "acc_1", &now)) != OK)
        fail_msg("%s", db_error(db));
    assert_int_equal(now.connections, 0);
    assert_int_equal(now.sampled_at, 0);
}

static void test_what_cannot_be_is_refused(void **state)
{
    struct usage_sample bad = sample(0, -1, 0);
    int64_t written;

    assert_int_equal(usage_ingest(&work, &bad, 1, &written), ERR_INVALID);
    bad = sample(0, 1, 0);
    bad.account_key = "AUNKNOWN";
    assert_int_equal(ingest(bad), 0); /* somebody else's */
}

static void test_series_have_every_bucket(void **state)
{
    const struct usage_bucket *buckets;
    struct db_rows rows;
    int64_t from = at(0) / (60 * NS_PER_S) * (60 * NS_PER_S);

    ingest(sample(0, 10, 2));
    ingest(sample(130, 30, 1));
    assert_int_equal(db_begin(db, NULL), OK);
    if (db_end(db, usage_series(&work, "acc_1", from, from + 240 * NS_PER_S, USAGE_MINUTE,
                                &rows)) != OK)
        fail_msg("%s", db_error(db));
    buckets = rows.items;
    assert_int_equal(rows.count, 4);
    assert_int_equal(buckets[0].at, from);
    assert_int_equal(buckets[0].msgs_in, 10);
    assert_int_equal(buckets[1].msgs_in, 0);
    assert_int_equal(
        buckets[0].msgs_in + buckets[1].msgs_in + buckets[2].msgs_in + buckets[3].msgs_in, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_differences_add_up_and_repeats_change_nothing, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_out_of_order_by_a_moment_is_not_a_reset, begin, end),
        cmocka_unit_test_setup_teardown(test_a_counter_that_went_back_opens_a_sub_epoch, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_a_missed_hour_loses_nothing_and_says_so, begin, end),
        cmocka_unit_test_setup_teardown(test_a_killed_process_leaves_a_gap_with_its_bound, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_who_had_no_time_to_show_a_rate_has_a_bound, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_a_long_span_is_no_burst, begin, end),
        cmocka_unit_test_setup_teardown(test_a_clean_end_leaves_none, begin, end),
        cmocka_unit_test_setup_teardown(test_an_account_made_after_a_clean_end_has_none, begin,
                                        end),
        cmocka_unit_test_setup_teardown(
            test_who_was_never_sampled_lost_nothing_before_the_others_were, begin, end),
        cmocka_unit_test_setup_teardown(test_zeros_have_an_age_too, begin, end),
        cmocka_unit_test_setup_teardown(test_a_retired_node_has_no_connections, begin, end),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_series_have_every_bucket, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
