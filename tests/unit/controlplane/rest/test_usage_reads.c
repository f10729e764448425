#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/db/db.h"
#include "tests/lib/tenants.h"

static void run_sql(const char *sql)
{
    char message[DB_MESSAGE_MAX];
    struct db *db;

    assert_int_equal(db_open(control_plane_conninfo(control), DB_PLAIN, &db, message), OK);
    if (db_script(db, sql) != OK)
        fail_msg("%s", db_error(db));
    db_close(db);
}

/* One hour of use, as the meter would have written it. */
static void write_use(void)
{
    static const char sql[] =
        "INSERT INTO usage_ledger (epoch_id, sample_seq, minute, system_id, node_id, account_id, "
        "team_id, msgs_in, bytes_in, msgs_out, bytes_out, slow_consumers, connections, "
        "leaf_connections, subscriptions, connection_seconds, leaf_seconds, quality) "
        "SELECT 1, n, '2026-11-01T10:00:00Z'::timestamptz + make_interval(mins => n), system_id, "
        "'nod_1', account_id, team_id, 10, 100, 20, 200, 0, 3, 0, 5, 180, 0, 'exact' "
        "FROM account, generate_series(0, 59) AS n WHERE account_id = '%s'";

    run_sql(control_format(control, sql, account));
}

static int begin(void **state)
{
    tenants_start_teams(state);
    control_account_make(control, &payments, "orders", account);
    write_use();
    return 0;
}

static const char *usage_of(const char *query)
{
    return control_format(control, "/v1/accounts/%s/usage?from=2026-11-01T10:00:00Z&%s", account,
                          query);
}

static void test_a_series_by_the_minute(void **state)
{
    control_want(control, 200, payments.token, "GET",
                 usage_of("to=2026-11-01T10:30:00Z&step=minute"), NULL);
    assert_int_equal(json_array_size(control_member(control, "buckets")), 30);
    assert_int_equal(control_int(control, "buckets/7/msgs_in"), 10);
    assert_int_equal(control_int(control, "buckets/7/bytes_out"), 200);
    assert_string_equal(control_text(control, "buckets/7/at"), "2026-11-01T10:07:00.000Z");
    assert_string_equal(control_text(control, "buckets/7/quality"), "exact");
    control_want(control, 200, payments.token, "GET",
                 usage_of("to=2026-11-01T10:30:00Z&step=minute&meter=msgs_in"), NULL);
    assert_int_equal(control_int(control, "buckets/7/msgs_in"), 10);
    assert_null(control_member(control, "buckets/7/bytes_in"));
}

static void test_spans_that_are_refused(void **state)
{
    static const char *const queries[] = {
        "to=2026-11-01T09:00:00Z",           "to=yesterday",
        "to=2026-11-01T11:00:00Z&step=week", "to=2026-11-20T11:00:00Z&step=minute",
        "to=2026-11-01T11:00:00Z&meter=at",  "to=2026-11-01T11:00:00Z&meter=love",
    };

    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
        control_refused(control, 400, "invalid_parameter", payments.token, "GET",
                        usage_of(queries[i]), NULL);
    control_want(control, 400, payments.token, "GET", usage_of("step=week"), NULL);
    assert_string_equal(control_text(control, "detail"), "step must be one of: minute, hour, day");
    control_want(control, 400, payments.token, "GET", usage_of("meter=love"), NULL);
    assert_non_null(strstr(control_text(control, "detail"), "msgs_in, bytes_in, "));
    control_refused(control, 400, "unknown_filter", payments.token, "GET", usage_of("colour=1"),
                    NULL);
}

static void test_walls(void **state)
{
    control_refused(control, 404, "not_found", games.token, "GET", usage_of("step=hour"), NULL);
    control_refused(control, 403, "forbidden", payments.token, "GET", "/v1/usage", NULL);
}

static void test_now(void **state)
{
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/accounts/%s/usage:current", account), NULL);
    assert_int_equal(control_int(control, "connections"), 0);
    assert_non_null(control_member(control, "quota_percent"));
    assert_true(json_is_null(control_member(control, "age_s")));
    run_sql("INSERT INTO node (node_id, name, system_id, server_id, state, sampled_at) "
            "SELECT 'nod_1', 'n', system_id, 'N1', 'ready', clock_timestamp() FROM system");
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/accounts/%s/usage:current", account), NULL);
    assert_true(json_is_string(control_member(control, "sampled_at")));
    assert_true(json_is_integer(control_member(control, "age_s")));
    run_sql("UPDATE node SET sampled_at = clock_timestamp() + interval '1 hour'");
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/accounts/%s/usage:current", account), NULL);
    assert_int_equal(control_int(control, "age_s"), 0);
    assert_true(json_is_integer(control_member(control, "age_s")));
}

/* What alarms and what ends it: of both, how much of the month's volume is used. */
static void test_shares_of_the_month_s_volume(void **state)
{
    static const char *const names[] = {"monthly_bytes_soft", "monthly_bytes_hard"};
    static const long long limits[] = {1000, 4000};

    run_sql("UPDATE limit_set SET monthly_bytes_soft = 1000, monthly_bytes_hard = 4000");
    run_sql(control_format(
        control,
        "INSERT INTO usage_ledger (epoch_id, sample_seq, minute, system_id, node_id, account_id,"
        " team_id, msgs_in, bytes_in, msgs_out, bytes_out, slow_consumers, connections,"
        " leaf_connections, subscriptions, connection_seconds, leaf_seconds, quality)"
        " SELECT 2, 1, date_trunc('minute', now()) + interval '1 day', system_id, 'nod_1',"
        " account_id, team_id, 1, 600, 1, 200, 0, 0, 0, 0, 0, 0, 'exact'"
        " FROM account WHERE account_id = '%s'",
        account));
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/accounts/%s/usage:current", account), NULL);
    assert_true(control_int(control, "month_bytes_in") >= 600);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(
            control_int(control, control_format(control, "quota_percent/%s", names[i])),
            (control_int(control, "month_bytes_in") + control_int(control, "month_bytes_out")) *
                100 / limits[i]);
}

static void test_totals(void **state)
{
    static const char *const headers[] = {"Accept: text/csv", NULL};
    struct control_request asked = {.method = "GET", .headers = headers};
    struct control_reply reply = {0};
    char media[64];
    static const char span[] = "from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z";

    control_want(control, 200, admin, "GET",
                 control_format(control, "/v1/usage?group_by=account&%s", span), NULL);
    assert_string_equal(control_text(control, "items/0/group_id"), account);
    assert_int_equal(control_int(control, "items/0/msgs_in"), 600);
    assert_int_equal(control_int(control, "items/0/connection_seconds"), 180 * 60);
    control_want(control, 200, admin, "GET",
                 control_format(control, "/v1/usage?group_by=team&%s", span), NULL);
    assert_string_equal(control_text(control, "items/0/group_id"), payments.id);
    control_want(control, 200, admin, "GET",
                 control_format(control, "/v1/usage?group_by=system&format=csv&%s", span), NULL);
    assert_string_equal(control_last_header(control, "Content-Type"), "text/csv; charset=utf-8");
    assert_non_null(
        strstr(buf_text(&control_last(control)->body), "\"main\",600,6000,1200,12000,"));
    asked.path = control_format(control, "/v1/usage?group_by=system&%s", span);
    asked.token = admin;
    control_exchange(control, &asked, &reply);
    assert_string_equal(control_header(&reply, "Content-Type", media, sizeof(media)),
                        "text/csv; charset=utf-8");
    asked.path = control_format(control, "/v1/usage?group_by=system&format=json&%s", span);
    control_exchange(control, &asked, &reply);
    assert_string_equal(control_header(&reply, "Content-Type", media, sizeof(media)),
                        "application/json");
    control_reply_fini(&reply);
    control_refused(control, 400, "invalid_parameter", admin, "GET", "/v1/usage?group_by=colour",
                    NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_series_by_the_minute),
        cmocka_unit_test(test_spans_that_are_refused),
        cmocka_unit_test(test_walls),
        cmocka_unit_test(test_now),
        cmocka_unit_test(test_shares_of_the_month_s_volume),
        cmocka_unit_test(test_totals),
    };

    return cmocka_run_group_tests(tests, begin, tenants_stop);
}
