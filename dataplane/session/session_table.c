#include "dataplane/session/session_table.h"

#include <string.h>

#include "api/base/log.h"
#include "api/base/mem.h"
#include "dataplane/session/session_closed.h"
#include "dataplane/session/session_open.h"
#include "dataplane/session/session_set.h"

/* --- make and end ---------------------------------------------------------------------------- */

static const char *copy(struct session_table *table, const char *text)
{
    return text != NULL ? arena_strdup(&table->arena, text) : NULL;
}

static void copy_options(struct session_table *table, const struct session_options *from)
{
    struct session_options *options = &table->options;
    const char **urls;

    *options = *from;
    options->server_id = copy(table, from->server_id);
    options->server_name = copy(table, from->server_name);
    options->version = copy(table, from->version);
    options->git_commit = copy(table, from->git_commit);
    options->go = copy(table, from->go);
    options->host = copy(table, from->host);
    options->cluster = copy(table, from->cluster);
    options->domain = copy(table, from->domain);
    options->xkey = copy(table, from->xkey);
    urls = arena_alloc_array(&table->arena, from->connect_urls.count, sizeof(urls[0]));
    for (size_t i = 0; i < from->connect_urls.count; i++)
        urls[i] = copy(table, from->connect_urls.items[i]);
    options->connect_urls.items = urls;
}

struct session_table *session_table_new(const struct session_options *options,
                                        const struct session_parts *parts)
{
    struct session_table *table = mem_alloc(sizeof(*table));

    copy_options(table, options);
    table->parts = *parts;
    atomic_init(&table->next_cid, 1);
    table->count = workers_count(parts->workers);
    table->global = account_table_obtain(parts->accounts, SLICE("$G"));
    table->closed = session_closed_new(options->closed_max);
    return table;
}

void session_table_free(struct session_table *table)
{
    if (table == NULL)
        return;
    session_closed_free(table->closed);
    mem_free(table->leaving);
    account_unref(table->global);
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        if (table->sets[i] != NULL)
            map_fini(&table->sets[i]->by_cid);
        mem_free(table->sets[i]);
    }
    arena_fini(&table->arena);
    mem_free(table);
}

void session_table_start(struct session_table *table, struct worker *worker)
{
    struct session_set *set = mem_alloc_aligned(64, sizeof(*set));

    set->table = table;
    set->worker = worker;
    list_init(&set->sessions);
    list_init(&set->ending);
    map_init(&set->by_cid);
    table->sets[worker->index] = set;
    worker->part[WORKER_PART_SESSION] = set;
}

static bool end_one(struct session *session, void *arg)
{
    (void)arg;
    session_close(session, SESSION_SHUTDOWN);
    return true;
}

void session_table_stop(struct session_table *table, struct worker *worker)
{
    struct session_set *set = session_set_of(worker);

    (void)table;
    set->stopping = true;
    session_table_walk(worker, end_one, NULL);
    session_end_now(set);
    timer_cancel(&worker->timers, &set->leave);
}

void session_table_accept(struct worker *worker, int fd, const struct sockaddr_storage *peer,
                          void *arg)
{
    (void)arg;
    session_open(session_set_of(worker), fd, peer);
}

const struct session_options *session_table_options(const struct session_table *table)
{
    return &table->options;
}

uint64_t session_table_next_cid(struct session_table *table)
{
    return atomic_fetch_add(&table->next_cid, 1);
}

/* --- looking --------------------------------------------------------------------------------- */

void session_table_walk(struct worker *worker, bool (*fn)(struct session *session, void *arg),
                        void *arg)
{
    session_set_walk(session_set_of(worker), fn, arg);
}

struct session *session_table_find(struct worker *worker, uint64_t cid)
{
    return session_set_find(session_set_of(worker), cid);
}

static uint64_t read_figure(const _Atomic uint64_t *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

void session_table_figures(const struct session_table *table, struct session_figures *out)
{
    struct session_table *t = (struct session_table *)(uintptr_t)table;
    int64_t connections = atomic_load(&t->connections);

    *out = (struct session_figures){
        .connections = connections > 0 ? (uint64_t)connections : 0,
        .total_connections = atomic_load(&t->total_connections),
    };
    for (unsigned i = 0; i < table->count; i++) {
        const struct session_set *set = table->sets[i];

        out->in_msgs += read_figure(&set->in_msgs);
        out->in_bytes += read_figure(&set->in_bytes);
        out->out_msgs += read_figure(&set->out_msgs);
        out->out_bytes += read_figure(&set->out_bytes);
        out->subscriptions += read_figure(&set->subscriptions);
        out->slow_consumers += read_figure(&set->slow_consumers);
        out->stale_connections += read_figure(&set->stale_connections);
    }
}

void session_table_closed(struct session_table *table,
                          bool (*fn)(const struct session_snapshot *snapshot, void *arg), void *arg)
{
    session_closed_walk(table->closed, fn, arg);
}

/* --- closing one ----------------------------------------------------------------------------- */

struct kick {
    struct session_round round;
    uint64_t cid;
    bool found;
    void (*done)(void *arg, struct worker *worker, bool found);
    void *arg;
};

static void kick_visit(struct session_round *round, struct worker *worker)
{
    struct kick *kick = container_of(round, struct kick, round);
    struct session *session = session_table_find(worker, kick->cid);

    if (session == NULL)
        return;
    kick->found = true;
    session_close(session, SESSION_KICKED);
}

static void kick_done(struct session_round *round, struct worker *worker)
{
    struct kick *kick = container_of(round, struct kick, round);

    if (kick->done != NULL)
        kick->done(kick->arg, worker, kick->found);
    mem_free(kick);
}

void session_table_kick(struct session_table *table, uint64_t cid, unsigned home,
                        void (*done)(void *arg, struct worker *worker, bool found), void *arg)
{
    struct kick *kick = mem_alloc(sizeof(*kick));

    kick->round = (struct session_round){.visit = kick_visit, .done = kick_done, .home = home};
    kick->cid = cid;
    kick->done = done;
    kick->arg = arg;
    session_round_start(table->parts.workers, &kick->round);
}
