#include "controlplane/rest/systems.h"

#include <stddef.h>
#include <string.h>

#include "api/base/clock.h"
#include "controlplane/domain/nats_system.h"
#include "controlplane/rest/server.h"

#define BASE "/v1/systems"
#define ONE BASE "/{system}"
#define NODES ONE "/nodes"

enum { REACHABLE_S = 30, STORE_NAME_MAX = 512 };

static enum result list(struct rest_call *call)
{
    struct db_rows rows;
    enum result rc = nats_system_list(&call->work, &call->list, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &nats_system_shape, &rows,
                             offsetof(struct nats_system, resource.id));
}

static enum result find(struct rest_call *call, struct nats_system *out)
{
    return nats_system_by_ref(&call->work, router_param(call, "system"), out);
}

static enum result create(struct rest_call *call)
{
    struct nats_system system;
    enum result rc = nats_system_create(&call->work, call->body, &system);

    if (rc == OK)
        rc = router_audit(call, "system.create", &system.resource, &nats_system_shape, NULL,
                          &system);
    return rc == OK ? router_created(call, BASE, &nats_system_shape, &system, &system.resource)
                    : rc;
}

static enum result get(struct rest_call *call)
{
    struct nats_system system;
    enum result rc = find(call, &system);

    return rc == OK ? router_reply(call, 200, &nats_system_shape, &system, &system.resource) : rc;
}

static enum result update(struct rest_call *call)
{
    struct nats_system_settings present, settings;
    struct nats_system old, system;
    enum result rc = find(call, &old);

    if (rc == OK)
        rc = router_match(call, &old.resource, &nats_system_shape, &old);
    if (rc != OK)
        return rc;
    present = nats_system_settings_of(&old);
    rc = router_merge(call, &nats_system_settings_shape, &present, &settings);
    if (rc == OK)
        rc = nats_system_update(&call->work, &old, &settings, &system);
    if (rc == OK)
        rc = router_audit(call, "system.change", &system.resource, &nats_system_shape, &old,
                          &system);
    return rc == OK ? router_reply(call, 200, &nats_system_shape, &system, &system.resource) : rc;
}

static enum result drop(struct rest_call *call)
{
    struct nats_system system;
    enum result rc = find(call, &system);

    if (rc == OK)
        rc = router_match(call, &system.resource, &nats_system_shape, &system);
    if (rc == OK)
        rc = nats_system_delete(&call->work, &system);
    if (rc == OK)
        rc = router_audit(call, "system.delete", &system.resource, &nats_system_shape, &system,
                          NULL);
    return rc == OK ? router_reply_none(call) : rc;
}

/* Text for a quoted string of the configuration. */
static bool plain(const char *text)
{
    return rule_display_name(text) && strpbrk(text, "\"\\$") == NULL &&
           strlen(text) < STORE_NAME_MAX;
}

static enum result server_config(struct rest_call *call)
{
    struct server_config config = {
        .server_name = router_query(call, "name"),
        .listen = router_query(call, "listen"),
        .store_dir = router_query(call, "store_dir"),
    };
    struct nats_system system;
    const char *text;
    enum result rc = find(call, &system);

    if (config.listen == NULL)
        config.listen = "127.0.0.1";
    if (rc == OK && (config.server_name == NULL || !rule_nats_name(config.server_name) ||
                     !plain(config.server_name)))
        return refusal_set(call->work.refusal, REFUSAL_invalid_parameter,
                           "name must be the node's name");
    if (rc == OK && !plain(config.listen))
        return refusal_set(call->work.refusal, REFUSAL_invalid_parameter,
                           "listen must be an address");
    if (rc == OK &&
        (config.store_dir == NULL || config.store_dir[0] != '/' || !plain(config.store_dir)))
        return refusal_set(call->work.refusal, REFUSAL_invalid_parameter,
                           "store_dir must be an absolute path");
    if (rc == OK)
        rc = router_query_int(call, "port", 1, 65535, 4222, &config.port);
    if (rc == OK)
        rc = router_query_int(call, "http_port", 0, 65535, 0, &config.http_port);
    if (rc == OK)
        rc = nats_system_server_config(&call->work, &system, &config, &text);
    return rc == OK ? router_reply_text(call, 200, "text/plain; charset=utf-8", text) : rc;
}

static enum result get_sync(struct rest_call *call)
{
    struct nats_system system;
    json_t *tree;
    enum result rc = find(call, &system);

    if (rc == OK)
        rc = nats_system_sync(&call->work, &system, &tree);
    return rc == OK ? router_reply_json(call, 200, tree) : rc;
}

static enum result reconcile(struct rest_call *call)
{
    struct nats_system system;
    json_t *tree;
    enum result rc = find(call, &system);

    if (rc == OK)
        rc = nats_system_want_reconcile(&call->work, system.resource.id);
    if (rc == OK)
        rc = nats_system_sync(&call->work, &system, &tree);
    if (rc == OK)
        rc = router_audit(call, "system.reconcile", &system.resource, &nats_system_shape, NULL,
                          NULL);
    return rc == OK ? router_reply_json(call, 202, tree) : rc;
}

/* One node as the last look at it showed; a new look is under way. */
static json_t *check_node(const struct node *node, int64_t now, bool *well)
{
    bool reachable = node->last_seen_at > now - REACHABLE_S * NS_PER_S;
    bool permitted = node->trust_read_at != 0; /* VARZ was answered: our user may ask */
    json_t *tree = json_object();

    json_object_set_new(tree, "node", json_string(node->resource.name));
    json_object_set_new(tree, "state", json_string(node->resource.state));
    json_object_set_new(tree, "reachable", json_boolean(reachable));
    json_object_set_new(tree, "system_requests_permitted", json_boolean(permitted));
    json_object_set_new(tree, "server_version", json_string(node->server_version));
    json_object_set_new(tree, "jetstream", json_boolean(node->jetstream));
    json_object_set_new(tree, "resolver_kind", json_string(node->resolver_kind));
    json_object_set_new(tree, "resolver_limit", json_integer(node->store_limit));
    json_object_set_new(tree, "allow_delete", json_boolean(node->allow_delete));
    json_object_set_new(tree, "clock_skew_ms", json_integer(node->clock_skew_ms));
    *well = *well && reachable && permitted;
    return tree;
}

struct asked_system {
    const char *id, *account_key;
    size_t links;
    json_t *tree;
};

/* The registry's view stands in the reply already; now the nodes are asked. */
static void ask_nodes(struct rest_call *call)
{
    const struct rest_hooks *hooks = &call->server->hooks;
    const struct asked_system *asked = call->after_arg;
    json_t *said = hooks->check_system(hooks->arg, asked->id, asked->account_key, asked->links);
    bool well = json_is_true(json_object_get(said, "ok"));

    json_object_set(asked->tree, "links", json_object_get(said, "links"));
    if (!well)
        json_object_set_new(asked->tree, "ok", json_false());
    json_decref(said);
    router_reply_json(call, 200, asked->tree);
}

static void ask_later(struct rest_call *call, const struct nats_system *system, json_t *tree)
{
    struct asked_system *asked = arena_alloc(call->arena, sizeof(*asked));

    *asked = (struct asked_system){
        .id = system->resource.id,
        .account_key = system->system_account_key,
        .links = system->urls.count,
        .tree = tree,
    };
    call->after_arg = asked;
    call->after = ask_nodes;
}

static enum result test_connection(struct rest_call *call)
{
    struct nats_system system;
    struct db_rows rows;
    json_t *tree, *nodes;
    bool well = true;
    enum result rc = find(call, &system);

    if (rc == OK)
        rc = node_expected(&call->work, system.resource.id, &rows);
    if (rc != OK)
        return rc;
    nodes = json_array();
    for (size_t i = 0; i < rows.count; i++)
        json_array_append_new(
            nodes, check_node((const struct node *)rows.items + i, work_now(&call->work), &well));
    call->work.wake |= WAKE_TRUST;
    tree = shape_own(call->arena, json_object());
    json_object_set_new(tree, "ok", json_boolean(well));
    json_object_set_new(tree, "nodes", nodes);
    if (call->server->hooks.check_system != NULL)
        ask_later(call, &system, tree);
    rc = router_audit(call, "system.test", &system.resource, &nats_system_shape, NULL, NULL);
    return rc == OK ? router_reply_json(call, 200, tree) : rc;
}

static enum result list_nodes(struct rest_call *call)
{
    struct nats_system system;
    struct db_rows rows;
    enum result rc = find(call, &system);

    if (rc == OK)
        rc = node_list(&call->work, system.resource.id, &call->list, &rows);
    if (rc != OK)
        return rc;
    return router_reply_list(call, &node_shape, &rows, offsetof(struct node, resource.id));
}

static enum result find_node(struct rest_call *call, struct node *out)
{
    struct nats_system system;
    enum result rc = find(call, &system);

    return rc == OK ? node_by_ref(&call->work, system.resource.id, router_param(call, "node"), out)
                    : rc;
}

static enum result get_node(struct rest_call *call)
{
    struct node node;
    enum result rc = find_node(call, &node);

    return rc == OK ? router_reply(call, 200, &node_shape, &node, &node.resource) : rc;
}

static enum result retire_node(struct rest_call *call)
{
    struct node old, node;
    enum result rc = find_node(call, &old);

    if (rc == OK)
        rc = node_retire(&call->work, &old, &node);
    if (rc == OK)
        rc = router_audit(call, "node.retire", &node.resource, &node_shape, &old, &node);
    return rc == OK ? router_reply(call, 200, &node_shape, &node, &node.resource) : rc;
}

const struct rest_route systems_routes[] = {
    {"GET", BASE, "system:read", NULL, list, "listSystems", ROUTE_LIST},
    {"POST", BASE, "system:change", &nats_system_settings_shape, create, "createSystem"},
    {"GET", ONE, "system:read", NULL, get, "getSystem"},
    {"PATCH", ONE, "system:change", &nats_system_settings_shape, update, "changeSystem",
     ROUTE_IF_MATCH | ROUTE_MERGE},
    {"DELETE", ONE, "system:change", NULL, drop, "deleteSystem", ROUTE_IF_MATCH},
    {"POST", ONE ":test-connection", "system:change", NULL, test_connection, "testSystemConnection",
     ROUTE_EXPENSIVE},
    {"POST", ONE ":reconcile", "system:change", NULL, reconcile, "reconcileSystem",
     ROUTE_EXPENSIVE},
    {"GET", ONE "/server-config", "system:read", NULL, server_config, "getServerConfig", 0,
     "name listen port http_port store_dir"},
    {"GET", ONE "/sync", "system:read", NULL, get_sync, "getSystemSync"},
    {"GET", NODES, "node:read", NULL, list_nodes, "listNodes", ROUTE_LIST},
    {"GET", NODES "/{node}", "node:read", NULL, get_node, "getNode"},
    {"POST", NODES "/{node}:retire", "node:change", NULL, retire_node, "retireNode"},
    {0},
};
