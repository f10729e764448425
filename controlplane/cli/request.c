/*
 * How it flows: a path's {names} are filled from the left, each by id or by looking a name up in
 * the collection that stands before it; what the control plane says no to becomes words and an
 * exit code.
 */
#include "controlplane/cli/request.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/base/check.h"

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
            *code =
                cli_fail(EXIT_USAGE, "several are called %s: give the id that a list shows", ref);
            return NULL;
        }
        found = item;
    }
    if (found == NULL) {
        *code = cli_fail(EXIT_NOT_FOUND, "there is no %s among the %s", ref,
                         strrchr(collection, '/') + 1);
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
