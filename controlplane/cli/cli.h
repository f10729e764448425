/*
 * cli: a run of berth: what was given, and words and secrets on their way out.
 *
 * Ownership  everything of one run lives in its arena.
 * Thread     one.
 * Errors     exit codes (CLI-02); what went wrong was said on stderr.
 */
#pragma once

#include "controlplane/cli/command_row.h"

/* On stderr, with the program's name in front; returns `code`. */
int cli_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The last one given; NULL when there is none. */
const char *cli_flag(const struct cli *cli, const char *name);
bool cli_has(const struct cli *cli, const char *name);
/* "[NAME]" and "NAME" -> "NAME" */
struct slice cli_argument_name(struct slice word);
/* The argument of that place in command->arguments. */
const char *cli_argument(const struct cli *cli, const char *name);

/* A member of an object as text, "" when it is not there; "a/b" for a nested one.  Short texts
 * only (CELL_MAX), in one of eight places that are used in turn. */
const char *cli_member(const json_t *object, const char *path);
/* The same, whole; NULL when it is not there or not a string. */
const char *cli_text(const json_t *object, const char *path);

/* Asks on the terminal, unless --yes; false, and *code, when the answer is no. */
bool cli_confirm(const struct cli *cli, const char *question, int *code);

/* Before a secret is asked for: makes the file ready that cli_keep will fill; "-" is stdout. */
int cli_keep_ready(struct cli *cli, const char *path);
/* Writes the secret there (0600), and says where it is.  It goes nowhere else, should that fail. */
int cli_keep(struct cli *cli, struct slice secret, const char *what);
