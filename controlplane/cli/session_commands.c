/*
 * berth login, whoami, status, context
 *
 * Logging in checks a token against the control plane and keeps both as a context.  The very
 * first token is the bootstrap token, which is spent by exchanging it.
 */
#include <stdio.h>
#include <string.h>

#include "controlplane/cli/body.h"
#include "controlplane/cli/cli.h"
#include "controlplane/cli/request.h"
#include "controlplane/cli/tables.h"

/* clang-format off */
static const struct column who_columns[] = {
    {"NAME", "name"}, {"ROLE", "role"}, {"TEAM", "team_id"}, {"SCOPES", "scopes"},
    {"TOKEN", "token_id"}, {0},
};
static const struct column context_columns[] = {
    {"", "current"}, {"NAME", "name"}, {"URL", "url"}, {0},
};
static const struct column check_columns[] = {
    {"CHECK", "name"}, {"STATE", "state"}, {"", "detail"}, {0},
};

static const struct flag login_flags[] = {
    {"url", FLAG_LOCAL, NULL, "URL",
     "the control plane; else BERTH_API, else http://127.0.0.1:8080"},
    {"name", FLAG_LOCAL, NULL, "NAME", "of the context; default"},
    {"token-file", FLAG_LOCAL, NULL, "FILE", "the token; - reads it from stdin"},
    {"bootstrap", FLAG_LOCAL, NULL, "TOKEN",
     "exchange the bootstrap token for an operator admin's"},
    {"bootstrap-file", FLAG_LOCAL, NULL, "FILE", "the same, from a file; - for stdin"},
    {"token-name", FLAG_TEXT, "name", "NAME", "of the new token; admin"},
    {"expires", FLAG_TIME_AT, "expires_at", "TIME", "when the new token ends; 365d"},
    {"out", FLAG_LOCAL, NULL, "FILE", "also keep the new token in a file (0600)"},
    {0},
};
/* clang-format on */

enum { TOKEN_FILE_MAX = 4096 };

/* The first line of a file. */
static int read_token(struct cli *cli, const char *path, const char **token)
{
    struct buf text;
    struct slice rest, line;
    enum result rc;

    buf_init(&text, TOKEN_FILE_MAX);
    rc = secret_file_read(path, &text);
    rest = slice_trim(buf_slice(&text));
    if (rc == OK && slice_cut(&rest, '\n', &line))
        *token = arena_copy(&cli->arena, slice_trim(line));
    secret_buf_wipe(&text);
    if (rc == ERR_NOT_FOUND)
        return cli_fail(EXIT_USAGE, "%s is not there", path);
    if (rc == ERR_IO)
        return cli_fail(EXIT_USAGE, "%s cannot be read", path);
    if (rc != OK || *token == NULL || **token == 0)
        return cli_fail(EXIT_USAGE, "%s holds no token", path);
    return EXIT_OK;
}

static int token_given(struct cli *cli, const char **token, bool *bootstrap)
{
    const char *file = cli_flag(cli, "token-file");

    *bootstrap = cli_has(cli, "bootstrap") || cli_has(cli, "bootstrap-file");
    *token = cli_flag(cli, "bootstrap");
    if (*token != NULL)
        return EXIT_OK;
    if (*bootstrap)
        file = cli_flag(cli, "bootstrap-file");
    if (file == NULL)
        return cli_fail(EXIT_USAGE, "give --token-file FILE, --bootstrap TOKEN or "
                                    "--bootstrap-file FILE");
    return read_token(cli, file, token);
}

/* The bootstrap token is spent, the new one is in cli->context.token. */
static int exchange(struct cli *cli)
{
    struct rest_request request = {.method = "POST", .path = "/bootstrap:exchange"};
    const char *out = cli_flag(cli, "out");
    struct rest_reply reply;
    json_t *body = NULL;
    int code = out != NULL ? cli_keep_ready(cli, out) : EXIT_OK;

    if (code == EXIT_OK)
        code = cli_make_body(cli, &body);
    if (code != EXIT_OK)
        return code;
    if (body == NULL)
        body = json_object();
    shape_own(&cli->arena, body);
    if (json_object_get(body, "name") == NULL)
        json_object_set_new(body, "name", json_string("admin"));
    if (json_object_get(body, "expires_at") == NULL)
        cli_expires(body, 365);
    request.body = body;
    if (!cli_call(cli, &request, &reply, &code))
        return code;
    cli->context.token = cli_text(reply.json, "token");
    if (cli->context.token == NULL)
        return cli_fail(EXIT_FAILED, "the answer holds no token");
    return out == NULL
               ? EXIT_OK
               : cli_keep(cli, slice_of(arena_printf(&cli->arena, "%s\n", cli->context.token)),
                          "the token");
}

static int open_as(struct cli *cli)
{
    rest_client_close(cli->client);
    cli->client = NULL;
    return rest_client_open(&cli->context, &cli->client) == OK
               ? EXIT_OK
               : cli_fail(EXIT_FAILED, "libcurl does not start");
}

/* "http://host:1/" -> "http://host:1" */
static const char *trim_url(struct cli *cli, const char *url)
{
    struct slice s = slice_of(url);

    while (slice_ends(s, SLICE("/")))
        s.len--;
    return arena_copy(&cli->arena, s);
}

static int run_login(struct cli *cli)
{
    struct rest_request who = {.method = "GET", .path = "/whoami"};
    const char *url = cli_flag(cli, "url"), *name = cli_flag(cli, "name");
    struct rest_reply reply;
    bool bootstrap;
    enum result rc;
    int code = token_given(cli, &cli->context.token, &bootstrap);

    if (url == NULL)
        url = context_environment("BERTH_API");
    cli->context.url = trim_url(cli, url != NULL ? url : "http://127.0.0.1:8080");
    cli->context.name = name != NULL ? name : "default";
    if (code == EXIT_OK)
        code = open_as(cli);
    if (code == EXIT_OK && bootstrap)
        code = exchange(cli);
    if (code == EXIT_OK && bootstrap)
        code = open_as(cli);
    if (code != EXIT_OK || !cli_call(cli, &who, &reply, &code))
        return code;
    rc = context_save(&cli->arena, &cli->context);
    if (rc != OK)
        return cli_fail(EXIT_FAILED, "the context cannot be kept: %s", result_text(rc));
    fprintf(stderr, "logged in to %s; this is the context %s\n", cli->context.url,
            cli->context.name);
    output_items(cli->format, who_columns, reply.json);
    return EXIT_OK;
}

static void add_systems(json_t *rows, json_t *systems)
{
    const char *name;
    json_t *system;

    json_object_foreach(systems, name, system)
    {
        json_t *row = json_pack("{s:s+}", "name", "system ", name);
        char nodes[64];

        json_object_set(row, "state", json_object_get(system, "state"));
        snprintf(nodes, sizeof(nodes), "%lld of %lld nodes ready",
                 (long long)json_integer_value(json_object_get(system, "nodes_ready")),
                 (long long)json_integer_value(json_object_get(system, "nodes_total")));
        json_object_set_new(row, "detail", json_string(nodes));
        json_array_append_new(rows, row);
    }
}

/* {"checks": {"database": "ok", ..., "systems": {"main": {"state": ...}}}} -> rows */
static json_t *check_rows(const json_t *ready)
{
    json_t *rows = json_array(), *checks = json_object_get(ready, "checks"), *value;
    const char *key;

    json_object_foreach(checks, key, value)
    {
        if (json_is_object(value))
            add_systems(rows, value);
        else
            json_array_append_new(rows, json_pack("{s:s, s:O}", "name", key, "state", value));
    }
    return rows;
}

/* Which systems nobody can connect to; told on stderr. */
static int tell_silent_systems(const json_t *systems)
{
    int code = EXIT_OK;
    size_t count = json_object_size(systems);
    void *at = json_object_iter((json_t *)systems);

    for (size_t i = 0; i < count; i++, at = json_object_iter_next((json_t *)systems, at)) {
        const char *name = json_object_iter_key(at);

        if (strcmp(cli_member(json_object_iter_value(at), "state"), "ok") != 0)
            code = cli_fail(EXIT_UNAVAILABLE,
                            "no node of %s is ready; see: berth system nodes %s, "
                            "berth system check %s",
                            name, name, name);
    }
    return code;
}

static int run_status(struct cli *cli)
{
    struct rest_request ready = {.method = "GET", .path = "//readyz"};
    struct rest_request version = {.method = "GET", .path = "//version"};
    struct rest_reply reply, about;
    json_t *rows;

    if (rest_call(cli->client, &ready, &cli->arena, &reply) != OK &&
        (reply.status == 0 || reply.json == NULL))
        return cli_problem(cli, ERR_UNAVAILABLE, &reply);
    if (cli->format == OUTPUT_TABLE) {
        bool known = rest_call(cli->client, &version, &cli->arena, &about) == OK;

        printf("%s  %s  %s\n", cli->context.url, known ? cli_member(about.json, "version") : "",
               reply.status < 400 ? "ready" : "not ready");
        rows = check_rows(reply.json);
        output_items(cli->format, check_columns, rows);
        json_decref(rows);
    } else {
        output_object(cli->format, reply.json);
    }
    return reply.status >= 400 ? EXIT_UNAVAILABLE
                               : tell_silent_systems(output_at(reply.json, "checks/systems"));
}

/* --- contexts ----------------------------------------------------------------------------- */

static int read_contexts(struct cli *cli, struct context_file *file)
{
    enum result rc = context_read(&cli->arena, file);

    return rc == OK ? EXIT_OK
                    : cli_fail(EXIT_FAILED, "the contexts cannot be read: %s", result_text(rc));
}

static int run_contexts(struct cli *cli)
{
    struct context_file file;
    json_t *rows;
    int code = read_contexts(cli, &file);

    if (code != EXIT_OK)
        return code;
    rows = json_array();
    for (size_t i = 0; i < file.contexts.count; i++) {
        const struct context *at = &file.contexts.items[i];
        bool current = file.current != NULL && strcmp(at->name, file.current) == 0;
        json_t *row = json_object();

        json_object_set_new(row, "current", json_string(current ? "*" : ""));
        json_object_set_new(row, "name", json_string(at->name));
        json_object_set_new(row, "url", json_string(at->url));
        json_array_append_new(rows, row);
    }
    output_items(cli->format, context_columns, rows);
    json_decref(rows);
    return EXIT_OK;
}

static int change_contexts(struct cli *cli, bool remove)
{
    const char *name = cli_argument(cli, "NAME");
    struct context_file file;
    size_t at = 0;
    enum result rc;
    int code = read_contexts(cli, &file);

    if (code != EXIT_OK)
        return code;
    while (at < file.contexts.count && strcmp(file.contexts.items[at].name, name) != 0)
        at++;
    if (at == file.contexts.count)
        return cli_fail(EXIT_NOT_FOUND, "there is no context %s", name);
    if (!remove) {
        file.current = name;
    } else {
        file.contexts.items[at] = file.contexts.items[--file.contexts.count];
        if (file.current != NULL && strcmp(file.current, name) == 0)
            file.current = NULL;
    }
    rc = context_write(&cli->arena, &file);
    return rc == OK ? EXIT_OK
                    : cli_fail(EXIT_FAILED, "the contexts cannot be kept: %s", result_text(rc));
}

static int run_use(struct cli *cli)
{
    return change_contexts(cli, false);
}

static int run_remove(struct cli *cli)
{
    return change_contexts(cli, true);
}

/* clang-format off */
const struct command session_commands[] = {
    {"login", NULL, NULL, "keep a control plane and a token as a context",
     "berth login --url http://127.0.0.1:8080 --bootstrap-file bootstrap.token",
     "POST", "/bootstrap:exchange", login_flags, who_columns, COMMAND_LOCAL, run_login},
    {"whoami", NULL, NULL, "as whom, and what that may",
     "berth whoami --context staging",
     "GET", "/whoami", NULL, who_columns},
    {"status", NULL, NULL, "is the control plane ready, and are its nodes? (exit code 8: no)",
     "berth status",
     "GET", "//readyz", NULL, NULL, .run = run_status},
    {"context", "list", NULL, "the contexts",
     "berth context list",
     "GET", "/whoami", NULL, context_columns, COMMAND_LOCAL, run_contexts},
    {"context", "use", "NAME", "make it the current one", "berth context use staging",
     "GET", "/whoami", NULL, NULL, COMMAND_LOCAL, run_use},
    {"context", "remove", "NAME", "forget it, with its token",
     "berth context remove staging",
     "GET", "/whoami", NULL, NULL, COMMAND_LOCAL, run_remove},
    {0},
};
/* clang-format on */
