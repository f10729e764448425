/* berth plan */
#include "controlplane/cli/tables.h"

/* clang-format off */
static const struct column columns[] = {
    {"NAME", "name"}, {"VERSION", "plan_version"}, {"STATE", "state"}, {"DEFAULT", "default"},
    {"CONNECTIONS", "limits/connections"}, {"PAYLOAD", "limits/max_payload"},
    {"ACCOUNTS", "account_count"}, {"ID", "id"}, {0},
};

#define SETTINGS_FLAGS                                                                             \
    {"limit", FLAG_LIMITS, "limits", "LIMIT=N", "connections, max_payload, ...; -1 is unlimited"}, \
    {"max", FLAG_LIMITS, "max", "LIMIT=N", "what overrides may not pass"},                         \
    {"allow-override", FLAG_LIST, "allowed_overrides", "LIMIT",                                    \
     "limits that teams may set themselves"},                                                      \
    {"default", FLAG_TRUE, NULL, NULL, "teams without a plan have this one"},                      \
    COMMON_FLAGS
static const struct flag create_flags[] = {SETTINGS_FLAGS, {0}};
static const struct flag update_flags[] = {
    {"name", FLAG_TEXT, NULL, "NAME", "another name"},
    SETTINGS_FLAGS,
    {0},
};

const struct command plan_commands[] = {
    {"plan", "create", "NAME", "a set of limits for accounts",
     "berth plan create small --limit connections=50 --limit max_payload=64KiB --default",
     "POST", "/plans", create_flags, columns},
    {"plan", "list", NULL, "all plans",
     "berth plan list",
     "GET", "/plans", list_flags, columns, COMMAND_LIST},
    {"plan", "show", "PLAN", "one plan",
     "berth plan show small",
     "GET", "/plans/{plan}", NULL, NULL},
    {"plan", "update", "PLAN", "other limits make a new version; accounts keep theirs",
     "berth plan update small --limit connections=100",
     "PATCH", "/plans/{plan}", update_flags, columns, COMMAND_IF_MATCH},
    {"plan", "delete", "PLAN", "refused while it is in use",
     "berth plan delete small",
     "DELETE", "/plans/{plan}", NULL, NULL, COMMAND_IF_MATCH | COMMAND_ASK},
    {0},
};
/* clang-format on */
