#include "controlplane/rest/plans.h"

#include <stddef.h>

#include "controlplane/domain/plan.h"

#define BASE "/v1/plans"
#define ONE BASE "/{plan}"

static enum result list(struct rest_call *call)
{
    struct db_rows rows;
    enum result rc = plan_list(&call->work, &call->list, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &plan_shape, &rows, offsetof(struct plan, resource.id));
}

static enum result find(struct rest_call *call, struct plan *out)
{
    int64_t version;
    enum result rc = router_query_int(call, "version", 1, INT64_MAX, 0, &version);

    return rc == OK ? plan_by_ref(&call->work, router_param(call, "plan"), version, out) : rc;
}

static enum result get(struct rest_call *call)
{
    struct plan plan;
    enum result rc = find(call, &plan);

    return rc == OK ? router_reply(call, 200, &plan_shape, &plan, &plan.resource) : rc;
}

static enum result create(struct rest_call *call)
{
    struct plan plan;
    enum result rc = plan_create(&call->work, call->body, &plan);

    if (rc == OK)
        rc = router_audit(call, "plan.create", &plan.resource, &plan_shape, NULL, &plan);
    return rc == OK ? router_created(call, BASE, &plan_shape, &plan, &plan.resource) : rc;
}

static enum result update(struct rest_call *call)
{
    struct plan_settings present, settings;
    struct plan old, plan;
    enum result rc = find(call, &old);

    if (rc == OK)
        rc = router_match(call, &old.resource, &plan_shape, &old);
    if (rc != OK)
        return rc;
    present = plan_settings_of(&old);
    rc = router_merge(call, &plan_settings_shape, &present, &settings);
    if (rc == OK)
        rc = plan_update(&call->work, &old, &settings, &plan);
    if (rc == OK)
        rc = router_audit(call, "plan.change", &plan.resource, &plan_shape, &old, &plan);
    return rc == OK ? router_reply(call, 200, &plan_shape, &plan, &plan.resource) : rc;
}

static enum result drop(struct rest_call *call)
{
    struct plan plan;
    enum result rc = find(call, &plan);

    if (rc == OK)
        rc = router_match(call, &plan.resource, &plan_shape, &plan);
    if (rc == OK)
        rc = plan_delete(&call->work, &plan);
    if (rc == OK)
        rc = router_audit(call, "plan.delete", &plan.resource, &plan_shape, &plan, NULL);
    return rc == OK ? router_reply_none(call) : rc;
}

const struct rest_route plans_routes[] = {
    {"GET", BASE, "plan:read", NULL, list, "listPlans", ROUTE_LIST},
    {"POST", BASE, "plan:change", &plan_settings_shape, create, "createPlan"},
    {"GET", ONE, "plan:read", NULL, get, "getPlan", 0, "version"},
    {"PATCH", ONE, "plan:change", &plan_settings_shape, update, "changePlan",
     ROUTE_IF_MATCH | ROUTE_MERGE},
    {"DELETE", ONE, "plan:change", NULL, drop, "deletePlan", ROUTE_IF_MATCH},
    {0},
};
