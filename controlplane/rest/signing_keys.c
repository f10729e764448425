#include "controlplane/rest/signing_keys.h"

#include <stddef.h>

#include "controlplane/domain/signing_key.h"
#include "controlplane/rest/server.h"

#define BASE "/v1/accounts/{account}/signing-keys"

static enum result list(struct rest_call *call)
{
    struct db_rows rows;
    enum result rc = signing_key_list(&call->work, call->account.resource.id, &call->list, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &signing_key_shape, &rows,
                             offsetof(struct signing_key, resource.id));
}

static enum result find(struct rest_call *call, struct signing_key *out)
{
    return signing_key_by_ref(&call->work, call->account.resource.id, router_param(call, "key"),
                              out);
}

static enum result get(struct rest_call *call)
{
    struct signing_key key;
    enum result rc = find(call, &key);

    return rc == OK ? router_reply(call, 200, &signing_key_shape, &key, &key.resource) : rc;
}

static enum result create(struct rest_call *call)
{
    struct signing_key key;
    enum result rc = signing_key_create(&call->work, &call->account, call->body, &key);

    if (rc == OK)
        rc = router_wait_account(call);
    if (rc == OK)
        rc =
            router_audit(call, "signing_key.create", &key.resource, &signing_key_shape, NULL, &key);
    return rc == OK ? router_created(call, call->path, &signing_key_shape, &key, &key.resource)
                    : rc;
}

struct question {
    struct signing_key_asked asked;
    struct signing_key_clients clients;
};

static void ask_nodes(struct rest_call *call)
{
    const struct rest_hooks *hooks = &call->server->hooks;
    struct question *question = call->ask_arg;

    if (hooks->count_clients != NULL)
        hooks->count_clients(hooks->arg, &question->asked, call->arena, &question->clients);
}

/* Sets what is to be asked of the nodes, and ERR_AGAIN; the second time it is answered. */
static enum result clients_of(struct rest_call *call, const struct signing_key *key,
                              struct signing_key_clients *out)
{
    struct question *question = call->ask_arg;
    enum result rc;

    if (question == NULL) {
        question = arena_alloc(call->arena, sizeof(*question));
        rc = signing_key_ask(&call->work, &call->account, key, &question->asked);
        if (rc != OK)
            return rc;
        call->ask_arg = question;
        call->ask = ask_nodes;
        return ERR_AGAIN;
    }
    *out = question->clients;
    return OK;
}

static enum result drop(struct rest_call *call)
{
    struct signing_key_clients clients;
    struct signing_key key;
    int64_t confirm;
    enum result rc = find(call, &key);

    if (rc == OK)
        rc = router_match(call, &key.resource, &signing_key_shape, &key);
    if (rc == OK)
        rc = router_query_int(call, "confirm_clients", 0, INT64_MAX, -1, &confirm);
    if (rc == OK)
        rc = clients_of(call, &key, &clients);
    if (rc == OK)
        rc = signing_key_delete(&call->work, &key, &clients, confirm);
    if (rc == OK)
        rc = router_wait_account(call);
    if (rc == OK)
        rc =
            router_audit(call, "signing_key.delete", &key.resource, &signing_key_shape, &key, NULL);
    return rc == OK ? router_reply_none(call) : rc;
}

const struct rest_route signing_keys_routes[] = {
    {"GET", BASE, "key:read", NULL, list, "listSigningKeys", ROUTE_LIST},
    {"POST", BASE, "key:change", &signing_key_settings_shape, create, "createSigningKey",
     ROUTE_WAIT},
    {"GET", BASE "/{key}", "key:read", NULL, get, "getSigningKey"},
    {"DELETE", BASE "/{key}", "key:change", NULL, drop, "deleteSigningKey",
     ROUTE_IF_MATCH | ROUTE_WAIT, "confirm_clients"},
    {0},
};
