/* berth system, berth node */
#include <stdio.h>

#include "controlplane/cli/cli.h"
#include "controlplane/cli/command.h"
#include "controlplane/cli/tables.h"

/* clang-format off */
static const struct column columns[] = {
    {"NAME", "name"}, {"STATE", "state"}, {"KIND", "node_kind"}, {"RESOLVER", "resolver_kind"},
    {"READY", "nodes_ready"}, {"NODES", "nodes_total"}, {"URLS", "urls"}, {"ID", "id"}, {0},
};
static const struct column node_columns[] = {
    {"NAME", "name"}, {"STATE", "state"}, {"VERSION", "server_version"},
    {"ACCOUNTS", "accounts_stored"},
    {"STARTED", "started_at"}, {"LAST SEEN", "last_seen_at"}, {"SERVER ID", "server_id"}, {0},
};

#define SETTINGS_FLAGS                                                                             \
    {"url", FLAG_LIST, "urls", "URL", "where the control plane reaches a node; one for each"},     \
    {"public-url", FLAG_LIST, "public_urls", "URL", "where clients connect"},                      \
    {"resolver", FLAG_TEXT, "resolver_kind", "full|memory", "how nodes keep accounts"},            \
    {"kind", FLAG_TEXT, "node_kind", "own|stock|mixed",                                            \
     "Berth nodes, stock nats-server, or both"},                                                   \
    {"jetstream", FLAG_TRUE, "jetstream/enabled", NULL, "nodes have JetStream"},                   \
    {"jetstream-domain", FLAG_TEXT, "jetstream/domain", "NAME", "its domain"},                     \
    {"jetstream-tier", FLAG_LIST, "jetstream/tiers", "R1|R3", "replica tiers on offer"},           \
    {"accounts-expected", FLAG_INT, NULL, "N", "for the size of the nodes' store"},                \
    {"sync-interval", FLAG_TIME_S, "sync_interval_s", "TIME",                                      \
     "between two passes of reconciling"},                                                         \
    COMMON_FLAGS

static const struct flag create_flags[] = {
    {"operator", FLAG_TEXT, "operator_id", "OPERATOR", "if there are several", "/operators"},
    SETTINGS_FLAGS,
    {0},
};
static const struct flag update_flags[] = {
    {"name", FLAG_TEXT, NULL, "NAME", "another name"},
    SETTINGS_FLAGS,
    {0},
};
static const struct flag config_flags[] = {
    {"node", FLAG_QUERY, "name", "NAME", "the node's name"},
    {"listen", FLAG_QUERY, "listen", "ADDRESS", "where it listens for clients; 127.0.0.1"},
    {"port", FLAG_QUERY, "port", "PORT", "4222"},
    {"http-port", FLAG_QUERY, "http_port", "PORT", "for monitoring; none without it"},
    {"data", FLAG_QUERY, "store_dir", "FOLDER", "where it keeps accounts"},
    {"out", FLAG_LOCAL, NULL, "FILE", "instead of stdout"},
    {0},
};
static const struct flag list_nodes[] = {LIST_FLAGS, {0}};

static const struct column drift_columns[] = {
    {"ACCOUNT", "name"}, {"SYNC", "state"}, {"BLOCKED", "sync_blocked"}, {"ID", "id"}, {0},
};
static const struct column link_columns[] = {
    {"URL", "url"}, {"CONNECTED", "connected"}, {"TROUBLE", "trouble"}, {0},
};
static const struct column checked_columns[] = {
    {"NODE", "node"}, {"STATE", "state"}, {"REACHABLE", "reachable"},
    {"PERMITTED", "system_requests_permitted"}, {"VERSION", "server_version"},
    {"RESOLVER", "resolver_kind"}, {"DELETE", "allow_delete"}, {"SKEW MS", "clock_skew_ms"}, {0},
};
static const struct column request_columns[] = {
    {"NOT ANSWERED", "subject"}, {"ERROR", "error"}, {0},
};
/* clang-format on */

/* Totals, then the accounts that are behind. */
static int run_sync(struct cli *cli)
{
    struct rest_reply reply;
    const json_t *drifts;
    int code = cli_request(cli, &reply);

    if (code != EXIT_OK || cli->format != OUTPUT_TABLE) {
        if (code == EXIT_OK)
            output_object(cli->format, reply.json);
        return code;
    }
    printf("accounts: %s\nlast pass: %s, last full pass: %s\n", cli_member(reply.json, "accounts"),
           cli_member(reply.json, "last_reconcile_at"),
           cli_member(reply.json, "last_full_pass_at"));
    drifts = output_at(reply.json, "drifts");
    if (json_array_size(drifts) > 0)
        output_items(cli->format, drift_columns, drifts);
    return EXIT_OK;
}

/* The requests that a link was refused, or that nobody answered. */
static void show_failed_requests(const json_t *links)
{
    json_t *failed = json_array();

    for (size_t i = 0; i < json_array_size(links); i++) {
        const json_t *checks = output_at(json_array_get(links, i), "checks");

        for (size_t j = 0; j < json_array_size(checks); j++) {
            json_t *check = json_array_get(checks, j);

            if (!json_is_true(json_object_get(check, "ok")))
                json_array_append(failed, check);
        }
    }
    if (json_array_size(failed) > 0)
        output_items(OUTPUT_TABLE, request_columns, failed);
    json_decref(failed);
}

static int run_check(struct cli *cli)
{
    struct rest_reply reply;
    int code = cli_request(cli, &reply);

    if (code != EXIT_OK)
        return code;
    if (cli->format == OUTPUT_TABLE) {
        output_items(cli->format, link_columns, output_at(reply.json, "links"));
        output_items(cli->format, checked_columns, output_at(reply.json, "nodes"));
        show_failed_requests(output_at(reply.json, "links"));
    } else {
        output_object(cli->format, reply.json);
    }
    return json_is_true(output_at(reply.json, "ok"))
               ? EXIT_OK
               : cli_fail(EXIT_UNAVAILABLE, "not all is well: see above");
}

/* clang-format off */
const struct command system_commands[] = {
    {"system", "create", "NAME", "a set of nodes under one operator",
     "berth system create main --url nats://127.0.0.1:4222 "
     "--public-url nats://nats.example.com:4222",
     "POST", "/systems", create_flags, columns},
    {"system", "list", NULL, "all systems",
     "berth system list -o json",
     "GET", "/systems", list_flags, columns,
     COMMAND_LIST},
    {"system", "show", "[SYSTEM]", "one system",
     "berth system show main",
     "GET", "/systems/{system}", NULL, NULL},
    {"system", "update", "SYSTEM", "change its settings",
     "berth system update main --url nats://10.0.0.1:4222,nats://10.0.0.2:4222",
     "PATCH", "/systems/{system}", update_flags, columns, COMMAND_IF_MATCH},
    {"system", "delete", "SYSTEM", "forget it; refused while it has accounts",
     "berth system delete old --yes",
     "DELETE", "/systems/{system}", NULL, NULL, COMMAND_IF_MATCH | COMMAND_ASK},
    {"system", "server-config", "[SYSTEM]", "the configuration file of a node",
     "berth system server-config main --node n1 --listen 0.0.0.0 --data /var/lib/berth "
     "--out node.conf",
     "GET", "/systems/{system}/server-config", config_flags, NULL, COMMAND_TEXT},
    {"system", "sync", "[SYSTEM]", "do its nodes hold what they should?",
     "berth system sync main",
     "GET", "/systems/{system}/sync", NULL, drift_columns, .run = run_sync},
    {"system", "check", "[SYSTEM]",
     "can its nodes be reached, and may we do what we must? (exit code 8: no)",
     "berth system check main",
     "POST", "/systems/{system}:test-connection", NULL, checked_columns, .run = run_check},
    {"system", "reconcile", "[SYSTEM]", "compare the nodes with the database now",
     "berth system reconcile main",
     "POST", "/systems/{system}:reconcile", NULL, drift_columns, .run = run_sync},
    {"system", "nodes", "[SYSTEM]", "its nodes",
     "berth system nodes main",
     "GET", "/systems/{system}/nodes", list_nodes, node_columns, COMMAND_LIST},
    {"node", "list", NULL, "the nodes of a system", "berth node list --system main",
     "GET", "/systems/{system}/nodes", list_nodes, node_columns, COMMAND_LIST},
    {"node", "show", "NODE", "one node",
     "berth node show n1 --system main",
     "GET", "/systems/{system}/nodes/{node}", NULL, NULL},
    {"node", "retire", "NODE", "it will not come back: nothing waits for it any longer",
     "berth node retire n1 --system main",
     "POST", "/systems/{system}/nodes/{node}:retire", NULL, node_columns, COMMAND_ASK},
    {0},
};
/* clang-format on */
