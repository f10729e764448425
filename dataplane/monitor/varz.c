#include "dataplane/monitor/varz.h"

#include "api/nats/sys_monitor.h"
#include "dataplane/session/session_table.h"

static void fill_operators(struct report_call *call, struct sys_varz *out)
{
    const struct monitor_facts *facts = &call->monitor->facts;

    if (facts->operator_count == 0)
        return;
    out->trusted_operators_jwt.items =
        arena_alloc_array(&call->arena, facts->operator_count, sizeof(const char *));
    out->trusted_operators_claim = json_array();
    shape_own(&call->arena, out->trusted_operators_claim);
    for (size_t i = 0; i < facts->operator_count; i++) {
        out->trusted_operators_jwt.items[out->trusted_operators_jwt.count++] =
            facts->operators[i].jwt;
        json_array_append_new(out->trusted_operators_claim,
                              claims_encode(facts->operators[i].claims));
    }
}

static void fill_limits(const struct report_call *call, struct sys_varz *out)
{
    const struct session_options *options = session_table_options(call->monitor->sessions);

    out->max_connections = options->max_connections;
    out->max_subscriptions = options->max_subscriptions;
    out->ping_interval_ns = options->ping_interval_ns;
    out->ping_max = options->ping_max;
    out->auth_timeout = (double)options->auth_timeout_ns / (double)NS_PER_S;
    out->max_control_line = options->max_control_line;
    out->max_payload = options->max_payload;
    out->max_pending = (int64_t)options->max_pending;
    out->tls_timeout = 2;
    out->write_deadline_ns = options->write_deadline_ns;
}

static void fill_traffic(const struct report_call *call, struct sys_varz *out)
{
    struct session_figures figures;

    session_table_figures(call->monitor->sessions, &figures);
    out->connections = (int64_t)figures.connections;
    out->total_connections = (int64_t)figures.total_connections;
    out->in_msgs = out->in_client_msgs = (int64_t)figures.in_msgs;
    out->in_bytes = out->in_client_bytes = (int64_t)figures.in_bytes;
    out->out_msgs = out->out_client_msgs = (int64_t)figures.out_msgs;
    out->out_bytes = out->out_client_bytes = (int64_t)figures.out_bytes;
    out->slow_consumers = (int64_t)figures.slow_consumers;
    out->slow_consumer_stats.clients = (int64_t)figures.slow_consumers;
    out->stale_connections = (int64_t)figures.stale_connections;
    out->stale_connection_stats.clients = (int64_t)figures.stale_connections;
    out->subscriptions = (int64_t)figures.subscriptions;
}

static void fill_http(struct report_call *call, struct sys_varz *out)
{
    const struct monitor *monitor = call->monitor;

    out->http_host = monitor->facts.http_host != NULL ? monitor->facts.http_host : "";
    out->http_port = monitor->facts.http_port;
    out->http_base_path = monitor->facts.http_base_path;
    if (out->http_base_path == NULL || monitor->facts.http_host == NULL)
        out->http_base_path = "";
    out->http_req_stats.items = arena_alloc_array(&call->arena, monitor->http_path_count + 1,
                                                  sizeof(*out->http_req_stats.items));
    for (size_t i = 0; i < monitor->http_path_count; i++) {
        int64_t n = atomic_load_explicit(&monitor->http_requests[i], memory_order_relaxed);

        if (n > 0)
            out->http_req_stats.items[out->http_req_stats.count++] =
                (struct int_pair){.key = monitor->http_paths[i], .value = n};
    }
}

static void finish(struct report_call *call)
{
    struct monitor *monitor = call->monitor;
    const struct monitor_facts *facts = &monitor->facts;
    struct sys_varz *out = arena_alloc(&call->arena, sizeof(*out));
    unsigned workers = workers_count(monitor->parts.workers);

    out->server_id = facts->server_id;
    out->server_name = facts->server_name;
    out->version = facts->version;
    out->proto = 1;
    out->go = facts->go;
    out->host = facts->host;
    out->port = facts->port;
    out->auth_required = auth_required(monitor->parts.auth);
    out->start = facts->start_ns;
    out->now = monitor_now(monitor);
    out->uptime = report_uptime(&call->arena, out->now - out->start);
    out->mem = monitor_memory();
    out->cores = out->gomaxprocs = workers;
    out->cpu = monitor_cpu(monitor);
    out->config_load_time = facts->start_ns;
    out->config_digest = facts->config_digest;
    out->tags = facts->tags;
    out->metadata = facts->metadata;
    out->system_account = facts->system_account;
    fill_limits(call, out);
    fill_traffic(call, out);
    fill_http(call, out);
    fill_operators(call, out);
    call->document = out;
}

const struct report varz_report = {
    .name = "VARZ",
    .options = &sys_filter_shape,
    .document_shape = &sys_varz_shape,
    .finish = finish,
};
