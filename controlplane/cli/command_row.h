/*
 * command_row: what a command is, and a run of it: noun, verb, arguments, flags, the request that
 * it makes, the columns that it shows.
 *
 * Ownership  rows are constants; everything of one run lives in its arena.
 * Thread     one.
 * Errors     exit codes.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "controlplane/cli/context.h"
#include "controlplane/cli/output.h"
#include "controlplane/cli/rest_client.h"
#include "controlplane/cli/secret_file.h"

/* CLI-02 */
enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_VALIDATION = 3,
    EXIT_NOT_FOUND = 4,
    EXIT_CONFLICT = 5,
    EXIT_DENIED = 6,
    EXIT_NOT_IN_SYNC = 7,
    EXIT_UNAVAILABLE = 8,
};

enum flag_kind {
    FLAG_TEXT,    /* a string member */
    FLAG_INT,     /* a number; -1 and "unlimited" too; sizes such as 64MiB */
    FLAG_TIME_S,  /* a length of time as seconds: 90d, 12h, 30m, 45s */
    FLAG_TIME_AT, /* a length of time from now, or a time: as a time */
    FLAG_TRUE,    /* given: true */
    FLAG_LIST,    /* repeated or comma separated: an array of strings */
    FLAG_RANGES,  /* HH:MM-HH:MM, repeated: an array of {start, end} */
    FLAG_MAP,     /* NAME=VALUE, repeated: an object of strings */
    FLAG_LIMITS,  /* NAME=NUMBER, repeated: an object of numbers and booleans */
    FLAG_UNSET,   /* NAME, repeated: null in the same object */
    FLAG_QUERY,   /* a query parameter of the same name */
    FLAG_LOCAL,   /* for the command's own function */
    FLAG_SWITCH,  /* the same, without a value */
};

struct flag {
    const char *name; /* without the dashes */
    enum flag_kind kind;
    const char *member; /* of the body, "a/b" for a nested one; NULL: the name with '_' for '-';
                           ".": FLAG_LIMITS and FLAG_UNSET set members of the body itself */
    const char *value;  /* in the help; NULL for those without */
    const char *help;
    const char *resolve; /* the value names a resource of this collection (a path may have
                            {names}, as a command's): its id is sent */
};

enum {
    FLAGS_MAX = 32,
    VALUES_MAX = 128,
    ARGUMENTS_MAX = 8,
};

struct cli;

struct command {
    const char *noun, *verb;
    const char *arguments;      /* "ACCOUNT NAME": {account} of the path, "name" of the body, ... */
    const char *help, *example; /* one line that could be typed */
    const char *method, *path;
    const struct flag *flags; /* ends with {0} */
    const struct column *columns;
    unsigned flags_set; /* COMMAND_... */
    int (*run)(struct cli *cli);
    const char *team_path, *account_path; /* the path instead, when --team (--account) is given */
    const char *secret; /* member of the answer that is shown once; --out keeps it in a file */
};

enum {
    COMMAND_LIST = 1 << 0,     /* all pages */
    COMMAND_IF_MATCH = 1 << 1, /* reads the resource first and sends its ETag */
    COMMAND_WAIT = 1 << 2,     /* --wait: until nodes have it */
    COMMAND_ASK = 1 << 3,      /* asks first, unless --yes */
    COMMAND_TEXT = 1 << 4,     /* the answer is text, not JSON; --out writes it to a file */
    COMMAND_LOCAL = 1 << 5,    /* needs no control plane */
    COMMAND_BODY = 1 << 6,     /* sends a body, if only {} */
};

struct flag_value {
    const struct flag *flag;
    const char *value;
};

struct cli {
    struct arena arena;
    const struct command *const *tables; /* all there are, NULL behind the last */
    const struct command *command;
    struct context context;
    struct rest_client *client; /* NULL for COMMAND_LOCAL */
    const char *arguments[ARGUMENTS_MAX];
    size_t argument_count;
    struct flag_value values[VALUES_MAX];
    size_t value_count;
    enum output_format format;
    const char *context_name, *account, *team, *system, *operator;
    const char *idempotency_key, *if_version;
    unsigned wait_s;
    bool yes;
    const char *kept_path; /* of cli_keep_ready; NULL: none, "-": stdout */
    struct secret_file kept;
};
