/*
 * command_parts: what the files of the command engine share; commands use command.h.
 *
 * Ownership  as command.h.
 * Thread     one.
 * Errors     exit codes.
 */
#pragma once

#include "controlplane/cli/command_row.h"

/* argv -> command, arguments, flags.  *finished: help or version was shown. */
int cli_parse(struct cli *cli, int argc, char **argv, bool *finished);
/* "[NAME]" and "NAME" -> "NAME" */
struct slice cli_argument_name(struct slice word);
/* The body from arguments and flags; *body stays NULL when the command sends none. */
int cli_make_body(struct cli *cli, json_t **body);
/* expires_at: so many days from now. */
void cli_expires(json_t *body, unsigned days);
/* The command's own request, without showing the answer. */
int cli_request(struct cli *cli, struct rest_reply *reply);
/* Until the operation is over; *last: as it was seen last. */
int cli_wait_operation(struct cli *cli, const char *id, const json_t **last);
/* "--help": of the program (noun NULL), a noun, or a command. */
void cli_help(const char *noun, const struct command *command);

/* One credential, its nkey made here unless public_key is given. */
struct cli_issue {
    const char *path;       /* .../users/ID/credentials */
    const char *public_key; /* NULL: a new one */
    bool has_ttl;
    int64_t ttl_s;
    unsigned wait_s;
    const json_t **credential; /* NULL: not wanted */
};
/* Appends the credentials file. */
int cli_issue(struct cli *cli, const struct cli_issue *issue, struct buf *creds);
