/*
 * command: the command line as a table: noun, verb, arguments, flags, the request that it makes,
 * the columns that it shows.
 *
 * Most commands are a row: arguments and flags become a path, a query and a body.  What a row
 * cannot say is a function.
 *
 * Ownership  everything of one run lives in its arena.
 * Thread     one.
 * Errors     a command returns the process's exit code (CLI-02) and has said on stderr what went
 *            wrong.
 */
#pragma once

#include "controlplane/cli/command_row.h"

/* All tables, in the order of the help. */
extern const struct command *const command_tables[];

/* argv[0] is the program.  Returns the exit code. */
int command_main(int argc, char **argv);

/* For functions of commands. */
const char *cli_flag(const struct cli *cli, const char *name);
bool cli_has(const struct cli *cli, const char *name);
/* The argument of that place in command->arguments. */
const char *cli_argument(const struct cli *cli, const char *name);
/* One request; on failure says so and *code is the exit code. */
bool cli_call(struct cli *cli, const struct rest_request *request, struct rest_reply *reply,
              int *code);
/* A name or id of a collection ("/teams", "/accounts/ID/users", "/accounts/{account}/roles") ->
 * id; NULL, and *code. */
const char *cli_resolve(struct cli *cli, const char *collection, const char *ref, int *code);
/* A member of an object as text, "" when it is not there; "a/b" for a nested one.  Short texts
 * only (CELL_MAX), in one of eight places that are used in turn. */
const char *cli_member(const json_t *object, const char *path);
/* The same, whole; NULL when it is not there or not a string. */
const char *cli_text(const json_t *object, const char *path);
/* The template with its {names} filled in; NULL, and *code, when one is missing or unknown. */
const char *cli_path(struct cli *cli, const char *template, int *code);
/* What If-Match wants for a path: --if-version, or the ETag it has now; NULL, and *code. */
const char *cli_etag(struct cli *cli, const char *path, int *code);
/* Asks on the terminal, unless --yes; false, and *code, when the answer is no. */
bool cli_confirm(const struct cli *cli, const char *question, int *code);
/* Before a secret is asked for: makes the file ready that cli_keep will fill; "-" is stdout. */
int cli_keep_ready(struct cli *cli, const char *path);
/* Writes the secret there (0600), and says where it is.  It goes nowhere else, should that fail. */
int cli_keep(struct cli *cli, struct slice secret, const char *what);
/* Says what a reply's problem is; returns the exit code. */
int cli_problem(struct cli *cli, enum result rc, const struct rest_reply *reply);
/* On stderr, with the program's name in front; returns `code`. */
int cli_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "90d", "12h", "3600": seconds; false when it is neither. */
bool cli_seconds(const char *text, int64_t *out);
