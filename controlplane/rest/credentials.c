#include "controlplane/rest/credentials.h"

#include <stddef.h>

#include "controlplane/domain/credential.h"

#define ACCOUNT "/v1/accounts/{account}"
#define OF_USER ACCOUNT "/users/{user}/credentials"
#define OF_ACCOUNT ACCOUNT "/credentials"

struct revoke_body {
    const char *reason;
};
static const struct field revoke_fields[] = {
    {"reason", STRING_AT(struct revoke_body, reason), FIELD_OMIT_EMPTY, .max = 500,
     .valid = rule_display_name, .rule = "text without control characters"},
};
static const struct shape revoke_shape = SHAPE(struct revoke_body, revoke_fields);

static enum result reply_list(struct rest_call *call, const char *user_id)
{
    struct db_rows rows;
    enum result rc =
        credential_list(&call->work, call->account.resource.id, user_id, &call->list, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &credential_shape, &rows,
                             offsetof(struct credential, resource.id));
}

static enum result find_user(struct rest_call *call, struct nats_user *out)
{
    return nats_user_by_ref(&call->work, call->account.resource.id, router_param(call, "user"),
                            out);
}

static enum result list_of_user(struct rest_call *call)
{
    struct nats_user user;
    enum result rc = find_user(call, &user);

    return rc == OK ? reply_list(call, user.resource.id) : rc;
}

static enum result list_of_account(struct rest_call *call)
{
    return reply_list(call, NULL);
}

static enum result issue(struct rest_call *call)
{
    struct nats_user user;
    struct credential credential;
    enum result rc = find_user(call, &user);

    if (rc == OK)
        rc = credential_issue(&call->work, &call->account, &user, call->body, &credential);
    if (rc == OK)
        rc = router_audit(call, "credential.issue", &credential.resource, &credential_shape, NULL,
                          &credential);
    return rc == OK ? router_created(call,
                                     arena_printf(call->arena, "/v1/accounts/%s/credentials",
                                                  call->account.resource.id),
                                     &credential_shape, &credential, &credential.resource)
                    : rc;
}

static enum result find(struct rest_call *call, struct credential *out)
{
    return credential_by_id(&call->work, call->account.resource.id,
                            router_param(call, "credential"), out);
}

static enum result get(struct rest_call *call)
{
    struct credential credential;
    enum result rc = find(call, &credential);

    return rc == OK ? router_reply(call, 200, &credential_shape, &credential, &credential.resource)
                    : rc;
}

static enum result revoke(struct rest_call *call)
{
    const struct revoke_body *body = call->body;
    struct credential old, credential;
    int64_t revision;
    enum result rc = find(call, &old);

    if (rc == OK)
        rc = credential_revoke(&call->work, &call->account, &old, body->reason, &credential,
                               &revision);
    if (rc != OK)
        return rc;
    call->wait = (struct rest_wait){call->account.resource.id, revision};
    rc = router_audit(call, "credential.revoke", &credential.resource, &credential_shape, &old,
                      &credential);
    return rc == OK ? router_reply(call, 200, &credential_shape, &credential, &credential.resource)
                    : rc;
}

const struct rest_route credentials_routes[] = {
    {"GET", OF_USER, "credential:read", NULL, list_of_user, "listUserCredentials", ROUTE_LIST},
    {"POST", OF_USER, "credential:issue", &credential_issue_shape, issue, "issueCredential",
     ROUTE_SECRET},
    {"GET", OF_ACCOUNT, "credential:read", NULL, list_of_account, "listCredentials", ROUTE_LIST},
    {"GET", OF_ACCOUNT "/{credential}", "credential:read", NULL, get, "getCredential"},
    {"POST", OF_ACCOUNT "/{credential}:revoke", "credential:revoke", &revoke_shape, revoke,
     "revokeCredential", ROUTE_WAIT},
    {0},
};
