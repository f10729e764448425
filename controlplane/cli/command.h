/*
 * command: runs a row of the tables: noun, verb, arguments, flags, the request that it makes, the
 * columns that it shows.
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

#include "controlplane/cli/cli.h"

/* The tables in the order of the help, NULL at the end; argv[0] is the program.  Returns the exit
 * code. */
int command_main(const struct command *const *tables, int argc, char **argv);

/* For functions of commands: the row's own request, without showing the answer. */
int cli_request(struct cli *cli, struct rest_reply *reply);
/* Until the operation is over; *last: as it was seen last.  Shows nothing. */
int cli_wait_operation(struct cli *cli, const char *id, const json_t **last);
