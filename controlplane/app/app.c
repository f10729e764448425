/*
 * How it flows: every step of the start either succeeds or says in a sentence what is missing,
 * and what was built before it is ended.  At the end REST stops first, so that no request is cut;
 * the jobs next, so that none of them wakes a part that is gone; then memory goes.
 */
#include "controlplane/app/app.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "api/base/check.h"
#include "api/base/exposition.h"
#include "api/base/files.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "controlplane/app/bootstrap.h"
#include "controlplane/app/service_manager.h"
#include "controlplane/db/migrate.h"
#include "controlplane/db/pool.h"
#include "controlplane/domain/secret.h"
#include "controlplane/job/jobs.h"
#include "controlplane/rest/http.h"

struct app {
    const struct app_options *options;
    struct tools tools;
    _Atomic uint64_t last_id; /* for tools */
    struct vault *vault;
    struct pool *pool;
    struct jobs *jobs;
    struct rest *_Atomic rest; /* NULL until it serves */
};

static void waited_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

void app_prepare(void)
{
    struct rlimit none = {0, 0};
    sigset_t set;

    waited_signals(&set);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    signal(SIGPIPE, SIG_IGN);
    /* A core file would hold seeds (SEC-04). */
    CHECK(setrlimit(RLIMIT_CORE, &none) == 0);
    CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
}

/* --- what the parts tell one another ------------------------------------------------------ */

static void on_committed(void *arg, unsigned wake)
{
    struct app *app = arg;

    jobs_wake(app->jobs, wake);
}

static void on_sync_changed(const char *account_id, void *arg)
{
    struct app *app = arg;
    struct rest *rest = atomic_load(&app->rest);

    if (rest != NULL)
        rest_sync_changed(rest);
}

static json_t *on_check_system(void *arg, const char *system_id, const char *account_key,
                               size_t links)
{
    struct app *app = arg;

    return jobs_check_system(app->jobs, system_id, account_key, links);
}

static void on_count_clients(void *arg, const struct signing_key_asked *asked, struct arena *arena,
                             struct signing_key_clients *out)
{
    struct app *app = arg;

    jobs_count_clients(app->jobs, asked, arena, out);
}

static void write_signer(struct buf *out, const struct vault *vault)
{
    static const char *const results[VAULT_OUTCOMES] = {
        [VAULT_SIGNED] = "ok", [VAULT_REFUSED] = "refused", [VAULT_UNOPENED] = "failed"};

    exposition_head(out, "cp_signer_requests_total", "counter",
                    "Tokens to be signed; refused: not valid or too large, failed: no seed.");
    for (int i = 0; i < VAULT_OUTCOMES; i++)
        buf_printf(out, "cp_signer_requests_total{result=\"%s\"} %llu\n", results[i],
                   (unsigned long long)vault_counted(vault, (enum vault_outcome)i));
}

static void write_drift(struct buf *out, const struct jobs_figures *figures)
{
    const struct {
        const char *kind;
        uint64_t count;
    } kinds[] = {
        {"missing", figures->drift_missing},
        {"differs", figures->drift_differing},
        {"unmanaged", figures->drift_unmanaged},
        {"foreign_writer", figures->drift_foreign},
    };

    exposition_head(out, "cp_drift_total", "counter",
                    "Differences between what nodes hold and what they should.");
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        buf_printf(out, "cp_drift_total{kind=\"%s\"} %llu\n", kinds[i].kind,
                   (unsigned long long)kinds[i].count);
}

static void on_metrics(void *arg, struct buf *out)
{
    struct app *app = arg;
    struct jobs_figures figures;

    jobs_figures(app->jobs, &figures);
    exposition_head(out, "cp_push_total", "counter", "Claims pushed to nodes.");
    buf_printf(out, "cp_push_total{result=\"ok\"} %llu\ncp_push_total{result=\"failed\"} %llu\n",
               (unsigned long long)figures.push.ok, (unsigned long long)figures.push.failed);
    histogram_write(&figures.push.duration, "cp_push_duration_seconds",
                    "Time from a change of claims until every node has it.", out);
    histogram_write(&figures.push.revoked, "cp_revocation_effective_seconds",
                    "Time from a revocation until every node has it.", out);
    write_signer(out, app->vault);
    exposition_single(out, "cp_usage_samples_total", "counter",
                      "Samples of usage received from nodes.", (int64_t)figures.usage_samples);
    exposition_single(out, "cp_usage_rows_total", "counter", "Rows of the usage ledger made.",
                      (int64_t)figures.usage_rows);
    write_drift(out, &figures);
    exposition_single(out, "cp_reconcile_last_success_seconds", "gauge",
                      "Unix time of this process's last pass.",
                      figures.last_reconcile_at / NS_PER_S);
}

/* --- start -------------------------------------------------------------------------------- */

static enum result open_vault(struct app *app, struct buf *message)
{
    char why[VAULT_MESSAGE_MAX];
    enum result rc = vault_open(app->options->master_key_file, random_system(), &app->vault, why);

    if (rc != OK) {
        buf_printf(message, "%s\n", why);
        return rc;
    }
    app->tools = (struct tools){app->vault, clock_system(), random_system(), &app->last_id};
    return OK;
}

/* denied: what the user may not do, and what to do about it, around the database's own words. */
static void report_database(struct buf *message, enum result rc, const char *why,
                            const char *denied, const char *advice)
{
    if (rc == ERR_UNAVAILABLE)
        buf_printf(message, "the database cannot be reached: %s\n", why);
    else if (rc == ERR_DENIED)
        buf_printf(message, "the database user may not %s: %s; %s\n", denied, why, advice);
    else if (rc != OK)
        buf_printf(message, "the database cannot be used: %s\n", why);
}

static enum result migrate(const struct app_options *options, struct buf *message)
{
    const char *owner =
        options->database_owner != NULL ? options->database_owner : options->database;
    char why[DB_MESSAGE_MAX];
    enum result rc = migrate_run(owner, why);

    report_database(message, rc, why, "make the schema", "name its owner with --database-owner");
    return rc;
}

/* A first connection of the kind that serves: all statements prepared, the roles taken. */
static enum result open_pool(struct app *app, struct buf *message)
{
    const struct app_options *options = app->options;
    char why[DB_MESSAGE_MAX];
    struct db *db;
    enum result rc = db_open(options->database, DB_PREPARED, &db, why);

    report_database(message, rc, why, "serve",
                    "as the schema's owner say GRANT berth_service, berth_tenant TO that user");
    if (rc != OK)
        return rc;
    db_close(db);
    app->pool = pool_new(options->database, (size_t)options->database_connections);
    return OK;
}

/* In a transaction of its own: the key file is the one this database was sealed with. */
static enum result prove_master(struct app *app, struct buf *message)
{
    struct arena arena = {0};
    struct refusal refusal = {.arena = &arena};
    struct work work = {.arena = &arena, .tools = &app->tools, .refusal = &refusal};
    enum result rc = pool_take(app->pool, 1000, &work.db);

    if (rc == OK) {
        rc = work_begin(&work);
        if (rc == OK)
            rc = work_end(&work, secret_check_master(&work));
        pool_give(app->pool, work.db);
    }
    if (rc == ERR_CORRUPT)
        buf_printf(message,
                   "the key in %s is not the one that this database was sealed with: give the "
                   "key file that was used before\n",
                   app->options->master_key_file);
    else if (rc != OK)
        buf_printf(message, "the database cannot be used: %s\n", result_text(rc));
    arena_fini(&arena);
    return rc;
}

static void start_jobs(struct app *app)
{
    const struct jobs_options options = {
        .pool = app->pool,
        .tools = &app->tools,
        .sync_changed = on_sync_changed,
        .arg = app,
    };

    app->jobs = jobs_start(&options);
}

/* Of the files that the process may open a quarter is for the database, nodes and itself. */
static int64_t connections_room(int64_t wanted)
{
    int64_t files = files_raise_limit(), room = files / 4 * 3;

    if (wanted <= room)
        return wanted;
    log_warn(LOG_MAIN,
             "this process may open %" PRId64 " files: at most %" PRId64
             " HTTP connections at once; raise the limit (ulimit -n, LimitNOFILE=) or lower "
             "http_connections",
             files, room);
    return room;
}

static enum result start_rest(struct app *app, struct buf *message)
{
    const struct app_options *given = app->options;
    const struct rest_options options = {
        .listen = given->listen,
        .http_threads = given->http_threads,
        .queue_max = given->http_queue,
        .connections_max = connections_room(given->http_connections),
        .read_per_minute = given->read_per_minute,
        .write_per_minute = given->write_per_minute,
        .expensive_per_minute = given->expensive_per_minute,
        .metrics_accounts = given->metrics_accounts,
        .public_url = given->public_url,
    };
    const struct rest_hooks hooks = {
        .arg = app,
        .committed = on_committed,
        .check_system = on_check_system,
        .count_clients = on_count_clients,
        .metrics = on_metrics,
    };
    char why[REST_MESSAGE_MAX];
    struct rest *rest;
    enum result rc = rest_start(&options, app->pool, &app->tools, &hooks, &rest, why);

    if (rc != OK) {
        buf_printf(message, "%s\n", why);
        return rc;
    }
    atomic_store(&app->rest, rest);
    return OK;
}

static enum result serve(struct app *app, struct buf *message)
{
    char why[REST_MESSAGE_MAX];
    enum result rc = rest_serve(atomic_load(&app->rest), why);

    if (rc != OK)
        buf_printf(message, "%s\n", why);
    return rc;
}

enum result app_start(const struct app_options *options, struct app **out, struct buf *message)
{
    struct app *app = mem_alloc(sizeof(*app));
    enum result rc;

    app->options = options;
    rc = open_vault(app, message);
    if (rc == OK)
        rc = migrate(options, message);
    if (rc == OK)
        rc = open_pool(app, message);
    if (rc == OK)
        rc = prove_master(app, message);
    if (rc == OK) {
        start_jobs(app);
        rc = start_rest(app, message);
    }
    /* A start that fails for its address must not end the token of one that serves there; and
     * who is answered finds the token. */
    if (rc == OK)
        rc = bootstrap_offer(app->pool, &app->tools, options->bootstrap_file, message);
    if (rc == OK)
        rc = serve(app, message);
    if (rc != OK) {
        app_stop(app);
        return rc;
    }
    log_info(LOG_MAIN, "serving version=%s listen=%s port=%d", BERTH_VERSION, options->listen,
             (int)app_port(app));
    *out = app;
    return OK;
}

enum result app_check(const struct app_options *options, struct buf *message)
{
    struct app app = {.options = options};
    enum result rc = open_vault(&app, message);
    char why[DB_MESSAGE_MAX];
    struct db *db;

    vault_close(app.vault);
    if (rc != OK)
        return rc;
    rc = db_open(options->database, DB_PLAIN, &db, why);
    if (rc != OK)
        buf_printf(message, "the database cannot be reached: %s\n", why);
    else
        db_close(db);
    return rc;
}

/* --- run and stop ------------------------------------------------------------------------- */

void app_run(struct app *app)
{
    sigset_t set;
    int number = SIGHUP;

    waited_signals(&set);
    service_manager_tell("READY=1");
    while (number == SIGHUP) {
        if (sigwait(&set, &number) != 0)
            number = SIGHUP;
        else if (number == SIGHUP)
            log_reopen();
    }
    service_manager_tell("STOPPING=1");
    log_info(LOG_MAIN, "stopping signal=%s", number == SIGTERM ? "SIGTERM" : "SIGINT");
}

void app_stop(struct app *app)
{
    struct rest *rest = atomic_load(&app->rest);

    rest_end(rest);
    jobs_stop(app->jobs);
    rest_stop(rest);
    pool_free(app->pool);
    vault_close(app->vault);
    mem_free(app);
}

uint16_t app_port(const struct app *app)
{
    return rest_port(atomic_load(&app->rest));
}
