#include "controlplane/rest/tokens.h"

#include <stddef.h>

#include "controlplane/domain/token.h"

#define BASE "/v1/tokens"
#define OF_TEAM "/v1/teams/{team}/tokens"

struct whoami {
    const char *token_id, *name, *team_id, *member_id, *team_name;
    int role;
    struct strings scopes, accounts;
    bool all_accounts;
};
#define T struct whoami
static const struct field whoami_fields[] = {
    {"token_id", STRING_AT(T, token_id)},
    {"name", STRING_AT(T, name)},
    {"role", ENUM_AT(T, role), .type = principal_role_words},
    {"team_id", STRING_AT(T, team_id), FIELD_NULL},
    {"team_name", STRING_AT(T, team_name), FIELD_NULL},
    {"member_id", STRING_AT(T, member_id), FIELD_NULL},
    {"scopes", STRINGS_AT(T, scopes)},
    {"all_accounts", BOOL_AT(T, all_accounts)},
    {"accounts", STRINGS_AT(T, accounts)},
};
#undef T
static const struct shape whoami_shape = SHAPE(struct whoami, whoami_fields);

static enum result whoami(struct rest_call *call)
{
    const struct principal *who = &call->who;
    struct whoami answer = {
        .token_id = who->token_id,
        .name = who->name,
        .team_id = who->team_id,
        .member_id = who->member_id,
        .role = (int)who->role,
        .scopes = who->scopes,
        .accounts = who->accounts,
        .all_accounts = who->all_accounts,
    };
    struct team team;
    enum result rc = OK;

    if (who->team_id != NULL) {
        rc = team_by_ref(&call->work, who->team_id, &team);
        if (rc == OK)
            answer.team_name = team.resource.name;
    }
    return rc == OK ? router_reply(call, 200, &whoami_shape, &answer, NULL) : rc;
}

static enum result exchange(struct rest_call *call)
{
    struct token token;
    enum result rc = token_exchange(&call->work, call->body, &token);

    if (rc == OK)
        rc = router_audit(call, "bootstrap.exchange", &token.resource, &token_shape, NULL, &token);
    return rc == OK ? router_created(call, BASE, &token_shape, &token, &token.resource) : rc;
}

static enum result reply_list(struct rest_call *call, const char *team_id)
{
    struct db_rows rows;
    enum result rc = token_list(&call->work, team_id, &call->list, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &token_shape, &rows, offsetof(struct token, resource.id));
}

static enum result list(struct rest_call *call)
{
    return reply_list(call, NULL);
}

static enum result list_of_team(struct rest_call *call)
{
    return reply_list(call, call->team.resource.id);
}

static enum result create_for(struct rest_call *call, const char *team_id)
{
    struct token token;
    enum result rc = token_create(&call->work, team_id, call->body, &token);

    if (rc == OK)
        rc = router_audit(call, "token.create", &token.resource, &token_shape, NULL, &token);
    return rc == OK ? router_created(call, BASE, &token_shape, &token, &token.resource) : rc;
}

static enum result create(struct rest_call *call)
{
    return create_for(call, NULL);
}

static enum result create_for_team(struct rest_call *call)
{
    return create_for(call, call->team.resource.id);
}

static enum result find(struct rest_call *call, struct token *out)
{
    return token_by_id(&call->work, call->who.team_id, router_param(call, "token"), out);
}

static enum result get(struct rest_call *call)
{
    struct token token;
    enum result rc = find(call, &token);

    return rc == OK ? router_reply(call, 200, &token_shape, &token, &token.resource) : rc;
}

static enum result update(struct rest_call *call)
{
    struct token_settings present, settings;
    struct token old, token;
    enum result rc = find(call, &old);

    if (rc == OK)
        rc = router_match(call, &old.resource, &token_shape, &old);
    if (rc != OK)
        return rc;
    present = token_settings_of(&old);
    rc = router_merge(call, &token_settings_shape, &present, &settings);
    if (rc == OK)
        rc = token_update(&call->work, &old, &settings, &token);
    if (rc == OK)
        rc = router_audit(call, "token.change", &token.resource, &token_shape, &old, &token);
    return rc == OK ? router_reply(call, 200, &token_shape, &token, &token.resource) : rc;
}

static enum result drop(struct rest_call *call)
{
    struct token token;
    enum result rc = find(call, &token);

    if (rc == OK)
        rc = router_match(call, &token.resource, &token_shape, &token);
    if (rc == OK)
        rc = token_revoke(&call->work, &token);
    if (rc == OK)
        rc = router_audit(call, "token.delete", &token.resource, &token_shape, &token, NULL);
    return rc == OK ? router_reply_none(call) : rc;
}

const struct rest_route tokens_routes[] = {
    {"GET", "/v1/whoami", "self:read", NULL, whoami, "whoami"},
    {"POST", "/v1/bootstrap:exchange", "bootstrap:exchange", &token_settings_shape, exchange,
     "exchangeBootstrap", ROUTE_SECRET},
    {"GET", BASE, "token:read", NULL, list, "listTokens", ROUTE_LIST},
    {"POST", BASE, "token:change", &token_settings_shape, create, "createToken", ROUTE_SECRET},
    {"GET", BASE "/{token}", "token:read", NULL, get, "getToken"},
    {"PATCH", BASE "/{token}", "token:change", &token_settings_shape, update, "changeToken",
     ROUTE_MERGE},
    {"DELETE", BASE "/{token}", "token:change", NULL, drop, "deleteToken"},
    {"GET", OF_TEAM, "token:read", NULL, list_of_team, "listTeamTokens", ROUTE_LIST},
    {"POST", OF_TEAM, "token:change", &token_settings_shape, create_for_team, "createTeamToken",
     ROUTE_SECRET},
    {0},
};
