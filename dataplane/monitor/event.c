#include "dataplane/monitor/event.h"

#include <stdio.h>

#include "api/base/mem.h"
#include "dataplane/monitor/account_stat.h"

#define STATSZ_FIRST (250 * NS_PER_MS)
#define STATSZ_MAX (10 * NS_PER_S)
#define STATSZ_APART NS_PER_S
#define CONNS_EVERY (30 * NS_PER_S)
#define CONNS_STEP (10 * NS_PER_MS)

enum { SUBJECT_MAX = 256, CONNS_BATCH = 32 };

struct event_timers {
    struct monitor *monitor;
    struct worker *worker;
    struct timer statsz, conns;
    int64_t statsz_after_ns;
    struct account **accounts; /* being told, a few at a time */
    size_t count, next;
};

static void server_subject(const struct monitor *monitor, const char *what, char out[SUBJECT_MAX])
{
    snprintf(out, SUBJECT_MAX, "$SYS.SERVER.%s.%s", monitor->facts.server_id, what);
}

static void account_subject(const struct account *account, const char *what, char out[SUBJECT_MAX])
{
    snprintf(out, SUBJECT_MAX, "$SYS.ACCOUNT.%s.%s", account->name, what);
}

/* --- connect, disconnect ------------------------------------------------------------------- */

static void fill_event(const char *type, int64_t now, char id[NUID_TEXT_MAX], struct sys_event *out)
{
    monitor_event_id(id);
    *out = (struct sys_event){.type = type, .id = id, .timestamp = now};
}

static void fill_client(const struct session_snapshot *snapshot, struct sys_client *out)
{
    *out = (struct sys_client){
        .start = snapshot->start_ns,
        .host = snapshot->host,
        .id = (int64_t)snapshot->cid,
        .acc = snapshot->account,
        .user = snapshot->user,
        .name = snapshot->name,
        .lang = snapshot->lang,
        .ver = snapshot->version,
        .rtt_ns = snapshot->rtt_ns,
        .jwt = snapshot->jwt,
        .issuer_key = snapshot->issuer_key,
        .name_tag = snapshot->account_label,
        .tags = snapshot->tags,
        .kind = snapshot->kind,
        .client_type = snapshot->type,
    };
}

static void on_connect(void *arg, struct worker *worker, const struct session *session)
{
    struct monitor *monitor = arg;
    struct session_snapshot snapshot;
    struct sys_connect document;
    char subject[SUBJECT_MAX], id[NUID_TEXT_MAX];

    account_subject(session->account, "CONNECT", subject);
    if (!monitor_wanted(monitor, subject))
        return;
    session_snapshot(session, &snapshot);
    fill_event(SYS_TYPE_CONNECT, monitor_now(monitor), id, &document.event);
    monitor_server(monitor, &document.server);
    fill_client(&snapshot, &document.client);
    document.client.rtt_ns = 0;
    monitor_publish_shape(worker, monitor->system, subject, &sys_connect_shape, &document);
}

/* `sent` is what the client sent. */
static void fill_disconnect(struct monitor *monitor, const struct session_snapshot *snapshot,
                            char id[NUID_TEXT_MAX], struct sys_disconnect *out)
{
    int64_t now = monitor_now(monitor);

    *out = (struct sys_disconnect){
        .sent = {.msgs = (int64_t)snapshot->in_msgs, .bytes = (int64_t)snapshot->in_bytes},
        .received = {.msgs = (int64_t)snapshot->out_msgs, .bytes = (int64_t)snapshot->out_bytes},
        .reason = session_reason_text(snapshot->reason),
    };
    fill_event(SYS_TYPE_DISCONNECT, now, id, &out->event);
    monitor_server(monitor, &out->server);
    fill_client(snapshot, &out->client);
    out->client.stop = snapshot->stop_ns != 0 ? snapshot->stop_ns : now;
}

static void on_disconnect(void *arg, struct worker *worker, const struct session *session)
{
    struct monitor *monitor = arg;
    struct session_snapshot snapshot;
    struct sys_disconnect document;
    char subject[SUBJECT_MAX], id[NUID_TEXT_MAX];

    account_subject(session->account, "DISCONNECT", subject);
    if (!monitor_wanted(monitor, subject))
        return;
    session_snapshot(session, &snapshot);
    fill_disconnect(monitor, &snapshot, id, &document);
    monitor_publish_shape(worker, monitor->system, subject, &sys_disconnect_shape, &document);
}

static void on_auth_error(void *arg, struct worker *worker, const struct session *session,
                          struct account *account)
{
    struct monitor *monitor = arg;
    struct session_snapshot snapshot;
    struct sys_disconnect document;
    char subject[SUBJECT_MAX], id[NUID_TEXT_MAX];
    bool inside = account != NULL && !account->system &&
                  sublist_wants(account->sublist, SLICE("$SYS.ACCOUNT.CLIENT.AUTH.ERR"));
    bool outside;

    server_subject(monitor, "CLIENT.AUTH.ERR", subject);
    outside = monitor_wanted(monitor, subject);
    if (!inside && !outside)
        return;
    session_snapshot(session, &snapshot);
    if (snapshot.reason == SESSION_OPEN)
        snapshot.reason = SESSION_AUTH_FAILURE;
    if (account != NULL) {
        snapshot.account = account->name;
        snapshot.account_label = account_label(account);
    }
    if (outside) {
        fill_disconnect(monitor, &snapshot, id, &document);
        monitor_publish_shape(worker, monitor->system, subject, &sys_disconnect_shape, &document);
    }
    if (inside) {
        fill_disconnect(monitor, &snapshot, id, &document);
        monitor_publish_shape(worker, account, "$SYS.ACCOUNT.CLIENT.AUTH.ERR",
                              &sys_disconnect_shape, &document);
    }
}

/* --- figures of an account ----------------------------------------------------------------- */

static void publish_conns(struct monitor *monitor, struct worker *worker,
                          const struct account *account, const char *subject)
{
    struct sys_account_conns document;
    struct arena arena = {0};
    char id[NUID_TEXT_MAX];

    fill_event(SYS_TYPE_ACCOUNT_CONNS, monitor_now(monitor), id, &document.event);
    monitor_server(monitor, &document.server);
    account_stat_fill(account, &arena, &document.stat);
    monitor_publish_shape(worker, monitor->system, subject, &sys_account_conns_shape, &document);
    arena_fini(&arena);
}

void event_account_conns(struct monitor *monitor, struct worker *worker,
                         const struct account *account, const char *subject)
{
    char text[SUBJECT_MAX];

    if (subject != NULL) {
        publish_conns(monitor, worker, account, subject);
        return;
    }
    if (account->global)
        return;
    snprintf(text, sizeof(text), "$SYS.SERVER.ACCOUNT.%s.CONNS", account->name);
    if (monitor_wanted(monitor, text))
        publish_conns(monitor, worker, account, text);
    account_subject(account, "SERVER.CONNS", text);
    if (monitor_wanted(monitor, text))
        publish_conns(monitor, worker, account, text);
}

static void on_account_change(void *arg, struct worker *worker, struct account *account)
{
    event_account_conns(arg, worker, account, NULL);
}

void event_hooks(struct monitor *monitor, struct session_hooks *out)
{
    *out = (struct session_hooks){
        .arg = monitor,
        .on_connect = on_connect,
        .on_disconnect = on_disconnect,
        .on_auth_error = on_auth_error,
        .on_account_change = on_account_change,
    };
}

/* --- figures of the node ------------------------------------------------------------------- */

static int64_t active_accounts(struct monitor *monitor)
{
    struct account **accounts;
    size_t count;
    int64_t active = 0;

    accounts = account_table_all(monitor->parts.accounts, &count);
    for (size_t i = 0; i < count; i++) {
        active += account_stat_in_use(accounts[i]);
        account_unref(accounts[i]);
    }
    mem_free(accounts);
    return active;
}

void event_statsz_fill(struct monitor *monitor, struct sys_server_stats *out)
{
    struct session_figures figures;
    struct sys_data_stats sent, received;

    session_table_figures(monitor->sessions, &figures);
    sent = (struct sys_data_stats){.msgs = (int64_t)figures.out_msgs,
                                   .bytes = (int64_t)figures.out_bytes};
    received = (struct sys_data_stats){.msgs = (int64_t)figures.in_msgs,
                                       .bytes = (int64_t)figures.in_bytes};
    *out = (struct sys_server_stats){
        .start = monitor->facts.start_ns,
        .mem = monitor_memory(),
        .cores = workers_count(monitor->parts.workers),
        .cpu = monitor_cpu(monitor),
        .connections = (int64_t)figures.connections,
        .total_connections = (int64_t)figures.total_connections,
        .active_accounts = active_accounts(monitor),
        .subscriptions = (int64_t)figures.subscriptions,
        .sent = sent,
        .sent_to_clients = sent,
        .received = received,
        .received_from_clients = received,
        .slow_consumers = (int64_t)figures.slow_consumers,
        .stale_connections = (int64_t)figures.stale_connections,
        .active_servers = 1,
        .gomaxprocs = workers_count(monitor->parts.workers),
    };
}

void event_statsz(struct monitor *monitor, struct worker *worker)
{
    struct sys_statsz document;
    char subject[SUBJECT_MAX];

    server_subject(monitor, "STATSZ", subject);
    if (!monitor_wanted(monitor, subject) ||
        (monitor->statsz_at_ns != 0 && worker->now_ns - monitor->statsz_at_ns < STATSZ_APART))
        return;
    monitor->statsz_at_ns = worker->now_ns;
    monitor_server(monitor, &document.server);
    event_statsz_fill(monitor, &document.statsz);
    monitor_publish_shape(worker, monitor->system, subject, &sys_statsz_shape, &document);
}

/* --- timers -------------------------------------------------------------------------------- */

static void on_statsz(struct timer *timer)
{
    struct event_timers *timers = container_of(timer, struct event_timers, statsz);

    event_statsz(timers->monitor, timers->worker);
    if (timers->statsz_after_ns < STATSZ_MAX)
        timers->statsz_after_ns *= 2;
    if (timers->statsz_after_ns > STATSZ_MAX)
        timers->statsz_after_ns = STATSZ_MAX;
    timer_arm(&timers->worker->timers, timer, timers->worker->now_ns + timers->statsz_after_ns,
              on_statsz);
}

static void forget_accounts(struct event_timers *timers)
{
    while (timers->next < timers->count)
        account_unref(timers->accounts[timers->next++]);
    mem_free(timers->accounts);
    timers->accounts = NULL;
    timers->count = timers->next = 0;
}

/* A few accounts each turn, so that no turn gets long by it. */
static void on_conns(struct timer *timer)
{
    struct event_timers *timers = container_of(timer, struct event_timers, conns);
    int64_t after = CONNS_STEP;

    if (timers->accounts == NULL)
        timers->accounts = account_table_all(timers->monitor->parts.accounts, &timers->count);
    for (int i = 0; i < CONNS_BATCH && timers->next < timers->count; i++) {
        struct account *account = timers->accounts[timers->next++];

        if (account_stat_in_use(account))
            event_account_conns(timers->monitor, timers->worker, account, NULL);
        account_unref(account);
    }
    if (timers->next == timers->count) {
        forget_accounts(timers);
        after = CONNS_EVERY;
    }
    timer_arm(&timers->worker->timers, timer, timers->worker->now_ns + after, on_conns);
}

struct event_timers *event_timers_start(struct monitor *monitor, struct worker *worker)
{
    struct event_timers *timers = mem_alloc(sizeof(*timers));

    timers->monitor = monitor;
    timers->worker = worker;
    timers->statsz_after_ns = STATSZ_FIRST;
    timer_arm(&worker->timers, &timers->statsz, worker->now_ns + STATSZ_FIRST, on_statsz);
    timer_arm(&worker->timers, &timers->conns, worker->now_ns + CONNS_EVERY, on_conns);
    return timers;
}

void event_timers_stop(struct event_timers *timers, struct worker *worker)
{
    if (timers == NULL)
        return;
    timer_cancel(&worker->timers, &timers->statsz);
    timer_cancel(&worker->timers, &timers->conns);
    forget_accounts(timers);
    mem_free(timers);
}

/* --- the end ------------------------------------------------------------------------------- */

static void publish_server(struct monitor *monitor, struct worker *worker, const char *what)
{
    struct sys_server server;
    char subject[SUBJECT_MAX];

    if (monitor->system == NULL)
        return;
    server_subject(monitor, what, subject);
    monitor_server(monitor, &server);
    monitor_publish_shape(worker, monitor->system, subject, &sys_server_shape, &server);
}

static void publish_all_accounts(struct monitor *monitor, struct worker *worker)
{
    struct account **accounts;
    size_t count;

    accounts = account_table_all(monitor->parts.accounts, &count);
    for (size_t i = 0; i < count; i++) {
        event_account_conns(monitor, worker, accounts[i], NULL);
        account_unref(accounts[i]);
    }
    mem_free(accounts);
}

void event_lame_duck(struct monitor *monitor, struct worker *worker)
{
    atomic_store(&monitor->lame_duck, true);
    publish_all_accounts(monitor, worker);
    publish_server(monitor, worker, "LAMEDUCK");
}

static bool close_ordinary(struct session *session, void *arg)
{
    if (session->account == NULL || !session->account->system)
        session_close(session, SESSION_SHUTDOWN);
    return true;
}

void event_close_ordinary(struct monitor *monitor, struct worker *worker)
{
    session_table_walk(worker, close_ordinary, NULL);
}

void event_shutdown(struct monitor *monitor, struct worker *worker)
{
    publish_all_accounts(monitor, worker);
    publish_server(monitor, worker, "SHUTDOWN");
}
