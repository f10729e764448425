#include "controlplane/app/app.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "controlplane/db/migrate.h"
#include "controlplane/db/pool.h"
#include "controlplane/domain/secret.h"
#include "controlplane/domain/token.h"
#include "controlplane/job/jobs.h"
#include "controlplane/rest/http.h"
#include "controlplane/vault/vault.h"

enum { DB_WAIT_MS = 10000, QUEUE_MAX = 1000 };

struct app {
    struct vault *vault;
    struct tools tools;
    struct pool *pool;
    struct jobs *jobs;
    pthread_mutex_t mutex; /* of rest: nothing else is locked under it but the API's own wake-up */
    struct rest *rest;     /* NULL until it has started, and when it ends */
};

/*
 * What the parts tell one another, upward.
 */

static void on_committed(void *arg, unsigned wake)
{
    jobs_wake(((struct app *)arg)->jobs, wake);
}

static void on_sync_changed(const char *account_id, void *arg)
{
    struct app *app = arg;

    CHECK(pthread_mutex_lock(&app->mutex) == 0);
    if (app->rest != NULL)
        rest_sync_changed(app->rest);
    CHECK(pthread_mutex_unlock(&app->mutex) == 0);
}

/* Returns the one before. */
static struct rest *set_rest(struct app *app, struct rest *rest)
{
    struct rest *before;

    CHECK(pthread_mutex_lock(&app->mutex) == 0);
    before = app->rest;
    app->rest = rest;
    CHECK(pthread_mutex_unlock(&app->mutex) == 0);
    return before;
}

static void write_metrics(void *arg, struct buf *out)
{
    struct jobs_figures figures;

    jobs_figures(((struct app *)arg)->jobs, &figures);
    buf_printf(out,
               "# TYPE cp_push_total counter\n"
               "cp_push_total{result=\"ok\"} %llu\ncp_push_total{result=\"failed\"} %llu\n"
               "# TYPE cp_usage_samples_total counter\ncp_usage_samples_total %llu\n"
               "# TYPE cp_usage_ledger_rows_total counter\ncp_usage_ledger_rows_total %llu\n"
               "# TYPE cp_reconcile_last_success_seconds gauge\n"
               "cp_reconcile_last_success_seconds %lld\n",
               (unsigned long long)figures.pushes_ok, (unsigned long long)figures.pushes_failed,
               (unsigned long long)figures.usage_samples, (unsigned long long)figures.usage_rows,
               (long long)(figures.last_reconcile_at / NS_PER_S));
}

/*
 * The beginning of a database's life.
 */

static enum result write_token_file(const char *file, const char *token,
                                    char message[APP_MESSAGE_MAX])
{
    char temporary[512];
    int fd;
    bool written;

    snprintf(temporary, sizeof(temporary), "%s.new", file);
    (void)unlink(temporary);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    written = fd >= 0 && dprintf(fd, "%s\n", token) > 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (written && rename(temporary, file) == 0)
        return OK;
    snprintf(message, APP_MESSAGE_MAX, "the bootstrap token cannot be written to %s: %s", file,
             strerror(errno));
    return ERR_IO;
}

static enum result announce(const struct options *options, const char *token,
                            char message[APP_MESSAGE_MAX])
{
    if (options->bootstrap_token_file != NULL)
        return write_token_file(options->bootstrap_token_file, token, message);
    printf("There is no administrator yet.  This one-time token makes the first one:\n\n"
           "    %s\n\n    berth login --bootstrap TOKEN\n\n",
           token);
    fflush(stdout);
    return OK;
}

/* In one transaction: the master key is the database's own, and somebody can get in. */
static enum result first_work(struct app *app, const struct options *options,
                              char message[APP_MESSAGE_MAX])
{
    struct arena arena = {0};
    struct refusal refusal = {.arena = &arena};
    struct work work = {.arena = &arena, .tools = &app->tools, .refusal = &refusal};
    const char *token = NULL;
    enum result rc = pool_take(app->pool, DB_WAIT_MS, &work.db);

    if (rc != OK) {
        snprintf(message, APP_MESSAGE_MAX, "the database does not answer");
        return rc;
    }
    rc = work_begin(&work);
    if (rc == OK) {
        rc = db_exec(work.db, SQL_db_keep_partitions, DB_NO_ARGS);
        if (rc == OK)
            rc = secret_check_master(&work);
        if (rc == ERR_CORRUPT)
            snprintf(message, APP_MESSAGE_MAX,
                     "the master key in %s is not the one this database was begun with",
                     options->master_key_file);
        if (rc == OK)
            rc = token_bootstrap(&work, &token);
        if (rc == OK && token != NULL)
            rc = announce(options, token, message);
        if (rc != OK && message[0] == '\0')
            snprintf(message, APP_MESSAGE_MAX, "the database refused: %s", db_error(work.db));
        rc = work_end(&work, rc);
    }
    pool_give(app->pool, work.db);
    if (token != NULL)
        sodium_memzero((char *)(uintptr_t)token, strlen(token));
    arena_fini(&arena);
    return rc;
}

static enum result start_rest(struct app *app, const struct options *options,
                              char message[APP_MESSAGE_MAX])
{
    const struct rest_options rest_options = {
        .listen = options->listen,
        .http_threads = options->http_threads,
        .queue_max = QUEUE_MAX,
        .connections_max = options->connections_max,
        .read_per_minute = options->read_per_minute,
        .write_per_minute = options->write_per_minute,
        .expensive_per_minute = options->expensive_per_minute,
        .public_url = options->public_url,
    };
    const struct rest_hooks hooks = {
        .arg = app, .committed = on_committed, .metrics = write_metrics};
    struct rest *rest;
    enum result rc = rest_start(&rest_options, app->pool, &app->tools, &hooks, &rest, message);

    if (rc == OK)
        (void)set_rest(app, rest);
    return rc;
}

enum result app_start(const struct options *options, struct app **out,
                      char message[APP_MESSAGE_MAX])
{
    const char *owner =
        options->database_owner != NULL ? options->database_owner : options->database;
    struct app *app = mem_alloc(sizeof(*app));
    char text[DB_MESSAGE_MAX] = "";
    enum result rc;

    CHECK(sodium_init() >= 0);
    CHECK(pthread_mutex_init(&app->mutex, NULL) == 0);
    message[0] = '\0';
    app->tools = (struct tools){.clock = clock_system(), .random = random_system()};
    rc = vault_open(options->master_key_file, app->tools.random, &app->vault, text);
    app->tools.vault = app->vault;
    if (rc == OK)
        rc = migrate_run(owner, text);
    if (rc != OK) {
        snprintf(message, APP_MESSAGE_MAX, "%s", text);
        goto fail;
    }
    app->pool = pool_new(options->database, (size_t)options->database_connections);
    rc = first_work(app, options, message);
    if (rc != OK)
        goto fail;
    app->jobs = jobs_start(&(struct jobs_options){
        .pool = app->pool, .tools = &app->tools, .sync_changed = on_sync_changed, .arg = app});
    rc = start_rest(app, options, message);
    if (rc != OK)
        goto fail;
    *out = app;
    return OK;

fail:
    if (message[0] == '\0')
        snprintf(message, APP_MESSAGE_MAX, "%s", result_text(rc));
    app_stop(app);
    return rc;
}

void app_stop(struct app *app)
{
    struct rest *rest;

    if (app == NULL)
        return;
    /* Jobs tell the API of changes, the API wakes jobs: the API ends first, unseen by jobs. */
    rest = set_rest(app, NULL);
    if (rest != NULL)
        rest_stop(rest);
    if (app->jobs != NULL)
        jobs_stop(app->jobs);
    pool_free(app->pool);
    vault_close(app->vault);
    pthread_mutex_destroy(&app->mutex);
    mem_free(app);
}

uint16_t app_port(const struct app *app)
{
    return rest_port(app->rest);
}
