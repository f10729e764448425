/* berth key, berth role, berth revocation */
#include "controlplane/cli/rule_flags.h"
#include "controlplane/cli/tables.h"

/* clang-format off */
static const struct column key_columns[] = {
    {"NAME", "name"}, {"PUBLIC KEY", "public_key"}, {"STATE", "state"}, {"CUSTODY", "custody"},
    {"ROLE", "role_name"}, {"LIVE", "live_credentials"}, {"ID", "id"}, {0},
};
static const struct column role_columns[] = {
    {"NAME", "name"}, {"PUBLISH", "permissions/pub/allow"}, {"SUBSCRIBE", "permissions/sub/allow"},
    {"USERS", "user_count"}, {"ID", "id"}, {0},
};
static const struct column revocation_columns[] = {
    {"USER KEY", "user_key"}, {"ISSUED BEFORE", "revoked_before"}, {"REASON", "reason"}, {0},
};

static const struct flag key_flags[] = {
    {"custody", FLAG_TEXT, NULL, "managed|customer", "who holds the seed"},
    {"public-key", FLAG_TEXT, NULL, "KEY", "with custody customer"},
    {"role", FLAG_TEXT, "role_id", "ROLE", "a scoped key of this role",
     "/accounts/{account}/roles"},
    COMMON_FLAGS,
    {0},
};
static const struct flag key_delete_flags[] = {
    {"confirm-clients", FLAG_QUERY, "confirm_clients", "N",
     "how many connected clients it takes with it; the refusal without it says"},
    {0},
};
static const struct flag role_flags[] = {RULE_FLAGS, COMMON_FLAGS, {0}};
static const struct flag role_update_flags[] = {
    {"name", FLAG_TEXT, NULL, "NAME", "another name"},
    RULE_FLAGS,
    COMMON_FLAGS,
    {0},
};
static const struct flag revocation_flags[] = {
    {"before", FLAG_TIME_AT, "revoked_before", "TIME", "JWTs issued until then; now"},
    {"reason", FLAG_TEXT, NULL, "TEXT", "why"},
    {0},
};

const struct command key_commands[] = {
    {"key", "create", "NAME", "a signing key of an account",
     "berth key create ci --account orders --custody customer --public-key AD...",
     "POST", "/accounts/{account}/signing-keys", key_flags, key_columns, COMMAND_WAIT},
    {"key", "list", NULL, "the signing keys of an account", "berth key list --account orders",
     "GET", "/accounts/{account}/signing-keys", list_flags, key_columns, COMMAND_LIST},
    {"key", "show", "KEY", "one signing key",
     "berth key show ci --account orders",
     "GET", "/accounts/{account}/signing-keys/{key}", NULL, NULL},
    {"key", "delete", "KEY", "its users are refused from then on",
     "berth key delete ci --account orders --confirm-clients 3 --wait",
     "DELETE", "/accounts/{account}/signing-keys/{key}", key_delete_flags, NULL,
     COMMAND_IF_MATCH | COMMAND_ASK | COMMAND_WAIT},
    {"role", "create", "NAME", "a template of permissions, for scoped users",
     "berth role create device --account orders --pub-allow 'devices.{{name()}}.>' "
     "--sub-allow '_INBOX.>'",
     "POST", "/accounts/{account}/roles", role_flags, role_columns, COMMAND_WAIT},
    {"role", "list", NULL, "the roles of an account",
     "berth role list --account orders",
     "GET", "/accounts/{account}/roles", list_flags, role_columns, COMMAND_LIST},
    {"role", "show", "ROLE", "one role",
     "berth role show device --account orders",
     "GET", "/accounts/{account}/roles/{role}", NULL,
     NULL},
    {"role", "update", "ROLE", "its users follow",
     "berth role update device --account orders --payload 16KiB --wait",
     "PATCH", "/accounts/{account}/roles/{role}", role_update_flags, role_columns,
     COMMAND_IF_MATCH | COMMAND_WAIT},
    {"role", "delete", "ROLE", "refused while it has users",
     "berth role delete device --account orders",
     "DELETE", "/accounts/{account}/roles/{role}", NULL, NULL,
     COMMAND_IF_MATCH | COMMAND_ASK | COMMAND_WAIT},
    {"revocation", "list", NULL, "user keys that are refused",
     "berth revocation list --account orders",
     "GET", "/accounts/{account}/revocations", list_flags, revocation_columns, COMMAND_LIST},
    {"revocation", "show", "KEY", "one of them; * for all users",
     "berth revocation show UBXD... --account orders",
     "GET", "/accounts/{account}/revocations/{key}", NULL, NULL},
    {"revocation", "set", "KEY", "refuse a user key's JWTs; * for all users",
     "berth revocation set UBXD... --account orders --reason lost",
     "PUT", "/accounts/{account}/revocations/{key}", revocation_flags, revocation_columns,
     COMMAND_WAIT | COMMAND_BODY},
    {"revocation", "remove", "KEY", "accept them again",
     "berth revocation remove UBXD... --account orders --wait",
     "DELETE", "/accounts/{account}/revocations/{key}", NULL, NULL, COMMAND_ASK | COMMAND_WAIT},
    {0},
};
/* clang-format on */
