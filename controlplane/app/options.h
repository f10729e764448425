/*
 * options: what berth-control is told: defaults, then the configuration file, then flags.
 *
 * One table has them all: `listen` in the file is --listen on the command line.  The file is in
 * the syntax of NATS (api/base/config.h).
 *
 * Ownership  texts live in the arena given; a connection string is blanked in argv, because it
 *            may hold a password.
 * Thread     the main thread, before any other starts.
 * Errors     ERR_SYNTAX, ERR_INVALID, ERR_NOT_FOUND: `message` holds one sentence a line, each
 *            saying what is wrong and where.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "api/base/arena.h"
#include "api/base/buf.h"
#include "api/base/log.h"
#include "api/base/result.h"

struct app_options {
    const char *config; /* NULL: no file */
    const char *database, *database_owner;
    const char *listen, *public_url;
    const char *master_key_file;
    const char *bootstrap_file; /* NULL: stdout */
    const char *log_file;       /* NULL: stderr */
    int64_t log_level;          /* enum log_level */
    int64_t http_threads, http_queue, http_connections, database_connections;
    int64_t read_per_minute, write_per_minute, expensive_per_minute;
    int64_t metrics_accounts; /* 0: figures of accounts are not given */
    bool check, version, help;
};

enum result options_load(int argc, char **argv, struct arena *arena, struct app_options *out,
                         struct buf *message) MUST_CHECK;

/* What the program can be told, for --help. */
void options_usage(FILE *out);
