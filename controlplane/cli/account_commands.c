/* berth account, berth sync */
#include <stdio.h>
#include <string.h>

#include "controlplane/cli/cli.h"
#include "controlplane/cli/command.h"
#include "controlplane/cli/rule_flags.h"
#include "controlplane/cli/tables.h"

/* clang-format off */
static const struct column columns[] = {
    {"NAME", "name"}, {"STATE", "state"}, {"SYNC", "sync/state"}, {"NODES", "sync/nodes_ok"},
    {"OF", "sync/nodes_total"}, {"PUBLIC KEY", "public_key"}, {"ID", "id"}, {0},
};
static const struct column limit_columns[] = {
    {"LIMIT", "name"}, {"EFFECTIVE", "effective"}, {"SOURCE", "source"},
    {"ENFORCED BY", "enforced_by"}, {"SCOPE", "scope"}, {"USED", "used"}, {0},
};
static const struct column sync_columns[] = {
    {"NODE", "node"}, {"STATE", "node_state"}, {"STORED", "stored"}, {"APPLIED", "applied"},
    {"ERROR", "error/text"}, {"ATTEMPTS", "attempts"}, {0},
};
static const struct column push_columns[] = {
    {"SYNC", "state"}, {"STORED", "nodes_stored"}, {"APPLIED", "nodes_applied"},
    {"OF", "nodes_total"}, {0},
};

#define SETTINGS_FLAGS                                                                          \
    {"protection", FLAG_TRUE, NULL, NULL, "refuse to delete it; --protection=false lifts that"}, \
    {"tag", FLAG_LIST, "tags", "TAG", "may be repeated"},                                       \
    {"info-url", FLAG_TEXT, NULL, "URL", "where people read about it"},                         \
    PERMISSION_FLAGS("default_permissions"),                                                    \
    COMMON_FLAGS

static const struct flag create_flags[] = {
    {"team", FLAG_TEXT, "team_id", "TEAM", "whose it is; else the caller's", "/teams"},
    {"system", FLAG_TEXT, "system_id", "SYSTEM", "where it lives, if there are several",
     "/systems"},
    {"plan", FLAG_TEXT, "plan_id", "PLAN", "its limits; else the team's plan", "/plans"},
    SETTINGS_FLAGS,
    {0},
};
static const struct flag update_flags[] = {
    {"name", FLAG_TEXT, NULL, "NAME", "another name"},
    {"plan", FLAG_TEXT, "plan_id", "PLAN", "another plan", "/plans"},
    {"allow-over-quota", FLAG_TRUE, NULL, NULL, "even if it gives less than what is used now"},
    SETTINGS_FLAGS,
    {0},
};
static const struct flag list_accounts[] = {
    {"team", FLAG_QUERY, NULL, "TEAM", "of this team", "/teams"},
    {"system", FLAG_QUERY, NULL, "SYSTEM", "of this system", "/systems"},
    {"plan", FLAG_QUERY, NULL, "PLAN", "with this plan", "/plans"},
    LIST_FLAGS,
    {0},
};
static const struct flag suspend_flags[] = {
    {"reason", FLAG_TEXT, NULL, "TEXT", "shown to its team"},
    {"revoke-users", FLAG_TRUE, NULL, NULL, "and revoke all credentials issued so far"},
    {0},
};
static const struct flag limits_flags[] = {
    {"limit", FLAG_LIMITS, ".", "LIMIT=N", "instead of the plan's; may be repeated"},
    {"reset", FLAG_UNSET, ".", "LIMIT", "the plan's again"},
    {"allow-over-quota", FLAG_TRUE, NULL, NULL, "even below what is used now"},
    {0},
};
static const struct flag out_flags[] = {
    {"out", FLAG_LOCAL, NULL, "FILE", "instead of stdout"},
    {0},
};
/* clang-format on */

/* {"connections": {...}, ...} -> [{"name": "connections", ...}, ...] */
static json_t *named_items(const json_t *object)
{
    json_t *items = json_array(), *value;
    const char *key;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        json_t *item = json_object();

        json_object_set_new(item, "name", json_string(key));
        if (!json_is_object(value))
            json_object_set(item, "effective", value);
        json_object_update_missing(item, value);
        json_array_append_new(items, item);
    }
    return items;
}

static int run_limits(struct cli *cli)
{
    struct rest_reply reply;
    json_t *items;
    int code = cli_request(cli, &reply);

    if (code != EXIT_OK || cli->format == OUTPUT_JSON) {
        if (code == EXIT_OK)
            output_object(cli->format, reply.json);
        return code;
    }
    items = named_items(reply.json);
    output_items(cli->format, limit_columns, items);
    json_decref(items);
    return EXIT_OK;
}

/* Claims are JSON, whatever shows them. */
static int run_claims(struct cli *cli)
{
    struct rest_reply reply;
    int code = cli_request(cli, &reply);

    if (code == EXIT_OK)
        output_object(OUTPUT_JSON, reply.json);
    return code;
}

static int run_sync(struct cli *cli)
{
    struct rest_reply reply;
    const char *state;
    int code = cli_request(cli, &reply);

    if (code != EXIT_OK)
        return code;
    state = cli_member(reply.json, "state");
    if (cli->format == OUTPUT_TABLE) {
        printf("revision %s is %s: stored on %s, applied on %s of %s nodes\n",
               cli_member(reply.json, "desired/revision"), state,
               cli_member(reply.json, "nodes_stored"), cli_member(reply.json, "nodes_applied"),
               cli_member(reply.json, "nodes_total"));
        if (*cli_member(reply.json, "blocked") != 0)
            printf("blocked: %s\n", cli_member(reply.json, "blocked"));
        output_items(cli->format, sync_columns, output_at(reply.json, "nodes"));
    } else {
        output_object(cli->format, reply.json);
    }
    return strcmp(state, "applied") == 0 || strcmp(state, "stored") == 0 ? EXIT_OK
                                                                         : EXIT_NOT_IN_SYNC;
}

/* clang-format off */
const struct command account_commands[] = {
    {"account", "create", "NAME", "a subject space of its own",
     "berth account create orders --wait",
     "POST", "/accounts", create_flags, columns, COMMAND_WAIT},
    {"account", "list", NULL, "accounts", "berth account list --team payments",
     "GET", "/accounts", list_accounts, columns, COMMAND_LIST},
    {"account", "show", "[ACCOUNT]", "one account",
     "berth account show orders -o json",
     "GET", "/accounts/{account}", NULL, NULL},
    {"account", "update", "ACCOUNT", "change its settings",
     "berth account update orders --plan large",
     "PATCH", "/accounts/{account}", update_flags, columns, COMMAND_IF_MATCH | COMMAND_WAIT},
    {"account", "delete", "ACCOUNT", "with its users and all that it holds",
     "berth account delete orders --yes --wait",
     "DELETE", "/accounts/{account}", NULL, operation_columns, COMMAND_IF_MATCH | COMMAND_ASK},
    {"account", "suspend", "ACCOUNT", "close its connections and let nobody in",
     "berth account suspend orders --reason 'leaked credentials' --wait",
     "POST", "/accounts/{account}:suspend", suspend_flags, columns, COMMAND_WAIT | COMMAND_BODY},
    {"account", "resume", "ACCOUNT",
     "let clients in again; what the operator suspended only the operator resumes",
     "berth account resume orders --wait",
     "POST", "/accounts/{account}:resume", NULL, columns, COMMAND_WAIT},
    {"account", "limits", "[ACCOUNT]", "what it may use, who says so and who enforces it",
     "berth account limits orders",
     "GET", "/accounts/{account}/limits", NULL, limit_columns, .run = run_limits},
    {"account", "set-limits", "ACCOUNT", "other limits than its plan's",
     "berth account set-limits orders --limit connections=20 --limit max_payload=64KiB",
     "PATCH", "/accounts/{account}/limits", limits_flags, limit_columns,
     COMMAND_IF_MATCH | COMMAND_WAIT, run_limits},
    {"account", "jwt", "[ACCOUNT]", "its JWT",
     "berth account jwt orders --out orders.jwt",
     "GET", "/accounts/{account}/jwt", out_flags, NULL, COMMAND_TEXT},
    {"account", "claims", "[ACCOUNT]", "what its JWT says", "berth account claims orders",
     "GET", "/accounts/{account}/claims", NULL, NULL, .run = run_claims},
    {"account", "sync", "[ACCOUNT]", "which nodes have its present claims",
     "berth account sync orders",
     "GET", "/accounts/{account}/sync", NULL, sync_columns, .run = run_sync},
    {"account", "push", "ACCOUNT", "send its claims to every node again",
     "berth account push orders --wait=60",
     "POST", "/accounts/{account}:push", NULL, push_columns, COMMAND_WAIT},
    {"sync", NULL, "[ACCOUNT]", "as account sync; exit code 7 unless all nodes have it",
     "berth sync orders", "GET", "/accounts/{account}/sync", NULL, sync_columns, .run = run_sync},
    {0},
};
/* clang-format on */
