/*
 * How it flows: the words choose a row of the tables; flags and arguments are read against it; the
 * path's {names} are filled; the rest becomes the query and the body; the answer is shown by the
 * row's columns.
 */
#include "controlplane/cli/command.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "controlplane/cli/body.h"
#include "controlplane/cli/parse.h"
#include "controlplane/cli/request.h"

enum { PREFER_WAIT_MAX_S = 30, OPERATION_WAIT_S = 60, POLL_MS = 200, LIST_MAX_DEFAULT = 50 };

/* NULL, and *code, when a value names nothing. */
static const char *add_query(struct cli *cli, const char *path, int *code)
{
    *code = EXIT_OK;
    for (size_t i = 0; i < cli->value_count; i++) {
        const struct flag_value *value = &cli->values[i];
        const char *name = value->flag->member != NULL ? value->flag->member : value->flag->name;
        const char *text;

        if (value->flag->kind != FLAG_QUERY)
            continue;
        text = value->flag->resolve != NULL
                   ? cli_resolve(cli, value->flag->resolve, value->value, code)
                   : rest_escape(&cli->arena, value->value);
        if (text == NULL)
            return NULL;
        path =
            arena_printf(&cli->arena, "%s%c%s=%s", path, strchr(path, '?') ? '&' : '?', name, text);
    }
    return path;
}

static void pause_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static void say_warning(const char *text)
{
    if (text != NULL)
        fprintf(stderr, "berth: warning: %s\n", text);
}

static int fail_operation(const char *state, const char *why)
{
    return cli_fail(EXIT_FAILED, "the operation %s%s%s", state, why != NULL ? ": " : "",
                    why != NULL ? why : "");
}

/* An operation until it is over; shows nothing but a warning. */
int cli_wait_operation(struct cli *cli, const char *id, const json_t **last)
{
    unsigned wait_s = cli->wait_s > 0 ? cli->wait_s : OPERATION_WAIT_S;
    struct rest_request request = {.method = "GET"};
    struct rest_reply reply;
    int code;

    id = arena_strdup(&cli->arena, id);
    request.path = arena_printf(&cli->arena, "/operations/%s", id);
    for (unsigned waited = 0; waited < wait_s * 1000; waited += POLL_MS) {
        const char *state;

        if (!cli_call(cli, &request, &reply, &code))
            return code;
        *last = reply.json;
        state = cli_member(reply.json, "state");
        if (strcmp(state, "succeeded") == 0) {
            say_warning(cli_text(reply.json, "result/detail")); /* of what was left undone */
            return EXIT_OK;
        }
        if (strcmp(state, "failed") == 0 || strcmp(state, "canceled") == 0)
            return fail_operation(state, cli_text(reply.json, "error/detail"));
        pause_ms(POLL_MS);
    }
    return cli_fail(EXIT_NOT_IN_SYNC, "operation %s is not finished after %u s", id, wait_s);
}

/* After --wait: is it on the nodes?  What takes longer than one request may, is asked again. */
static int check_sync(struct cli *cli, const json_t *saved)
{
    struct rest_request request = {.method = "GET"};
    struct rest_reply reply;
    const char *state = cli_member(saved, "sync/state");
    unsigned left = cli->wait_s > PREFER_WAIT_MAX_S ? cli->wait_s - PREFER_WAIT_MAX_S : 0;
    int code = EXIT_OK;

    if (strstr(cli->command->path, "{account}") != NULL)
        request.path = cli_path(cli, "/accounts/{account}/sync", &code);
    else if (*state != 0)
        request.path = arena_printf(&cli->arena, "/accounts/%s/sync", cli_member(saved, "id"));
    if (request.path == NULL)
        return code;
    for (unsigned waited_ms = 0;; waited_ms += POLL_MS) {
        if (*state == 0 || waited_ms > 0) {
            if (!cli_call(cli, &request, &reply, &code))
                return code;
            state = cli_member(reply.json, "state");
        }
        if (strcmp(state, "applied") == 0 || strcmp(state, "stored") == 0)
            return EXIT_OK;
        if (waited_ms >= left * 1000)
            return cli_fail(EXIT_NOT_IN_SYNC,
                            "saved, but not on all nodes yet: sync is %s; it is tried again and "
                            "again, berth account sync says how far it is",
                            state);
        pause_ms(POLL_MS);
    }
}

/* The secret of an answer: into --out, else on stdout behind the rest. */
static int show_secret(struct cli *cli, const struct rest_reply *reply)
{
    const struct command *command = cli->command;
    const char *secret = cli_text(reply->json, command->secret), *out = cli_flag(cli, "out");
    json_t *shown = json_deep_copy(reply->json);
    const char *line;
    int code;

    shape_own(&cli->arena, shown);
    if (secret == NULL)
        return cli_fail(EXIT_FAILED, "the answer holds no %s", command->secret);
    line = arena_printf(&cli->arena, "%s\n", secret);
    if (out != NULL) {
        code = cli_keep(cli, slice_of(line), command->secret);
        json_object_del(shown, command->secret);
        if (code != EXIT_OK || strcmp(out, "-") == 0)
            return code;
    }
    output_items(cli->format, command->columns, shown);
    if (out == NULL && cli->format == OUTPUT_TABLE)
        printf("\n%s (shown once): %s\n", command->secret, secret);
    return EXIT_OK;
}

static int show_text(struct cli *cli, const struct rest_reply *reply)
{
    if (cli_has(cli, "out"))
        return cli_keep(cli, slice_make(reply->text, reply->len), "the answer");
    fwrite(reply->text, 1, reply->len, stdout);
    if (reply->len > 0 && reply->text[reply->len - 1] != '\n')
        putchar('\n');
    return EXIT_OK;
}

/* What was saved as it was written, but is probably not what was meant: stdout is the answer's. */
static void warn(const struct cli *cli, const json_t *saved)
{
    const json_t *conditions = output_at(saved, "conditions");
    const json_t *condition;
    size_t i;

    if (strcmp(cli->command->method, "GET") == 0)
        return;
    json_array_foreach(conditions, i, condition)
    {
        if (strcmp(cli_member(condition, "status"), "false") == 0)
            say_warning(cli_text(condition, "message"));
    }
}

static int show(struct cli *cli, const struct rest_reply *reply)
{
    const struct command *command = cli->command;
    const json_t *last = NULL;
    int code;

    if (reply->status == 202 && cli->wait_s > 0 && *cli_member(reply->json, "type") != 0) {
        code = cli_wait_operation(cli, cli_member(reply->json, "id"), &last);
        if (last != NULL)
            output_items(cli->format, command->columns, last);
        return code;
    }
    if (command->flags_set & COMMAND_TEXT)
        return show_text(cli, reply);
    if (reply->len == 0 || reply->json == NULL) {
        if (cli->format == OUTPUT_TABLE)
            puts("done");
    } else if (command->secret != NULL) {
        code = show_secret(cli, reply);
        if (code != EXIT_OK)
            return code;
    } else if (command->columns != NULL) {
        output_items(cli->format, command->columns, reply->json);
    } else {
        output_object(cli->format, reply->json);
    }
    warn(cli, reply->json);
    if (cli->wait_s == 0 || !(command->flags_set & COMMAND_WAIT))
        return EXIT_OK;
    return check_sync(cli, reply->json);
}

static const char *template_of(const struct cli *cli)
{
    const struct command *command = cli->command;

    if (cli->team != NULL && command->team_path != NULL)
        return command->team_path;
    if (cli->account != NULL && command->account_path != NULL)
        return command->account_path;
    return command->path;
}

/* "Delete account orders?" */
static bool ask(struct cli *cli, int *code)
{
    const struct command *command = cli->command;

    *code = EXIT_OK;
    if (!(command->flags_set & COMMAND_ASK))
        return true;
    return cli_confirm(cli,
                       arena_printf(&cli->arena, "%s %s %s?", command->noun,
                                    command->verb != NULL ? command->verb : "",
                                    cli->argument_count > 0 ? cli->arguments[0] : ""),
                       code);
}

int cli_request(struct cli *cli, struct rest_reply *reply)
{
    const struct command *command = cli->command;
    struct rest_request request = {.method = command->method};
    json_t *body = NULL;
    int code;

    request.path = cli_path(cli, template_of(cli), &code);
    if (request.path == NULL || !ask(cli, &code))
        return code;
    if (command->flags_set & COMMAND_IF_MATCH) {
        request.if_match = cli_etag(cli, request.path, &code);
        if (request.if_match == NULL)
            return code;
    }
    code = cli_make_body(cli, &body);
    if (code != EXIT_OK)
        return code;
    request.path = add_query(cli, request.path, &code);
    if (request.path == NULL)
        return code;
    request.body = body;
    request.idempotency_key = cli->idempotency_key;
    if (command->flags_set & COMMAND_WAIT)
        request.wait_s = cli->wait_s < PREFER_WAIT_MAX_S ? cli->wait_s : PREFER_WAIT_MAX_S;
    if (command->flags_set & COMMAND_TEXT)
        request.accept = "*/*";
    cli_call(cli, &request, reply, &code);
    json_decref(body);
    return code;
}

/* Is there such a flag, given or not? */
static bool command_has_flag(const struct command *command, const char *name)
{
    for (const struct flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++) {
        if (strcmp(flag->name, name) == 0)
            return true;
    }
    return false;
}

static int run_list(struct cli *cli)
{
    const char *limit = cli_flag(cli, "limit");
    struct rest_reply reply;
    const json_t *items;
    const char *path;
    uint64_t max = 0; /* all */
    enum result rc;
    int code;

    if (limit == NULL && command_has_flag(cli->command, "limit"))
        max = LIST_MAX_DEFAULT;
    if (limit != NULL && !slice_uint(slice_of(limit), INT32_MAX, &max))
        return cli_fail(EXIT_USAGE, "--limit wants a number");
    path = cli_path(cli, template_of(cli), &code);
    if (path != NULL)
        path = add_query(cli, path, &code);
    if (path == NULL)
        return code;
    rc = rest_list(cli->client, path, (size_t)max, &cli->arena, &items, &reply);
    if (rc != OK)
        return cli_problem(cli, rc, &reply);
    output_items(cli->format, cli->command->columns, items);
    return EXIT_OK;
}

static int run_row(struct cli *cli)
{
    struct rest_reply reply;
    int code = EXIT_OK;

    if (cli->command->flags_set & COMMAND_LIST)
        return run_list(cli);
    if (cli_has(cli, "out"))
        code = cli_keep_ready(cli, cli_flag(cli, "out"));
    if (code == EXIT_OK)
        code = cli_request(cli, &reply);
    return code == EXIT_OK ? show(cli, &reply) : code;
}

static int open_client(struct cli *cli)
{
    enum result rc = context_choose(&cli->arena, cli->context_name, &cli->context);

    if (rc == ERR_NOT_FOUND)
        return cli_fail(EXIT_USAGE, "no control plane is known: berth login --url URL --token-file "
                                    "FILE, or set BERTH_API and BERTH_TOKEN");
    if (rc != OK)
        return cli_fail(EXIT_FAILED, "the contexts cannot be read: %s", result_text(rc));
    rc = rest_client_open(&cli->context, &cli->client);
    return rc == OK ? EXIT_OK : cli_fail(EXIT_FAILED, "libcurl does not start");
}

int command_main(const struct command *const *tables, int argc, char **argv)
{
    struct cli cli = {.tables = tables};
    bool finished = false;
    int code;

    arena_init(&cli.arena);
    code = cli_parse(&cli, argc, argv, &finished);
    if (code == EXIT_OK && !finished && !(cli.command->flags_set & COMMAND_LOCAL))
        code = open_client(&cli);
    if (code == EXIT_OK && !finished)
        code = cli.command->run != NULL ? cli.command->run(&cli) : run_row(&cli);
    secret_file_drop(&cli.kept);
    rest_client_close(cli.client);
    arena_fini(&cli.arena);
    return code;
}
