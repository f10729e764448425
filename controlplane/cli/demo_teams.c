
#include "controlplane/cli/demo_teams.h"

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/random.h"
#include "controlplane/cli/body.h"
#include "controlplane/cli/cli.h"
#include "controlplane/cli/command.h"
#include "controlplane/cli/request.h"
#include "controlplane/cli/user_commands.h"

enum { WAIT_S = 30, DELETE_WAIT_S = 120 };

/* One request as somebody; on success the id of the answer. */
static int ask(struct demo_teams *demo, struct rest_client *as, const struct rest_request *request,
               struct rest_reply *reply)
{
    struct cli *cli = demo->cli;
    int code;

    cli->client = as;
    cli_call(cli, request, reply, &code);
    cli->client = demo->admin;
    return code;
}

/* POST of a body that is given up; *id: of what was made. */
static int make(struct demo_teams *demo, struct rest_client *as, const char *path, json_t *body,
                struct rest_reply *reply, const char **id)
{
    struct rest_request request = {.method = "POST", .path = path, .body = body, .wait_s = WAIT_S};
    int code;

    CHECK(body != NULL);
    code = ask(demo, as, &request, reply);
    json_decref(body);
    if (code == EXIT_OK && id != NULL)
        *id = cli_text(reply->json, "id");
    if (code == EXIT_OK && id != NULL && *id == NULL)
        return cli_fail(EXIT_FAILED, "the answer to POST %s has no id", path);
    return code;
}

static const char *make_suffix(struct arena *arena)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint64_t bits = random_u64(random_system());
    char *text = arena_alloc(arena, 7);

    for (size_t i = 0; i < 6; i++, bits >>= 5)
        text[i] = letters[bits & 31];
    return text;
}

int demo_teams_find_system(struct demo_teams *demo)
{
    struct rest_request request = {.method = "GET"};
    struct rest_reply reply;
    const char *url;
    int code;

    request.path = cli_path(demo->cli, "/systems/{system}", &code);
    if (request.path == NULL)
        return code;
    code = ask(demo, demo->admin, &request, &reply);
    if (code != EXIT_OK)
        return code;
    demo->system_id = cli_text(reply.json, "id");
    demo->system_name = cli_text(reply.json, "name");
    url = cli_flag(demo->cli, "nats");
    if (url == NULL)
        url = json_string_value(json_array_get(output_at(reply.json, "public_urls"), 0));
    if (url == NULL)
        url = json_string_value(json_array_get(output_at(reply.json, "urls"), 0));
    demo->url = url;
    if (demo->url == NULL || demo->system_id == NULL || demo->system_name == NULL)
        return cli_fail(EXIT_USAGE, "where do clients connect? give --nats nats://...");
    return EXIT_OK;
}

/* --- making ------------------------------------------------------------------------------- */

static int make_plan(struct demo_teams *demo)
{
    struct rest_reply reply;

    return make(demo, demo->admin, "/plans",
                json_pack("{s:s+, s:s, s:{s:i, s:i}}", "name", "demo-", demo->suffix, "description",
                          "of berth demo", "limits", "connections", DEMO_CONNECTIONS, "max_payload",
                          64 * 1024),
                &reply, &demo->plan_id);
}

/* A team, and a client with its own token. */
static int make_team(struct demo_teams *demo, struct demo_team *team)
{
    struct arena *arena = &demo->cli->arena;
    struct context context = demo->cli->context;
    struct rest_reply reply;
    json_t *body;
    int code = make(demo, demo->admin, "/teams",
                    json_pack("{s:s, s:s}", "name", team->name, "plan_id", demo->plan_id), &reply,
                    &team->id);

    if (code != EXIT_OK)
        return code;
    body = json_pack("{s:s, s:s}", "name", "demo", "role", "team_admin");
    cli_expires(body, 1);
    code = make(demo, demo->admin, arena_printf(arena, "/teams/%s/tokens", team->id), body, &reply,
                NULL);
    if (code != EXIT_OK)
        return code;
    context.token = cli_text(reply.json, "token");
    if (context.token == NULL)
        return cli_fail(EXIT_FAILED, "the answer holds no token");
    return rest_client_open(&context, &team->client) == OK
               ? EXIT_OK
               : cli_fail(EXIT_FAILED, "libcurl does not start");
}

static int make_account(struct demo_teams *demo, struct demo_team *team)
{
    struct rest_reply reply;
    const char *state;
    int code = make(demo, team->client, "/accounts",
                    json_pack("{s:s, s:s}", "name", team->name, "system_id", demo->system_id),
                    &reply, &team->account_id);

    if (code != EXIT_OK)
        return code;
    team->account_key = cli_text(reply.json, "public_key");
    state = cli_member(reply.json, "sync/state");
    if (strcmp(state, "applied") == 0 || strcmp(state, "stored") == 0)
        return EXIT_OK;
    return cli_fail(EXIT_NOT_IN_SYNC, "the account is not on all nodes after %d s: %s", WAIT_S,
                    state);
}

/* A user with credentials; role NULL: without one. */
static int make_user(struct demo_teams *demo, struct demo_team *team, const char *name,
                     const char *role_id, struct buf *creds)
{
    struct arena *arena = &demo->cli->arena;
    const char *users = arena_printf(arena, "/accounts/%s/users", team->account_id), *user_id;
    json_t *body = json_pack("{s:s}", "name", name);
    struct rest_reply reply;
    struct cli_issue issue = {0};
    int code;

    if (role_id != NULL)
        json_object_set_new(body, "role_id", json_string(role_id));
    code = make(demo, team->client, users, body, &reply, &user_id);
    if (code != EXIT_OK)
        return code;
    issue.path = arena_printf(arena, "%s/%s/credentials", users, user_id);
    demo->cli->client = team->client;
    code = cli_issue(demo->cli, &issue, creds);
    demo->cli->client = demo->admin;
    return code;
}

static int make_scoped_user(struct demo_teams *demo, struct demo_team *team)
{
    struct rest_reply reply;
    const char *role_id;
    json_t *body = json_pack("{s:s, s:{s:{s:[s]}, s:{s:[s]}}}", "name", "device", "permissions",
                             "pub", "allow", "devices.{{name()}}.>", "sub", "allow", "_INBOX.>");
    int code = make(demo, team->client,
                    arena_printf(&demo->cli->arena, "/accounts/%s/roles", team->account_id), body,
                    &reply, &role_id);

    return code == EXIT_OK ? make_user(demo, team, "sensor-7", role_id, &team->scoped_creds) : code;
}

int demo_teams_make(struct demo_teams *demo)
{
    static const char *const labels[DEMO_TEAMS] = {"A", "B"};
    int code;

    demo->suffix = make_suffix(&demo->cli->arena);
    code = make_plan(demo);
    for (size_t i = 0; i < DEMO_TEAMS && code == EXIT_OK; i++) {
        struct demo_team *team = &demo->teams[i];

        team->label = labels[i];
        team->name = arena_printf(&demo->cli->arena, "demo-%c-%s", "ab"[i], demo -> suffix);
        code = make_team(demo, team);
        if (code == EXIT_OK)
            code = make_account(demo, team);
        if (code == EXIT_OK)
            code = make_user(demo, team, "service", NULL, &team->creds);
        if (code == EXIT_OK && i == 0)
            code = make_scoped_user(demo, team);
    }
    return code;
}

/* --- unmaking ----------------------------------------------------------------------------- */

/* *operation: NULL when it was done at once. */
static int delete (struct demo_teams *demo, struct rest_client *as, const char *path,
                   const char **operation)
{
    struct rest_request request = {.method = "DELETE", .path = path, .if_match = "*"};
    struct rest_reply reply;
    int code = ask(demo, as, &request, &reply);

    if (operation != NULL)
        *operation = code == EXIT_OK && reply.status == 202 ? cli_text(reply.json, "id") : NULL;
    return code;
}

static int worse(int a, int b)
{
    return a != EXIT_OK ? a : b;
}

static int remove_accounts(struct demo_teams *demo)
{
    const char *operations[DEMO_TEAMS] = {0};
    struct arena *arena = &demo->cli->arena;
    const json_t *last;
    int code = EXIT_OK;

    for (size_t i = 0; i < DEMO_TEAMS; i++) {
        struct demo_team *team = &demo->teams[i];

        if (team->account_id != NULL)
            code = worse(code, delete (demo, team->client,
                                       arena_printf(arena, "/accounts/%s", team->account_id),
                                       &operations[i]));
    }
    demo->cli->wait_s = DELETE_WAIT_S;
    for (size_t i = 0; i < DEMO_TEAMS; i++) {
        if (operations[i] != NULL)
            code = worse(code, cli_wait_operation(demo->cli, operations[i], &last));
    }
    return code;
}

int demo_teams_remove(struct demo_teams *demo)
{
    struct arena *arena = &demo->cli->arena;
    int code = remove_accounts(demo);

    for (size_t i = 0; i < DEMO_TEAMS && code == EXIT_OK; i++) {
        if (demo->teams[i].id != NULL)
            code = delete (demo, demo->admin, arena_printf(arena, "/teams/%s", demo->teams[i].id),
                           NULL);
    }
    if (code == EXIT_OK && demo->plan_id != NULL)
        code = delete (demo, demo->admin, arena_printf(arena, "/plans/%s", demo->plan_id), NULL);
    return code;
}

void demo_teams_close(struct demo_teams *demo)
{
    for (size_t i = 0; i < DEMO_TEAMS; i++) {
        rest_client_close(demo->teams[i].client);
        secret_buf_wipe(&demo->teams[i].creds);
        secret_buf_wipe(&demo->teams[i].scoped_creds);
    }
}

static json_int_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

int demo_teams_usage(struct demo_teams *demo, const struct demo_team *team,
                     struct demo_usage *usage)
{
    struct rest_request request = {.method = "GET"};
    struct rest_reply reply;
    int code;

    request.path = arena_printf(&demo->cli->arena, "/accounts/%s/usage:current", team->account_id);
    code = ask(demo, team->client, &request, &reply);
    if (code == EXIT_OK)
        *usage = (struct demo_usage){
            .msgs_in = number(reply.json, "month_msgs_in"),
            .bytes_in = number(reply.json, "month_bytes_in"),
            .msgs_out = number(reply.json, "month_msgs_out"),
            .bytes_out = number(reply.json, "month_bytes_out"),
            .connections = number(reply.json, "connections"),
        };
    return code;
}
