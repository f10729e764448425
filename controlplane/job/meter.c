#include "controlplane/job/meter.h"

#include <string.h>

#include "api/base/check.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "controlplane/domain/usage.h"
#include "controlplane/link/node_requests.h"

enum { STATZ_TIMEOUT_MS = 2000, LEASE_S = 25 };

static int64_t part(const struct sys_count *count, bool bytes)
{
    if (count == NULL)
        return 0;
    return bytes ? count->bytes : count->msgs;
}

/* Client traffic: what came over routes, gateways and leaf nodes is not the client's (MTR-01). */
static int64_t client_part(const struct sys_data_stats *stats, bool bytes)
{
    int64_t total = bytes ? stats->bytes : stats->msgs;

    total -= part(stats->routes, bytes) + part(stats->gateways, bytes) + part(stats->leafs, bytes);
    return total > 0 ? total : 0;
}

/* From which release on a stock node tells routed traffic apart: 2.11.5. */
static bool tells_apart(const char *version)
{
    static const int since[] = {2, 11, 5};
    struct slice rest = slice_of(version), number;

    for (size_t i = 0; i < COUNT_OF(since); i++) {
        uint64_t value;

        if (!slice_cut(&rest, '.', &number) || !slice_uint(number, 100000, &value))
            return i == COUNT_OF(since) - 1; /* 2.11.5-beta and the like: not sure enough */
        if (value != (uint64_t)since[i])
            return value > (uint64_t)since[i];
    }
    return true;
}

/* The node's time on our clock. */
static int64_t our_time(const struct node *node, int64_t at)
{
    return at - node->clock_skew_ms * NS_PER_MS;
}

static struct usage_sample sample_of(const struct node *node, const struct sys_account_stat *stat,
                                     int64_t at)
{
    return (struct usage_sample){
        .system_id = node->system_id,
        .node_id = node->resource.id,
        .server_id = node->server_id,
        .account_key = stat->acc,
        .started_at = node->started_at,
        .sampled_at = our_time(node, at),
        .msgs_in = client_part(&stat->received, false),
        .bytes_in = client_part(&stat->received, true),
        .msgs_out = client_part(&stat->sent, false),
        .bytes_out = client_part(&stat->sent, true),
        .slow_consumers = stat->slow_consumers,
        .connections = stat->conns,
        .leaf_connections = stat->leafnodes,
        .subscriptions = stat->num_subscriptions,
        .exact = node->server_version != NULL && tells_apart(node->server_version),
    };
}

enum result meter_event(struct job_call *call, const struct node_event *event)
{
    struct usage_sample sample;
    struct node node;
    int64_t written;
    enum result rc = node_by_ref(&call->work, event->system_id, event->server.id, &node);

    if (rc == ERR_NOT_FOUND || (rc == OK && strcmp(node.server_id, event->server.id) != 0))
        return OK; /* not known yet: STATZ says the same soon */
    if (rc != OK)
        return rc;
    sample = sample_of(&node, &event->stat,
                       event->server.time != 0 ? event->server.time : event->received_ns);
    return usage_ingest(&call->work, &sample, 1, &written);
}

/* Answers of one system, by node. */
struct collection {
    struct node_statz answers[LINKS_MAX];
    size_t count, expected;
};

static enum system_link_more on_answer(const struct node_statz *statz, void *arg)
{
    struct collection *all = arg;

    if (statz->server.id == NULL)
        return LINK_MORE;
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->answers[i].server.id, statz->server.id) == 0)
            return LINK_MORE;
    }
    if (all->count < LINKS_MAX)
        all->answers[all->count++] = *statz;
    return all->count >= all->expected ? LINK_ENOUGH : LINK_MORE;
}

/* On its own: who records a restarted node holds its row and asks for its epochs, which the samples
 * hold. */
static enum result write_sampled(struct job_call *call, const struct node *node, int64_t at)
{
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    return job_end(call, usage_sampled(&call->work, node->resource.id, our_time(node, at)));
}

/* lease NULL: none needed, as samples are written once in any case. */
static enum result write_answer(struct job_call *call, const struct lease *lease,
                                const struct node *node, const struct node_statz *answer,
                                struct meter_figures *figures)
{
    size_t count = answer->statz.account_statz.count;
    struct usage_sample *samples = arena_alloc_array(&call->arena, count + 1, sizeof(*samples));
    int64_t written = 0;
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    for (size_t i = 0; i < count; i++)
        samples[i] = sample_of(node, &answer->statz.account_statz.items[i], answer->statz.now);
    if (lease != NULL)
        rc = lease_check(&call->work, lease);
    if (rc == OK)
        rc = usage_ingest(&call->work, samples, count, &written);
    rc = job_end(call, rc);
    if (rc != OK)
        return rc;
    figures->samples += count;
    figures->rows += (uint64_t)written;
    return write_sampled(call, node, answer->statz.now);
}

static void collect(const struct job_context *context, struct job_call *call, const char *system_id,
                    struct collection *all)
{
    struct link_taken links[LINKS_MAX];
    size_t count = link_set_take(context->links, system_id, links, LINKS_MAX);

    /* A link whose node has answered over another one is not asked. */
    for (size_t i = 0; i < count; i++) {
        char id[NKEY_PUBLIC_MAX];
        bool known = false;
        enum result rc;

        system_link_server_id(links[i].link, id);
        for (size_t j = 0; j < all->count; j++)
            known = known || strcmp(all->answers[j].server.id, id) == 0;
        if (known)
            continue;
        all->expected = all->count + 1;
        rc = node_request_statz(links[i].link, STATZ_TIMEOUT_MS, &call->arena, on_answer, all);
        if (rc != OK)
            log_every(60000, LOG_WARN, LOG_JOB, "no statistics url=%s error=%s",
                      system_link_url(links[i].link), result_name(rc));
    }
    link_set_give(context->links, links, count);
}

/* That of one node among the answers. */
struct wanted_statz {
    const char *server_id;
    struct node_statz answer;
};

static enum system_link_more on_wanted(const struct node_statz *statz, void *arg)
{
    struct wanted_statz *wanted = arg;

    if (statz->server.id == NULL || strcmp(statz->server.id, wanted->server_id) != 0)
        return LINK_MORE;
    wanted->answer = *statz;
    return LINK_ENOUGH;
}

enum result meter_node(struct job_call *call, struct system_link *link, const struct node *node)
{
    struct wanted_statz wanted = {.server_id = node->server_id};
    struct meter_figures figures = {0};
    enum result rc = node_request_statz(link, STATZ_TIMEOUT_MS, &call->arena, on_wanted, &wanted);

    return rc == OK ? write_answer(call, NULL, node, &wanted.answer, &figures) : rc;
}

/* ERR_AGAIN: another replica has it; *next_ms is then at most until that ends. */
static enum result take_lease(struct job_call *call, struct lease *lease, int64_t *next_ms)
{
    int64_t free_in_ms;
    enum result rc = lease_acquire(&call->work, lease, LEASE_S), asked;

    if (rc != ERR_AGAIN)
        return rc;
    asked = lease_free_in_ms(&call->work, lease, &free_in_ms);
    if (asked != OK)
        return asked;
    if (free_in_ms < *next_ms)
        *next_ms = free_in_ms + 1;
    return ERR_AGAIN;
}

static enum result meter_system(const struct job_context *context, struct job_call *call,
                                const char *system_id, struct meter_figures *figures,
                                int64_t *next_ms)
{
    struct collection *all = arena_alloc(&call->arena, sizeof(*all));
    struct lease lease = {.role = "meter", .scope = system_id};
    struct db_rows nodes;
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    memcpy(lease.holder, context->holder, sizeof(lease.holder));
    rc = take_lease(call, &lease, next_ms);
    if (rc == OK)
        rc = node_expected(&call->work, system_id, &nodes);
    rc = job_end(call, rc);
    if (rc != OK)
        return rc == ERR_AGAIN ? OK : rc;
    collect(context, call, system_id, all);
    for (size_t i = 0; i < all->count && rc == OK; i++) {
        struct node *node = job_node(&nodes, all->answers[i].server.id);

        if (node != NULL)
            rc = write_answer(call, &lease, node, &all->answers[i], figures);
    }
    return rc;
}

enum result meter_pass(const struct job_context *context, struct meter_figures *figures,
                       int64_t *next_ms)
{
    struct job_call call;
    struct db_rows systems;
    enum result rc = job_open(context, &call);

    *next_ms = METER_EVERY_MS;
    if (rc != OK)
        return rc;
    rc = job_systems(&call, &systems);
    for (size_t i = 0; rc == OK && i < systems.count; i++)
        rc = meter_system(context, &call, ((struct nats_system *)systems.items)[i].resource.id,
                          figures, next_ms);
    if (rc == OK)
        rc = job_begin(&call);
    if (rc == OK)
        rc = job_end(&call, usage_roll_up(&call.work));
    job_close(&call);
    return rc;
}
