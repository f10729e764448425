/*
 * How it flows: the words choose a row of the tables; flags and arguments are read against it; the
 * path's {names} are filled, by id or by looking a name up in the collection that stands before
 * them; the rest becomes the body; the answer is shown by the row's columns.
 */
#include "controlplane/cli/command.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "controlplane/cli/command_parts.h"

enum { PREFER_WAIT_MAX_S = 30, OPERATION_WAIT_S = 60, POLL_MS = 200, LIST_MAX_DEFAULT = 50 };

int cli_fail(int code, const char *format, ...)
{
    va_list args;

    fputs("berth: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

const char *cli_flag(const struct cli *cli, const char *name)
{
    for (size_t i = cli->value_count; i > 0; i--) {
        if (strcmp(cli->values[i - 1].flag->name, name) == 0)
            return cli->values[i - 1].value;
    }
    return NULL;
}

bool cli_has(const struct cli *cli, const char *name)
{
    return cli_flag(cli, name) != NULL;
}

struct slice cli_argument_name(struct slice word)
{
    bool optional = word.len > 2 && word.data[0] == '[';

    return optional ? slice_make(word.data + 1, word.len - 2) : word;
}

const char *cli_argument(const struct cli *cli, const char *name)
{
    struct slice rest = slice_of(cli->command->arguments), word;

    for (size_t i = 0; i < cli->argument_count && slice_cut(&rest, ' ', &word); i++) {
        if (slice_equal(cli_argument_name(word), slice_of(name)))
            return cli->arguments[i];
    }
    return NULL;
}

const char *cli_member(const json_t *object, const char *path)
{
    static _Thread_local char cells[8][CELL_MAX];
    static _Thread_local unsigned next;

    return output_cell(object, path, cells[next++ % 8]);
}

const char *cli_text(const json_t *object, const char *path)
{
    return json_string_value(output_at(object, path));
}

bool cli_confirm(const struct cli *cli, const char *question, int *code)
{
    char answer[16] = "";

    *code = EXIT_OK;
    if (cli->yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        *code = cli_fail(EXIT_USAGE, "%s  Without a terminal this wants --yes.", question);
        return false;
    }
    fprintf(stderr, "%s  [y/N] ", question);
    if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    *code = cli_fail(EXIT_FAILED, "nothing was changed");
    return false;
}

int cli_keep_ready(struct cli *cli, const char *path)
{
    cli->kept_path = path;
    if (strcmp(path, "-") == 0 || secret_file_open(&cli->kept, path) == OK)
        return EXIT_OK;
    return cli_fail(EXIT_FAILED, "%s cannot be written: %s; nothing was done", path,
                    cli->kept.error == EEXIST ? "it is no file (for stdout, give -)"
                                              : strerror(cli->kept.error));
}

int cli_keep(struct cli *cli, struct slice secret, const char *what)
{
    if (strcmp(cli->kept_path, "-") == 0) {
        fwrite(secret.data, 1, secret.len, stdout);
        return fflush(stdout) == 0 ? EXIT_OK : cli_fail(EXIT_FAILED, "stdout cannot be written");
    }
    if (secret_file_keep(&cli->kept, secret) != OK)
        return cli_fail(EXIT_FAILED, "%s is lost: %s could be made, but not written: %s", what,
                        cli->kept_path, strerror(cli->kept.error));
    fprintf(stderr, "%s is in %s\n", what, cli->kept_path);
    return EXIT_OK;
}

/* --- failures ----------------------------------------------------------------------------- */

static int exit_of(enum result rc, long status)
{
    switch (rc) {
    case OK:
        return EXIT_OK;
    case ERR_UNAUTHENTICATED:
    case ERR_DENIED:
        return EXIT_DENIED;
    case ERR_NOT_FOUND:
    case ERR_EXPIRED:
        return EXIT_NOT_FOUND;
    case ERR_CONFLICT:
        return EXIT_CONFLICT;
    case ERR_INVALID:
        return status >= 400 && status != 404 ? EXIT_VALIDATION : EXIT_FAILED;
    case ERR_UNAVAILABLE:
    case ERR_AGAIN:
    case ERR_TIMEOUT:
        return EXIT_UNAVAILABLE;
    default:
        return EXIT_FAILED;
    }
}

int cli_problem(struct cli *cli, enum result rc, const struct rest_reply *reply)
{
    const struct rest_problem *problem = &reply->problem;

    if (reply->status == 0)
        return cli_fail(EXIT_UNAVAILABLE, "%s does not answer: %s", cli->context.url,
                        rest_client_trouble(cli->client));
    fprintf(stderr, "berth: %s", problem->title != NULL ? problem->title : "refused");
    if (problem->detail != NULL)
        fprintf(stderr, ": %s", problem->detail);
    fputc('\n', stderr);
    for (size_t i = 0; i < problem->errors.count; i++)
        fprintf(stderr, "  %s: %s\n",
                problem->errors.items[i].pointer != NULL ? problem->errors.items[i].pointer : "/",
                problem->errors.items[i].message != NULL ? problem->errors.items[i].message : "");
    if (problem->request_id != NULL && reply->status >= 500)
        fprintf(stderr, "  request id: %s\n", problem->request_id);
    return exit_of(rc, reply->status);
}

bool cli_call(struct cli *cli, const struct rest_request *request, struct rest_reply *reply,
              int *code)
{
    enum result rc = rest_call(cli->client, request, &cli->arena, reply);

    *code = EXIT_OK;
    if (rc != OK)
        *code = cli_problem(cli, rc, reply);
    return rc == OK;
}

/* --- names -> ids ------------------------------------------------------------------------- */

/* "acc_01JD...", or a public key: goes into a path as it is. */
static bool is_id(const char *text)
{
    const char *under = strchr(text, '_');
    static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    if (under != NULL && strlen(under + 1) == 26 &&
        strspn(text, "abcdefghijklmnopqrstuvwxyz") == (size_t)(under - text))
        return true;
    return strlen(text) == 56 && strspn(text, base32) == 56;
}

/* Deleted, or nearly: a name goes to one that lives first. */
static bool is_over(const json_t *item)
{
    static const char *const states[] = {"deleting", "purging", "tombstoned", "deleted", "revoked"};
    const char *state = cli_member(item, "state");

    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (strcmp(states[i], state) == 0)
            return true;
    }
    return false;
}

const char *cli_resolve(struct cli *cli, const char *collection, const char *ref, int *code)
{
    struct rest_reply reply;
    const json_t *items;
    const json_t *found = NULL;
    enum result rc;

    *code = EXIT_OK;
    if (is_id(ref) || strcmp(ref, "*") == 0)
        return rest_escape(&cli->arena, ref);
    if (strcmp(collection, "/tokens") == 0 && cli->team != NULL)
        collection = "/teams/{team}/tokens"; /* the only names that stand elsewhere */
    collection = cli_path(cli, collection, code);
    if (collection == NULL)
        return NULL;
    rc = rest_list(cli->client,
                   arena_printf(&cli->arena, "%s?q=%s", collection, rest_escape(&cli->arena, ref)),
                   0, &cli->arena, &items, &reply);
    if (rc != OK) {
        *code = cli_problem(cli, rc, &reply);
        return NULL;
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);

        if (strcmp(cli_member(item, "name"), ref) != 0 || (found != NULL && is_over(item)))
            continue;
        if (found != NULL && !is_over(found)) {
            *code = cli_fail(EXIT_USAGE, "several are called %s: give the id", ref);
            return NULL;
        }
        found = item;
    }
    if (found == NULL) {
        *code = cli_fail(EXIT_NOT_FOUND, "there is no %s among %s", ref, collection);
        return NULL;
    }
    return arena_strdup(&cli->arena, cli_member(found, "id"));
}

/* --- the request -------------------------------------------------------------------------- */

/* The value for {name}: the argument of that name, or the flag. */
static const char *path_value(struct cli *cli, struct slice name)
{
    const struct {
        const char *name, *value;
    } flags[] = {{"account", cli->account}, {"team", cli->team}, {"system", cli->system},
                 {
                     "operator",
                     cli->operator},
    };
    char upper[32];

    if (name.len >= sizeof(upper))
        return NULL;
    for (size_t i = 0; i < name.len; i++)
        upper[i] = (char)toupper((unsigned char)name.data[i]);
    upper[name.len] = 0;
    if (cli_argument(cli, upper) != NULL)
        return cli_argument(cli, upper);
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        if (slice_equal(name, slice_of(flags[i].name)))
            return flags[i].value;
    }
    return NULL;
}

/* Nothing was said: the only one of its kind that the caller sees. */
static const char *only_one(struct cli *cli, const char *collection, struct slice name, int *code)
{
    const json_t *items;
    struct rest_reply reply;
    enum result rc = rest_list(cli->client, collection, 2, &cli->arena, &items, &reply);

    if (rc != OK) {
        *code = cli_problem(cli, rc, &reply);
        return NULL;
    }
    if (json_array_size(items) == 1)
        return arena_strdup(&cli->arena, cli_member(json_array_get(items, 0), "id"));
    *code = cli_fail(EXIT_USAGE, "which %.*s? give --%.*s", (int)name.len, name.data, (int)name.len,
                     name.data);
    return NULL;
}

const char *cli_path(struct cli *cli, const char *template, int *code)
{
    const char *done = "";

    *code = EXIT_OK;
    for (;;) {
        const char *open = strchr(template, '{'), *close, *value, *id, *collection;
        struct slice name;

        if (open == NULL)
            return arena_printf(&cli->arena, "%s%s", done, template);
        close = strchr(open, '}');
        CHECK(close != NULL);
        name = slice_make(open + 1, (size_t)(close - open) - 1);
        done = arena_printf(&cli->arena, "%s%.*s", done, (int)(open - template), template);
        collection = arena_copy(&cli->arena, slice_make(done, strlen(done) - 1));
        value = path_value(cli, name);
        id = value != NULL ? cli_resolve(cli, collection, value, code)
                           : only_one(cli, collection, name, code);
        if (id == NULL)
            return NULL;
        done = arena_printf(&cli->arena, "%s%s", done, id);
        template = close + 1;
    }
}

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

const char *cli_etag(struct cli *cli, const char *path, int *code)
{
    const char *colon = strrchr(path, ':');
    struct rest_request request = {.method = "GET"};
    struct rest_reply reply;

    *code = EXIT_OK;
    if (cli->if_version != NULL)
        return strcmp(cli->if_version, "*") == 0
                   ? "*"
                   : arena_printf(&cli->arena, "\"%s\"", cli->if_version);
    request.path =
        colon != NULL ? arena_copy(&cli->arena, slice_make(path, (size_t)(colon - path))) : path;
    if (!cli_call(cli, &request, &reply, code))
        return NULL;
    return reply.etag != NULL ? reply.etag : "*";
}

static void pause_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

/* An operation until it is over; shows nothing. */
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
        if (strcmp(state, "succeeded") == 0)
            return EXIT_OK;
        if (strcmp(state, "failed") == 0 || strcmp(state, "canceled") == 0)
            return cli_fail(EXIT_FAILED, "the operation %s: %s", state,
                            cli_member(reply.json, "error_detail"));
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
            return cli_fail(EXIT_NOT_IN_SYNC, "saved, but not on all nodes yet: sync is %s", state);
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

    arena_on_free(&cli->arena, output_drop, shown);
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

int command_main(int argc, char **argv)
{
    struct cli cli = {0};
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
