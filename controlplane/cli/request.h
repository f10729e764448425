/*
 * request: requests of a command: names become ids, problems become words and exit codes.
 *
 * Ownership  everything of one run lives in its arena.
 * Thread     one.
 * Errors     exit codes (CLI-02); what went wrong was said on stderr.
 */
#pragma once

#include "controlplane/cli/cli.h"

/* One request; on failure says so and *code is the exit code. */
bool cli_call(struct cli *cli, const struct rest_request *request, struct rest_reply *reply,
              int *code);
/* Says what a reply's problem is; returns the exit code. */
int cli_problem(struct cli *cli, enum result rc, const struct rest_reply *reply);

/* A name or id of a collection ("/teams", "/accounts/ID/users", "/accounts/{account}/roles") ->
 * id; NULL, and *code. */
const char *cli_resolve(struct cli *cli, const char *collection, const char *ref, int *code);
/* The template with its {names} filled in; NULL, and *code, when one is missing or unknown. */
const char *cli_path(struct cli *cli, const char *template, int *code);
/* What If-Match wants for a path: --if-version, or the ETag it has now; NULL, and *code. */
const char *cli_etag(struct cli *cli, const char *path, int *code);
