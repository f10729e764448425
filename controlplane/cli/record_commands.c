/* berth usage, berth audit, berth operation */
#include <stdio.h>

#include "controlplane/cli/cli.h"
#include "controlplane/cli/command.h"
#include "controlplane/cli/request.h"
#include "controlplane/cli/tables.h"

/* clang-format off */
const struct column operation_columns[] = {
    {"ID", "id"}, {"TYPE", "type"}, {"RESOURCE", "resource/id"}, {"STATE", "state"},
    {"ERROR", "error/detail"}, {"FINISHED", "finished_at"}, {0},
};
static const struct column bucket_columns[] = {
    {"FROM", "at"}, {"MSGS IN", "msgs_in"}, {"BYTES IN", "bytes_in"}, {"MSGS OUT", "msgs_out"},
    {"BYTES OUT", "bytes_out"}, {"CONNECTIONS", "connections"}, {"SUBSCRIPTIONS", "subscriptions"},
    {"QUALITY", "quality"}, {0},
};
static const struct column total_columns[] = {
    {"NAME", "group_name"}, {"MSGS IN", "msgs_in"}, {"BYTES IN", "bytes_in"},
    {"MSGS OUT", "msgs_out"}, {"BYTES OUT", "bytes_out"}, {"PEAK", "connections_peak"},
    {"QUALITY", "quality"}, {"ID", "group_id"}, {0},
};
static const struct column event_columns[] = {
    {"TIME", "time"}, {"WHO", "actor/name"}, {"ACTION", "action"}, {"WHAT", "resource/name"},
    {"OUTCOME", "outcome"}, {"REASON", "reason"}, {0},
};

static const struct column gap_columns[] = {
    {"FROM", "starts_at"}, {"TO", "ends_at"}, {"REASON", "reason"}, {"AT MOST", "msgs_max"},
    {"BYTES", "bytes_max"}, {"NODE", "node_id"}, {0},
};

#define SPAN_FLAGS                                                             \
    {"from", FLAG_QUERY, NULL, "TIME", "2026-11-23T00:00:00Z"},                \
    {"to", FLAG_QUERY, NULL, "TIME", "up to and without it"}
static const struct flag usage_flags[] = {
    SPAN_FLAGS,
    {"step", FLAG_QUERY, NULL, "minute|hour|day", "of one line"},
    {0},
};
static const struct flag total_flags[] = {
    SPAN_FLAGS,
    {"by", FLAG_QUERY, "group_by", "team|account|system", "of what"},
    {0},
};
static const struct flag audit_flags[] = {
    {"actor", FLAG_QUERY, NULL, "ID", "who"},
    {"action", FLAG_QUERY, NULL, "ACTION", "account.create, ..."},
    {"resource", FLAG_QUERY, NULL, "ID", "on what"},
    {"outcome", FLAG_QUERY, NULL, "OUTCOME", "success, denied, failed"},
    {"since", FLAG_QUERY, "created_after", "TIME", "2026-11-23T00:00:00Z"},
    {"limit", FLAG_LOCAL, NULL, "N", "at most so many, the newest; 50"},
    {0},
};
static const struct flag operation_flags[] = {
    {"resource", FLAG_QUERY, NULL, "ID", "on what"},
    LIST_FLAGS,
    {0},
};

/* Buckets, then what could not be known. */
static int run_series(struct cli *cli)
{
    struct rest_reply reply;
    const json_t *gaps;
    int code = cli_request(cli, &reply);

    if (code != EXIT_OK || cli->format != OUTPUT_TABLE) {
        if (code == EXIT_OK)
            output_object(cli->format, reply.json);
        return code;
    }
    output_items(cli->format, bucket_columns, output_at(reply.json, "buckets"));
    gaps = output_at(reply.json, "gaps");
    if (json_array_size(gaps) > 0) {
        puts("\nGaps:");
        output_items(cli->format, gap_columns, gaps);
    }
    return EXIT_OK;
}

static int run_totals(struct cli *cli)
{
    struct rest_reply reply;
    int code = cli_request(cli, &reply);

    if (code == EXIT_OK)
        output_items(cli->format, total_columns,
                     cli->format == OUTPUT_JSON ? reply.json : output_at(reply.json, "items"));
    return code;
}

static int run_wait(struct cli *cli)
{
    const json_t *last = NULL;
    int code;
    const char *id = cli_resolve(cli, "/operations", cli_argument(cli, "OPERATION"), &code);

    if (id == NULL)
        return code;
    code = cli_wait_operation(cli, id, &last);
    if (last != NULL)
        output_items(cli->format, operation_columns, last);
    return code;
}

const struct command record_commands[] = {
    {"usage", "show", "[ACCOUNT]", "messages, bytes and connections over time",
     "berth usage show orders --step hour", "GET", "/accounts/{account}/usage", usage_flags,
     bucket_columns, .run = run_series},
    {"usage", "current", "[ACCOUNT]", "now, and so far this month", "berth usage current orders",
     "GET", "/accounts/{account}/usage:current", NULL, NULL},
    {"usage", "totals", NULL, "by team, account or system", "berth usage totals --by team",
     "GET", "/usage", total_flags, total_columns, .run = run_totals},
    {"audit", "list", NULL, "who did what, the newest first; with --account of one account",
     "berth audit list --action account.delete", "GET", "/audit-events", audit_flags,
     event_columns, COMMAND_LIST, .account_path = "/accounts/{account}/audit-events"},
    {"operation", "list", NULL, "work that outlives its request",
     "berth operation list --state running",
     "GET", "/operations", operation_flags, operation_columns, COMMAND_LIST},
    {"operation", "show", "OPERATION", "one, step by step",
     "berth operation show ope_01JD...",
     "GET", "/operations/{operation}", NULL, NULL},
    {"operation", "wait", "OPERATION", "until it is over; 60 s, or --wait=SECONDS",
     "berth operation wait ope_01JD... --wait=120",
     "GET", "/operations/{operation}", NULL, operation_columns, .run = run_wait},
    {"operation", "cancel", "OPERATION", "where a step allows it",
     "berth operation cancel ope_01JD...",
     "POST", "/operations/{operation}:cancel", NULL, operation_columns, COMMAND_ASK},
    {0},
};
/* clang-format on */
