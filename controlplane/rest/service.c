/*
 * What is asked about the service itself.  These routes need no token: they tell nothing of any
 * tenant, and they must answer while the database is away.
 */
#include "controlplane/rest/service.h"

#include <stddef.h>

#include "api/base/exposition.h"
#include "controlplane/domain/health.h"
#include "controlplane/domain/metrics.h"
#include "controlplane/rest/server.h"

enum { DB_WAIT_MS = 1000 };

/* api/openapi.json, linked into the program by the Makefile. */
extern const char _binary_openapi_json_start[], _binary_openapi_json_end[];

static enum result livez(struct rest_call *call)
{
    return router_reply_text(call, 200, "text/plain; charset=utf-8", "ok\n");
}

static enum result readyz(struct rest_call *call)
{
    struct pool *pool = call->server->pool;
    struct health health = {0};
    enum result rc = pool_take(pool, DB_WAIT_MS, &call->work.db);

    if (rc == OK) {
        rc = db_begin(call->work.db, NULL);
        if (rc == OK) {
            health_check(&call->work, &health);
            rc = db_end(call->work.db, OK);
        }
        health.database = health.database && rc == OK;
        pool_give(pool, call->work.db);
        call->work.db = NULL;
    }
    return router_reply_json(call, health_ready(&health) ? 200 : 503,
                             shape_own(call->arena, health_json(&health)));
}

/* A lost database is noticed, whatever is kept. */
static enum result database_figures(struct rest_call *call, struct buf *out)
{
    struct figures *figures = call->server->figures;
    struct clock *clock = call->server->tools->clock;
    int64_t asked_ns = clock_mono_ns(clock);
    struct buf text = {0};
    enum result rc;

    if (figures_kept(figures, asked_ns, out))
        return db_exec(call->work.db, SQL_db_ping, DB_NO_ARGS);
    rc = metrics_of_service(&call->work, &text);
    figures_keep(figures, rc == OK ? buf_slice(&text) : SLICE(""), asked_ns, clock_mono_ns(clock));
    buf_add_slice(out, buf_slice(&text));
    buf_fini(&text);
    return rc;
}

static enum result metrics(struct rest_call *call)
{
    struct pool *pool = call->server->pool;
    struct buf buf = {0};
    enum result rc;

    figures_write(call->server->figures, &buf);
    exposition_single(&buf, "cp_db_pool_in_use", "gauge", "Connections to the database in use.",
                      (int64_t)pool_in_use(pool));
    if (call->server->hooks.metrics != NULL)
        call->server->hooks.metrics(call->server->hooks.arg, &buf);
    rc = pool_take(pool, DB_WAIT_MS, &call->work.db);
    if (rc == OK) {
        rc = db_begin(call->work.db, NULL);
        if (rc == OK)
            rc = db_end(call->work.db, database_figures(call, &buf));
        pool_give(pool, call->work.db);
        call->work.db = NULL;
    }
    exposition_single(&buf, "cp_database_up", "gauge",
                      "Whether the database answered this request.", rc == OK);
    rc = router_reply_text(call, 200, EXPOSITION_MEDIA_TYPE, buf_text(&buf));
    buf_fini(&buf);
    return rc;
}

/* Series for each account: opt-in, with a limit, and for those who may read all usage. */
static enum result account_metrics(struct rest_call *call)
{
    int64_t max = call->server->options.metrics_accounts;
    struct buf buf = {0};
    enum result rc;

    if (max == 0)
        return refusal_set(call->work.refusal, REFUSAL_not_found,
                           "figures of accounts are off: start berth-control with "
                           "metrics_accounts, the most that it may show");
    rc = metrics_of_accounts(&call->work, max, &buf);
    if (rc == OK)
        rc = router_reply_text(call, 200, EXPOSITION_MEDIA_TYPE, buf_text(&buf));
    buf_fini(&buf);
    return rc;
}

static enum result version(struct rest_call *call)
{
    json_t *tree = shape_own(call->arena, json_object());

    json_object_set_new(tree, "name", json_string("berth-control"));
    json_object_set_new(tree, "version", json_string(BERTH_VERSION));
    json_object_set_new(tree, "api", json_string("v1"));
    return router_reply_json(call, 200, tree);
}

static enum result openapi(struct rest_call *call)
{
    struct slice text = slice_make(_binary_openapi_json_start,
                                   (size_t)(_binary_openapi_json_end - _binary_openapi_json_start));

    return router_reply_text(call, 200, "application/json", arena_copy(call->arena, text));
}

static enum result problems(struct rest_call *call)
{
    return router_reply_json(call, 200, shape_own(call->arena, problem_catalogue()));
}

static enum result problem(struct rest_call *call)
{
    json_t *entry = problem_entry(router_param(call, "code"));

    if (entry == NULL)
        return ERR_NOT_FOUND;
    return router_reply_json(call, 200, shape_own(call->arena, entry));
}

const struct rest_route service_routes[] = {
    {"GET", "/livez", "public", NULL, livez, "livez", ROUTE_NO_TX},
    {"GET", "/readyz", "public", NULL, readyz, "readyz", ROUTE_NO_TX},
    {"GET", "/metrics", "public", NULL, metrics, "metrics", ROUTE_NO_TX},
    {"GET", "/metrics/accounts", "usage:all", NULL, account_metrics, "accountMetrics",
     ROUTE_EXPENSIVE},
    {"GET", "/version", "public", NULL, version, "version", ROUTE_NO_TX},
    {"GET", "/v1/openapi.json", "public", NULL, openapi, "getOpenApi", ROUTE_NO_TX},
    {"GET", "/v1/problems", "public", NULL, problems, "listProblems", ROUTE_NO_TX},
    {"GET", "/v1/problems/{code}", "public", NULL, problem, "getProblem", ROUTE_NO_TX},
    {0},
};
