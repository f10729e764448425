#include "controlplane/rest/operators.h"

#include <stddef.h>

#include "controlplane/domain/account_issue.h"
#include "controlplane/domain/operator.h"

#define BASE "/v1/operators"
#define ONE BASE "/{operator}"
#define KEYS ONE "/signing-keys"

enum { RESIGN_PAGE = 500 };

static enum result list(struct rest_call *call)
{
    struct db_rows rows;
    enum result rc = operator_list(&call->work, &call->list, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &operator_shape, &rows, offsetof(struct operator, resource.id));
}

static enum result find(struct rest_call *call, struct operator* out)
{
    return operator_by_ref(&call->work, router_param(call, "operator"), out);
}

static enum result create(struct rest_call *call)
{
    const struct operator_settings *body = call->body;
    struct operator_settings settings = *body;
    struct operator operator;
    enum result rc;

    /* Strict is what we want unless the body says otherwise. */
    if (json_object_get(call->body_json, "strict_signing_keys") == NULL)
        settings.strict_signing_keys = true;
    rc = operator_create(&call->work, &settings, &operator);
    if (rc == OK)
        rc = router_audit(call, "operator.create", &operator.resource, &operator_shape, NULL,
                          &operator);
    return rc == OK ? router_created(call, BASE, &operator_shape, &operator, & operator.resource)
                    : rc;
}

static enum result get(struct rest_call *call)
{
    struct operator operator;
    enum result rc = find(call, &operator);

    return rc == OK ? router_reply(call, 200, &operator_shape, &operator, & operator.resource) : rc;
}

static enum result update(struct rest_call *call)
{
    struct operator_settings present, settings;
    struct operator old, operator;
    enum result rc = find(call, &old);

    if (rc == OK)
        rc = router_match(call, &old.resource, &operator_shape, &old);
    if (rc != OK)
        return rc;
    present = operator_settings_of(&old);
    rc = router_merge(call, &operator_settings_shape, &present, &settings);
    if (rc == OK)
        rc = operator_update(&call->work, &old, &settings, &operator);
    if (rc == OK)
        rc = router_audit(call, "operator.change", &operator.resource, &operator_shape, &old,
                          &operator);
    return rc == OK ? router_reply(call, 200, &operator_shape, &operator, & operator.resource) : rc;
}

static enum result get_jwt(struct rest_call *call)
{
    struct operator operator;
    enum result rc = find(call, &operator);

    return rc == OK ? router_reply_text(call, 200, "application/jwt", operator.jwt) : rc;
}

static enum result list_keys(struct rest_call *call)
{
    struct operator operator;
    struct db_rows rows;
    enum result rc = find(call, &operator);

    if (rc == OK)
        rc = operator_key_list(&call->work, operator.resource.id, &call->list, &rows);
    if (rc != OK)
        return rc;
    return router_reply_list(call, &operator_key_shape, &rows,
                             offsetof(struct operator_key, resource.id));
}

static enum result create_key(struct rest_call *call)
{
    struct operator operator;
    struct operator_key key;
    enum result rc = find(call, &operator);

    if (rc == OK)
        rc = operator_key_create(&call->work, operator.resource.id, call->body, &key);
    if (rc == OK)
        rc = router_audit(call, "operator_key.create", &key.resource, &operator_key_shape, NULL,
                          &key);
    return rc == OK ? router_created(call, call->path, &operator_key_shape, &key, &key.resource)
                    : rc;
}

static enum result find_key(struct rest_call *call, struct operator_key *out)
{
    struct operator operator;
    enum result rc = find(call, &operator);

    return rc == OK ? operator_key_by_ref(&call->work, operator.resource.id,
                                          router_param(call, "key"), out)
                    : rc;
}

static enum result get_key(struct rest_call *call)
{
    struct operator_key key;
    enum result rc = find_key(call, &key);

    return rc == OK ? router_reply(call, 200, &operator_key_shape, &key, &key.resource) : rc;
}

/* Every account of the operator's systems gets a JWT by the key that is active now. */
static enum result resign_system(struct rest_call *call, const char *system_id)
{
    const char *after = NULL;
    int64_t count = RESIGN_PAGE;
    enum result rc = OK;

    while (rc == OK && count == RESIGN_PAGE)
        rc = account_resign(&call->work, system_id, after, RESIGN_PAGE, &after, &count);
    return rc;
}

static enum result resign_all(struct rest_call *call, const char *operator_id)
{
    struct strings systems;
    enum result rc = nats_system_of_operator(&call->work, operator_id, &systems);

    for (size_t i = 0; rc == OK && i < systems.count; i++)
        rc = resign_system(call, systems.items[i]);
    return rc;
}

static enum result activate_key(struct rest_call *call)
{
    struct operator_key old, key;
    enum result rc = find_key(call, &old);

    if (rc == OK)
        rc = operator_key_activate(&call->work, &old, &key);
    if (rc == OK)
        rc = resign_all(call, key.operator_id);
    if (rc == OK)
        rc = router_audit(call, "operator_key.activate", &key.resource, &operator_key_shape, &old,
                          &key);
    return rc == OK ? router_reply(call, 200, &operator_key_shape, &key, &key.resource) : rc;
}

static enum result retire_key(struct rest_call *call)
{
    struct operator_key old, key;
    enum result rc = find_key(call, &old);

    if (rc == OK)
        rc = operator_key_retire(&call->work, &old, &key);
    if (rc == OK)
        rc = router_audit(call, "operator_key.retire", &key.resource, &operator_key_shape, &old,
                          &key);
    return rc == OK ? router_reply(call, 200, &operator_key_shape, &key, &key.resource) : rc;
}

static enum result get_trust(struct rest_call *call)
{
    struct operator_key key;
    struct db_rows rows;
    json_t *tree, *nodes;
    enum result rc = find_key(call, &key);

    if (rc == OK)
        rc = operator_trust(&call->work, &key, &rows);
    if (rc != OK)
        return rc;
    tree = shape_own(call->arena, json_object());
    nodes = json_array();
    for (size_t i = 0; i < rows.count; i++)
        json_array_append_new(nodes, shape_encode(&operator_trust_shape,
                                                  (const struct operator_trust *)rows.items + i));
    json_object_set_new(tree, "public_key", json_string(key.public_key));
    json_object_set_new(tree, "nodes", nodes);
    return router_reply_json(call, 200, tree);
}

const struct rest_route operators_routes[] = {
    {"GET", BASE, "operator:read", NULL, list, "listOperators", ROUTE_LIST},
    {"POST", BASE, "operator:change", &operator_settings_shape, create, "createOperator",
     ROUTE_SECRET},
    {"GET", ONE, "operator:read", NULL, get, "getOperator"},
    {"PATCH", ONE, "operator:change", &operator_settings_shape, update, "changeOperator",
     ROUTE_IF_MATCH | ROUTE_MERGE},
    {"GET", ONE "/jwt", "operator:read", NULL, get_jwt, "getOperatorJwt"},
    {"GET", KEYS, "operator:read", NULL, list_keys, "listOperatorKeys", ROUTE_LIST},
    {"POST", KEYS, "operator:change", &resource_settings_shape, create_key, "createOperatorKey"},
    {"GET", KEYS "/{key}", "operator:read", NULL, get_key, "getOperatorKey"},
    {"GET", KEYS "/{key}/trust", "operator:read", NULL, get_trust, "getOperatorKeyTrust"},
    {"POST", KEYS "/{key}:activate", "operator:change", NULL, activate_key, "activateOperatorKey",
     ROUTE_EXPENSIVE},
    {"POST", KEYS "/{key}:retire", "operator:change", NULL, retire_key, "retireOperatorKey"},
    {0},
};
