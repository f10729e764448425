/*
 * user_commands: issuing credentials, for berth creds issue and berth demo.
 *
 * Ownership  everything of one run lives in its arena.
 * Thread     one.
 * Errors     exit codes (CLI-02); what went wrong was said on stderr.
 */
#pragma once

#include "api/base/buf.h"
#include "controlplane/cli/cli.h"

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
