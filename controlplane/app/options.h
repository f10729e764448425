/*
 * options: the configuration of the control plane: a file, and flags that go before it.
 *
 * Ownership  texts live in the arena given.
 * Thread     main.
 * Errors     ERR_SYNTAX, ERR_INVALID, ERR_NOT_FOUND: `message` names the flag, or file and line.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/log.h"
#include "api/base/result.h"

enum { OPTIONS_MESSAGE_MAX = 512 };

struct options {
    const char *config;
    const char *database;             /* serves; conninfo of libpq */
    const char *database_owner;       /* migrates; NULL: as database */
    const char *listen;               /* 127.0.0.1:8222 */
    const char *master_key_file;      /* or fd:N */
    const char *bootstrap_token_file; /* NULL: printed */
    const char *public_url;
    const char *log_file, *log_level;
    int64_t http_threads, connections_max, database_connections;
    int64_t read_per_minute, write_per_minute, expensive_per_minute;
    bool log_json, help, version;
};

enum result options_read(int argc, char **argv, struct arena *arena, struct options *out,
                         char message[OPTIONS_MESSAGE_MAX]) MUST_CHECK;

/* The text of --help. */
const char *options_help(void);
enum result options_log_level(const char *word, enum log_level *out) MUST_CHECK;
