#include "tests/lib/openapi_document.h"

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/slice.h"
#include "controlplane/domain/account_limits.h"
#include "controlplane/domain/credential.h"
#include "controlplane/domain/nats_system.h"
#include "controlplane/domain/operator.h"
#include "controlplane/domain/revocation.h"
#include "controlplane/domain/token.h"
#include "controlplane/domain/usage.h"
#include "controlplane/rest/router.h"

enum { TEXT_MAX = 256 };

/* Schemas by name. */
static const struct {
    const char *name;
    const struct shape *shape;
} schemas[] = {
    {"Account", &account_shape},
    {"AccountSettings", &account_settings_shape},
    {"AuditEvent", &audit_event_shape},
    {"Credential", &credential_shape},
    {"CredentialIssue", &credential_issue_shape},
    {"Limits", &limits_shape},
    {"Member", &member_shape},
    {"MemberSettings", &member_settings_shape},
    {"NamedSettings", &resource_settings_shape},
    {"Node", &node_shape},
    {"Operation", &operation_shape},
    {"Operator", &operator_shape},
    {"OperatorSettings", &operator_settings_shape},
    {"OperatorSigningKey", &operator_key_shape},
    {"Permissions", &permissions_shape},
    {"PermissionsTemplate", &permissions_template_shape},
    {"Plan", &plan_shape},
    {"PlanSettings", &plan_settings_shape},
    {"Revocation", &revocation_shape},
    {"RevocationSettings", &revocation_settings_shape},
    {"Role", &scoped_role_shape},
    {"RoleSettings", &scoped_role_settings_shape},
    {"SigningKey", &signing_key_shape},
    {"SigningKeySettings", &signing_key_settings_shape},
    {"Sync", &sync_shape},
    {"System", &nats_system_shape},
    {"SystemSettings", &nats_system_settings_shape},
    {"Team", &team_shape},
    {"TeamSettings", &team_settings_shape},
    {"Token", &token_shape},
    {"TokenSettings", &token_settings_shape},
    {"User", &nats_user_shape},
    {"UserSettings", &nats_user_settings_shape},
};

/* What each operation answers with; no schema: any object, or the media type's own. */
static const struct answer {
    const char *id;
    int status;
    const char *schema, *media, *summary;
    const char *also; /* another media type that can be asked for */
} answers[] = {
    {"livez", 200, NULL, "text/plain", "Is the process alive?"},
    {"readyz", 200, NULL, NULL, "Can it serve?  Each part has its own entry."},
    {"metrics", 200, NULL, "text/plain", "Figures for Prometheus."},
    {"accountMetrics", 200, NULL, "text/plain", "Figures of accounts for Prometheus."},
    {"version", 200, NULL, NULL, "Name and version of the program."},
    {"getOpenApi", 200, NULL, NULL, "This document."},
    {"listProblems", 200, NULL, NULL, "Every code of an error, with cause and remedy."},
    {"getProblem", 200, NULL, NULL, "One code of an error."},
    {"whoami", 200, NULL, NULL, "Who the token says I am."},
    {"exchangeBootstrap", 201, "Token", NULL,
     "The bootstrap token for the first operator admin's."},
    {"listTokens", 200, "Token", NULL, "My tokens."},
    {"createToken", 201, "Token", NULL, "A token of my own kind; its text is shown once."},
    {"getToken", 200, "Token", NULL, "One token."},
    {"changeToken", 200, "Token", NULL, "Changes a token."},
    {"deleteToken", 204, NULL, NULL, "Ends a token."},
    {"listTeamTokens", 200, "Token", NULL, "A team's tokens."},
    {"createTeamToken", 201, "Token", NULL, "A token of a team; its text is shown once."},
    {"listTeams", 200, "Team", NULL, "Teams."},
    {"createTeam", 201, "Team", NULL, "Creates a team."},
    {"getTeam", 200, "Team", NULL, "One team."},
    {"changeTeam", 200, "Team", NULL, "Changes a team."},
    {"deleteTeam", 204, NULL, NULL, "Deletes a team that has no accounts."},
    {"listMembers", 200, "Member", NULL, "A team's members."},
    {"createMember", 201, "Member", NULL, "Adds a member."},
    {"getMember", 200, "Member", NULL, "One member."},
    {"changeMember", 200, "Member", NULL, "Changes a member."},
    {"deleteMember", 204, NULL, NULL, "Removes a member and revokes its tokens."},
    {"listPlans", 200, "Plan", NULL, "Plans, each in its newest version."},
    {"createPlan", 201, "Plan", NULL, "Creates a plan."},
    {"getPlan", 200, "Plan", NULL, "One plan."},
    {"changePlan", 200, "Plan", NULL, "Changes a plan; other limits make a new version."},
    {"deletePlan", 204, NULL, NULL, "Retires a plan that nobody has."},
    {"listAccounts", 200, "Account", NULL, "Accounts."},
    {"createAccount", 201, "Account", NULL, "Creates an account."},
    {"putAccount", 200, "Account", NULL, "Creates or replaces an account by its name."},
    {"getAccount", 200, "Account", NULL, "One account with its effective limits."},
    {"changeAccount", 200, "Account", NULL, "Changes an account."},
    {"deleteAccount", 202, "Operation", NULL, "Deletes an account: an operation."},
    {"suspendAccount", 200, "Account", NULL, "Closes an account's connections; keeps its data."},
    {"resumeAccount", 200, "Account", NULL,
     "Opens it again; what the operator suspended, only the operator."},
    {"pushAccount", 202, "Sync", NULL, "Sends the newest claims to every node again."},
    {"getAccountLimits", 200, NULL, NULL, "Each quota: value, source, who enforces it, use."},
    {"changeAccountLimits", 200, NULL, NULL, "Overrides of the plan's limits."},
    {"getAccountJwt", 200, NULL, "application/jwt", "The account's newest JWT."},
    {"getAccountClaims", 200, NULL, NULL, "Its claims, decoded."},
    {"getAccountSync", 200, "Sync", NULL, "What each node has of the account."},
    {"listSigningKeys", 200, "SigningKey", NULL, "An account's signing keys."},
    {"createSigningKey", 201, "SigningKey", NULL, "Adds a signing key."},
    {"getSigningKey", 200, "SigningKey", NULL, "One signing key."},
    {"deleteSigningKey", 204, NULL, NULL, "Removes a signing key; its credentials end."},
    {"listRoles", 200, "Role", NULL, "An account's scoped roles."},
    {"createRole", 201, "Role", NULL, "Adds a scoped role with a signing key of its own."},
    {"getRole", 200, "Role", NULL, "One scoped role."},
    {"changeRole", 200, "Role", NULL, "Changes a scoped role."},
    {"deleteRole", 204, NULL, NULL, "Removes a scoped role that no user has."},
    {"listUsers", 200, "User", NULL, "An account's users."},
    {"createUser", 201, "User", NULL, "Adds a user."},
    {"putUser", 200, "User", NULL, "Creates or replaces a user by its name."},
    {"getUser", 200, "User", NULL, "One user."},
    {"changeUser", 200, "User", NULL, "Changes a user; disabled: true revokes its keys."},
    {"deleteUser", 204, NULL, NULL, "Deletes a user and revokes its keys."},
    {"listUserCredentials", 200, "Credential", NULL, "What was issued to a user."},
    {"issueCredential", 201, "Credential", NULL, "Issues credentials; a seed is shown once."},
    {"listCredentials", 200, "Credential", NULL, "What was issued in an account."},
    {"getCredential", 200, "Credential", NULL, "One issue of credentials."},
    {"revokeCredential", 200, "Credential", NULL, "Revokes it and all older ones of its key."},
    {"listRevocations", 200, "Revocation", NULL, "An account's revocations."},
    {"getRevocation", 200, "Revocation", NULL, "The revocation of a user key, or of *."},
    {"putRevocation", 200, "Revocation", NULL, "Refuses JWTs of a key issued up to a time."},
    {"deleteRevocation", 200, NULL, NULL, "Takes it back; says what is valid again."},
    {"getAccountUsage", 200, NULL, NULL, "What an account used, in steps."},
    {"getAccountUsageNow", 200, NULL, NULL, "What it uses now, and of the month."},
    {"getUsage", 200, NULL, NULL, "What all used, grouped.", "text/csv"},
    {"listAuditEvents", 200, "AuditEvent", NULL, "Who did what, newest first."},
    {"listAccountAuditEvents", 200, "AuditEvent", NULL, "The same of one account."},
    {"listOperations", 200, "Operation", NULL, "Work that outlives its request."},
    {"getOperation", 200, "Operation", NULL, "One operation, step by step."},
    {"cancelOperation", 200, "Operation", NULL, "Cancels it where that is possible."},
    {"listOperators", 200, "Operator", NULL, "Operators."},
    {"createOperator", 201, "Operator", NULL,
     "Makes or imports an operator; a seed is shown once."},
    {"getOperator", 200, "Operator", NULL, "One operator."},
    {"changeOperator", 200, "Operator", NULL, "Changes an operator; signing keys by a new JWT."},
    {"getOperatorJwt", 200, NULL, "application/jwt", "The operator's JWT."},
    {"listOperatorKeys", 200, "OperatorSigningKey", NULL, "An operator's signing keys."},
    {"createOperatorKey", 201, "OperatorSigningKey", NULL, "Stages a new signing key."},
    {"getOperatorKey", 200, "OperatorSigningKey", NULL, "One signing key."},
    {"getOperatorKeyTrust", 200, NULL, NULL, "Which nodes trust it."},
    {"activateOperatorKey", 200, "OperatorSigningKey", NULL, "Signs with it from now on."},
    {"retireOperatorKey", 200, "OperatorSigningKey", NULL, "Ends a key that signs nothing."},
    {"listSystems", 200, "System", NULL, "Systems."},
    {"createSystem", 201, "System", NULL, "Adds a system and its system account."},
    {"getSystem", 200, "System", NULL, "One system."},
    {"changeSystem", 200, "System", NULL, "Changes a system."},
    {"deleteSystem", 204, NULL, NULL, "Releases a system that has no accounts."},
    {"testSystemConnection", 200, NULL, NULL, "What its nodes allow us."},
    {"reconcileSystem", 202, NULL, NULL, "Compares its nodes with the database now."},
    {"getServerConfig", 200, NULL, "text/plain", "A whole configuration for a node."},
    {"getSystemSync", 200, NULL, NULL, "How far its nodes are."},
    {"listNodes", 200, "Node", NULL, "A system's nodes."},
    {"getNode", 200, "Node", NULL, "One node."},
    {"retireNode", 200, "Node", NULL, "It will not return: nothing waits for it."},
};

/* An example of each body. */
static const struct {
    const char *id, *body;
} examples[] = {
    {"exchangeBootstrap", "{\"name\":\"root\"}"},
    {"createToken", "{\"name\":\"laptop\",\"expires_at\":\"2027-01-01T00:00:00Z\"}"},
    {"createTeamToken", "{\"name\":\"deploy\",\"role\":\"service\",\"scopes\":[\"accounts:read\"],"
                        "\"expires_at\":\"2027-01-01T00:00:00Z\"}"},
    {"changeToken", "{\"allowed_cidrs\":[\"10.0.0.0/8\"]}"},
    {"createTeam", "{\"name\":\"payments\"}"},
    {"changeTeam", "{\"display_name\":\"Payments\"}"},
    {"createMember", "{\"name\":\"ada@example.com\",\"role\":\"admin\"}"},
    {"changeMember", "{\"role\":\"viewer\"}"},
    {"createPlan", "{\"name\":\"small\",\"default\":true,\"limits\":{\"connections\":100}}"},
    {"changePlan", "{\"limits\":{\"connections\":200}}"},
    {"createAccount", "{\"name\":\"orders\"}"},
    {"putAccount", "{\"name\":\"orders\",\"labels\":{\"cost-center\":\"42\"}}"},
    {"changeAccount", "{\"protection\":true}"},
    {"suspendAccount", "{\"reason\":\"unpaid\"}"},
    {"changeAccountLimits", "{\"connections\":50}"},
    {"createSigningKey", "{\"name\":\"second\"}"},
    {"createRole", "{\"name\":\"service\",\"permissions\":{\"pub\":{\"allow\":"
                   "[\"{{name()}}.>\"]}}}"},
    {"changeRole", "{\"subs\":10}"},
    {"createUser", "{\"name\":\"billing\"}"},
    {"putUser", "{\"name\":\"billing\",\"permissions\":{\"sub\":{\"allow\":[\"orders.>\"]}}}"},
    {"changeUser", "{\"disabled\":true}"},
    {"issueCredential", "{\"generate\":true,\"ttl_s\":86400}"},
    {"revokeCredential", "{\"reason\":\"laptop lost\"}"},
    {"putRevocation", "{\"reason\":\"laptop lost\"}"},
    {"createOperator", "{\"name\":\"main\"}"},
    {"changeOperator", "{\"display_name\":\"Main\"}"},
    {"createOperatorKey", "{\"name\":\"second\"}"},
    {"createSystem", "{\"name\":\"main\",\"urls\":[\"nats://127.0.0.1:4222\"]}"},
    {"changeSystem", "{\"public_urls\":[\"nats://nats.example.com:4222\"]}"},
};

static const struct answer *answer_of(const struct rest_route *route)
{
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        if (strcmp(answers[i].id, route->id) == 0)
            return &answers[i];
    }
    fprintf(stderr, "no answer is declared for %s\n", route->id);
    CHECK_UNREACHABLE("a route that openapi_document.c does not know");
}

/*
 * Shapes -> schemas.
 */

static json_t *schema_of(const struct shape *shape, bool request);

static json_t *typed(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static void add_bounds(json_t *schema, const struct field *field, const char *min, const char *max)
{
    if (field->min == 0 && field->max == 0)
        return;
    if (field->min != 0)
        json_object_set_new(schema, min, json_integer(field->min));
    if (field->max != INT64_MAX)
        json_object_set_new(schema, max, json_integer(field->max));
}

static json_t *words_of(const char *const *words)
{
    json_t *list = json_array();

    for (size_t i = 0; words[i] != NULL; i++)
        json_array_append_new(list, json_string(words[i]));
    return json_pack("{s:s,s:o}", "type", "string", "enum", list);
}

static json_t *list_of(const struct field *field, json_t *items)
{
    json_t *schema = json_pack("{s:s,s:o}", "type", "array", "items", items);

    if (field->max > 0)
        json_object_set_new(schema, "maxItems", json_integer(field->max));
    return schema;
}

static json_t *reference_or_inline(const struct shape *shape, bool request)
{
    char text[TEXT_MAX];

    for (size_t i = 0; i < COUNT_OF(schemas); i++) {
        if (schemas[i].shape == shape) {
            snprintf(text, sizeof(text), "#/components/schemas/%s", schemas[i].name);
            return json_pack("{s:s}", "$ref", text);
        }
    }
    return schema_of(shape, request);
}

static json_t *text_schema(const struct field *field)
{
    json_t *schema = typed("string");

    add_bounds(schema, field, "minLength", "maxLength");
    return schema;
}

static json_t *number_schema(const struct field *field)
{
    json_t *schema = json_pack("{s:s,s:s}", "type", "integer", "format", "int64");

    add_bounds(schema, field, "minimum", "maximum");
    return schema;
}

static json_t *kind_schema(const struct field *field, bool request)
{
    switch (field->kind) {
    case KIND_BOOL:
    case KIND_FLAG:
        return typed("boolean");
    case KIND_INT:
    case KIND_OPTIONAL:
    case KIND_DURATION:
        return number_schema(field);
    case KIND_REAL:
        return typed("number");
    case KIND_STRING:
        return text_schema(field);
    case KIND_ENUM:
        return words_of(field->type);
    case KIND_TIME:
        return json_pack("{s:s,s:s}", "type", "string", "format", "date-time");
    case KIND_STRINGS:
        return list_of(field, typed("string"));
    case KIND_OBJECT:
    case KIND_STRUCT:
        return reference_or_inline(field->type, request);
    case KIND_OBJECTS:
        return list_of(field, reference_or_inline(field->type, request));
    case KIND_STRING_MAP:
        return json_pack("{s:s,s:o}", "type", "object", "additionalProperties", typed("string"));
    case KIND_INT_MAP:
        return json_pack("{s:s,s:o}", "type", "object", "additionalProperties", typed("integer"));
    default:
        return json_object();
    }
}

/* API-03. */
static json_t *conditions_schema(void)
{
    return json_pack("{s:s,s:{s:s,s:{s:o,s:{s:[s,s,s]},s:o,s:o,s:{s:s,s:s}}}}", "type", "array",
                     "items", "type", "object", "properties", "type", typed("string"), "status",
                     "enum", "true", "false", "unknown", "reason", typed("string"), "message",
                     typed("string"), "last_transition_at", "type", "string", "format",
                     "date-time");
}

static void add_fields(json_t *properties, json_t *required, const struct shape *shape,
                       bool request)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        json_t *schema;

        if (field->kind == KIND_FLATTEN) {
            add_fields(properties, required, field->type, request);
            continue;
        }
        if (field->flags & (request ? FIELD_READ_ONLY : FIELD_WRITE_ONLY))
            continue;
        schema = strcmp(field->name, "conditions") == 0 ? conditions_schema()
                                                        : kind_schema(field, request);
        if (field->flags & FIELD_NULL && json_object_get(schema, "type") != NULL)
            json_object_set_new(schema, "type",
                                json_pack("[O,s]", json_object_get(schema, "type"), "null"));
        if (field->rule != NULL && json_object_get(schema, "$ref") == NULL)
            json_object_set_new(schema, "description", json_string(field->rule));
        json_object_set_new(properties, field->name, schema);
        if (field->flags & FIELD_REQUIRED)
            json_array_append_new(required, json_string(field->name));
    }
}

static json_t *schema_of(const struct shape *shape, bool request)
{
    json_t *properties = json_object(), *required = json_array();
    json_t *schema = json_pack("{s:s,s:o}", "type", "object", "properties", properties);

    add_fields(properties, required, shape, request);
    if (request && json_array_size(required) > 0)
        json_object_set(schema, "required", required);
    if (request)
        json_object_set_new(schema, "additionalProperties", json_false());
    json_decref(required);
    return schema;
}

/* Of version_conflict: what has changed since the caller's version. */
static json_t *conflict_schema(void)
{
    json_t *changes = json_pack(
        "{s:s,s:s,s:i,s:{s:s,s:{s:{s:s,s:s},s:{s:s},s:{s:s}},s:[s]}}", "description",
        "What differs between then and now; a value of more than 1 KiB is left out.", "type",
        "array", "maxItems", 32, "items", "type", "object", "properties", "field", "type", "string",
        "description", "a JSON pointer", "then", "description", "null: it was not set", "now",
        "description", "null: it is not set", "required", "field");

    return json_pack("{s:s,s:{s:{s:s},s:{s:s},s:{s:[s,s],s:s},s:{s:s,s:s},s:o}}", "type", "object",
                     "properties", "resource", "type", "string", "version", "type", "integer",
                     "since", "type", "integer", "null", "description",
                     "the version compared with: the caller's, or the nearest that the audit trail "
                     "knows",
                     "complete", "type", "boolean", "description",
                     "since is the caller's version and nothing is left out", "changes", changes);
}

/* RFC 9457. */
static json_t *problem_schema(void)
{
    static const char *const texts[] = {"type",     "title", "detail",
                                        "instance", "code",  "request_id"};
    json_t *properties = json_object();
    json_t *error =
        json_pack("{s:s,s:{s:o,s:o,s:o,s:o,s:o}}", "type", "object", "properties", "pointer",
                  typed("string"), "code", typed("string"), "message", typed("string"), "limit",
                  typed("integer"), "actual", typed("integer"));

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        json_object_set_new(properties, texts[i], typed("string"));
    json_object_set_new(properties, "status", typed("integer"));
    json_object_set_new(properties, "retryable", typed("boolean"));
    json_object_set_new(properties, "retry_after_s", typed("integer"));
    json_object_set_new(properties, "errors",
                        json_pack("{s:s,s:o}", "type", "array", "items", error));
    json_object_set_new(properties, "conflict", conflict_schema());
    return json_pack("{s:s,s:o,s:[s,s,s,s,s,s]}", "type", "object", "properties", properties,
                     "required", "type", "title", "status", "code", "request_id", "retryable");
}

static json_t *all_schemas(void)
{
    json_t *all = json_object();

    for (size_t i = 0; i < COUNT_OF(schemas); i++) {
        const char *name = schemas[i].name;
        bool request = strstr(name, "Settings") != NULL || strstr(name, "Issue") != NULL ||
                       strstr(name, "Permissions") != NULL || strcmp(name, "Limits") == 0;

        json_object_set_new(all, name, schema_of(schemas[i].shape, request));
    }
    json_object_set_new(all, "Problem", problem_schema());
    return all;
}

/*
 * Routes -> operations.
 */

static void add_parameter(json_t *list, const char *name, const char *in, bool required,
                          const char *type)
{
    json_array_append_new(list, json_pack("{s:s,s:s,s:b,s:{s:s}}", "name", name, "in", in,
                                          "required", required, "schema", "type", type));
}

/* Of a query, what may not be left out. */
static bool is_needed(const char *id, const char *name)
{
    return id != NULL && strcmp(id, "getServerConfig") == 0 &&
           (strcmp(name, "name") == 0 || strcmp(name, "store_dir") == 0);
}

static void add_words(json_t *list, const char *id, const char *words)
{
    struct slice rest = slice_of(words), word;
    char name[TEXT_MAX];

    while (words != NULL && slice_cut(&rest, ' ', &word)) {
        snprintf(name, sizeof(name), "%.*s", (int)word.len, word.data);
        add_parameter(list, name, "query", is_needed(id, name), "string");
    }
}

static bool is_by_name(const struct rest_route *route)
{
    return strstr(route->path, "/by-name/") != NULL;
}

/* Where If-Match is looked at, though it may be left out. */
static bool may_match(const struct rest_route *route)
{
    return is_by_name(route) || strcmp(route->method, "PATCH") == 0 ||
           (strcmp(route->method, "DELETE") == 0 && strstr(route->path, "/revocations/") == NULL);
}

static json_t *parameters_of(const struct rest_route *route)
{
    json_t *list = json_array();
    char name[TEXT_MAX];

    for (const char *at = strchr(route->path, '{'); at != NULL; at = strchr(at + 1, '{')) {
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(at + 1, "}"), at + 1);
        add_parameter(list, name, "path", true, "string");
    }
    if (route->flags & ROUTE_LIST) {
        add_parameter(list, "limit", "query", false, "integer");
        add_words(list, NULL, "cursor state label q created_after created_before updated_after");
    }
    add_words(list, route->id, route->query);
    if (route->flags & ROUTE_IF_MATCH || may_match(route))
        add_parameter(list, "If-Match", "header", (route->flags & ROUTE_IF_MATCH) != 0, "string");
    if (route->flags & ROUTE_WAIT)
        add_parameter(list, "Prefer", "header", false, "string");
    if (strcmp(route->method, "POST") == 0 && strcmp(route->permission, "public") != 0)
        add_parameter(list, "Idempotency-Key", "header", false, "string");
    return list;
}

/* A merge patch requires nothing. */
static json_t *body_schema(const struct rest_route *route)
{
    json_t *schema;

    if (!(route->flags & ROUTE_MERGE))
        return reference_or_inline(route->body, true);
    schema = schema_of(route->body, true);
    json_object_del(schema, "required");
    return schema;
}

static json_t *body_of(const struct rest_route *route)
{
    const char *media =
        route->flags & ROUTE_MERGE ? "application/merge-patch+json" : "application/json";
    json_t *content = json_pack("{s:o}", "schema", body_schema(route));

    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        if (strcmp(examples[i].id, route->id) == 0)
            json_object_set_new(content, "example", json_loads(examples[i].body, 0, NULL));
    }
    if (json_object_get(content, "example") == NULL)
        fprintf(stderr, "no example for %s\n", route->id);
    CHECK(json_object_get(content, "example") != NULL);
    return json_pack("{s:b,s:{s:o}}", "required", true, "content", media, content);
}

static json_t *success_of(const struct rest_route *route, const struct answer *answer)
{
    const char *media = answer->media != NULL ? answer->media : "application/json";
    json_t *schema, *content;
    char text[TEXT_MAX];

    if (answer->status == 204)
        return json_pack("{s:s}", "description", "done");
    schema = json_object();
    if (answer->schema != NULL) {
        snprintf(text, sizeof(text), "#/components/schemas/%s", answer->schema);
        json_object_set_new(schema, "$ref", json_string(text));
    } else {
        json_object_set_new(schema, "type",
                            json_string(answer->media != NULL ? "string" : "object"));
    }
    if (route->flags & ROUTE_LIST)
        schema = json_pack("{s:s,s:{s:{s:s,s:o},s:{s:[s,s]},s:{s:s}}}", "type", "object",
                           "properties", "items", "type", "array", "items", schema, "next_cursor",
                           "type", "string", "null", "has_more", "type", "boolean");
    content = json_pack("{s:{s:o}}", media, "schema", schema);
    if (answer->also != NULL)
        json_object_set_new(content, answer->also, json_pack("{s:o}", "schema", typed("string")));
    return json_pack("{s:s,s:o}", "description", "what was asked for", "content", content);
}

static void add_codes(json_t *codes, const char *words)
{
    struct slice rest = slice_of(words), word;

    while (slice_cut(&rest, ' ', &word))
        json_array_append_new(codes, json_stringn(word.data, word.len));
}

/* Of those that change something. */
static void add_change_codes(json_t *codes, const struct rest_route *route)
{
    add_codes(codes, "malformed_json unsupported_media_type body_too_large unknown_field "
                     "validation_failed illegal_state version_conflict jwt_too_large "
                     "signer_unavailable");
    if (strcmp(route->method, "DELETE") == 0)
        add_codes(codes, "in_use");
    else
        add_codes(codes, "name_taken quota_exceeded plan_forbids");
    if (strcmp(route->method, "POST") == 0)
        add_codes(codes, "idempotency_in_progress idempotency_key_reused");
    if (strcmp(route->method, "POST") == 0 && route->flags & ROUTE_SECRET)
        add_codes(codes, "secret_no_longer_available");
    if (strstr(route->path, "{account}") != NULL)
        add_codes(codes, "protected");
}

/* Of single operations. */
static const struct {
    const char *id, *codes;
} own_codes[] = {
    {"accountMetrics", "not_found"},
    {"resumeAccount", "suspended_by_operator"},
    {"issueCredential", "not_supported"},
    {"createSigningKey", "not_supported"},
    {"createSystem", "not_supported"},
    {"changeSystem", "not_supported"},
    {"activateOperatorKey", "signer_not_trusted_by_node"},
    {"retireOperatorKey", "in_use"},
    {"changeAccountLimits", "over_quota"},
    {"changeAccount", "over_quota"},
    {"putAccount", "over_quota"},
    {"changeTeam", "over_quota"},
};

/* Every code that the operation can answer with; tests/lib/openapi_check.h holds it to that. */
static json_t *codes_of(const struct rest_route *route)
{
    json_t *codes = json_array();

    add_codes(codes, "not_acceptable internal");
    if (strcmp(route->permission, "public") != 0)
        add_codes(codes,
                  "unauthenticated token_expired token_revoked address_not_allowed forbidden "
                  "rate_limited unknown_filter invalid_parameter unavailable "
                  "database_unavailable");
    if (strchr(route->path, '{') != NULL)
        add_codes(codes, "not_found");
    if (route->flags & ROUTE_LIST)
        add_codes(codes, "cursor_invalid");
    if (route->flags & ROUTE_IF_MATCH || is_by_name(route))
        add_codes(codes, "precondition_required");
    if (strcmp(route->method, "GET") != 0)
        add_change_codes(codes, route);
    for (size_t i = 0; i < COUNT_OF(own_codes); i++) {
        if (strcmp(own_codes[i].id, route->id) == 0)
            add_codes(codes, own_codes[i].codes);
    }
    return codes;
}

static json_t *operation_of(const struct rest_route *route)
{
    const struct answer *answer = answer_of(route);
    char status[8], example[TEXT_MAX];
    json_t *responses = json_object(), *operation;

    snprintf(status, sizeof(status), "%d", answer->status);
    json_object_set_new(responses, status, success_of(route, answer));
    if (is_by_name(route))
        json_object_set_new(responses, "201", success_of(route, answer));
    json_object_set_new(responses, "default",
                        json_pack("{s:s}", "$ref", "#/components/responses/Problem"));
    snprintf(example, sizeof(example), "%s %s", route->method, route->path);
    operation = json_pack("{s:s,s:s,s:s,s:o,s:s}", "operationId", route->id, "summary",
                          answer->summary, "x-permission", route->permission, "x-problem-codes",
                          codes_of(route), "x-example", example);
    if (json_array_size(json_object_get(operation, "parameters")) == 0)
        json_object_set_new(operation, "parameters", parameters_of(route));
    if (route->body != NULL)
        json_object_set_new(operation, "requestBody", body_of(route));
    json_object_set_new(operation, "responses", responses);
    if (strcmp(route->permission, "public") == 0)
        json_object_set_new(operation, "security", json_array());
    return operation;
}

static void add_route(json_t *paths, const struct rest_route *route)
{
    json_t *item = json_object_get(paths, route->path);
    char method[8] = "";

    for (size_t i = 0; route->method[i] != '\0' && i + 1 < sizeof(method); i++)
        method[i] = (char)(route->method[i] | 0x20);
    if (item == NULL) {
        item = json_object();
        json_object_set_new(paths, route->path, item);
    }
    CHECK(json_object_get(item, method) == NULL);
    json_object_set_new(item, method, operation_of(route));
}

json_t *openapi_document(void)
{
    json_t *paths = json_object();

    for (size_t i = 0; rest_tables[i] != NULL; i++) {
        for (const struct rest_route *route = rest_tables[i]; route->method != NULL; route++)
            add_route(paths, route);
    }
    return json_pack(
        "{s:s,s:{s:s,s:s,s:s},s:[{s:[]}],s:o,s:{s:o,s:{s:{s:s,s:{s:{s:{s:s}}}}},s:{s:{s:s,s:s}}}}",
        "openapi", "3.1.0", "info", "title", "Berth", "version", "1", "description",
        "Hosted NATS for teams.  Errors are problem documents (RFC 9457); their codes are "
        "explained at /v1/problems.",
        "security", "token", "paths", paths, "components", "schemas", all_schemas(), "responses",
        "Problem", "description", "A problem document", "content", "application/problem+json",
        "schema", "$ref", "#/components/schemas/Problem", "securitySchemes", "token", "type",
        "http", "scheme", "bearer");
}
