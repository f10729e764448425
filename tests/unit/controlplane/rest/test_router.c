/*
 * Every route, every kind of caller, every kind of bad request.  Paths are filled with what two
 * teams have; a parameter that no route knows (?zz=1) ends a request that passed all doors before
 * its handler runs, so nothing is changed by asking.
 */
#include "controlplane/rest/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "controlplane/rest/request.h"
#include "tests/lib/tenants.h"

enum { ID_MAX = 64, PATH_MAX_LEN = 512, TOKEN_MAX = 160 };

/* What stands for {name} in a path. */
struct side {
    struct control_team team;
    char account[ID_MAX], user[ID_MAX], role[ID_MAX], key[ID_MAX], credential[ID_MAX];
    char user_key[ID_MAX], member[ID_MAX], token[ID_MAX], operation[ID_MAX];
};

static struct side ours, theirs;
static char operator_id[ID_MAX], operator_key[ID_MAX], system_id[ID_MAX], plan_id[ID_MAX];

/* --- the world ---------------------------------------------------------------------------- */

static void keep(char out[ID_MAX], const char *member)
{
    snprintf(out, ID_MAX, "%s", control_text(control, member));
    assert_true(out[0] != '\0');
}

static const char *of_account(const struct side *side, const char *rest)
{
    return control_format(control, "/v1/accounts/%s%s", side->account, rest);
}

static void make_side(struct side *side, const char *name)
{
    const char *token = side->team.token;

    control_team_make(control, name, &side->team);
    control_account_make(control, &side->team, "leaving", side->account);
    control_want_if(control, 202, token, "*", "DELETE", of_account(side, ""), NULL);
    keep(side->operation, "id");
    control_account_make(control, &side->team, "orders", side->account);
    control_want(control, 201, token, "POST", of_account(side, "/users"), "{\"name\":\"u\"}");
    keep(side->user, "id");
    control_want(control, 201, token, "POST",
                 of_account(side, control_format(control, "/users/%s/credentials", side->user)),
                 "{\"generate\":true}");
    keep(side->credential, "id");
    keep(side->user_key, "public_key");
    control_want(control, 201, token, "POST", of_account(side, "/roles"), "{\"name\":\"r\"}");
    keep(side->role, "id");
    control_want(control, 201, token, "POST", of_account(side, "/signing-keys"),
                 "{\"name\":\"k\"}");
    keep(side->key, "id");
    control_want(control, 200, token, "PUT",
                 of_account(side, control_format(control, "/revocations/%s", side->user_key)),
                 "{}");
    control_want(control, 201, token, "POST",
                 control_format(control, "/v1/teams/%s/members", side->team.id),
                 "{\"name\":\"m\",\"role\":\"viewer\"}");
    keep(side->member, "id");
    control_want(control, 200, token, "GET", "/v1/whoami", NULL);
    keep(side->token, "token_id");
}

static int begin(void **state)
{
    tenants_start_world(state);
    keep(plan_id, "id");
    control_want(control, 200, admin, "GET", "/v1/operators", NULL);
    keep(operator_id, "items/0/id");
    keep(operator_key, "items/0/active_signing_key_id");
    control_want(control, 200, admin, "GET", "/v1/systems", NULL);
    keep(system_id, "items/0/id");
    make_side(&ours, "ours");
    make_side(&theirs, "theirs");
    return 0;
}

/* team and account of the first side, the rest of the other. */
static const char *value_of(const struct rest_route *route, struct slice name,
                            const struct side *outer, const struct side *inner)
{
    const struct {
        const char *name, *value;
    } values[] = {
        {"team", outer->team.id},
        {"account", outer->account},
        {"user", inner->user},
        {"role", inner->role},
        {"credential", inner->credential},
        {"user_key", inner->user_key},
        {"member", inner->member},
        {"token", inner->token},
        {"operation", inner->operation},
        {"operator", operator_id},
        {"system", system_id},
        {"plan", plan_id},
        {"node", "n1"},
        {"name", "by-name"},
        {"code", "not_found"},
        {"key", strstr(route->path, "{operator}") != NULL ? operator_key : inner->key},
    };

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        if (slice_equal(name, slice_of(values[i].name)))
            return values[i].value;
    }
    fail_msg("%s has a parameter that this test does not know", route->path);
    return "";
}

static const char *path_of(const struct rest_route *route, const struct side *outer,
                           const struct side *inner)
{
    static char path[PATH_MAX_LEN];
    const char *at = route->path;
    size_t len = 0;

    while (*at != '\0') {
        const char *close = *at == '{' ? strchr(at, '}') : NULL;

        if (close == NULL) {
            path[len++] = *at++;
            continue;
        }
        len += (size_t)snprintf(
            path + len, sizeof(path) - len, "%s",
            value_of(route, slice_make(at + 1, (size_t)(close - at) - 1), outer, inner));
        at = close + 1;
    }
    path[len] = '\0';
    return path;
}

static const struct rest_route *each_route(const struct rest_route *last)
{
    static size_t table;

    if (last == NULL)
        table = 0;
    else if ((++last)->method != NULL)
        return last;
    else
        table++;
    return rest_tables[table];
}

static bool takes_body(const struct rest_route *route)
{
    return route->body != NULL || (route->flags & ROUTE_MERGE);
}

static bool is_public(const struct rest_route *route)
{
    return strcmp(route->permission, "public") == 0;
}

/* --- one request -------------------------------------------------------------------------- */

struct
try {
    const char *token, *path, *body, *if_match, *content_type;
    size_t body_len;
};

/* The problem document is whole, and of this status and code. */
static void check_problem(const struct rest_route *route, const struct control_reply *reply,
                          int status, const char *code)
{
    const char *found = json_string_value(json_object_get(reply->json, "code"));
    char header[128];

    if (reply->status != status || found == NULL || strcmp(found, code) != 0)
        fail_msg("%s %s: %d %s, not %d %s: %s", route->method, route->path, reply->status,
                 found != NULL ? found : "", status, code, buf_text(&reply->body));
    assert_string_equal(control_header(reply, "Content-Type", header, sizeof(header)),
                        "application/problem+json");
    assert_string_equal(control_header(reply, "X-Request-Id", header, sizeof(header)),
                        json_string_value(json_object_get(reply->json, "request_id")));
    assert_int_equal(json_integer_value(json_object_get(reply->json, "status")), status);
    assert_non_null(json_object_get(reply->json, "title"));
    assert_non_null(json_object_get(reply->json, "detail"));
    assert_true(json_is_boolean(json_object_get(reply->json, "retryable")));
    if (status == 401)
        assert_non_null(control_header(reply, "WWW-Authenticate", header, sizeof(header)));
}

static void refuse(const struct rest_route *route, const struct try *try, int status,
                   const char *code)
{
    char if_match[64];
    const char *headers[] = {NULL, NULL};
    const struct control_request request = {
        .method = route->method,
        .path = try->path,
        .token = try->token,
        .body = try->body,
        .body_len = try->body_len,
        .content_type = try->content_type,
        .headers = headers,
    };
    struct control_reply reply = {0};

    if (try->if_match != NULL) {
        snprintf(if_match, sizeof(if_match), "If-Match: %s", try->if_match);
        headers[0] = if_match;
    }
    control_exchange(control, &request, &reply);
    check_problem(route, &reply, status, code);
    control_reply_fini(&reply);
}

/* --- who may ------------------------------------------------------------------------------ */

static void test_nobody_gets_in_without_a_token(void **state)
{
    for (const struct rest_route *r = each_route(NULL); r != NULL; r = each_route(r)) {
        struct try try = {.path = path_of(r, &ours, &ours), .body = takes_body(r) ? "{}" : NULL};

        if (!is_public(r))
            refuse(r, &try, 401, "unauthenticated");
    }
}

/*
 * Section 12 of the inventory, by permission: operator admin, operator viewer, team admin, team
 * viewer, and a service with the scope that is named.  y yes, - no, o what is the team's own.
 */
static const struct matrix_row {
    const char *permission, *cells, *scope;
} matrix[] = {
    {"self:read", "yyyyy", "usage:read"},
    {"bootstrap:exchange", "-----", "usage:read"},
    {"operator:read", "yy---", "accounts:read"},
    {"operator:change", "y----", "accounts:write"},
    {"system:read", "yy---", "accounts:read"},
    {"system:change", "y----", "accounts:write"},
    {"node:read", "yy---", "accounts:read"},
    {"node:change", "y----", "accounts:write"},
    {"plan:read", "yyyyo", "accounts:read"},
    {"plan:change", "y----", "accounts:write"},
    {"team:read", "yyoo-", "accounts:read"},
    {"team:create", "y----", "accounts:write"},
    {"team:change", "y-o--", "accounts:write"},
    {"team:delete", "y----", "accounts:write"},
    {"member:read", "yyoo-", "accounts:read"},
    {"member:change", "y-o--", "accounts:write"},
    {"account:read", "yyooo", "accounts:read"},
    {"account:create", "y-o-o", "accounts:write"},
    {"account:change", "y-o-o", "accounts:write"},
    {"account:delete", "y-o-o", "accounts:write"},
    {"account:suspend", "y-o-o", "accounts:write"},
    {"limits:read", "yyooo", "accounts:read"},
    {"limits:change", "y-o--", "accounts:write"},
    {"user:read", "yyooo", "users:read"},
    {"user:change", "y-o-o", "users:write"},
    {"role:read", "yyooo", "users:read"},
    {"role:change", "y-o-o", "users:write"},
    {"key:read", "yyooo", "users:read"},
    {"key:change", "y-o-o", "users:write"},
    {"credential:read", "yyooo", "users:read"},
    {"credential:issue", "--o-o", "credentials:issue"},
    {"credential:revoke", "y-o-o", "credentials:revoke"},
    {"revocation:read", "yyooo", "users:read"},
    {"revocation:change", "y-o-o", "credentials:revoke"},
    {"usage:read", "yyooo", "usage:read"},
    {"usage:all", "yy---", "usage:read"},
    {"audit:read", "yyooo", "audit:read"},
    {"token:read", "yyoo-", "accounts:read"},
    {"token:change", "y-o--", "accounts:write"},
    {"operation:read", "yyooo", "accounts:read"},
    {"operation:change", "y-o-o", "accounts:write"},
};

static const struct matrix_row *row_of(const struct rest_route *route)
{
    for (size_t i = 0; i < COUNT_OF(matrix); i++) {
        if (strcmp(matrix[i].permission, route->permission) == 0)
            return &matrix[i];
    }
    fail_msg("%s is not in the matrix", route->permission);
    return NULL;
}

/* A token of this role; of our team unless it is an operator's. */
static void make_token(const char *role, const char *scope, char out[TOKEN_MAX])
{
    bool of_operator = strncmp(role, "operator", 8) == 0;
    const char *path =
        of_operator ? "/v1/tokens" : control_format(control, "/v1/teams/%s/tokens", ours.team.id);
    const char *scopes =
        scope != NULL ? control_format(control, ",\"scopes\":[\"%s\"]", scope) : "";

    control_want(control, 201, admin, "POST", path,
                 control_format(control, "{\"name\":\"t\",\"role\":\"%s\",\"expires_at\":\"%s\"%s}",
                                role, control_in_days(control, 1), scopes));
    snprintf(out, TOKEN_MAX, "%s", control_text(control, "token"));
}

/* cell: what the matrix says of this caller. */
static void check_cell(const struct rest_route *route, const char *token, char cell)
{
    bool owned = strstr(route->path, "{team}") != NULL || strstr(route->path, "{account}") != NULL;
    const char *own = control_format(control, "%s?zz=1", path_of(route, &ours, &ours));
    const char *foreign = control_format(control, "%s?zz=1", path_of(route, &theirs, &theirs));
    struct try try = {.token = token, .path = own, .body = takes_body(route) ? "{}" : NULL};
    bool is_tenant = token != admin && cell != 'y';

    if (cell == '-')
        refuse(route, &try, 403, "forbidden");
    else
        refuse(route, &try, 400, "unknown_filter");
    if (!owned || (!is_tenant && cell == 'y'))
        return;
    try.path = foreign;
    if (cell == 'o')
        refuse(route, &try, 404, "not_found");
}

static void check_column(const char *token, size_t column)
{
    for (const struct rest_route *r = each_route(NULL); r != NULL; r = each_route(r)) {
        if (!is_public(r))
            check_cell(r, token, row_of(r)->cells[column]);
    }
}

static void test_operator_admin(void **state)
{
    check_column(admin, 0);
}

static void test_operator_viewer(void **state)
{
    char token[TOKEN_MAX];

    make_token("operator_viewer", NULL, token);
    check_column(token, 1);
}

static void test_team_admin(void **state)
{
    char token[TOKEN_MAX];

    make_token("team_admin", NULL, token);
    check_column(token, 2);
}

static void test_team_viewer(void **state)
{
    char token[TOKEN_MAX];

    make_token("team_viewer", NULL, token);
    check_column(token, 3);
}

/* With the scope it may, with any other it may not. */
static void test_service(void **state)
{
    for (size_t i = 0; authz_scopes[i] != NULL; i++) {
        char token[TOKEN_MAX];

        make_token("service", authz_scopes[i], token);
        for (const struct rest_route *r = each_route(NULL); r != NULL; r = each_route(r)) {
            const struct matrix_row *row = is_public(r) ? NULL : row_of(r);

            if (row == NULL)
                continue;
            if (strcmp(row->scope, authz_scopes[i]) == 0 || row->cells[4] != 'o')
                check_cell(r, token, row->cells[4]);
            else
                check_cell(r, token, '-');
        }
    }
}

/* What is another team's is not there, whatever its id is put into. */
static void test_foreign_ids_in_own_paths(void **state)
{
    for (const struct rest_route *r = each_route(NULL); r != NULL; r = each_route(r)) {
        bool inner = strstr(r->path, "{user") != NULL || strstr(r->path, "{role}") != NULL ||
                     strstr(r->path, "{credential}") != NULL ||
                     strstr(r->path, "{member}") != NULL || strstr(r->path, "{token}") != NULL ||
                     strstr(r->path, "{operation}") != NULL ||
                     (strstr(r->path, "{key}") != NULL && strstr(r->path, "{account}") != NULL);
        struct try try = {
            .token = ours.team.token,
            .path = path_of(r, &ours, &theirs),
            .body = takes_body(r) ? "{}" : NULL,
            .if_match = "*",
        };

        if (!inner || strcmp(r->id, "putRevocation") == 0) /* any user key may be revoked */
            continue;
        refuse(r, &try, 404, "not_found");
    }
}

/* --- bad requests ------------------------------------------------------------------------- */

/* A token that the route lets in. */
static const char *token_for(const struct rest_route *route)
{
    return row_of(route)->cells[0] == 'y' ? admin : ours.team.token;
}

static void test_bodies_that_are_no_objects(void **state)
{
    static const struct {
        const char *body, *content_type, *code;
        int status;
    } cases[] = {
        {"{", NULL, "malformed_json", 400},
        {"{\"a\":1,\"a\":2}", NULL, "malformed_json", 400},
        {"[]", NULL, "malformed_json", 400},
        {"\"\xc3\"", NULL, "malformed_json", 400},
        {"{\"a\":18446744073709551616}", NULL, "malformed_json", 400},
        {"{}", "text/plain", "unsupported_media_type", 415},
    };

    for (const struct rest_route *r = each_route(NULL); r != NULL; r = each_route(r)) {
        if (is_public(r) || strcmp(r->method, "GET") == 0 ||
            strcmp(r->id, "exchangeBootstrap") == 0)
            continue;
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct try try = {.token = token_for(r),
                              .path = path_of(r, &ours, &ours),
                              .body = cases[i].body,
                              .if_match = "*",
                              .content_type = cases[i].content_type};

            refuse(r, &try, cases[i].status, cases[i].code);
        }
    }
}

static void test_bodies_that_are_too_large_or_too_deep(void **state)
{
    size_t len = REST_BODY_MAX + 1;
    char *large = mem_alloc(len + 1), deep[128];

    memset(large, ' ', len);
    memset(deep, '[', 64);
    memset(deep + 64, ']', 63);
    deep[127] = '\0';
    for (const struct rest_route *r = each_route(NULL); r != NULL; r = each_route(r)) {
        struct try try = {.path = path_of(r, &ours, &ours), .if_match = "*"};

        if (is_public(r) || !takes_body(r) || strcmp(r->id, "exchangeBootstrap") == 0)
            continue;
        try.token = token_for(r);
        try.body = control_format(control, "{\"a\":%s}", deep);
        refuse(r, &try, 400, "malformed_json");
        try.body = large;
        try.body_len = len;
        refuse(r, &try, 413, "body_too_large");
    }
    mem_free(large);
}

static void test_members_that_nobody_knows(void **state)
{
    for (const struct rest_route *r = each_route(NULL); r != NULL; r = each_route(r)) {
        struct try try = {.path = path_of(r, &ours, &ours), .body = "{\"zz\":1}", .if_match = "*"};

        if (is_public(r) || strcmp(r->method, "GET") == 0 ||
            strcmp(r->id, "exchangeBootstrap") == 0)
            continue;
        try.token = token_for(r);
        refuse(r, &try, 422, "unknown_field");
    }
}

static void test_if_match(void **state)
{
    size_t seen = 0;

    for (const struct rest_route *r = each_route(NULL); r != NULL; r = each_route(r)) {
        struct try try = {.path = path_of(r, &ours, &ours), .body = takes_body(r) ? "{}" : NULL};

        if (!(r->flags & ROUTE_IF_MATCH))
            continue;
        try.token = token_for(r);
        refuse(r, &try, 428, "precondition_required");
        try.if_match = "\"999999\"";
        refuse(r, &try, 412, "version_conflict");
        try.if_match = "W/\"1\"";
        refuse(r, &try, 400, "invalid_parameter");
        seen++;
    }
    assert_true(seen > 10);
}

static void test_idempotency_keys(void **state)
{
    for (const struct rest_route *r = each_route(NULL); r != NULL; r = each_route(r)) {
        const char *headers[] = {"Idempotency-Key: has a blank", NULL};
        struct control_request request = {
            .method = r->method,
            .path = path_of(r, &ours, &ours),
            .body = takes_body(r) ? "{}" : NULL,
            .headers = headers,
        };
        struct control_reply reply = {0};

        if (is_public(r) || strcmp(r->method, "POST") != 0 ||
            strcmp(r->id, "exchangeBootstrap") == 0)
            continue;
        request.token = token_for(r);
        control_exchange(control, &request, &reply);
        check_problem(r, &reply, 400, "invalid_parameter");
        control_reply_fini(&reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_gets_in_without_a_token),
        cmocka_unit_test(test_operator_admin),
        cmocka_unit_test(test_operator_viewer),
        cmocka_unit_test(test_team_admin),
        cmocka_unit_test(test_team_viewer),
        cmocka_unit_test(test_service),
        cmocka_unit_test(test_foreign_ids_in_own_paths),
        cmocka_unit_test(test_bodies_that_are_no_objects),
        cmocka_unit_test(test_bodies_that_are_too_large_or_too_deep),
        cmocka_unit_test(test_members_that_nobody_knows),
        cmocka_unit_test(test_if_match),
        cmocka_unit_test(test_idempotency_keys),
    };

    return cmocka_run_group_tests(tests, begin, tenants_stop);
}
