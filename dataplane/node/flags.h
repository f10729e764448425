/*
 * flags: the command line of the node.
 *
 * Flags as tools of the reference server write them: one dash or two, `-flag value` or
 * `-flag=value`, a boolean takes its value only after '='; the first word without a dash, or
 * "--", ends them.  One table holds them all.
 *
 * Ownership  texts are copied into the arena; those of secrets are blanked in argv.
 * Thread     the main thread, before any other starts.
 * Errors     ERR_SYNTAX: `error` holds the sentence, the usage text is to be shown;
 *            ERR_UNSUPPORTED: a flag of a part that does not exist yet.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/base/shape.h"

struct flags {
    const char *program; /* argv[0] without its folder */
    const char *config;
    const char *host, *server_name, *client_advertise;
    struct optional_int port, http_port;
    const char *pid_file, *ports_file_dir, *log_file;
    struct optional_int log_size_limit;
    struct optional_int logtime, logtime_utc; /* booleans: 0 or 1 */
    struct optional_int debug, trace, trace_verbose, debug_trace, debug_trace_verbose;
    struct optional_int max_traced_msg_len;
    struct optional_int workers, spread; /* ours */
    const char *user, *pass, *token;
    const char *signal;
    struct optional_int test, version, help;
    const char *word; /* the first argument that is no flag */
};

enum { FLAGS_ERROR_MAX = 256 };

enum result flags_parse(int argc, char **argv, struct arena *arena, struct flags *out,
                        char error[FLAGS_ERROR_MAX]) MUST_CHECK;

/* Given, and not as "=false". */
bool flags_on(struct optional_int flag);

void flags_usage(FILE *out, const char *program);
