#include "controlplane/rest/accounts.h"

#include <stddef.h>
#include <string.h>

#include "controlplane/domain/account_delete.h"
#include "controlplane/domain/account_life.h"
#include "controlplane/domain/account_limits.h"

#define BASE "/v1/accounts"
#define ONE BASE "/{account}"

struct suspend_body {
    const char *reason;
    bool revoke_users;
};
static const struct field suspend_fields[] = {
    {"reason", STRING_AT(struct suspend_body, reason), FIELD_OMIT_EMPTY, .max = 500,
     .valid = rule_display_name, .rule = "text without control characters"},
    {"revoke_users", BOOL_AT(struct suspend_body, revoke_users)},
};
static const struct shape suspend_shape = SHAPE(struct suspend_body, suspend_fields);

struct limits_body {
    struct limits limits;
    bool allow_over_quota;
};
static const struct field limits_body_fields[] = {
    {NULL, FLATTEN_AT(struct limits_body, limits), .type = &limits_shape},
    {"allow_over_quota", BOOL_AT(struct limits_body, allow_over_quota), FIELD_OMIT_EMPTY},
};
static const struct shape limits_body_shape = SHAPE(struct limits_body, limits_body_fields);

/* The answer may wait until the nodes have this revision. */
static void wait_for(struct rest_call *call, const struct account *account)
{
    call->wait = (struct rest_wait){account->resource.id, account->revision};
}

static enum result list(struct rest_call *call)
{
    struct account_query query = {
        .list = call->list,
        .team_id = router_query(call, "team"),
        .system_id = router_query(call, "system"),
        .plan_id = router_query(call, "plan"),
    };
    struct db_rows rows;
    enum result rc = account_list(&call->work, &query, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &account_shape, &rows, offsetof(struct account, resource.id));
}

static enum result answer_created(struct rest_call *call, struct account *account)
{
    enum result rc;

    call->account = *account;
    call->has_account = true;
    wait_for(call, account);
    rc = router_audit(call, "account.create", &account->resource, &account_shape, NULL, account);
    return rc == OK ? router_created(call, BASE, &account_shape, account, &account->resource) : rc;
}

static enum result create(struct rest_call *call)
{
    struct account account;
    enum result rc = account_create(&call->work, call->body, &account);

    return rc == OK ? answer_created(call, &account) : rc;
}

static enum result get(struct rest_call *call)
{
    struct account *account = &call->account;
    enum result rc = OK;

    if (!account->is_system)
        rc = account_limits(&call->work, account, "value", &account->effective_limits);
    return rc == OK ? router_reply(call, 200, &account_shape, account, &account->resource) : rc;
}

/* The system account is the operator's tool, not a tenant's account. */
static enum result refuse_system(struct rest_call *call)
{
    if (!call->account.is_system)
        return OK;
    return refusal_set(call->work.refusal, REFUSAL_protected, "This is the system account.");
}

static enum result change(struct rest_call *call, const struct account_settings *settings)
{
    struct account account;
    enum result rc = account_update(&call->work, &call->account, settings, &account);

    if (rc != OK)
        return rc;
    wait_for(call, &account);
    rc = router_audit(call, "account.change", &account.resource, &account_shape, &call->account,
                      &account);
    return rc == OK ? router_reply(call, 200, &account_shape, &account, &account.resource) : rc;
}

static enum result update(struct rest_call *call)
{
    struct account_settings present = account_settings_of(&call->account), settings;
    enum result rc = refuse_system(call);

    if (rc == OK)
        rc = router_match(call, &call->account.resource, &account_shape, &call->account);
    if (rc == OK)
        rc = router_merge(call, &account_settings_shape, &present, &settings);
    return rc == OK ? change(call, &settings) : rc;
}

/* Creates, or replaces what the body can say. */
static enum result put_by_name(struct rest_call *call)
{
    const char *name = router_param(call, "name");
    struct account_settings settings = *(struct account_settings *)call->body;
    const char *team = settings.team_id != NULL ? settings.team_id : call->who.team_id;
    struct account account;
    enum result rc;

    if (strcmp(settings.settings.name, name) != 0)
        return refusal_field(call->work.refusal, "/name", "mismatch",
                             "must be the name in the path");
    rc = team != NULL ? account_by_name(&call->work, team, name, &account) : ERR_NOT_FOUND;
    call->action = rc == ERR_NOT_FOUND ? "account.create" : "account.change";
    if (rc == ERR_NOT_FOUND) {
        rc = account_create(&call->work, &settings, &account);
        return rc == OK ? answer_created(call, &account) : rc;
    }
    if (rc == OK && !principal_sees_account(&call->who, account.team_id, account.resource.id))
        return refusal_set(call->work.refusal, REFUSAL_name_taken,
                           "Another account of the team has this name.");
    if (rc == OK)
        rc = account_lock(&call->work, account.resource.id, 0, &call->account);
    if (rc != OK)
        return rc;
    call->has_account = true;
    call->revision_found = call->account.revision;
    if (!call->if_match)
        return refusal_set(call->work.refusal, REFUSAL_precondition_required,
                           "The account exists: send its ETag in If-Match.");
    rc = router_match(call, &call->account.resource, &account_shape, &call->account);
    settings.team_id = call->account.team_id;
    if (settings.system_id == NULL)
        settings.system_id = call->account.system_id;
    return rc == OK ? change(call, &settings) : rc;
}

static enum result drop(struct rest_call *call)
{
    const char *mode = router_query(call, "mode");
    struct operation operation;
    enum result rc = refuse_system(call);

    if (rc == OK && mode != NULL && strcmp(mode, "purge_now") != 0)
        return refusal_set(call->work.refusal, REFUSAL_invalid_parameter, "mode must be purge_now");
    if (rc == OK)
        rc = router_match(call, &call->account.resource, &account_shape, &call->account);
    if (rc == OK)
        rc = account_delete(&call->work, &call->account, &operation);
    call->operation_id = rc == OK ? operation.resource.id : NULL;
    if (rc == OK)
        rc = router_audit(call, "account.delete", &call->account.resource, &account_shape,
                          &call->account, NULL);
    if (rc != OK)
        return rc;
    rc = router_created(call, "/v1/operations", &operation_shape, &operation, &operation.resource);
    call->reply.status = 202;
    return rc;
}

static enum result suspend(struct rest_call *call)
{
    const struct suspend_body *body = call->body;
    struct account account;
    enum result rc = refuse_system(call);

    if (rc == OK)
        rc = account_suspend(&call->work, &call->account, body->reason, body->revoke_users,
                             &account);
    if (rc != OK)
        return rc;
    wait_for(call, &account);
    rc = router_audit(call, "account.suspend", &account.resource, &account_shape, &call->account,
                      &account);
    return rc == OK ? router_reply(call, 200, &account_shape, &account, &account.resource) : rc;
}

static enum result resume(struct rest_call *call)
{
    struct account account;
    enum result rc = account_resume(&call->work, &call->account, &account);

    if (rc != OK)
        return rc;
    wait_for(call, &account);
    rc = router_audit(call, "account.resume", &account.resource, &account_shape, &call->account,
                      &account);
    return rc == OK ? router_reply(call, 200, &account_shape, &account, &account.resource) : rc;
}

static enum result get_limits(struct rest_call *call)
{
    json_t *limits;
    enum result rc = refuse_system(call);

    if (rc == OK)
        rc = account_limits(&call->work, &call->account, "effective", &limits);
    if (rc != OK)
        return rc;
    rc = router_reply_json(call, 200, limits);
    call->reply.etag =
        arena_printf(call->arena, "\"%lld\"", (long long)call->account.resource.version);
    return rc;
}

/* The body names overrides; null takes one back to what the plan says. */
static enum result change_limits(struct rest_call *call)
{
    struct limits_body present = {.limits = call->account.overrides}, body;
    struct account account;
    json_t *limits;
    enum result rc = refuse_system(call);

    if (rc == OK)
        rc = router_match(call, &call->account.resource, &account_shape, &call->account);
    if (rc == OK)
        rc = router_merge(call, &limits_body_shape, &present, &body);
    if (rc == OK)
        rc = account_set_limits(&call->work, &call->account, &body.limits, body.allow_over_quota,
                                &account);
    if (rc != OK)
        return rc;
    wait_for(call, &account);
    rc = router_audit(call, "account.limits", &account.resource, &account_shape, &call->account,
                      &account);
    if (rc == OK)
        rc = account_limits(&call->work, &account, "effective", &limits);
    if (rc != OK)
        return rc;
    rc = router_reply_json(call, 200, limits);
    call->reply.etag = arena_printf(call->arena, "\"%lld\"", (long long)account.resource.version);
    return rc;
}

static enum result get_jwt(struct rest_call *call)
{
    const char *jwt;
    enum result rc = account_jwt(&call->work, &call->account, &jwt);

    return rc == OK ? router_reply_text(call, 200, "application/jwt", jwt) : rc;
}

static enum result get_claims(struct rest_call *call)
{
    json_t *tree;
    enum result rc = account_claims_view(&call->work, &call->account, &tree);

    return rc == OK ? router_reply_json(call, 200, tree) : rc;
}

static enum result get_sync(struct rest_call *call)
{
    struct sync sync;
    enum result rc = sync_of_account(&call->work, call->account.resource.id, &sync);

    return rc == OK ? router_reply(call, 200, &sync_shape, &sync, NULL) : rc;
}

static enum result push(struct rest_call *call)
{
    struct sync sync;
    enum result rc = refuse_system(call);

    if (rc == OK)
        rc = account_push(&call->work, &call->account);
    if (rc == OK)
        rc = sync_of_account(&call->work, call->account.resource.id, &sync);
    if (rc != OK)
        return rc;
    wait_for(call, &call->account);
    rc = router_audit(call, "account.push", &call->account.resource, &account_shape, NULL, NULL);
    return rc == OK ? router_reply(call, 202, &sync_shape, &sync, NULL) : rc;
}

const struct rest_route accounts_routes[] = {
    {"GET", BASE, "account:read", NULL, list, "listAccounts", ROUTE_LIST, "team system plan"},
    {"POST", BASE, "account:create", &account_settings_shape, create, "createAccount", ROUTE_WAIT},
    {"PUT", BASE "/by-name/{name}", "account:create", &account_settings_shape, put_by_name,
     "putAccount", ROUTE_WAIT},
    {"GET", ONE, "account:read", NULL, get, "getAccount"},
    {"PATCH", ONE, "account:change", &account_settings_shape, update, "changeAccount",
     ROUTE_IF_MATCH | ROUTE_MERGE | ROUTE_WAIT},
    {"DELETE", ONE, "account:delete", NULL, drop, "deleteAccount", ROUTE_IF_MATCH, "mode"},
    {"POST", ONE ":suspend", "account:suspend", &suspend_shape, suspend, "suspendAccount",
     ROUTE_WAIT},
    {"POST", ONE ":resume", "account:suspend", NULL, resume, "resumeAccount", ROUTE_WAIT},
    {"POST", ONE ":push", "account:change", NULL, push, "pushAccount",
     ROUTE_WAIT | ROUTE_EXPENSIVE},
    {"GET", ONE "/limits", "limits:read", NULL, get_limits, "getAccountLimits"},
    {"PATCH", ONE "/limits", "limits:change", &limits_body_shape, change_limits,
     "changeAccountLimits", ROUTE_IF_MATCH | ROUTE_MERGE | ROUTE_WAIT},
    {"GET", ONE "/jwt", "account:read", NULL, get_jwt, "getAccountJwt"},
    {"GET", ONE "/claims", "account:read", NULL, get_claims, "getAccountClaims"},
    {"GET", ONE "/sync", "account:read", NULL, get_sync, "getAccountSync"},
    {0},
};
