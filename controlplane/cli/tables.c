#include "controlplane/cli/tables.h"

const struct command *const command_tables[] = {
    session_commands,
    operator_commands,
    system_commands,
    team_commands,
    plan_commands,
    account_commands,
    key_commands,
    user_commands,
    record_commands,
    demo_commands,
    NULL,
};

const struct flag list_flags[] = {LIST_FLAGS, {0}};
