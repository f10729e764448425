/*
 * berth user, berth creds
 *
 * Credentials are made where they are used: the nkey is made here, only its public part travels,
 * and the JWT that comes back is written with the seed into a file of mode 0600.
 */
#include "controlplane/cli/user_commands.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/check.h"
#include "api/nats/creds.h"
#include "api/nats/nkey.h"
#include "controlplane/cli/body.h"
#include "controlplane/cli/cli.h"
#include "controlplane/cli/nats_context.h"
#include "controlplane/cli/request.h"
#include "controlplane/cli/rule_flags.h"
#include "controlplane/cli/tables.h"

/* clang-format off */
static const struct column columns[] = {
    {"NAME", "name"}, {"STATE", "state"}, {"ROLE", "role_name"},
    {"PUBLISH", "permissions/pub/allow"}, {"SUBSCRIBE", "permissions/sub/allow"}, {"ID", "id"}, {0},
};
static const struct column creds_columns[] = {
    {"ID", "id"}, {"USER", "user_id"}, {"STATE", "state"}, {"ISSUED", "issued_at"},
    {"EXPIRES", "expires_at"}, {"LAST SEEN", "last_seen_at"}, {"PUBLIC KEY", "public_key"}, {0},
};

#define SETTINGS_FLAGS                                                                           \
    {"role", FLAG_TEXT, "role_id", "ROLE", "permissions from this role, none of its own",        \
     "/accounts/{account}/roles"},                                                               \
    {"public-key", FLAG_TEXT, NULL, "KEY",                                                         \
     "its nkey, made elsewhere; else each credential has one"},                                    \
    {"default-ttl", FLAG_TIME_S, "default_ttl_s", "TIME", "of its credentials: 90d"},            \
    {"tag", FLAG_LIST, "tags", "TAG", "for templates of roles; may be repeated"},                \
    RULE_FLAGS,                                                                                  \
    COMMON_FLAGS
static const struct flag create_flags[] = {SETTINGS_FLAGS, {0}};
static const struct flag update_flags[] = {
    {"name", FLAG_TEXT, NULL, "NAME", "another name"},
    {"disabled", FLAG_TRUE, NULL, NULL,
     "revoke its credentials; --disabled=false lets it in again"},
    SETTINGS_FLAGS,
    {0},
};
static const struct flag issue_flags[] = {
    {"out", FLAG_LOCAL, NULL, "FILE", "the credentials go there (0600); - for stdout"},
    {"ttl", FLAG_TIME_S, "ttl_s", "TIME", "how long they are good: 90d"},
    {"public-key", FLAG_TEXT, NULL, "KEY", "of a key that is elsewhere: the JWT alone comes back"},
    {"nats-context", FLAG_LOCAL, NULL, "NAME", "also write this context for the nats tool"},
    {"url", FLAG_LOCAL, NULL, "URL", "of that context; else what the control plane says"},
    {0},
};
static const struct flag context_flags[] = {
    {"creds", FLAG_LOCAL, NULL, "FILE", "the credentials that it shall use"},
    {"url", FLAG_LOCAL, NULL, "URL", "nats://...; else what the control plane says"},
    {"select", FLAG_SWITCH, NULL, NULL, "use it when no --context is given"},
    {0},
};
static const struct flag list_creds[] = {LIST_FLAGS, {0}};
static const struct flag revoke_flags[] = {
    {"reason", FLAG_TEXT, NULL, "TEXT", "why"},
    {0},
};
/* clang-format on */

/* Where clients connect: --url, what the account says, NATS_URL. */
static const char *client_url(struct cli *cli)
{
    const char *url = cli_flag(cli, "url"), *environment = context_environment("NATS_URL");
    struct rest_request request = {.method = "GET"};
    struct rest_reply reply;
    const char *known = "";
    int code;

    if (url != NULL)
        return url;
    request.path = cli_path(cli, "/accounts/{account}", &code);
    if (request.path != NULL && rest_call(cli->client, &request, &cli->arena, &reply) == OK)
        known = cli_member(reply.json, "connect_urls");
    if (*known != 0)
        return arena_copy(&cli->arena, slice_make(known, strcspn(known, ",")));
    return environment;
}

static int write_context(struct cli *cli, const char *name, const char *creds)
{
    struct nats_context context = {.name = name, .description = "Berth"};
    const char *path;
    char *absolute = realpath(creds, NULL);
    enum result rc;

    if (absolute == NULL)
        return cli_fail(EXIT_USAGE, "%s is not there", creds);
    context.creds = arena_strdup(&cli->arena, absolute);
    free(absolute);
    context.url = client_url(cli);
    if (context.url == NULL)
        return cli_fail(EXIT_USAGE, "where do clients connect? give --url nats://...");
    rc = nats_context_write(&cli->arena, &context, &path);
    if (rc == OK && cli_has(cli, "select"))
        rc = nats_context_select(&cli->arena, name);
    if (rc != OK)
        return cli_fail(EXIT_FAILED, "the context %s cannot be written: %s", name, result_text(rc));
    fprintf(stderr, "a context for the nats tool is in %s: nats --context %s\n", path, name);
    return EXIT_OK;
}

static int run_context(struct cli *cli)
{
    if (!cli_has(cli, "creds"))
        return cli_fail(EXIT_USAGE, "give --creds FILE (berth creds issue makes one)");
    return write_context(cli, cli_argument(cli, "NAME"), cli_flag(cli, "creds"));
}

int cli_issue(struct cli *cli, const struct cli_issue *issue, struct buf *creds)
{
    json_t *body = json_object();
    struct rest_request request = {.method = "POST", .path = issue->path, .body = body};
    char public_key[NKEY_PUBLIC_MAX], seed[NKEY_SEED_MAX] = "";
    struct rest_reply reply;
    struct nkey nkey = {0};
    const char *jwt;
    int code;

    shape_own(&cli->arena, body);
    if (issue->public_key == NULL) {
        nkey_create(&nkey, NKEY_USER, random_system());
        nkey_public(&nkey, public_key);
        nkey_seed(&nkey, seed);
        nkey_wipe(&nkey);
    }
    json_object_set_new(body, "public_key",
                        json_string(issue->public_key != NULL ? issue->public_key : public_key));
    json_object_set_new(body, "format", json_string("jwt"));
    if (issue->has_ttl)
        json_object_set_new(body, "ttl_s", json_integer(issue->ttl_s));
    request.wait_s = issue->wait_s;
    request.idempotency_key = cli->idempotency_key;
    if (cli_call(cli, &request, &reply, &code)) {
        jwt = cli_text(reply.json, "jwt");
        if (jwt != NULL)
            creds_format(creds, slice_of(jwt), slice_of(seed));
        else
            code = cli_fail(EXIT_FAILED, "the answer holds no JWT");
    }
    explicit_bzero(seed, sizeof(seed));
    if (issue->credential != NULL)
        *issue->credential = code == EXIT_OK ? reply.json : NULL;
    return code;
}

static int run_issue(struct cli *cli)
{
    const char *out = cli_flag(cli, "out"), *ttl = cli_flag(cli, "ttl");
    const json_t *credential;
    struct cli_issue issue = {.public_key = cli_flag(cli, "public-key"), .credential = &credential};
    struct buf text = {0};
    int code;

    if (ttl != NULL && !cli_seconds(ttl, &issue.ttl_s))
        return cli_fail(EXIT_USAGE, "--ttl wants a time such as 90d, 12h or never");
    issue.has_ttl = ttl != NULL;
    if (out == NULL)
        out = arena_printf(&cli->arena, "%s.creds", cli_argument(cli, "USER"));
    if (cli_has(cli, "nats-context") && strcmp(out, "-") == 0)
        return cli_fail(EXIT_USAGE, "a context needs the credentials in a file: --out FILE");
    code = cli_keep_ready(cli, out);
    if (code == EXIT_OK)
        issue.path = cli_path(cli, cli->command->path, &code);
    if (issue.path == NULL)
        return code;
    issue.wait_s = cli->wait_s;
    code = cli_issue(cli, &issue, &text);
    if (code == EXIT_OK) {
        code = cli_keep(cli, buf_slice(&text), "the credentials file");
        if (code != EXIT_OK)
            (void)cli_fail(code, "revoke what was issued: berth creds revoke %s",
                           cli_member(credential, "id"));
    }
    secret_buf_wipe(&text);
    if (code == EXIT_OK && cli_has(cli, "nats-context"))
        code = write_context(cli, cli_flag(cli, "nats-context"), out);
    if (code == EXIT_OK && strcmp(out, "-") != 0)
        output_items(cli->format, creds_columns, credential);
    return code;
}

/* clang-format off */
const struct command user_commands[] = {
    {"user", "create", "NAME", "somebody who may connect",
     "berth user create worker --account orders --pub-allow 'jobs.>' --sub-allow '_INBOX.>'",
     "POST", "/accounts/{account}/users", create_flags, columns, COMMAND_WAIT},
    {"user", "list", NULL, "the users of an account", "berth user list --account orders",
     "GET", "/accounts/{account}/users", list_flags, columns, COMMAND_LIST},
    {"user", "show", "USER", "one user",
     "berth user show worker --account orders",
     "GET", "/accounts/{account}/users/{user}", NULL,
     NULL},
    {"user", "update", "USER", "change it; new credentials have the change",
     "berth user update worker --account orders --disabled",
     "PATCH", "/accounts/{account}/users/{user}", update_flags, columns,
     COMMAND_IF_MATCH | COMMAND_WAIT},
    {"user", "delete", "USER", "and revoke its credentials",
     "berth user delete worker --account orders --wait",
     "DELETE", "/accounts/{account}/users/{user}", NULL, NULL,
     COMMAND_IF_MATCH | COMMAND_ASK | COMMAND_WAIT},
    {"creds", "issue", "USER", "a credentials file; its key is made here and goes nowhere else",
     "berth creds issue worker --account orders --ttl 90d --out worker.creds --nats-context orders",
     "POST", "/accounts/{account}/users/{user}/credentials", issue_flags, creds_columns,
     COMMAND_WAIT, run_issue},
    {"creds", "list", NULL, "what was issued; of one user: creds history USER",
     "berth creds list --account orders --state active",
     "GET", "/accounts/{account}/credentials", list_creds, creds_columns, COMMAND_LIST},
    {"creds", "history", "USER", "what was issued to a user",
     "berth creds history worker --account orders",
     "GET", "/accounts/{account}/users/{user}/credentials", list_creds, creds_columns,
     COMMAND_LIST},
    {"creds", "show", "CREDENTIAL", "one issue, without its secrets",
     "berth creds show crd_01JD... --account orders",
     "GET", "/accounts/{account}/credentials/{credential}", NULL, NULL},
    {"creds", "revoke", "CREDENTIAL", "refuse them from now on, and close their connections",
     "berth creds revoke crd_01JD... --account orders --reason lost --wait",
     "POST", "/accounts/{account}/credentials/{credential}:revoke", revoke_flags, creds_columns,
     COMMAND_ASK | COMMAND_WAIT | COMMAND_BODY},
    {"creds", "context", "NAME", "a context for the nats tool",
     "berth creds context orders --creds worker.creds --url nats://127.0.0.1:4222",
     "GET", "/whoami", context_flags, NULL, .run = run_context},
    {0},
};
/* clang-format on */
