/*
 * control_and_node BIN: berth-control and a Berth node as processes, a real PostgreSQL, real
 * clients: what the control plane promises is seen on the node.  test_control_and_node.sh runs it.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <dirent.h>
#include <libpq-fe.h>

#include "api/base/buf.h"
#include "api/base/mem.h"
#include "controlplane/cli/demo_peer.h"
#include "tests/lib/stage.h"

enum {
    /* The longest that is right: claims that were pushed in vain, or a lease of one that was
     * killed, and a pass after it; and the machine may be busy. */
    CONVERGE_MS = 120000,
    METER_MS = 120000,
    MEASURED = 100,
    MEDIAN_MS_MAX = 100,
    SECRETS_MAX = 64
};

static const char *bin_folder;

struct scene {
    struct stage stage;
    struct api admin, team, other;
    char team_id[64], other_id[64];
    char secrets[SECRETS_MAX][STAGE_TOKEN_MAX]; /* that must be found nowhere */
    size_t secret_count;
};

static void plant(struct scene *scene, const char *secret)
{
    assert_true(scene->secret_count < SECRETS_MAX);
    snprintf(scene->secrets[scene->secret_count++], STAGE_TOKEN_MAX, "%s", secret);
}

static int set_up(void **state)
{
    struct scene *scene = mem_alloc(sizeof(*scene));

    stage_init(&scene->stage, bin_folder, NULL);
    stage_control_start(&scene->stage, 0);
    stage_begin(&scene->stage, &scene->admin);
    stage_node_config(&scene->stage, &scene->admin, 0);
    stage_node_start(&scene->stage, 0);
    stage_team(&scene->stage, &scene->admin, "red", &scene->team, scene->team_id);
    stage_team(&scene->stage, &scene->admin, "blue", &scene->other, scene->other_id);
    plant(scene, scene->admin.token);
    plant(scene, scene->team.token);
    plant(scene, scene->other.token);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    api_fini(&scene->admin);
    api_fini(&scene->team);
    api_fini(&scene->other);
    stage_fini(&scene->stage);
    nats_Close();
    mem_free(scene);
    return 0;
}

/* --- helpers ------------------------------------------------------------------------------ */

struct tenant {
    char id[64], key[80], user[64], credential[64];
    char creds[4096];
};

/* An account that is applied, with a user and its credentials. */
static void tenant_make(struct scene *scene, const char *name, struct tenant *out)
{
    char path[STAGE_PATH_MAX];
    json_t *answer =
        api_must_wait(&scene->team, 201, "POST", "/v1/accounts", json_pack("{s:s}", "name", name));

    assert_string_equal(api_text(answer, "sync.state"), "applied");
    snprintf(out->id, sizeof(out->id), "%s", api_text(answer, "id"));
    snprintf(out->key, sizeof(out->key), "%s", api_text(answer, "public_key"));
    json_decref(answer);
    answer = api_must(&scene->team, 201, "POST", api_path(path, "/v1/accounts/%s/users", out->id),
                      json_pack("{s:s}", "name", "u"));
    snprintf(out->user, sizeof(out->user), "%s", api_text(answer, "id"));
    json_decref(answer);
    answer = api_must(&scene->team, 201, "POST",
                      api_path(path, "/v1/accounts/%s/users/%s/credentials", out->id, out->user),
                      json_pack("{s:b, s:s}", "generate", true, "format", "creds"));
    snprintf(out->creds, sizeof(out->creds), "%s", api_text(answer, "creds"));
    snprintf(out->credential, sizeof(out->credential), "%s", api_text(answer, "id"));
    if (api_text(answer, "seed") != NULL)
        plant(scene, api_text(answer, "seed"));
    json_decref(answer);
}

static bool opens(struct scene *scene, const struct tenant *tenant, struct demo_peer *peer)
{
    char url[64];

    return demo_peer_open(peer, stage_url(&scene->stage, 0, url), "test", slice_of(tenant->creds));
}

static bool can_connect(struct scene *scene, const struct tenant *tenant)
{
    struct demo_peer peer;
    bool open = opens(scene, tenant, &peer);

    if (!open)
        printf("not let in: %s\n", peer.words);
    demo_peer_close(&peer);
    return open;
}

static void await_text(struct api *api, const char *path, const char *member, const char *wanted)
{
    int64_t until = stage_now_ms() + CONVERGE_MS;
    char last[128] = "";

    while (stage_now_ms() < until) {
        json_t *answer = api_must(api, 200, "GET", path, NULL);
        const char *text = api_text(answer, member);
        bool there = text != NULL && strcmp(text, wanted) == 0;

        snprintf(last, sizeof(last), "%s", text != NULL ? text : "(none)");
        json_decref(answer);
        if (there)
            return;
        stage_pause_ms(50);
    }
    fail_msg("%s: %s is %s, not %s", path, member, last, wanted);
}

static void await_applied(struct scene *scene, const char *account)
{
    char path[STAGE_PATH_MAX];

    await_text(&scene->team, api_path(path, "/v1/accounts/%s", account), "sync.state", "applied");
}

static void await_closed(struct demo_peer *peer)
{
    int64_t until = stage_now_ms() + CONVERGE_MS;

    while (!natsConnection_IsClosed(peer->connection) && stage_now_ms() < until)
        stage_pause_ms(5);
    assert_true(natsConnection_IsClosed(peer->connection));
}

/* --- the tests ---------------------------------------------------------------------------- */

static void test_messages_flow(void **state)
{
    struct scene *scene = *state;
    struct tenant tenant;
    struct demo_peer sender, taker;
    struct demo_count count = {0};
    natsSubscription *sub;

    tenant_make(scene, "flow", &tenant);
    assert_true(opens(scene, &tenant, &sender));
    assert_true(opens(scene, &tenant, &taker));
    assert_true(demo_peer_subscribe(&taker, "orders.>", NULL, &sub));
    assert_true(demo_peer_barrier(&taker));
    assert_true(demo_peer_publish(&sender, "orders.new", "A"));
    assert_true(demo_peer_barrier(&sender));
    assert_true(demo_peer_barrier(&taker));
    demo_peer_count(sub, "A", &count);
    assert_int_equal(count.own, 1);
    demo_peer_close(&sender);
    demo_peer_close(&taker);
}

static void test_revoked_is_closed_and_refused(void **state)
{
    struct scene *scene = *state;
    char path[STAGE_PATH_MAX];
    struct tenant tenant;
    struct demo_peer peer;

    tenant_make(scene, "revoked", &tenant);
    assert_true(opens(scene, &tenant, &peer));
    json_decref(api_must_wait(
        &scene->team, 200, "POST",
        api_path(path, "/v1/accounts/%s/credentials/%s:revoke", tenant.id, tenant.credential),
        json_pack("{s:s}", "reason", "lost")));
    /* The answer came when the node had applied it: nobody gets in from here on. */
    assert_false(can_connect(scene, &tenant));
    await_closed(&peer);
    demo_peer_close(&peer);
}

static void test_a_signing_key_that_goes_counts_who_is_connected(void **state)
{
    struct scene *scene = *state;
    char path[STAGE_PATH_MAX], key[64];
    struct tenant tenant;
    struct demo_peer peers[2];
    json_t *answer;

    tenant_make(scene, "keyed", &tenant);
    assert_true(opens(scene, &tenant, &peers[0]));
    assert_true(opens(scene, &tenant, &peers[1]));
    answer = api_must(&scene->team, 200, "GET",
                      api_path(path, "/v1/accounts/%s/signing-keys", tenant.id), NULL);
    snprintf(key, sizeof(key), "%s",
             api_text(json_array_get(json_object_get(answer, "items"), 0), "id"));
    json_decref(answer);
    answer = api_must_wait(&scene->team, 409, "DELETE",
                           api_path(path, "/v1/accounts/%s/signing-keys/%s", tenant.id, key), NULL);
    assert_non_null(strstr(api_text(answer, "detail"), "confirm_clients=2"));
    json_decref(answer);
    json_decref(api_must_wait(
        &scene->team, 204, "DELETE",
        api_path(path, "/v1/accounts/%s/signing-keys/%s?confirm_clients=2", tenant.id, key), NULL));
    assert_false(can_connect(scene, &tenant));
    await_closed(&peers[0]);
    await_closed(&peers[1]);
    demo_peer_close(&peers[0]);
    demo_peer_close(&peers[1]);
}

static void test_suspended_and_resumed(void **state)
{
    struct scene *scene = *state;
    char path[STAGE_PATH_MAX];
    struct tenant tenant;
    struct demo_peer peer;

    tenant_make(scene, "suspended", &tenant);
    assert_true(opens(scene, &tenant, &peer));
    json_decref(api_must_wait(&scene->admin, 200, "POST",
                              api_path(path, "/v1/accounts/%s:suspend", tenant.id),
                              json_pack("{s:s}", "reason", "unpaid")));
    assert_false(can_connect(scene, &tenant));
    await_closed(&peer);
    demo_peer_close(&peer);
    json_decref(api_must_wait(&scene->admin, 200, "POST",
                              api_path(path, "/v1/accounts/%s:resume", tenant.id), NULL));
    assert_true(can_connect(scene, &tenant));
}

static void delete_account(struct scene *scene, const struct tenant *tenant, char operation[64])
{
    char path[STAGE_PATH_MAX];
    json_t *answer = api_must_wait(&scene->team, 202, "DELETE",
                                   api_path(path, "/v1/accounts/%s", tenant->id), NULL);

    snprintf(operation, 64, "%s", api_text(answer, "id"));
    json_decref(answer);
}

static void test_deleted_does_not_come_back(void **state)
{
    struct scene *scene = *state;
    char path[STAGE_PATH_MAX], operation[64];
    struct tenant tenant;

    tenant_make(scene, "deleted", &tenant);
    assert_true(stage_node_holds(&scene->stage, 0, tenant.key));
    delete_account(scene, &tenant, operation);
    await_text(&scene->team, api_path(path, "/v1/operations/%s", operation), "state", "succeeded");
    assert_false(stage_node_holds(&scene->stage, 0, tenant.key));
    stage_end(&scene->stage.nodes[0], SIGTERM);
    stage_node_start(&scene->stage, 0);
    json_decref(api_must(&scene->admin, 202, "POST", "/v1/systems/stage:reconcile", NULL));
    assert_false(can_connect(scene, &tenant));
    assert_false(stage_node_holds(&scene->stage, 0, tenant.key));
}

/* Changes of every kind while the node is down; then it returns. */
static void test_node_returns(void **state)
{
    struct scene *scene = *state;
    char path[STAGE_PATH_MAX], operation[64], made[64];
    struct tenant kept, doomed, revoked;
    json_t *answer;

    tenant_make(scene, "kept", &kept);
    tenant_make(scene, "doomed", &doomed);
    tenant_make(scene, "cut", &revoked);
    stage_end(&scene->stage.nodes[0], SIGKILL);
    answer = api_must(&scene->team, 201, "POST", "/v1/accounts",
                      json_pack("{s:s}", "name", "made-without-node"));
    snprintf(made, sizeof(made), "%s", api_text(answer, "id"));
    json_decref(answer);
    delete_account(scene, &doomed, operation);
    json_decref(api_must(
        &scene->team, 200, "POST",
        api_path(path, "/v1/accounts/%s/credentials/%s:revoke", revoked.id, revoked.credential),
        json_pack("{s:s}", "reason", "lost")));
    stage_node_start(&scene->stage, 0);
    await_applied(scene, made);
    await_applied(scene, kept.id);
    await_applied(scene, revoked.id);
    await_text(&scene->team, api_path(path, "/v1/operations/%s", operation), "state", "succeeded");
    assert_true(can_connect(scene, &kept));
    assert_false(can_connect(scene, &revoked));
    assert_false(can_connect(scene, &doomed));
    assert_false(stage_node_holds(&scene->stage, 0, doomed.key));
}

/* What is stored is lost while the node is down: the reconciler brings it back. */
static void test_lost_store_is_repaired(void **state)
{
    struct scene *scene = *state;
    char path[STAGE_PATH_MAX];
    struct tenant tenant;

    tenant_make(scene, "lost", &tenant);
    stage_end(&scene->stage.nodes[0], SIGTERM);
    assert_int_equal(
        unlink(api_path(path, "%s/store-0/jwt/%s.jwt", scene->stage.folder, tenant.key)), 0);
    stage_node_start(&scene->stage, 0);
    for (int64_t until = stage_now_ms() + CONVERGE_MS;
         !stage_node_holds(&scene->stage, 0, tenant.key) && stage_now_ms() < until;)
        stage_pause_ms(50);
    await_applied(scene, tenant.id);
    assert_true(can_connect(scene, &tenant));
}

/* --- usage -------------------------------------------------------------------------------- */

struct used {
    int64_t msgs_in, bytes_in, msgs_out, bytes_out;
    size_t gaps;
    bool exact;
};

static void add_bucket(struct used *used, const json_t *bucket)
{
    used->msgs_in += api_int(bucket, "msgs_in");
    used->bytes_in += api_int(bucket, "bytes_in");
    used->msgs_out += api_int(bucket, "msgs_out");
    used->bytes_out += api_int(bucket, "bytes_out");
    used->exact = used->exact && strcmp(api_text(bucket, "quality"), "exact") == 0;
}

static struct used usage_of(struct scene *scene, const struct tenant *tenant)
{
    char path[STAGE_PATH_MAX];
    json_t *answer =
        api_must(&scene->team, 200, "GET",
                 api_path(path, "/v1/accounts/%s/usage?step=minute", tenant->id), NULL);
    struct used used = {.exact = true};
    const json_t *bucket;
    size_t i;

    json_array_foreach(json_object_get(answer, "buckets"), i, bucket) add_bucket(&used, bucket);
    used.gaps = json_array_size(json_object_get(answer, "gaps"));
    json_decref(answer);
    return used;
}

static void publish(struct demo_peer *peer, int count)
{
    for (int i = 0; i < count; i++)
        assert_true(demo_peer_publish(peer, "metered", "0123456789"));
    assert_true(demo_peer_barrier(peer));
}

static struct used await_usage(struct scene *scene, const struct tenant *tenant, int64_t msgs_in)
{
    int64_t until = stage_now_ms() + METER_MS;
    struct used used = usage_of(scene, tenant);

    while ((used.msgs_in < msgs_in || used.msgs_out < msgs_in) && stage_now_ms() < until) {
        stage_pause_ms(100);
        used = usage_of(scene, tenant);
    }
    return used;
}

static void assert_used(const struct used *used, int64_t msgs)
{
    assert_int_equal(used->msgs_in, msgs);
    assert_int_equal(used->msgs_out, msgs);
    assert_int_equal(used->bytes_in, 10 * msgs);
    assert_int_equal(used->bytes_out, 10 * msgs);
    assert_true(used->exact);
    assert_int_equal(used->gaps, 0);
}

static void test_usage_survives_the_control_plane(void **state)
{
    struct scene *scene = *state;
    struct tenant tenant;
    struct demo_peer peer;
    natsSubscription *sub;
    struct used used;

    tenant_make(scene, "metered", &tenant);
    assert_true(opens(scene, &tenant, &peer));
    assert_true(demo_peer_subscribe(&peer, "metered", NULL, &sub));
    publish(&peer, 1000);
    used = await_usage(scene, &tenant, 1000);
    assert_used(&used, 1000);
    publish(&peer, 500);
    stage_end(&scene->stage.controls[0], SIGKILL);
    publish(&peer, 234);
    stage_control_start(&scene->stage, 0);
    used = await_usage(scene, &tenant, 1734);
    assert_used(&used, 1734);
    /* In order: what was counted last is told before the node ends. */
    publish(&peer, 266);
    stage_end(&scene->stage.nodes[0], SIGTERM);
    used = await_usage(scene, &tenant, 2000);
    assert_used(&used, 2000);
    stage_node_start(&scene->stage, 0);
    demo_peer_close(&peer);
}

/* A node killed hard loses what it counted since its last report; that is a gap, not a zero. */
static void test_usage_of_a_killed_node_has_a_gap(void **state)
{
    struct scene *scene = *state;
    struct tenant tenant;
    struct demo_peer peer;
    natsSubscription *sub;
    struct used used;
    int64_t until;

    tenant_make(scene, "killed", &tenant);
    assert_true(opens(scene, &tenant, &peer));
    assert_true(demo_peer_subscribe(&peer, "metered", NULL, &sub));
    publish(&peer, 100);
    used = await_usage(scene, &tenant, 100);
    assert_used(&used, 100);
    publish(&peer, 7);
    stage_end(&scene->stage.nodes[0], SIGKILL);
    demo_peer_close(&peer);
    stage_node_start(&scene->stage, 0);
    until = stage_now_ms() + METER_MS;
    while ((used = usage_of(scene, &tenant)).gaps == 0 && stage_now_ms() < until)
        stage_pause_ms(100);
    assert_int_equal(used.gaps, 1);
    assert_in_range(used.msgs_in, 100, 107);
}

/* --- two control planes ------------------------------------------------------------------- */

static void test_two_control_planes(void **state)
{
    struct scene *scene = *state;
    char name[32], ids[20][64];
    struct tenant tenant;
    struct demo_peer peer;
    struct api second;
    natsSubscription *sub;
    struct used used;

    stage_control_start(&scene->stage, 1);
    api_init(&second, scene->stage.controls[1].port, scene->team.token);
    for (int i = 0; i < 20; i++) {
        struct api *api = i % 2 == 0 ? &scene->team : &second;
        json_t *answer;

        snprintf(name, sizeof(name), "both-%d", i);
        answer = api_must_wait(api, 201, "POST", "/v1/accounts", json_pack("{s:s}", "name", name));
        assert_string_equal(api_text(answer, "sync.state"), "applied");
        snprintf(ids[i], sizeof(ids[i]), "%s", api_text(answer, "id"));
        json_decref(answer);
    }
    tenant_make(scene, "both", &tenant);
    assert_true(opens(scene, &tenant, &peer));
    assert_true(demo_peer_subscribe(&peer, "metered", NULL, &sub));
    publish(&peer, 300);
    used = await_usage(scene, &tenant, 300);
    assert_used(&used, 300);
    stage_end(&scene->stage.controls[0], SIGKILL);
    publish(&peer, 300);
    scene->team.port = scene->stage.controls[1].port;
    used = await_usage(scene, &tenant, 600);
    assert_used(&used, 600);
    for (int i = 0; i < 20; i++)
        await_applied(scene, ids[i]);
    stage_control_start(&scene->stage, 0);
    scene->team.port = scene->stage.controls[0].port;
    stage_end(&scene->stage.controls[1], SIGTERM);
    demo_peer_close(&peer);
    api_fini(&second);
}

/* --- how fast ----------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void test_create_to_applied(void **state)
{
    static const char *const headers[] = {"Prefer: wait=30", NULL};
    struct scene *scene = *state;
    double ms[MEASURED];
    char name[32];

    for (int i = 0; i < MEASURED; i++) {
        struct api_answer answer;

        snprintf(name, sizeof(name), "fast-%d", i);
        answer = api_call(&scene->team, "POST", "/v1/accounts", json_pack("{s:s}", "name", name),
                          headers);
        assert_int_equal(answer.status, 201);
        assert_string_equal(api_text(answer.json, "sync.state"), "applied");
        ms[i] = answer.seconds * 1000;
        api_answer_fini(&answer);
    }
    qsort(ms, MEASURED, sizeof(ms[0]), by_size);
    printf("create account -> applied: median %.1f ms, 90%% %.1f ms, slowest %.1f ms of %d\n",
           ms[MEASURED / 2], ms[MEASURED * 9 / 10], ms[MEASURED - 1], MEASURED);
    if (getenv("BERTH_JUDGE_TIMES") != NULL) /* make bench; a test has no say on a busy machine */
        assert_true(ms[MEASURED / 2] < MEDIAN_MS_MAX);
}

/* --- secrets ------------------------------------------------------------------------------ */

static void assert_no_secret(struct scene *scene, const char *where, const char *text)
{
    for (size_t i = 0; i < scene->secret_count; i++) {
        if (strstr(text, scene->secrets[i]) != NULL)
            fail_msg("%s holds a secret", where);
    }
}

static void look_at_logs(struct scene *scene)
{
    const struct stage_process *logs[] = {&scene->stage.controls[0], &scene->stage.controls[1],
                                          &scene->stage.nodes[0]};

    for (size_t i = 0; i < 3; i++) {
        FILE *file = fopen(logs[i]->log, "r");
        char *line = NULL;
        size_t cap = 0, lines = 0;

        assert_non_null(file);
        for (; getline(&line, &cap, file) >= 0; lines++)
            assert_no_secret(scene, logs[i]->log, line);
        assert_true(lines > 0);
        free(line);
        fclose(file);
    }
}

/* Every row of every table, as text. */
static void look_at_database(struct scene *scene)
{
    PGconn *conn = PQconnectdb(scene->stage.conninfo);
    PGresult *tables = PQexec(conn, "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                                    "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')");

    assert_int_equal(PQresultStatus(tables), PGRES_TUPLES_OK);
    assert_true(PQntuples(tables) > 20);
    for (int i = 0; i < PQntuples(tables); i++) {
        char sql[STAGE_PATH_MAX];
        PGresult *rows;

        snprintf(sql, sizeof(sql), "SELECT t::text FROM %s t", PQgetvalue(tables, i, 0));
        rows = PQexec(conn, sql);
        assert_int_equal(PQresultStatus(rows), PGRES_TUPLES_OK);
        for (int j = 0; j < PQntuples(rows); j++)
            assert_no_secret(scene, PQgetvalue(tables, i, 0), PQgetvalue(rows, j, 0));
        PQclear(rows);
    }
    PQclear(tables);
    PQfinish(conn);
}

static void test_no_secret_anywhere(void **state)
{
    struct scene *scene = *state;
    struct api_answer answer = api_call(&scene->admin, "GET", "/metrics", NULL, NULL);

    assert_int_equal(answer.status, 200);
    assert_true(scene->secret_count > 5);
    assert_no_secret(scene, "/metrics", answer.text);
    api_answer_fini(&answer);
    look_at_logs(scene);
    look_at_database(scene);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_flow),
        cmocka_unit_test(test_revoked_is_closed_and_refused),
        cmocka_unit_test(test_a_signing_key_that_goes_counts_who_is_connected),
        cmocka_unit_test(test_suspended_and_resumed),
        cmocka_unit_test(test_deleted_does_not_come_back),
        cmocka_unit_test(test_node_returns),
        cmocka_unit_test(test_lost_store_is_repaired),
        cmocka_unit_test(test_usage_survives_the_control_plane),
        cmocka_unit_test(test_usage_of_a_killed_node_has_a_gap),
        cmocka_unit_test(test_two_control_planes),
        cmocka_unit_test(test_create_to_applied),
        cmocka_unit_test(test_no_secret_anywhere),
    };

    if (argc < 2) {
        fprintf(stderr, "usage: control_and_node BIN [TEST]\n");
        return 2;
    }
    bin_folder = argv[1];
    if (argc > 2)
        cmocka_set_test_filter(argv[2]);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
