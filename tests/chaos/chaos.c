/*
 * chaos BIN PGDATA: processes are killed (SIGKILL) at random moments while tenants live their
 * lives: create, push, confirm, issue, revoke, delete.  Then everything must be as it was promised.
 *
 * How it flows: each tenant thread leads one account after the other through its life, and asks
 * again whenever an answer does not come; what was promised to it is its model.  The main thread
 * kills the control plane, PostgreSQL or the node, and starts it again.  From time to time all is
 * left in peace: everything has to converge, and the model is compared with API, node and usage;
 * and no work may be left: no open operation, nothing in the outbox, nothing alive of what is
 * deleted.
 *
 * CHAOS_KILLS (200), CHAOS_CONTROLS (1 or 2), CHAOS_SEED (printed) come from run.sh.
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/base/clock.h"
#include "api/base/mem.h"
#include "controlplane/cli/demo_peer.h"
#include "tests/lib/stage.h"

enum {
    TENANTS = 4,
    KILLS_A_ROUND = 25, /* between two comparisons */
    LIVES_A_ROUND = 10000,
    ANSWER_MS = 120000,
    CONVERGE_MS = 60000,
    METER_MS = 60000,
    PUBLISHED_MAX = 40,
    SHOTS = 2,       /* how often a life publishes */
    SLACK_MS = 1000, /* between the clocks of a gap and ours: they tick at different moments */
};

/* Messages published at one time: at most, at least; Unix ns. */
struct shot {
    int64_t from, until, sent, acked;
};

/* What one account was promised; its thread's until the comparison. */
struct life {
    char name[40], id[64], key[80];
    char creds[4096];
    bool deleted, revoked, suspended;
    struct shot shots[SHOTS];
};

struct chaos;

struct tenant {
    struct chaos *chaos;
    pthread_t thread;
    struct api api[STAGE_CONTROLS];
    unsigned index, number, random;
    struct life *life;
};

struct chaos {
    struct stage stage;
    struct api admin, team;
    char team_id[64], pg_data[STAGE_PATH_MAX];
    pid_t pg;
    size_t controls;
    unsigned seed, random;
    atomic_bool stop;
    struct tenant tenants[TENANTS];
    struct life *lives;
    atomic_size_t life_count;
    size_t life_room; /* more for each round */
    atomic_ulong asked_again;
    unsigned kills[3];
};

static void die(const struct chaos *chaos, const char *what, const char *why)
{
    fprintf(stderr, "chaos: FAILED seed=%u: %s: %s\n", chaos->seed, what, why);
    fprintf(stderr, "chaos: logs and stores are in %s\n", chaos->stage.folder);
    for (size_t i = 0; i < STAGE_CONTROLS; i++) {
        if (chaos->stage.controls[i].pid != 0)
            kill(chaos->stage.controls[i].pid, SIGKILL);
    }
    if (chaos->stage.nodes[0].pid != 0)
        kill(chaos->stage.nodes[0].pid, SIGKILL);
    if (chaos->pg != 0)
        kill(chaos->pg, SIGINT);
    _exit(1);
}

static unsigned below(unsigned *state, unsigned limit)
{
    return (unsigned)rand_r(state) % limit;
}

/* --- PostgreSQL --------------------------------------------------------------------------- */

/* After a hard kill the old server's children have to go first: then it is tried again. */
static void pg_start(struct chaos *chaos)
{
    int64_t until = stage_now_ms() + ANSWER_MS;
    char program[STAGE_PATH_MAX], log[STAGE_PATH_MAX];

    api_path(program, "%s/start", chaos->pg_data);
    api_path(log, "%s/server.log", chaos->pg_data);
    for (;;) {
        chaos->pg = fork();
        if (chaos->pg == 0) {
            if (freopen(log, "a", stderr) == NULL || freopen(log, "a", stdout) == NULL)
                _exit(127);
            execl(program, program, (char *)NULL);
            _exit(127);
        }
        while (waitpid(chaos->pg, NULL, WNOHANG) == 0) {
            if (PQping(chaos->stage.conninfo) == PQPING_OK)
                return;
            if (stage_now_ms() > until)
                die(chaos, "PostgreSQL", "does not start");
            stage_pause_ms(20);
        }
        stage_pause_ms(50);
    }
}

static void pg_kill(struct chaos *chaos)
{
    kill(chaos->pg, SIGKILL);
    while (waitpid(chaos->pg, NULL, 0) != chaos->pg)
        ;
    chaos->pg = 0;
}

/* --- asking until there is an answer ------------------------------------------------------ */

static bool certain(const struct api_answer *answer)
{
    const char *code = api_text(answer->json, "code");

    if (answer->status == 409 && code != NULL && strcmp(code, "idempotency_in_progress") == 0)
        return false;
    return answer->status != 0 && answer->status != 429 && answer->status < 500;
}

static struct api_answer ask(struct tenant *tenant, const char *method, const char *path,
                             json_t *body, const char *key)
{
    int64_t until = stage_now_ms() + ANSWER_MS;
    char idempotency[128];
    const char *headers[] = {"If-Match: *", idempotency, NULL};
    struct api_answer answer;

    snprintf(idempotency, sizeof(idempotency), "Idempotency-Key: %s", key);
    for (;;) {
        struct api *api = &tenant->api[below(&tenant->random, (unsigned)tenant->chaos->controls)];

        answer = api_call(api, method, path, json_incref(body), headers);
        if (certain(&answer))
            break;
        if (stage_now_ms() > until)
            die(tenant->chaos, path, "no answer");
        atomic_fetch_add(&tenant->chaos->asked_again, 1);
        api_answer_fini(&answer);
        stage_pause_ms(20 + (int)below(&tenant->random, 100));
    }
    json_decref(body);
    return answer;
}

static void refuse(struct tenant *tenant, const char *path, const struct api_answer *answer)
{
    char text[1024];

    snprintf(text, sizeof(text), "%d %.900s", answer->status, answer->text);
    die(tenant->chaos, path, text);
}

/* --- a life ------------------------------------------------------------------------------- */

static void live_create(struct tenant *tenant)
{
    struct life *life = tenant->life;
    struct api_answer answer =
        ask(tenant, "POST", "/v1/accounts", json_pack("{s:s}", "name", life->name), life->name);

    if (answer.status != 201)
        refuse(tenant, "POST /v1/accounts", &answer);
    snprintf(life->id, sizeof(life->id), "%s", api_text(answer.json, "id"));
    snprintf(life->key, sizeof(life->key), "%s", api_text(answer.json, "public_key"));
    api_answer_fini(&answer);
}

/* Credentials whose answer was lost are not told twice (410): then others are issued. */
static void live_issue(struct tenant *tenant)
{
    struct life *life = tenant->life;
    char path[STAGE_PATH_MAX], key[80], user[64];
    struct api_answer answer;

    snprintf(key, sizeof(key), "%s-user", life->name);
    answer = ask(tenant, "POST", api_path(path, "/v1/accounts/%s/users", life->id),
                 json_pack("{s:s}", "name", "u"), key);
    if (answer.status != 201)
        refuse(tenant, path, &answer);
    snprintf(user, sizeof(user), "%s", api_text(answer.json, "id"));
    api_answer_fini(&answer);
    api_path(path, "/v1/accounts/%s/users/%s/credentials", life->id, user);
    for (int i = 0; life->creds[0] == 0; i++) {
        snprintf(key, sizeof(key), "%s-creds-%d", life->name, i);
        answer = ask(tenant, "POST", path,
                     json_pack("{s:b, s:s}", "generate", true, "format", "creds"), key);
        if (answer.status == 201)
            snprintf(life->creds, sizeof(life->creds), "%s", api_text(answer.json, "creds"));
        else if (answer.status != 410)
            refuse(tenant, path, &answer);
        api_answer_fini(&answer);
    }
}

/* As far as the node lets us: it may not have the account yet, or be down. */
static void live_publish(struct tenant *tenant, struct shot *shot)
{
    struct life *life = tenant->life;
    int count = 1 + (int)below(&tenant->random, PUBLISHED_MAX);
    struct demo_peer peer;
    char url[64];
    bool open = false;

    for (int i = 0; i < 20 && !open; i++) {
        if (i > 0)
            stage_pause_ms(50);
        open = demo_peer_open(&peer, stage_url(&tenant->chaos->stage, 0, url), life->name,
                              slice_of(life->creds));
        if (!open)
            demo_peer_close(&peer);
    }
    if (!open)
        return;
    shot->from = clock_wall_ns(clock_system());
    for (int i = 0; i < count; i++)
        shot->sent += demo_peer_publish(&peer, "chaos", "x");
    if (demo_peer_barrier(&peer))
        shot->acked = count;
    demo_peer_close(&peer);
    shot->until = clock_wall_ns(clock_system());
}

static void live_revoke(struct tenant *tenant)
{
    struct life *life = tenant->life;
    char path[STAGE_PATH_MAX];
    struct api_answer answer =
        ask(tenant, "PUT", api_path(path, "/v1/accounts/%s/revocations/*", life->id),
            json_pack("{s:s}", "reason", "chaos"), life->name);

    if (answer.status != 200 && answer.status != 201)
        refuse(tenant, path, &answer);
    life->revoked = true;
    api_answer_fini(&answer);
}

/* Deleting is no POST: a second answer may say that the first one was heard. */
static void live_delete(struct tenant *tenant)
{
    struct life *life = tenant->life;
    char path[STAGE_PATH_MAX];
    struct api_answer answer =
        ask(tenant, "DELETE", api_path(path, "/v1/accounts/%s", life->id), NULL, life->name);

    if (answer.status != 202 && answer.status != 409 && answer.status != 404)
        refuse(tenant, path, &answer);
    life->deleted = true;
    api_answer_fini(&answer);
}

static void live(struct tenant *tenant)
{
    size_t at = atomic_fetch_add(&tenant->chaos->life_count, 1);
    unsigned fate;

    if (at >= tenant->chaos->life_room)
        die(tenant->chaos, "tenants", "more lives than there is room for");
    tenant->life = &tenant->chaos->lives[at];
    *tenant->life = (struct life){0};
    snprintf(tenant->life->name, sizeof(tenant->life->name), "t%u-%u", tenant->index,
             tenant->number++);
    live_create(tenant);
    live_issue(tenant);
    for (size_t i = 0; i < SHOTS; i++)
        live_publish(tenant, &tenant->life->shots[i]);
    fate = below(&tenant->random, 4);
    if (fate == 1 || fate == 3)
        live_revoke(tenant);
    if (fate >= 2)
        live_delete(tenant);
}

static void *run_tenant(void *arg)
{
    struct tenant *tenant = arg;

    while (!atomic_load(&tenant->chaos->stop))
        live(tenant);
    return NULL;
}

/* One that finds no database while it starts says so and ends: then it is started again. */
static void keep_up(struct chaos *chaos, size_t control)
{
    struct stage_process *process = &chaos->stage.controls[control];

    if (!stage_ended(process))
        return;
    if (!WIFEXITED(process->status) || WEXITSTATUS(process->status) != 1)
        die(chaos, "berth-control", "ended by itself");
    stage_control_start(&chaos->stage, control);
}

/* --- in peace: is everything as promised? ------------------------------------------------- */

static json_t *look(struct chaos *chaos, const char *path)
{
    struct api_answer answer = api_call(&chaos->admin, "GET", path, NULL, NULL);
    json_t *json;

    if (answer.status != 200)
        die(chaos, path, answer.text);
    json = json_incref(answer.json);
    api_answer_fini(&answer);
    return json;
}

static bool settled(struct chaos *chaos, const struct life *life, char why[256])
{
    char path[STAGE_PATH_MAX];
    json_t *account = look(chaos, api_path(path, "/v1/accounts/%s", life->id));
    const char *state = api_text(account, "state"), *sync = api_text(account, "sync.state");
    bool well = life->deleted ? strcmp(state, "deleted") == 0
                              : strcmp(state, "active") == 0 && strcmp(sync, "applied") == 0;

    snprintf(why, 256, "%s is %s, sync %s", life->name, state, sync);
    json_decref(account);
    if (well && stage_node_holds(&chaos->stage, 0, life->key) == life->deleted) {
        snprintf(why, 256, "%s is %s, and the node %s it", life->name,
                 life->deleted ? "deleted" : "there", life->deleted ? "has" : "lacks");
        return false;
    }
    return well;
}

/* Before the end: what the API knows of it. */
static void tell(struct chaos *chaos, const struct life *life)
{
    char path[STAGE_PATH_MAX];
    struct api_answer sync = api_call(&chaos->admin, "GET",
                                      api_path(path, "/v1/accounts/%s/sync", life->id), NULL, NULL);
    struct api_answer operation = api_call(
        &chaos->admin, "GET", api_path(path, "/v1/operations?resource=%s", life->id), NULL, NULL);

    fprintf(stderr, "chaos: %s %s\n%s\n%s\n", life->name, life->key, sync.text, operation.text);
    api_answer_fini(&sync);
    api_answer_fini(&operation);
}

static void check_settled(struct chaos *chaos, size_t count)
{
    int64_t until = stage_now_ms() + CONVERGE_MS;
    char why[256];

    for (size_t i = 0; i < count; i++) {
        while (!settled(chaos, &chaos->lives[i], why)) {
            if (stage_now_ms() > until) {
                tell(chaos, &chaos->lives[i]);
                die(chaos, "does not converge", why);
            }
            stage_pause_ms(100);
        }
    }
}

static void check_login(struct chaos *chaos, const struct life *life)
{
    struct demo_peer peer;
    char url[64];
    bool wanted = !life->deleted && !life->revoked;
    bool open =
        demo_peer_open(&peer, stage_url(&chaos->stage, 0, url), "check", slice_of(life->creds));

    if (open != wanted)
        die(chaos, life->name, open ? "gets in, and must not" : demo_peer_words(&peer));
    demo_peer_close(&peer);
}

/* A gap of the account in which this shot was, or a part of it. */
static bool covers(const json_t *gap, const struct life *life, const struct shot *shot)
{
    int64_t starts, ends, slack = SLACK_MS * NS_PER_MS;

    return strcmp(api_text(gap, "account_id"), life->id) == 0 &&
           clock_parse(api_text(gap, "starts_at"), &starts) == 0 &&
           clock_parse(api_text(gap, "ends_at"), &ends) == 0 && shot->until >= starts - slack &&
           shot->from <= ends + slack;
}

/* What was metered; what was sent: at most, at least, and at least what no gap covers; and how
 * much the gaps that cover some of it say was lost at most. */
struct bill {
    int64_t metered, sent, acked, owed, lost_max;
};

static struct bill bill_of(struct chaos *chaos, const struct life *life)
{
    char path[STAGE_PATH_MAX];
    json_t *usage = look(chaos, api_path(path, "/v1/accounts/%s/usage?step=hour", life->id));
    const json_t *gaps = json_object_get(usage, "gaps"), *item;
    struct bill bill = {0};
    bool covered[SHOTS] = {false};
    size_t i;

    json_array_foreach(json_object_get(usage, "buckets"), i, item) bill.metered +=
        api_int(item, "msgs_in");
    json_array_foreach(gaps, i, item)
    {
        bool any = false;

        for (size_t j = 0; j < SHOTS; j++) {
            if (covers(item, life, &life->shots[j]))
                any = covered[j] = true;
        }
        bill.lost_max += any ? api_int(item, "msgs_max") : 0;
    }
    for (i = 0; i < SHOTS; i++) {
        bill.sent += life->shots[i].sent;
        bill.acked += life->shots[i].acked;
        bill.owed += covered[i] ? 0 : life->shots[i].acked;
    }
    json_decref(usage);
    return bill;
}

/* Never more than was sent; less than was sent for certain only within a gap and its bound. */
static void check_usage(struct chaos *chaos, const struct life *life)
{
    int64_t until = stage_now_ms() + METER_MS;
    char why[256];

    for (;;) {
        struct bill bill = bill_of(chaos, life);
        bool paid = bill.metered >= bill.owed && bill.acked - bill.metered <= bill.lost_max;

        if (bill.metered > bill.sent || (!paid && stage_now_ms() > until)) {
            snprintf(why, sizeof(why),
                     "%lld metered, %lld to %lld sent, %lld of these in no gap, the gaps say at "
                     "most %lld lost",
                     (long long)bill.metered, (long long)bill.acked, (long long)bill.sent,
                     (long long)bill.owed, (long long)bill.lost_max);
            die(chaos, life->name, why);
        }
        if (paid)
            return;
        stage_pause_ms(200);
    }
}

/* --- in peace: is no work left? ------------------------------------------------------------ */

static const struct {
    const char *what, *sql; /* which rows there must not be */
} leftovers[] = {
    {"open operations", "SELECT type || ' ' || operation_id || ' ' || state FROM operation"
                        " WHERE state NOT IN ('succeeded', 'failed', 'canceled')"},
    {"rows in the outbox", "SELECT account_id || ' ' || attempts || ' ' || last_error FROM outbox"},
    {"live credentials of deleted accounts",
     "SELECT c.credential_id FROM credential c JOIN account a USING (account_id)"
     " WHERE a.state = 'deleted' AND c.state = 'active'"},
    {"seeds of deleted accounts", "SELECT a.account_id FROM data_key k JOIN account a ON "
                                  "a.account_id = k.owner_id WHERE a.state = 'deleted'"},
};

/* How many there are; the first one's text. */
static int count_left(struct chaos *chaos, PGconn *connection, const char *sql, char first[256])
{
    PGresult *result = PQexec(connection, sql);
    int count;

    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        die(chaos, sql, PQerrorMessage(connection));
    count = PQntuples(result);
    snprintf(first, 256, "%d left, the first: %.200s", count,
             count > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return count;
}

static void check_nothing_left(struct chaos *chaos)
{
    PGconn *connection = PQconnectdb(chaos->stage.conninfo);
    int64_t until = stage_now_ms() + CONVERGE_MS;
    char why[256];

    if (PQstatus(connection) != CONNECTION_OK)
        die(chaos, "PostgreSQL", PQerrorMessage(connection));
    for (size_t i = 0; i < sizeof(leftovers) / sizeof(leftovers[0]); i++) {
        while (count_left(chaos, connection, leftovers[i].sql, why) > 0) {
            if (stage_now_ms() > until)
                die(chaos, leftovers[i].what, why);
            stage_pause_ms(100);
        }
    }
    PQfinish(connection);
}

/* --- in peace: the lists ------------------------------------------------------------------- */

/* The API's list has each of them once and nothing else. */
static void check_list(struct chaos *chaos, size_t count)
{
    char path[STAGE_PATH_MAX] = "/v1/accounts?limit=500", why[128];
    size_t seen = 0, wanted = 0;
    bool more = true;

    for (size_t i = 0; i < count; i++)
        wanted += !chaos->lives[i].deleted;

    while (more) {
        json_t *page = look(chaos, path);
        const char *cursor = api_text(page, "next_cursor");

        seen += json_array_size(json_object_get(page, "items"));
        more = json_is_true(json_object_get(page, "has_more"));
        if (more)
            api_path(path, "/v1/accounts?limit=500&cursor=%s", cursor);
        json_decref(page);
    }
    snprintf(why, sizeof(why), "%zu, and %zu should be there", seen, wanted);
    if (seen != wanted && seen != wanted + 1) /* the system account may be among them */
        die(chaos, "accounts in the list", why);
}

static void compare(struct chaos *chaos)
{
    size_t count = atomic_load(&chaos->life_count);

    for (size_t i = 0; i < chaos->controls; i++)
        keep_up(chaos, i);

    check_settled(chaos, count);
    for (size_t i = 0; i < count; i++)
        check_login(chaos, &chaos->lives[i]);
    for (size_t i = 0; i < count; i++)
        check_usage(chaos, &chaos->lives[i]);
    check_list(chaos, count);
    check_nothing_left(chaos);
    printf("chaos: %u kills (control plane %u, PostgreSQL %u, node %u): %zu accounts as promised, "
           "%lu requests asked again\n",
           chaos->kills[0] + chaos->kills[1] + chaos->kills[2], chaos->kills[0], chaos->kills[1],
           chaos->kills[2], count, atomic_load(&chaos->asked_again));
    fflush(stdout);
}

/* --- the kills ---------------------------------------------------------------------------- */

static void kill_one(struct chaos *chaos)
{
    unsigned what = below(&chaos->random, 3);
    size_t control = below(&chaos->random, (unsigned)chaos->controls);
    int down_ms = (int)below(&chaos->random, 600);

    stage_pause_ms(20 + (int)below(&chaos->random, 1500));
    chaos->kills[what]++;
    switch (what) {
    case 0:
        stage_end(&chaos->stage.controls[control], SIGKILL);
        stage_pause_ms(down_ms);
        stage_control_start(&chaos->stage, control);
        break;
    case 1:
        pg_kill(chaos);
        stage_pause_ms(down_ms);
        pg_start(chaos);
        break;
    default:
        stage_end(&chaos->stage.nodes[0], SIGKILL);
        stage_pause_ms(down_ms);
        stage_node_start(&chaos->stage, 0);
    }
    for (size_t i = 0; i < chaos->controls; i++)
        keep_up(chaos, i);
    if (stage_ended(&chaos->stage.nodes[0]))
        die(chaos, "berth-broker", "ended by itself");
}

static void begin_tenants(struct chaos *chaos)
{
    chaos->life_room = atomic_load(&chaos->life_count) + LIVES_A_ROUND;
    chaos->lives = mem_realloc(chaos->lives, chaos->life_room * sizeof(*chaos->lives));
    atomic_store(&chaos->stop, false);
    for (unsigned i = 0; i < TENANTS; i++) {
        struct tenant *tenant = &chaos->tenants[i];

        tenant->index = i;
        tenant->random = chaos->seed + i + 1;
        tenant->chaos = chaos;
        if (tenant->api[0].curl == NULL) {
            for (size_t j = 0; j < chaos->controls; j++)
                api_init(&tenant->api[j], chaos->stage.controls[j].port, chaos->team.token);
        }
        if (pthread_create(&tenant->thread, NULL, run_tenant, tenant) != 0)
            die(chaos, "tenants", "no thread");
    }
}

static void end_tenants(struct chaos *chaos)
{
    atomic_store(&chaos->stop, true);
    for (unsigned i = 0; i < TENANTS; i++)
        pthread_join(chaos->tenants[i].thread, NULL);
}

static unsigned number(const char *name, unsigned fallback)
{
    const char *text = getenv(name);

    return text != NULL && *text != 0 ? (unsigned)strtoul(text, NULL, 10) : fallback;
}

static void set_up(struct chaos *chaos, const char *bin, const char *pg_data)
{
    char conninfo[2 * STAGE_PATH_MAX];

    snprintf(chaos->pg_data, sizeof(chaos->pg_data), "%s", pg_data);
    snprintf(conninfo, sizeof(conninfo), "host=%s user=berth dbname=postgres", pg_data);
    stage_init(&chaos->stage, bin, conninfo);
    pg_start(chaos);
    stage_control_start(&chaos->stage, 0);
    stage_begin(&chaos->stage, &chaos->admin);
    stage_node_config(&chaos->stage, &chaos->admin, 0);
    stage_node_start(&chaos->stage, 0);
    for (size_t i = 1; i < chaos->controls; i++)
        stage_control_start(&chaos->stage, i);
    stage_team(&chaos->stage, &chaos->admin, "chaos", &chaos->team, chaos->team_id);
}

static void tear_down(struct chaos *chaos)
{
    for (unsigned i = 0; i < TENANTS; i++) {
        for (size_t j = 0; j < chaos->controls; j++)
            api_fini(&chaos->tenants[i].api[j]);
    }
    api_fini(&chaos->admin);
    api_fini(&chaos->team);
    stage_fini(&chaos->stage);
    pg_kill(chaos);
    nats_Close();
    mem_free(chaos->lives);
}

int main(int argc, char **argv)
{
    unsigned kills = number("CHAOS_KILLS", 200), done = 0;
    struct chaos chaos = {.controls = number("CHAOS_CONTROLS", 1) > 1 ? 2 : 1,
                          .seed = number("CHAOS_SEED", 1)};

    if (argc != 3) {
        fprintf(stderr, "usage: chaos BIN PGDATA (run.sh starts it)\n");
        return 2;
    }
    chaos.random = chaos.seed;
    printf("chaos: seed=%u kills=%u control planes=%zu\n", chaos.seed, kills, chaos.controls);
    fflush(stdout);
    set_up(&chaos, argv[1], argv[2]);
    while (done < kills) {
        begin_tenants(&chaos);
        for (unsigned i = 0; i < KILLS_A_ROUND && done < kills; i++, done++)
            kill_one(&chaos);
        end_tenants(&chaos);
        compare(&chaos);
    }
    tear_down(&chaos);
    return 0;
}
