#include "controlplane/rest/dispatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "api/base/clock.h"
#include "tests/lib/tenants.h"

static char late_path[80];

/* POST /v1/teams with an Idempotency-Key. */
static void post(const char *key, const char *body, struct control_reply *reply)
{
    char line[300];
    const char *headers[] = {line, NULL};
    const struct control_request request = {
        .method = "POST", .path = "/v1/teams", .token = admin, .body = body, .headers = headers};

    snprintf(line, sizeof(line), "Idempotency-Key: %s", key);
    control_exchange(control, &request, reply);
}

static const char *code_of(const struct control_reply *reply)
{
    return json_string_value(json_object_get(reply->json, "code"));
}

/* --- the same request again --------------------------------------------------------------- */

static void test_the_same_request_is_the_same_answer(void **state)
{
    struct control_reply first = {0}, again = {0};
    char replayed[16], etag[2][16], location[2][80];

    post("k1", "{\"name\":\"once\",\"labels\":{\"a\":\"b\"}}", &first);
    assert_int_equal(first.status, 201);
    assert_null(control_header(&first, "Idempotent-Replayed", replayed, sizeof(replayed)));
    post("k1", "{\"labels\":{\"a\":\"b\"},  \"name\":\"once\"}", &again); /* the same value */
    assert_int_equal(again.status, 201);
    assert_string_equal(buf_text(&again.body), buf_text(&first.body));
    assert_string_equal(control_header(&again, "Idempotent-Replayed", replayed, sizeof(replayed)),
                        "true");
    assert_string_equal(control_header(&again, "ETag", etag[0], 16),
                        control_header(&first, "ETag", etag[1], 16));
    assert_string_equal(control_header(&again, "Location", location[0], 80),
                        control_header(&first, "Location", location[1], 80));
    post("k1", "{\"name\":\"twice\"}", &again);
    assert_int_equal(again.status, 422);
    assert_string_equal(code_of(&again), "idempotency_key_reused");
    control_reply_fini(&first);
    control_reply_fini(&again);
}

static void test_a_refusal_is_remembered_too(void **state)
{
    struct control_reply reply = {0};
    char replayed[16];

    post("k2", "{\"name\":\"Wrong\"}", &reply);
    assert_int_equal(reply.status, 422);
    post("k2", "{\"name\":\"Wrong\"}", &reply);
    assert_int_equal(reply.status, 422);
    assert_string_equal(code_of(&reply), "validation_failed");
    assert_non_null(control_header(&reply, "Idempotent-Replayed", replayed, sizeof(replayed)));
    control_reply_fini(&reply);
}

enum { CLIENTS = 12 };

struct client {
    pthread_t thread;
    int status;
    bool in_progress;
};

static void *run_client(void *arg)
{
    struct client *client = arg;
    struct control_reply reply = {0};

    post("k3", "{\"name\":\"raced\"}", &reply);
    client->status = reply.status;
    client->in_progress =
        reply.status == 409 && strcmp(code_of(&reply), "idempotency_in_progress") == 0;
    control_reply_fini(&reply);
    return NULL;
}

static void test_many_at_once_are_one(void **state)
{
    struct client clients[CLIENTS] = {0};

    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    for (size_t i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        if (clients[i].status != 201 && !clients[i].in_progress)
            fail_msg("status %d", clients[i].status);
    }
    control_want(control, 200, admin, "GET", "/v1/teams?q=raced", NULL);
    assert_int_equal(control_count(control), 1);
    control_want(control, 200, admin, "GET", "/v1/audit-events?action=team.create&limit=500", NULL);
    for (size_t i = 0, seen = 0; i < control_count(control); i++) {
        const char *name =
            control_text(control, control_format(control, "items/%zu/resource_name", i));

        seen += strcmp(name, "raced") == 0;
        assert_true(seen <= 1);
    }
}

/* --- limits ------------------------------------------------------------------------------- */

static void test_too_many_requests(void **state)
{
    struct control_plane *slow = control_plane_second(control, "write_per_minute: 3\n");
    int refused = 0;

    for (int i = 0; i < 6; i++) {
        int status = control_do(slow, admin, "POST", "/v1/teams", "{}");

        refused += status == 429;
        if (status == 429)
            assert_non_null(control_last_header(slow, "Retry-After"));
        else
            assert_int_equal(status, 422);
        assert_string_equal(control_last_header(slow, "RateLimit-Policy"), "\"write\";q=3;w=60");
    }
    assert_in_range(refused, 2, 3);
    control_want(slow, 200, admin, "GET", "/v1/teams", NULL); /* reading is apart */
    control_plane_stop(slow);
}

static void test_guessing_tokens_is_slow(void **state)
{
    struct control_plane *apart = control_plane_second(control, NULL);
    int64_t began_ns = clock_mono_ns(clock_system());
    int let_in = 0, earned;

    for (int i = 0; i < 40; i++) {
        int status = control_do(apart, "berth_guess_work_AAAA", "GET", "/v1/teams", NULL);

        let_in += status == 401;
        assert_true(status == 401 || status == 429);
    }
    /* Thirty, and one more for every two seconds that it took. */
    earned = (int)((clock_mono_ns(clock_system()) - began_ns) / (2 * NS_PER_S));
    assert_true(let_in <= 30 + earned);
    control_plane_stop(apart);
}

/* --- what goes wrong changes nothing ------------------------------------------------------ */

static void test_a_refusal_changes_nothing(void **state)
{
    char id[40];
    const char *path;

    control_want(control, 201, admin, "POST", "/v1/teams", "{\"name\":\"steady\"}");
    snprintf(id, sizeof(id), "%s", control_text(control, "id"));
    path = control_format(control, "/v1/teams/%s", id);
    control_refused(control, 409, "name_taken", admin, "PATCH", path, "{\"name\":\"once\"}");
    control_want(control, 200, admin, "GET", path, NULL);
    assert_int_equal(control_int(control, "version"), 1);
    control_want(control, 200, admin, "GET", "/v1/audit-events?outcome=failed&action=team.change",
                 NULL);
    assert_int_equal(control_count(control), 1);
    assert_string_equal(control_text(control, "items/0/reason"), "name_taken");
    assert_string_equal(control_text(control, "items/0/resource/kind"), "team");
    assert_string_equal(control_text(control, "items/0/resource/id"), id);
    assert_string_equal(control_text(control, "items/0/resource/team"), id);
}

/* AUD-10: who may see an account sees what was tried on it; others leave it in their own trail. */
static void test_a_refusal_stands_in_the_trail_of_what_it_concerns(void **state)
{
    struct control_team ours, theirs;
    char events[120];
    const char *user;

    control_team_make(control, "watched", &ours);
    control_team_make(control, "curious", &theirs);
    control_account_make(control, &ours, "orders", account);
    user = control_format(control, "/v1/accounts/%s/users/usr_none", account);
    snprintf(events, sizeof(events), "/v1/accounts/%s/audit-events?outcome=denied", account);
    control_refused_if(control, 404, "not_found", ours.token, "*", "DELETE", user, NULL);
    control_want(control, 200, ours.token, "GET", events, NULL);
    assert_int_equal(control_count(control), 1);
    assert_string_equal(control_text(control, "items/0/resource/kind"), "user");
    assert_string_equal(control_text(control, "items/0/resource/id"), "usr_none");
    assert_string_equal(control_text(control, "items/0/reason"), "not_found");
    assert_string_equal(control_text(control, "items/0/resource/account"), account);

    control_refused_if(control, 404, "not_found", theirs.token, "*", "DELETE", user, NULL);
    control_want(control, 200, ours.token, "GET", events, NULL);
    assert_int_equal(control_count(control), 1);
    control_want(control, 200, theirs.token, "GET", "/v1/audit-events?outcome=denied", NULL);
    assert_int_equal(control_count(control), 1);
    assert_string_equal(control_text(control, "items/0/resource/team"), theirs.id);
    assert_true(json_is_null(control_member(control, "items/0/resource/account")));

    control_refused_if(control, 412, "version_conflict", admin, "\"9\"", "PATCH",
                       control_format(control, "/v1/accounts/%s", account), "{}");
    control_want(control, 200, ours.token, "GET",
                 control_format(control, "/v1/accounts/%s/audit-events?outcome=failed", account),
                 NULL);
    assert_string_equal(control_text(control, "items/0/resource/kind"), "account");
    assert_string_equal(control_text(control, "items/0/resource/id"), account);
    assert_string_equal(control_text(control, "items/0/actor/type"), "operator");
}

struct writer {
    pthread_t thread;
    const char *path;
    int written, conflicts;
};

static void *run_writer(void *arg)
{
    struct writer *writer = arg;
    struct control_reply reply = {0};

    for (int i = 0; i < 10; i++) {
        const struct control_request request = {.method = "PATCH",
                                                .path = writer->path,
                                                .token = admin,
                                                .body = "{\"description\":\"x\"}"};

        control_exchange(control, &request, &reply);
        writer->written += reply.status == 200;
        writer->conflicts += reply.status == 412;
    }
    control_reply_fini(&reply);
    return NULL;
}

/* Every change that was answered with 200 is a version of its own. */
static void test_writers_at_once(void **state)
{
    struct writer writers[4] = {0};
    char path[80];
    int written = 0, conflicts = 0;

    control_want(control, 201, admin, "POST", "/v1/teams", "{\"name\":\"contended\"}");
    snprintf(path, sizeof(path), "/v1/teams/%s", control_text(control, "id"));
    for (size_t i = 0; i < 4; i++) {
        writers[i].path = path;
        assert_int_equal(pthread_create(&writers[i].thread, NULL, run_writer, &writers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(writers[i].thread, NULL);
        written += writers[i].written;
        conflicts += writers[i].conflicts;
    }
    assert_int_equal(written + conflicts, 40);
    control_want(control, 200, admin, "GET", path, NULL);
    assert_int_equal(control_int(control, "version"), 1 + written);
}

static void run_sql(PGconn *db, const char *sql)
{
    PGresult *result = PQexec(db, sql);

    assert_true(PQresultStatus(result) == PGRES_COMMAND_OK ||
                PQresultStatus(result) == PGRES_TUPLES_OK);
    PQclear(result);
}

/* Until a statement waits for a row that this connection has locked. */
static void await_waiting(PGconn *db)
{
    bool waiting = false;

    while (!waiting) {
        PGresult *result = PQexec(db, "SELECT pg_stat_clear_snapshot() IS NULL, count(*)"
                                      "  FROM pg_stat_activity"
                                      " WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))");

        assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
        waiting = strcmp(PQgetvalue(result, 0, 1), "0") != 0;
        PQclear(result);
    }
}

static void *run_late_writer(void *arg)
{
    static const char *const headers[] = {"If-Match: \"1\"", NULL};
    const struct control_request request = {.method = "PATCH",
                                            .path = late_path,
                                            .token = admin,
                                            .body = "{\"display_name\":\"Mine\"}",
                                            .headers = headers};

    control_exchange(control, &request, arg);
    return NULL;
}

/* The version still matched when it was read; who loses the race learns what he lost to. */
static void test_a_change_between_reading_and_writing(void **state)
{
    PGconn *db = PQconnectdb(control_plane_conninfo(control));
    struct control_reply reply = {0};
    json_t *change;
    pthread_t thread;

    control_want(control, 201, admin, "POST", "/v1/teams", "{\"name\":\"late\"}");
    snprintf(late_path, sizeof(late_path), "/v1/teams/%s", control_text(control, "id"));
    run_sql(db, "BEGIN");
    run_sql(db, "UPDATE team SET description = 'theirs', version = 2 WHERE name = 'late'");
    assert_int_equal(pthread_create(&thread, NULL, run_late_writer, &reply), 0);
    await_waiting(db);
    run_sql(db, "COMMIT");
    pthread_join(thread, NULL);
    assert_int_equal(reply.status, 412);
    change = json_object_get(json_object_get(reply.json, "conflict"), "changes");
    assert_int_equal(json_array_size(change), 1);
    change = json_array_get(change, 0);
    assert_string_equal(json_string_value(json_object_get(change, "field")), "/description");
    assert_string_equal(json_string_value(json_object_get(change, "then")), "");
    assert_string_equal(json_string_value(json_object_get(change, "now")), "theirs");
    control_reply_fini(&reply);
    PQfinish(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_request_is_the_same_answer),
        cmocka_unit_test(test_a_refusal_is_remembered_too),
        cmocka_unit_test(test_many_at_once_are_one),
        cmocka_unit_test(test_too_many_requests),
        cmocka_unit_test(test_guessing_tokens_is_slow),
        cmocka_unit_test(test_a_refusal_changes_nothing),
        cmocka_unit_test(test_a_refusal_stands_in_the_trail_of_what_it_concerns),
        cmocka_unit_test(test_writers_at_once),
        cmocka_unit_test(test_a_change_between_reading_and_writing),
    };

    return cmocka_run_group_tests(tests, tenants_start_world, tenants_stop);
}
