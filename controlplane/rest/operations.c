#include "controlplane/rest/operations.h"

#include <stddef.h>

#include "controlplane/domain/operation.h"

#define BASE "/v1/operations"

static enum result list(struct rest_call *call)
{
    struct operation_query query = {.list = call->list, .resource = router_query(call, "resource")};
    struct db_rows rows;
    enum result rc = operation_list(&call->work, &query, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &operation_shape, &rows,
                             offsetof(struct operation, resource.id));
}

static enum result get(struct rest_call *call)
{
    struct operation operation;
    enum result rc = operation_by_id(&call->work, router_param(call, "operation"), &operation);

    return rc == OK ? router_reply(call, 200, &operation_shape, &operation, &operation.resource)
                    : rc;
}

static enum result cancel(struct rest_call *call)
{
    struct operation operation;
    enum result rc = operation_cancel(&call->work, router_param(call, "operation"), &operation);

    if (rc == OK)
        rc = router_audit(call, "operation.cancel", &operation.resource, &operation_shape, NULL,
                          &operation);
    return rc == OK ? router_reply(call, 200, &operation_shape, &operation, &operation.resource)
                    : rc;
}

const struct rest_route operations_routes[] = {
    {"GET", BASE, "operation:read", NULL, list, "listOperations", ROUTE_LIST, "resource"},
    {"GET", BASE "/{operation}", "operation:read", NULL, get, "getOperation"},
    {"POST", BASE "/{operation}:cancel", "operation:change", NULL, cancel, "cancelOperation"},
    {0},
};
