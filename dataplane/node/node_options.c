#include "dataplane/node/node_options.h"

#include "api/base/clock.h"
#include "api/nats/limits.h"

void node_options_init(struct node_options *options)
{
    *options = (struct node_options){
        .host = "0.0.0.0",
        .port = OPTIONS_PORT_DEFAULT,
        .warnings = "",
        .logtime = true,
        .max_control_line = CONTROL_LINE_DEFAULT,
        .max_payload = PAYLOAD_DEFAULT,
        .max_pending = PENDING_DEFAULT,
        .max_connections = CONNECTIONS_DEFAULT,
        .max_closed_clients = 10000,
        .ping_interval_ns = 120 * NS_PER_S,
        .ping_max = PING_MAX_DEFAULT,
        .write_deadline_ns = 10 * NS_PER_S,
        .lame_duck_duration_ns = 120 * NS_PER_S,
        .lame_duck_grace_ns = 10 * NS_PER_S,
        .auth_timeout_ns = 2 * NS_PER_S,
        .http_base_path = "",
    };
}

void node_options_fini(struct node_options *options)
{
    arena_fini(&options->arena);
}

bool node_options_operator_mode(const struct node_options *options)
{
    return options->operators.count > 0 || options->trusted_keys.count > 0;
}

void node_options_auth(struct node_options *options, struct auth_options *out)
{
    *out = (struct auth_options){
        .token = options->users.token,
        .user = options->users.user,
        .password = options->users.password,
        .users = options->users.users.items,
        .user_count = options->users.users.count,
        .no_auth_user = options->no_auth_user,
        .no_auth_made_up = options->no_auth_made_up,
        .operators = options->operators.items,
        .operator_count = options->operators.count,
        .trusted_keys = options->trusted_keys.items,
        .trusted_key_count = options->trusted_keys.count,
        .pinned_accounts = options->pinned_accounts.items,
        .pinned_account_count = options->pinned_accounts.count,
        .system_account = options->system_account,
    };
}
