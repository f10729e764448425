/*
 * parse: the words of the command line: which command, which arguments, which flags; and its help.
 *
 * Ownership  what is read points into argv and the tables.
 * Thread     one.
 * Errors     EXIT_USAGE, said on stderr.
 */
#pragma once

#include "controlplane/cli/cli.h"

/* By cli->tables.  *finished: help or version was shown. */
int cli_parse(struct cli *cli, int argc, char **argv, bool *finished);
