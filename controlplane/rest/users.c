#include "controlplane/rest/users.h"

#include <stddef.h>
#include <string.h>

#include "controlplane/domain/nats_user.h"

#define BASE "/v1/accounts/{account}/users"

static enum result list(struct rest_call *call)
{
    struct db_rows rows;
    enum result rc = nats_user_list(&call->work, call->account.resource.id, &call->list,
                                    router_query(call, "role"), &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &nats_user_shape, &rows,
                             offsetof(struct nats_user, resource.id));
}

static enum result find(struct rest_call *call, struct nats_user *out)
{
    return nats_user_by_ref(&call->work, call->account.resource.id, router_param(call, "user"),
                            out);
}

static enum result get(struct rest_call *call)
{
    struct nats_user user;
    enum result rc = find(call, &user);

    return rc == OK ? router_reply(call, 200, &nats_user_shape, &user, &user.resource) : rc;
}

/* It changes no claims, and its event names no revision; who waits for it waits until the nodes
 * have what it needs to connect: the account, and the key of its role. */
static enum result create_from(struct rest_call *call, const struct nats_user_settings *settings)
{
    struct nats_user user;
    enum result rc = nats_user_create(&call->work, &call->account, settings, &user);

    if (rc == OK)
        rc = router_audit(call, "user.create", &user.resource, &nats_user_shape, NULL, &user);
    if (rc == OK)
        rc = router_wait_account(call);
    return rc == OK ? router_created(call,
                                     arena_printf(call->arena, "/v1/accounts/%s/users",
                                                  call->account.resource.id),
                                     &nats_user_shape, &user, &user.resource)
                    : rc;
}

static enum result create(struct rest_call *call)
{
    return create_from(call, call->body);
}

static enum result change(struct rest_call *call, const struct nats_user *old,
                          const struct nats_user_settings *settings)
{
    struct nats_user user;
    enum result rc = nats_user_update(&call->work, &call->account, old, settings, &user);

    if (rc == OK)
        rc = router_wait_account(call);
    if (rc == OK)
        rc = router_audit(call, "user.change", &user.resource, &nats_user_shape, old, &user);
    return rc == OK ? router_reply(call, 200, &nats_user_shape, &user, &user.resource) : rc;
}

static enum result update(struct rest_call *call)
{
    struct nats_user_settings present, settings;
    struct nats_user old;
    enum result rc = find(call, &old);

    if (rc == OK)
        rc = router_match(call, &old.resource, &nats_user_shape, &old);
    if (rc != OK)
        return rc;
    present = nats_user_settings_of(&old);
    rc = router_merge(call, &nats_user_settings_shape, &present, &settings);
    return rc == OK ? change(call, &old, &settings) : rc;
}

static enum result put_by_name(struct rest_call *call)
{
    const struct nats_user_settings *settings = call->body;
    const char *name = router_param(call, "name");
    struct nats_user old;
    enum result rc;

    if (strcmp(settings->settings.name, name) != 0)
        return refusal_field(call->work.refusal, "/name", "mismatch",
                             "must be the name in the path");
    rc = nats_user_by_name(&call->work, call->account.resource.id, name, &old);
    call->action = rc == ERR_NOT_FOUND ? "user.create" : "user.change";
    if (rc == ERR_NOT_FOUND)
        return create_from(call, settings);
    if (rc == OK && !call->if_match)
        return refusal_set(call->work.refusal, REFUSAL_precondition_required,
                           "The user exists: send its ETag in If-Match.");
    if (rc == OK)
        rc = router_match(call, &old.resource, &nats_user_shape, &old);
    return rc == OK ? change(call, &old, settings) : rc;
}

static enum result drop(struct rest_call *call)
{
    struct nats_user user;
    enum result rc = find(call, &user);

    if (rc == OK)
        rc = router_match(call, &user.resource, &nats_user_shape, &user);
    if (rc == OK)
        rc = nats_user_delete(&call->work, &call->account, &user);
    if (rc == OK)
        rc = router_wait_account(call);
    if (rc == OK)
        rc = router_audit(call, "user.delete", &user.resource, &nats_user_shape, &user, NULL);
    return rc == OK ? router_reply_none(call) : rc;
}

const struct rest_route users_routes[] = {
    {"GET", BASE, "user:read", NULL, list, "listUsers", ROUTE_LIST, "role"},
    {"POST", BASE, "user:change", &nats_user_settings_shape, create, "createUser", ROUTE_WAIT},
    {"PUT", BASE "/by-name/{name}", "user:change", &nats_user_settings_shape, put_by_name,
     "putUser", ROUTE_WAIT},
    {"GET", BASE "/{user}", "user:read", NULL, get, "getUser"},
    {"PATCH", BASE "/{user}", "user:change", &nats_user_settings_shape, update, "changeUser",
     ROUTE_IF_MATCH | ROUTE_MERGE | ROUTE_WAIT},
    {"DELETE", BASE "/{user}", "user:change", NULL, drop, "deleteUser",
     ROUTE_IF_MATCH | ROUTE_WAIT},
    {0},
};
