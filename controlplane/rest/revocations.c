#include "controlplane/rest/revocations.h"

#include <stddef.h>

#include "controlplane/domain/account_issue.h"
#include "controlplane/domain/outbox.h"
#include "controlplane/domain/revocation.h"

#define BASE "/v1/accounts/{account}/revocations"

static enum result list(struct rest_call *call)
{
    struct db_rows rows;
    enum result rc = revocation_list(&call->work, call->account.resource.id, &call->list, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &revocation_shape, &rows,
                             offsetof(struct revocation, resource.id));
}

static enum result find(struct rest_call *call, struct revocation *out)
{
    return revocation_by_key(&call->work, call->account.resource.id, router_param(call, "user_key"),
                             out);
}

static enum result get(struct rest_call *call)
{
    struct revocation revocation;
    enum result rc = find(call, &revocation);

    return rc == OK ? router_reply(call, 200, &revocation_shape, &revocation, &revocation.resource)
                    : rc;
}

static enum result put(struct rest_call *call)
{
    struct revocation before, revocation;
    enum result rc = account_may(&call->work, &call->account, "change");
    int64_t revision;
    bool is_new = false;

    if (rc == OK) {
        rc = find(call, &before);
        is_new = rc == ERR_NOT_FOUND;
        rc = is_new ? OK : rc;
    }
    if (rc == OK)
        rc = revocation_put(&call->work, &call->account, router_param(call, "user_key"), call->body,
                            &revocation);
    if (rc == OK)
        rc = account_changed(&call->work, call->account.resource.id, REASON_REVOKED, &revision);
    if (rc == OK)
        rc = router_wait_account(call);
    if (rc == OK)
        rc = router_audit(call, "revocation.put", &revocation.resource, &revocation_shape,
                          is_new ? NULL : &before, &revocation);
    return rc == OK ? router_reply(call, 200, &revocation_shape, &revocation, &revocation.resource)
                    : rc;
}

/* Tokens that it refused are accepted again: how many and which is in the answer. */
static enum result reply_again(struct rest_call *call, const struct valid_again *again)
{
    json_t *tree = shape_own(call->arena, json_object()), *ids = json_array();

    for (size_t i = 0; i < again->ids.count; i++)
        json_array_append_new(ids, json_string(again->ids.items[i]));
    json_object_set_new(tree, "credentials_valid_again", json_integer(again->count));
    json_object_set_new(tree, "credentials", ids);
    return router_reply_json(call, 200, tree);
}

static enum result drop(struct rest_call *call)
{
    struct revocation revocation;
    struct valid_again again;
    int64_t revision;
    enum result rc = find(call, &revocation);

    if (rc == OK)
        rc = revocation_delete(&call->work, &revocation, &again);
    if (rc == OK)
        rc = account_changed(&call->work, call->account.resource.id, "revocation removed",
                             &revision);
    if (rc == OK)
        rc = router_wait_account(call);
    if (rc == OK)
        rc = router_audit(call, "revocation.delete", &revocation.resource, &revocation_shape,
                          &revocation, NULL);
    return rc == OK ? reply_again(call, &again) : rc;
}

const struct rest_route revocations_routes[] = {
    {"GET", BASE, "revocation:read", NULL, list, "listRevocations", ROUTE_LIST},
    {"GET", BASE "/{user_key}", "revocation:read", NULL, get, "getRevocation"},
    {"PUT", BASE "/{user_key}", "revocation:change", &revocation_settings_shape, put,
     "putRevocation", ROUTE_WAIT},
    {"DELETE", BASE "/{user_key}", "revocation:change", NULL, drop, "deleteRevocation", ROUTE_WAIT},
    {0},
};
