#include "controlplane/rest/roles.h"

#include <stddef.h>

#include "controlplane/domain/signing_key.h"

#define BASE "/v1/accounts/{account}/roles"

static enum result list(struct rest_call *call)
{
    struct db_rows rows;
    enum result rc = scoped_role_list(&call->work, call->account.resource.id, &call->list, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &scoped_role_shape, &rows,
                             offsetof(struct scoped_role, resource.id));
}

static enum result find(struct rest_call *call, struct scoped_role *out)
{
    return scoped_role_by_ref(&call->work, call->account.resource.id, router_param(call, "role"),
                              out);
}

static enum result get(struct rest_call *call)
{
    struct scoped_role role;
    enum result rc = find(call, &role);

    return rc == OK ? router_reply(call, 200, &scoped_role_shape, &role, &role.resource) : rc;
}

static enum result create(struct rest_call *call)
{
    struct scoped_role role;
    enum result rc = scoped_role_create(&call->work, &call->account, call->body, &role);

    if (rc == OK)
        rc = router_wait_account(call);
    if (rc == OK)
        rc = router_audit(call, "role.create", &role.resource, &scoped_role_shape, NULL, &role);
    return rc == OK ? router_created(call, call->path, &scoped_role_shape, &role, &role.resource)
                    : rc;
}

static enum result update(struct rest_call *call)
{
    struct scoped_role_settings present, settings;
    struct scoped_role old, role;
    enum result rc = find(call, &old);

    if (rc == OK)
        rc = router_match(call, &old.resource, &scoped_role_shape, &old);
    if (rc != OK)
        return rc;
    present = scoped_role_settings_of(&old);
    rc = router_merge(call, &scoped_role_settings_shape, &present, &settings);
    if (rc == OK)
        rc = scoped_role_update(&call->work, &old, &settings, &role);
    if (rc == OK)
        rc = router_wait_account(call);
    if (rc == OK)
        rc = router_audit(call, "role.change", &role.resource, &scoped_role_shape, &old, &role);
    return rc == OK ? router_reply(call, 200, &scoped_role_shape, &role, &role.resource) : rc;
}

static enum result drop(struct rest_call *call)
{
    struct scoped_role role;
    enum result rc = find(call, &role);

    if (rc == OK)
        rc = router_match(call, &role.resource, &scoped_role_shape, &role);
    if (rc == OK)
        rc = scoped_role_delete(&call->work, &role);
    if (rc == OK)
        rc = router_wait_account(call);
    if (rc == OK)
        rc = router_audit(call, "role.delete", &role.resource, &scoped_role_shape, &role, NULL);
    return rc == OK ? router_reply_none(call) : rc;
}

const struct rest_route roles_routes[] = {
    {"GET", BASE, "role:read", NULL, list, "listRoles", ROUTE_LIST},
    {"POST", BASE, "role:change", &scoped_role_settings_shape, create, "createRole", ROUTE_WAIT},
    {"GET", BASE "/{role}", "role:read", NULL, get, "getRole"},
    {"PATCH", BASE "/{role}", "role:change", &scoped_role_settings_shape, update, "changeRole",
     ROUTE_IF_MATCH | ROUTE_MERGE | ROUTE_WAIT},
    {"DELETE", BASE "/{role}", "role:change", NULL, drop, "deleteRole",
     ROUTE_IF_MATCH | ROUTE_WAIT},
    {0},
};
