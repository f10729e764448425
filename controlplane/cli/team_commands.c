/* berth team, berth member, berth token */
#include "controlplane/cli/tables.h"

/* clang-format off */
static const struct column columns[] = {
    {"NAME", "name"}, {"ID", "id"}, {"PLAN", "plan_id"}, {"ACCOUNTS", "account_count"},
    {"CREATED", "created_at"}, {0},
};
static const struct column member_columns[] = {
    {"NAME", "name"}, {"ROLE", "role"}, {"ACCOUNTS", "accounts"}, {"ID", "id"}, {0},
};
static const struct column token_columns[] = {
    {"NAME", "name"}, {"ROLE", "role"}, {"STATE", "state"}, {"EXPIRES", "expires_at"},
    {"LAST USED", "last_used_at"}, {"ID", "id"}, {0},
};

static const struct flag create_flags[] = {
    {"plan", FLAG_TEXT, "plan_id", "PLAN", "of its accounts; else the default plan", "/plans"},
    COMMON_FLAGS,
    {0},
};
static const struct flag update_flags[] = {
    {"name", FLAG_TEXT, NULL, "NAME", "another name"},
    {"plan", FLAG_TEXT, "plan_id", "PLAN", "of its accounts from now on", "/plans"},
    {"allow-over-quota", FLAG_TRUE, NULL, NULL, "even if it gives less than what is used now"},
    COMMON_FLAGS,
    {0},
};

#define MEMBER_FLAGS                                                                     \
    {"role", FLAG_TEXT, NULL, "admin|viewer", "what the member may"},                    \
    {"only", FLAG_LIST, "accounts", "ACCOUNT", "only these accounts; else the whole team", \
     "/accounts"},                                                                        \
    COMMON_FLAGS
static const struct flag member_flags[] = {MEMBER_FLAGS, {0}};
static const struct flag member_update_flags[] = {
    {"name", FLAG_TEXT, NULL, "NAME", "another name"},
    MEMBER_FLAGS,
    {0},
};

#define TOKEN_FLAGS                                                                               \
    {"expires", FLAG_TIME_AT, "expires_at", "TIME",                                                \
     "when it ends: 90d, or a time; at most a year"},                                              \
    {"scope", FLAG_LIST, "scopes", "SCOPE",                                                        \
     "of a service: accounts:read, credentials:issue, ..."},                                       \
    {"only", FLAG_LIST, "accounts", "ACCOUNT", "only these accounts", "/accounts"},                \
    {"from", FLAG_LIST, "allowed_cidrs", "CIDR", "only from these addresses"},                    \
    COMMON_FLAGS
static const struct flag token_flags[] = {
    {"role", FLAG_TEXT, NULL, "ROLE",
     "team_admin, team_viewer, service; operator_admin, operator_viewer"},
    {"member", FLAG_TEXT, "member_id", "ID", "acts as this member"},
    TOKEN_FLAGS,
    {"out", FLAG_LOCAL, NULL, "FILE", "the token goes there (0600); - for stdout alone"},
    {0},
};
static const struct flag token_update_flags[] = {
    {"name", FLAG_TEXT, NULL, "NAME", "another name"},
    TOKEN_FLAGS,
    {0},
};

const struct command team_commands[] = {
    {"team", "create", "NAME", "people who own accounts", "berth team create payments --plan small",
     "POST", "/teams", create_flags, columns},
    {"team", "list", NULL, "all teams, or one's own",
     "berth team list --label region:eu",
     "GET", "/teams", list_flags, columns, COMMAND_LIST},
    {"team", "show", "[TEAM]", "one team",
     "berth team show payments",
     "GET", "/teams/{team}", NULL, NULL},
    {"team", "update", "TEAM", "change its settings", "berth team update payments --plan large",
     "PATCH", "/teams/{team}", update_flags, columns, COMMAND_IF_MATCH},
    {"team", "delete", "TEAM", "refused while it has accounts",
     "berth team delete payments",
     "DELETE", "/teams/{team}", NULL, NULL, COMMAND_IF_MATCH | COMMAND_ASK},
    {"member", "add", "NAME", "a member of a team",
     "berth member add ada@example.com --team payments --role admin",
     "POST", "/teams/{team}/members", member_flags, member_columns},
    {"member", "list", NULL, "the members of a team",
     "berth member list --team payments",
     "GET", "/teams/{team}/members", list_flags, member_columns, COMMAND_LIST},
    {"member", "show", "MEMBER", "one member",
     "berth member show ada@example.com --team payments",
     "GET", "/teams/{team}/members/{member}", NULL, NULL},
    {"member", "update", "MEMBER", "change role or accounts",
     "berth member update ada@example.com --team payments --role viewer --only orders",
     "PATCH", "/teams/{team}/members/{member}", member_update_flags, member_columns,
     COMMAND_IF_MATCH},
    {"member", "remove", "MEMBER", "and revoke the member's tokens",
     "berth member remove ada@example.com --team payments",
     "DELETE", "/teams/{team}/members/{member}", NULL, NULL, COMMAND_IF_MATCH | COMMAND_ASK},
    {"token", "create", "NAME", "an access token: for oneself, or with --team of a team",
     "berth token create ci --team payments --role service --scope credentials:issue "
     "--expires 90d --out ci.token",
     "POST", "/tokens", token_flags, token_columns, .secret = "token",
     .team_path = "/teams/{team}/tokens"},
    {"token", "list", NULL, "tokens", "berth token list --team payments",
     "GET", "/tokens", list_flags, token_columns, COMMAND_LIST,
     .team_path = "/teams/{team}/tokens"},
    {"token", "show", "TOKEN", "one token, without its text",
     "berth token show ci --team payments",
     "GET", "/tokens/{token}", NULL, NULL},
    {"token", "update", "TOKEN", "change what it may",
     "berth token update ci --team payments --from 192.0.2.0/24",
     "PATCH", "/tokens/{token}", token_update_flags, token_columns, COMMAND_IF_MATCH},
    {"token", "revoke", "TOKEN", "end it", "berth token revoke ci --team payments",
     "DELETE", "/tokens/{token}", NULL, NULL, COMMAND_IF_MATCH | COMMAND_ASK},
    {0},
};
/* clang-format on */
