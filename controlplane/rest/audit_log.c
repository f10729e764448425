#include "controlplane/rest/audit_log.h"

#include <stddef.h>

static enum result reply(struct rest_call *call, const char *account_id)
{
    struct audit_query query = {
        .list = call->list,
        .team_id = router_query(call, "team"),
        .account_id = account_id,
        .actor = router_query(call, "actor"),
        .action = router_query(call, "action"),
        .resource = router_query(call, "resource"),
        .outcome = router_query(call, "outcome"),
    };
    struct db_rows rows;
    enum result rc = audit_list(&call->work, &query, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &audit_event_shape, &rows, offsetof(struct audit_event, id));
}

static enum result list(struct rest_call *call)
{
    return reply(call, NULL);
}

static enum result list_of_account(struct rest_call *call)
{
    return reply(call, call->account.resource.id);
}

const struct rest_route audit_log_routes[] = {
    {"GET", "/v1/audit-events", "audit:read", NULL, list, "listAuditEvents", ROUTE_LIST,
     "team actor action resource outcome"},
    {"GET", "/v1/accounts/{account}/audit-events", "audit:read", NULL, list_of_account,
     "listAccountAuditEvents", ROUTE_LIST, "actor action resource outcome"},
    {0},
};
