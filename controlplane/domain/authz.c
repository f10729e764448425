#include "controlplane/domain/authz.h"

#include <string.h>

#include "api/base/check.h"

const char *const principal_role_words[] = {
    "nobody",          "bootstrap",  "operator_admin",
    "operator_viewer", "team_admin", "team_viewer",
    "service",         "machine",    NULL,
};

const char *const authz_scopes[] = {
    "accounts:read", "accounts:write",    "users:read",
    "users:write",   "credentials:issue", "credentials:revoke",
    "sharing:read",  "sharing:write",     "streams:read",
    "streams:write", "streams:purge",     "usage:read",
    "audit:read",    "connections:kick",  NULL,
};

/* clang-format off */
/*
 * The matrix.  y yes, - no, o own team (and of it only the accounts that the principal may
 * see), s own and with the scope.  The columns: nobody, bootstrap, operator admin, operator
 * viewer, team admin, team viewer, service, machine.
 */
#define ROW(permission, scope, n, b, oa, ov, ta, tv, st) \
    {permission, scope, {n, b, oa, ov, ta, tv, st, 'y'}}
static const struct authz_row rows[] = {
    /*   permission            scope                 n    b    OA   OV   TA   TV   ST  */
    ROW("public",              NULL,                 'y', 'y', 'y', 'y', 'y', 'y', 'y'),
    ROW("self:read",           NULL,                 '-', 'y', 'y', 'y', 'y', 'y', 'y'),
    ROW("bootstrap:exchange",  NULL,                 '-', 'y', '-', '-', '-', '-', '-'),
    ROW("operator:read",       NULL,                 '-', '-', 'y', 'y', '-', '-', '-'),
    ROW("operator:change",     NULL,                 '-', '-', 'y', '-', '-', '-', '-'),
    ROW("system:read",         NULL,                 '-', '-', 'y', 'y', '-', '-', '-'),
    ROW("system:change",       NULL,                 '-', '-', 'y', '-', '-', '-', '-'),
    ROW("node:read",           NULL,                 '-', '-', 'y', 'y', '-', '-', '-'),
    ROW("node:change",         NULL,                 '-', '-', 'y', '-', '-', '-', '-'),
    ROW("plan:read",           "accounts:read",      '-', '-', 'y', 'y', 'y', 'y', 's'),
    ROW("plan:change",         NULL,                 '-', '-', 'y', '-', '-', '-', '-'),
    ROW("team:read",           NULL,                 '-', '-', 'y', 'y', 'o', 'o', '-'),
    ROW("team:create",         NULL,                 '-', '-', 'y', '-', '-', '-', '-'),
    ROW("team:change",         NULL,                 '-', '-', 'y', '-', 'o', '-', '-'),
    ROW("team:delete",         NULL,                 '-', '-', 'y', '-', '-', '-', '-'),
    ROW("member:read",         NULL,                 '-', '-', 'y', 'y', 'o', 'o', '-'),
    ROW("member:change",       NULL,                 '-', '-', 'y', '-', 'o', '-', '-'),
    ROW("account:read",        "accounts:read",      '-', '-', 'y', 'y', 'o', 'o', 's'),
    ROW("account:create",      "accounts:write",     '-', '-', 'y', '-', 'o', '-', 's'),
    ROW("account:change",      "accounts:write",     '-', '-', 'y', '-', 'o', '-', 's'),
    ROW("account:delete",      "accounts:write",     '-', '-', 'y', '-', 'o', '-', 's'),
    ROW("account:suspend",     "accounts:write",     '-', '-', 'y', '-', 'o', '-', 's'),
    ROW("limits:read",         "accounts:read",      '-', '-', 'y', 'y', 'o', 'o', 's'),
    ROW("limits:change",       NULL,                 '-', '-', 'y', '-', 'o', '-', '-'),
    ROW("user:read",           "users:read",         '-', '-', 'y', 'y', 'o', 'o', 's'),
    ROW("user:change",         "users:write",        '-', '-', 'y', '-', 'o', '-', 's'),
    ROW("role:read",           "users:read",         '-', '-', 'y', 'y', 'o', 'o', 's'),
    ROW("role:change",         "users:write",        '-', '-', 'y', '-', 'o', '-', 's'),
    ROW("key:read",            "users:read",         '-', '-', 'y', 'y', 'o', 'o', 's'),
    ROW("key:change",          "users:write",        '-', '-', 'y', '-', 'o', '-', 's'),
    ROW("credential:read",     "users:read",         '-', '-', 'y', 'y', 'o', 'o', 's'),
    ROW("credential:issue",    "credentials:issue",  '-', '-', '-', '-', 'o', '-', 's'),
    ROW("credential:revoke",   "credentials:revoke", '-', '-', 'y', '-', 'o', '-', 's'),
    ROW("revocation:read",     "users:read",         '-', '-', 'y', 'y', 'o', 'o', 's'),
    ROW("revocation:change",   "credentials:revoke", '-', '-', 'y', '-', 'o', '-', 's'),
    ROW("usage:read",          "usage:read",         '-', '-', 'y', 'y', 'o', 'o', 's'),
    ROW("usage:all",           NULL,                 '-', '-', 'y', 'y', '-', '-', '-'),
    ROW("audit:read",          "audit:read",         '-', '-', 'y', 'y', 'o', 'o', 's'),
    ROW("token:read",          NULL,                 '-', '-', 'y', 'y', 'o', 'o', '-'),
    ROW("token:change",        NULL,                 '-', '-', 'y', '-', 'o', '-', '-'),
    ROW("operation:read",      "accounts:read",      '-', '-', 'y', 'y', 'o', 'o', 's'),
    ROW("operation:change",    "accounts:write",     '-', '-', 'y', '-', 'o', '-', 's'),
};
#undef ROW
/* clang-format on */

const struct authz_row *authz_rows(size_t *count)
{
    *count = COUNT_OF(rows);
    return rows;
}

static const struct authz_row *find_row(const char *permission)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(rows[i].permission, permission) == 0)
            return &rows[i];
    }
    return NULL;
}

bool authz_known(const char *permission)
{
    return find_row(permission) != NULL;
}

const struct principal *principal_machine(void)
{
    static const struct principal machine = {
        .role = ROLE_MACHINE,
        .token_id = "",
        .name = "control-plane",
        .all_accounts = true,
        .request_id = "",
        .source_ip = "",
        .user_agent = "",
    };

    return &machine;
}

bool principal_is_operator(const struct principal *who)
{
    return who->role == ROLE_OPERATOR_ADMIN || who->role == ROLE_OPERATOR_VIEWER ||
           who->role == ROLE_MACHINE;
}

bool principal_sees_account(const struct principal *who, const char *team_id,
                            const char *account_id)
{
    if (principal_is_operator(who))
        return true;
    if (who->team_id == NULL || team_id == NULL || strcmp(who->team_id, team_id) != 0)
        return false;
    if (who->all_accounts)
        return true;
    for (size_t i = 0; i < who->accounts.count; i++) {
        if (strcmp(who->accounts.items[i], account_id) == 0)
            return true;
    }
    return false;
}

bool principal_covers(const struct principal *who, const struct strings *accounts)
{
    if (principal_is_operator(who) || who->all_accounts)
        return true;
    for (size_t i = 0; i < accounts->count; i++) {
        if (!principal_sees_account(who, who->team_id, accounts->items[i]))
            return false;
    }
    return accounts->count > 0;
}

bool principal_has_scope(const struct principal *who, const char *scope)
{
    for (size_t i = 0; i < who->scopes.count; i++) {
        if (strcmp(who->scopes.items[i], scope) == 0)
            return true;
    }
    return false;
}

bool rule_scope(const char *text)
{
    for (size_t i = 0; authz_scopes[i] != NULL; i++) {
        if (strcmp(authz_scopes[i], text) == 0)
            return true;
    }
    return false;
}

/* What the path names is the principal's own; paths that name nothing are filtered by the list. */
static bool is_own(const struct principal *who, const struct authz_target *target)
{
    if (who->team_id == NULL)
        return false;
    if (target->account_id != NULL)
        return principal_sees_account(who, target->team_id, target->account_id);
    return target->team_id == NULL || strcmp(target->team_id, who->team_id) == 0;
}

enum verdict authz_check(const struct principal *who, const char *permission,
                         const struct authz_target *target)
{
    const struct authz_row *row = find_row(permission);
    unsigned char cell;

    CHECK(row != NULL && who->role < ROLE_COUNT);
    cell = row->cell[who->role];
    if (cell == 'y')
        return VERDICT_ALLOW;
    if ((target->account_id != NULL || target->team_id != NULL) && !principal_is_operator(who) &&
        !is_own(who, target))
        return VERDICT_HIDE;
    if (cell == '-')
        return VERDICT_DENY;
    if (!is_own(who, target))
        return VERDICT_HIDE;
    if (cell == 's' && !principal_has_scope(who, row->scope))
        return VERDICT_DENY;
    return VERDICT_ALLOW;
}
