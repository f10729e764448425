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

#include <jansson.h>
#include <stdbool.h>

#include "controlplane/cli/context.h"
#include "controlplane/cli/output.h"
#include "controlplane/cli/rest_client.h"

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
    FLAG_TEXT,   /* a string member */
    FLAG_INT,    /* a number; -1 and "unlimited" too; sizes such as 64MiB */
    FLAG_TIME_S, /* a length of time as seconds: 90d, 12h, 30m, 45s */
    FLAG_TRUE,   /* given: true */
    FLAG_LIST,   /* repeated or comma separated: an array of strings */
    FLAG_MAP,    /* NAME=VALUE, repeated: an object of strings */
    FLAG_LIMITS, /* NAME=NUMBER, repeated: an object of numbers and booleans */
    FLAG_QUERY,  /* a query parameter of the same name */
    FLAG_LOCAL,  /* for the command's own function */
    FLAG_SWITCH, /* the same, without a value */
};

struct flag {
    const char *name; /* without the dashes */
    enum flag_kind kind;
    const char *member; /* of the body, "a/b" for a nested one; NULL: the name with '_' for '-' */
    const char *value;  /* in the help; NULL for those without */
    const char *help;
    const char *resolve; /* the value names a resource of this collection: its id is sent */
};

enum {
    FLAGS_MAX = 32,
    VALUES_MAX = 128,
    ARGUMENTS_MAX = 8,
};

struct cli;

struct command {
    const char *noun, *verb;
    const char *arguments; /* "ACCOUNT NAME": {account} of the path, "name" of the body, ... */
    const char *help, *example;
    const char *method, *path;
    const struct flag *flags; /* ends with {0} */
    const struct column *columns;
    unsigned flags_set; /* COMMAND_... */
    int (*run)(struct cli *cli);
};

enum {
    COMMAND_LIST = 1 << 0,     /* all pages */
    COMMAND_IF_MATCH = 1 << 1, /* reads the resource first and sends its ETag */
    COMMAND_WAIT = 1 << 2,     /* --wait: until nodes have it */
    COMMAND_SECRET = 1 << 3,   /* the answer holds a secret: shown once, and --out */
    COMMAND_TEXT = 1 << 4,     /* the answer is text, not JSON */
    COMMAND_LOCAL = 1 << 5,    /* needs no control plane */
    COMMAND_ACCOUNT = 1 << 6,  /* --account ACCOUNT fills {account} */
    COMMAND_BODY = 1 << 7,     /* sends a body, if only {} */
};

struct flag_value {
    const struct flag *flag;
    const char *value;
};

struct cli {
    struct arena arena;
    const struct command *command;
    struct context context;
    struct rest_client *client; /* NULL for COMMAND_LOCAL */
    const char *arguments[ARGUMENTS_MAX];
    size_t argument_count;
    struct flag_value values[VALUES_MAX];
    size_t value_count;
    enum output_format format;
    const char *context_name, *account, *team;
    const char *idempotency_key, *if_version;
    unsigned wait_s;
    bool yes;
};

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
/* A name or id of a collection ("accounts", "teams", "/accounts/ID/users") -> id. */
const char *cli_resolve(struct cli *cli, const char *collection, const char *ref, int *code);
/* A member of an object as text, "" when it is not there; "a/b" for a nested one. */
const char *cli_member(const json_t *object, const char *path);
/* Says what a reply's problem is; returns the exit code. */
int cli_problem(struct cli *cli, enum result rc, const struct rest_reply *reply);
/* On stderr, with the program's name in front; returns `code`. */
int cli_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "90d", "12h", "3600": seconds; false when it is neither. */
bool cli_seconds(const char *text, int64_t *out);
