/*
 * body: arguments and flags -> the body of a request.
 *
 * Ownership  a body is the caller's reference.
 * Thread     one.
 * Errors     exit codes (CLI-02); what went wrong was said on stderr.
 */
#pragma once

#include "controlplane/cli/cli.h"

/* *body stays NULL when the command sends none. */
int cli_make_body(struct cli *cli, json_t **body);
/* expires_at: so many days from now. */
void cli_expires(json_t *body, unsigned days);
/* "90d", "12h", "3600": seconds; false when it is neither. */
bool cli_seconds(const char *text, int64_t *out);
