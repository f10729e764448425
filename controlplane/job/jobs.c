/*
 * How it flows: each row of `table` is a thread that makes passes.  A pass returns how long to
 * sleep; jobs_wake shortens it.  The listener is a thread of its own, because it waits in the
 * database's connection.
 */
#include "controlplane/job/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/base/base32.h"
#include "api/base/check.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "controlplane/domain/lease.h"
#include "controlplane/domain/operation.h"
#include "controlplane/domain/outbox.h"
#include "controlplane/job/check_system.h"
#include "controlplane/job/count_clients.h"
#include "controlplane/job/delete_accounts.h"
#include "controlplane/job/meter.h"
#include "controlplane/job/push_claims.h"
#include "controlplane/job/reconcile.h"
#include "controlplane/job/watch_nodes.h"

enum {
    POLL_MS = 2000, /* a pass at least this often where others may have made work */
    WATCH_MS = 1000,
    AFTER_FAILURE_MS = 1000,
    PARTITIONS_EVERY_MS = 3600 * 1000,
    CREDENTIAL_TTL_S = 24 * 3600,
    SYSTEM_KEYS_MAX = LINKS_MAX,
    HOLDER_BYTES = 10,
};

struct jobs;

/* One pass; *sleep_ms: until the next. */
typedef enum result (*pass_fn)(struct jobs *jobs, int64_t *sleep_ms);

struct job_thread {
    struct jobs *jobs;
    const struct job_row *row;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool woken;
};

struct job_row {
    const char *name;
    unsigned wakes; /* WAKE_... that end its sleep */
    pass_fn pass;
};

/* Our own user key in the system account of each system: made at start, kept nowhere. */
struct system_key {
    char system_id[64];
    struct nkey key;
};

enum { JOB_WATCH, JOB_PUSH, JOB_DELETE, JOB_METER, JOB_RECONCILE, JOB_PARTITIONS, JOB_COUNT };

struct jobs {
    struct jobs_options options;
    struct job_context context;
    struct watch_nodes *watch;
    struct job_thread threads[JOB_COUNT];
    pthread_t listener;
    int listener_stop[2]; /* a pipe */
    _Atomic bool stopping, reconcile_wanted;
    int64_t compared_ns, reconciled_ns; /* the reconciler's */
    struct push_figures push;           /* each its own thread's; shown: for everybody */
    struct meter_figures meter;
    struct reconcile_figures reconcile;
    pthread_mutex_t shown_mutex;
    struct jobs_figures shown;
    pthread_mutex_t keys_mutex;
    struct system_key keys[SYSTEM_KEYS_MAX];
    size_t key_count;
};

/* --- the passes --------------------------------------------------------------------------- */

static enum result pass_watch(struct jobs *jobs, int64_t *sleep_ms)
{
    *sleep_ms = WATCH_MS;
    return watch_nodes_pass(jobs->watch);
}

static enum result next_due(struct jobs *jobs, enum result (*next)(struct work *, int64_t *),
                            int64_t *sleep_ms)
{
    struct job_call call;
    int64_t due_ms = -1;
    enum result rc = job_open(&jobs->context, &call);

    if (rc != OK)
        return rc;
    rc = job_begin(&call);
    if (rc == OK)
        rc = job_end(&call, next(&call.work, &due_ms));
    job_close(&call);
    if (due_ms >= 0 && due_ms < *sleep_ms)
        *sleep_ms = due_ms;
    return rc;
}

static enum result pass_push(struct jobs *jobs, int64_t *sleep_ms)
{
    bool more = false;
    enum result rc = push_claims_pass(&jobs->context, &jobs->push, &more);

    pthread_mutex_lock(&jobs->shown_mutex);
    jobs->shown.push = jobs->push;
    pthread_mutex_unlock(&jobs->shown_mutex);
    *sleep_ms = more ? 0 : POLL_MS;
    return rc == OK && !more ? next_due(jobs, outbox_next_ms, sleep_ms) : rc;
}

static enum result pass_delete(struct jobs *jobs, int64_t *sleep_ms)
{
    bool more = false;
    enum result rc = delete_accounts_pass(&jobs->context, &more);

    *sleep_ms = more ? 0 : POLL_MS;
    return rc == OK && !more ? next_due(jobs, operation_next_ms, sleep_ms) : rc;
}

static enum result pass_meter(struct jobs *jobs, int64_t *sleep_ms)
{
    enum result rc = meter_pass(&jobs->context, &jobs->meter, sleep_ms);

    pthread_mutex_lock(&jobs->shown_mutex);
    jobs->shown.usage_samples = jobs->meter.samples;
    jobs->shown.usage_rows = jobs->meter.rows;
    pthread_mutex_unlock(&jobs->shown_mutex);
    return rc;
}

static void show_reconcile(struct jobs *jobs)
{
    const struct reconcile_figures *figures = &jobs->reconcile;

    pthread_mutex_lock(&jobs->shown_mutex);
    jobs->shown.drift_missing = figures->missing;
    jobs->shown.drift_differing = figures->differing;
    jobs->shown.drift_unmanaged = figures->unmanaged.appeared;
    jobs->shown.drift_foreign = figures->foreign;
    jobs->shown.last_reconcile_at = figures->last_success_at;
    pthread_mutex_unlock(&jobs->shown_mutex);
}

static enum result pass_reconcile(struct jobs *jobs, int64_t *sleep_ms)
{
    int64_t now = clock_mono_ns(jobs->options.tools->clock);
    bool wanted = atomic_exchange(&jobs->reconcile_wanted, false);
    bool compare =
        wanted || jobs->compared_ns == 0 || now - jobs->compared_ns >= COMPARE_EVERY_MS * NS_PER_MS;
    bool complete = false;
    enum result rc = OK;

    *sleep_ms = POLL_MS;
    if (!compare && now - jobs->reconciled_ns < RECONCILE_EVERY_MS * NS_PER_MS)
        return OK;
    rc = reconcile_pass(&jobs->context, compare, &jobs->reconcile, &complete);
    show_reconcile(jobs);
    if (rc != OK || !complete) {
        if (compare)
            atomic_store(&jobs->reconcile_wanted, true);
        return rc;
    }
    jobs->reconciled_ns = now;
    if (compare)
        jobs->compared_ns = now;
    return OK;
}

/* Partitions for the days to come; those that are too old go. */
static enum result pass_partitions(struct jobs *jobs, int64_t *sleep_ms)
{
    struct job_call call;
    enum result rc = job_open(&jobs->context, &call);

    *sleep_ms = PARTITIONS_EVERY_MS;
    if (rc != OK)
        return rc;
    rc = job_begin(&call);
    if (rc == OK)
        rc = job_end(&call, db_exec(call.db, SQL_db_keep_partitions, DB_NO_ARGS));
    job_close(&call);
    return rc;
}

static const struct job_row table[JOB_COUNT] = {
    [JOB_WATCH] = {"watch", WAKE_TRUST, pass_watch},
    [JOB_PUSH] = {"push", WAKE_OUTBOX, pass_push},
    [JOB_DELETE] = {"delete", WAKE_OPERATION | WAKE_OUTBOX, pass_delete},
    [JOB_METER] = {"meter", WAKE_METER, pass_meter},
    [JOB_RECONCILE] = {"reconcile", WAKE_RECONCILE, pass_reconcile},
    [JOB_PARTITIONS] = {"partitions", 0, pass_partitions},
};

/* --- threads ------------------------------------------------------------------------------ */

/* Until woken, or sleep_ms are over. */
static void sleep_a_while(struct job_thread *thread, int64_t sleep_ms)
{
    struct timespec until;
    int error = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += sleep_ms / 1000;
    until.tv_nsec += (sleep_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&thread->mutex);
    while (!thread->woken && error != ETIMEDOUT && !atomic_load(&thread->jobs->stopping))
        error = pthread_cond_timedwait(&thread->cond, &thread->mutex, &until);
    thread->woken = false;
    pthread_mutex_unlock(&thread->mutex);
}

static void *run(void *arg)
{
    struct job_thread *thread = arg;
    bool failing = false;

    log_context("job", thread->row->name);
    while (!atomic_load(&thread->jobs->stopping)) {
        int64_t sleep_ms = POLL_MS;
        enum result rc = thread->row->pass(thread->jobs, &sleep_ms);

        if (rc != OK) {
            if (!failing)
                log_error(LOG_JOB, "a pass failed; it is made again error=%s", result_name(rc));
            sleep_ms = AFTER_FAILURE_MS;
        } else if (failing) {
            log_info(LOG_JOB, "passes succeed again");
        }
        failing = rc != OK;
        if (sleep_ms > 0)
            sleep_a_while(thread, sleep_ms);
    }
    return NULL;
}

static void wake_thread(struct job_thread *thread)
{
    pthread_mutex_lock(&thread->mutex);
    thread->woken = true;
    pthread_cond_signal(&thread->cond);
    pthread_mutex_unlock(&thread->mutex);
}

void jobs_wake(struct jobs *jobs, unsigned wake)
{
    if (wake & WAKE_RECONCILE)
        atomic_store(&jobs->reconcile_wanted, true);
    if (wake & WAKE_TRUST)
        watch_nodes_forget(jobs->watch);
    for (size_t i = 0; i < JOB_COUNT; i++) {
        if (table[i].wakes & wake)
            wake_thread(&jobs->threads[i]);
    }
}

static void on_wake(unsigned wake, void *arg)
{
    jobs_wake(arg, wake);
}

static void on_sync_changed(const char *account_id, void *arg)
{
    struct jobs *jobs = arg;

    jobs->options.sync_changed(account_id, jobs->options.arg);
    wake_thread(&jobs->threads[JOB_DELETE]); /* a deletion may be waiting for it */
}

/* Another replica committed, or recorded answers. */
static void listen_until_lost(struct jobs *jobs, struct db *db)
{
    enum result rc = outbox_listen(db);

    while (rc == OK && !atomic_load(&jobs->stopping)) {
        rc = db_wait(db, 30000, jobs->listener_stop[0]);
        if (rc == OK) {
            jobs_wake(jobs, WAKE_OUTBOX | WAKE_OPERATION);
            jobs->options.sync_changed(NULL, jobs->options.arg);
        }
        if (rc == ERR_TIMEOUT || rc == ERR_AGAIN)
            rc = OK;
    }
}

static void *listener(void *arg)
{
    struct jobs *jobs = arg;

    log_context("job", "listen");
    while (!atomic_load(&jobs->stopping)) {
        char message[DB_MESSAGE_MAX];
        struct timespec pause = {.tv_sec = 1};
        struct db *db;

        if (db_open(pool_conninfo(jobs->options.pool), DB_PREPARED, &db, message) == OK) {
            listen_until_lost(jobs, db);
            db_close(db);
        }
        if (!atomic_load(&jobs->stopping))
            nanosleep(&pause, NULL);
    }
    return NULL;
}

/* --- links -------------------------------------------------------------------------------- */

static struct nkey key_of(struct jobs *jobs, const char *system_id)
{
    struct nkey key = {0};
    size_t i;

    pthread_mutex_lock(&jobs->keys_mutex);
    for (i = 0; i < jobs->key_count; i++) {
        if (strcmp(jobs->keys[i].system_id, system_id) == 0)
            break;
    }
    if (i == jobs->key_count && i < SYSTEM_KEYS_MAX) {
        snprintf(jobs->keys[i].system_id, sizeof(jobs->keys[i].system_id), "%s", system_id);
        nkey_create(&jobs->keys[i].key, NKEY_USER, jobs->options.tools->random);
        jobs->key_count++;
    }
    if (i < jobs->key_count)
        key = jobs->keys[i].key;
    pthread_mutex_unlock(&jobs->keys_mutex);
    return key;
}

static enum result credentials(const char *system_id, struct system_link_user *out, void *arg)
{
    struct jobs *jobs = arg;
    struct nkey key = key_of(jobs, system_id);
    char public_key[NKEY_PUBLIC_MAX];
    struct job_call call;
    const char *jwt;
    enum result rc;

    if (!key.secret)
        return ERR_LIMIT;
    nkey_public(&key, public_key);
    rc = job_open(&jobs->context, &call);
    if (rc != OK)
        return rc;
    rc = job_begin(&call);
    if (rc == OK)
        rc = job_end(&call, nats_system_connect_jwt(&call.work, system_id, public_key,
                                                    CREDENTIAL_TTL_S, &jwt));
    if (rc == OK) {
        out->jwt = mem_strdup(jwt);
        out->key = key;
    }
    nkey_wipe(&key);
    job_close(&call);
    return rc;
}

static void on_state(const char *system_id, struct system_link *link, enum system_link_state state,
                     void *arg)
{
    struct jobs *jobs = arg;
    char trouble[200];

    if (state == LINK_UP) {
        log_info(LOG_JOB, "link is up url=%s", system_link_url(link));
        watch_nodes_look(jobs->watch);
        wake_thread(&jobs->threads[JOB_WATCH]);
        return;
    }
    system_link_trouble(link, trouble, sizeof(trouble));
    log_every(1000, LOG_WARN, LOG_JOB, "link is down url=%s why=\"%s\"", system_link_url(link),
              trouble);
}

static void on_message(const char *system_id, const char *subject, struct slice body, void *arg)
{
    struct jobs *jobs = arg;

    node_events_add(jobs->context.events, system_id, subject, body);
}

static void on_event_added(void *arg)
{
    struct jobs *jobs = arg;

    wake_thread(&jobs->threads[JOB_WATCH]);
}

/* --- start and stop ----------------------------------------------------------------------- */

static void make_holder(struct jobs *jobs)
{
    char host[32] = "";
    uint8_t bytes[HOLDER_BYTES];
    char text[BASE32_LEN(HOLDER_BYTES) + 1];

    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = 0;
    random_fill(jobs->options.tools->random, bytes, sizeof(bytes));
    base32_encode(bytes, sizeof(bytes), text);
    snprintf(jobs->context.holder, sizeof(jobs->context.holder), "%s:%d:%s", host, (int)getpid(),
             text);
}

static void start_thread(struct jobs *jobs, size_t index)
{
    struct job_thread *thread = &jobs->threads[index];

    thread->jobs = jobs;
    thread->row = &table[index];
    CHECK(pthread_create(&thread->thread, NULL, run, thread) == 0);
}

static void init_threads(struct jobs *jobs)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    for (size_t i = 0; i < JOB_COUNT; i++) {
        jobs->threads[i].jobs = jobs;
        pthread_mutex_init(&jobs->threads[i].mutex, NULL);
        pthread_cond_init(&jobs->threads[i].cond, &attributes);
    }
    pthread_condattr_destroy(&attributes);
}

struct jobs *jobs_start(const struct jobs_options *options)
{
    struct jobs *jobs = mem_alloc(sizeof(*jobs));
    struct link_set_options links = {
        .credentials = credentials,
        .on_state = on_state,
        .on_message = on_message,
        .subjects = node_event_subjects,
        .arg = jobs,
        .name = "berth-control",
    };

    jobs->options = *options;
    pthread_mutex_init(&jobs->keys_mutex, NULL);
    pthread_mutex_init(&jobs->shown_mutex, NULL);
    push_figures_init(&jobs->push);
    push_figures_init(&jobs->shown.push);
    jobs->context.pool = options->pool;
    jobs->context.tools = options->tools;
    jobs->context.sync_changed = on_sync_changed;
    jobs->context.wake = on_wake;
    jobs->context.arg = jobs;
    make_holder(jobs);
    init_threads(jobs);
    jobs->context.events = node_events_new();
    node_events_on_add(jobs->context.events, on_event_added, jobs);
    jobs->context.links = link_set_new(&links);
    jobs->watch = watch_nodes_new(&jobs->context);
    CHECK(pipe(jobs->listener_stop) == 0);
    for (size_t i = 0; i < JOB_COUNT; i++)
        start_thread(jobs, i);
    CHECK(pthread_create(&jobs->listener, NULL, listener, jobs) == 0);
    return jobs;
}

/* Nobody has to wait for the leases of a process that ended in order. */
static void release_leases(struct jobs *jobs)
{
    struct job_call call;
    enum result rc = job_open(&jobs->context, &call);

    if (rc != OK)
        return;
    rc = job_begin(&call);
    if (rc == OK)
        rc = job_end(&call, lease_release_all(&call.work, jobs->context.holder));
    if (rc != OK)
        log_warn(LOG_JOB, "leases not given back error=%s", result_name(rc));
    job_close(&call);
}

void jobs_stop(struct jobs *jobs)
{
    if (jobs == NULL)
        return;
    atomic_store(&jobs->stopping, true);
    link_set_interrupt(jobs->context.links); /* nobody waits for an answer any longer */
    if (write(jobs->listener_stop[1], "", 1) != 1)
        log_error(LOG_JOB, "the listener could not be told to stop error=%s", strerror(errno));
    for (size_t i = 0; i < JOB_COUNT; i++) {
        wake_thread(&jobs->threads[i]);
        pthread_join(jobs->threads[i].thread, NULL);
    }
    pthread_join(jobs->listener, NULL);
    release_leases(jobs);
    unmanaged_fini(&jobs->reconcile.unmanaged);
    link_set_free(jobs->context.links);
    watch_nodes_free(jobs->watch);
    node_events_free(jobs->context.events);
    for (size_t i = 0; i < jobs->key_count; i++)
        nkey_wipe(&jobs->keys[i].key);
    for (size_t i = 0; i < JOB_COUNT; i++) {
        pthread_cond_destroy(&jobs->threads[i].cond);
        pthread_mutex_destroy(&jobs->threads[i].mutex);
    }
    pthread_mutex_destroy(&jobs->keys_mutex);
    pthread_mutex_destroy(&jobs->shown_mutex);
    close(jobs->listener_stop[0]);
    close(jobs->listener_stop[1]);
    mem_free(jobs);
}

json_t *jobs_check_system(struct jobs *jobs, const char *system_id, const char *account_key,
                          size_t links)
{
    return check_system(&jobs->context, system_id, account_key, links);
}

void jobs_count_clients(struct jobs *jobs, const struct signing_key_asked *asked,
                        struct arena *arena, struct signing_key_clients *out)
{
    count_clients(&jobs->context, asked, arena, out);
}

void jobs_figures(struct jobs *jobs, struct jobs_figures *out)
{
    pthread_mutex_lock(&jobs->shown_mutex);
    *out = jobs->shown;
    pthread_mutex_unlock(&jobs->shown_mutex);
}
