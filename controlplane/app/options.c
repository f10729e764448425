#include "controlplane/app/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/config.h"

enum option_kind { OPTION_TEXT, OPTION_NUMBER, OPTION_FLAG };

/* clang-format off */
/* What can be said: in the file by its key, on the command line by its flag (NULL: not there). */
static const struct option_row {
    const char *key, *flag;
    enum option_kind kind;
    size_t offset;
    int64_t min, max;
} rows[] = {
    {NULL,                   "--config",               OPTION_TEXT,   offsetof(struct options, config)},
    {"database",             "--database",             OPTION_TEXT,   offsetof(struct options, database)},
    {"database_owner",       "--database-owner",       OPTION_TEXT,   offsetof(struct options, database_owner)},
    {"listen",               "--listen",               OPTION_TEXT,   offsetof(struct options, listen)},
    {"master_key_file",      "--master-key-file",      OPTION_TEXT,   offsetof(struct options, master_key_file)},
    {"bootstrap_token_file", "--bootstrap-token-file", OPTION_TEXT,   offsetof(struct options, bootstrap_token_file)},
    {"public_url",           NULL,                     OPTION_TEXT,   offsetof(struct options, public_url)},
    {"log_file",             "--log-file",             OPTION_TEXT,   offsetof(struct options, log_file)},
    {"log_level",            "--log-level",            OPTION_TEXT,   offsetof(struct options, log_level)},
    {"log_json",             NULL,                     OPTION_FLAG,   offsetof(struct options, log_json)},
    {"http_threads",         NULL,                     OPTION_NUMBER, offsetof(struct options, http_threads), 1, 64},
    {"connections_max",      NULL,                     OPTION_NUMBER, offsetof(struct options, connections_max), 1, 100000},
    {"database_connections", NULL,                     OPTION_NUMBER, offsetof(struct options, database_connections), 4, 500},
    {"read_per_minute",      NULL,                     OPTION_NUMBER, offsetof(struct options, read_per_minute), 1, 10000000},
    {"write_per_minute",     NULL,                     OPTION_NUMBER, offsetof(struct options, write_per_minute), 1, 10000000},
    {"expensive_per_minute", NULL,                     OPTION_NUMBER, offsetof(struct options, expensive_per_minute), 1, 10000000},
    {NULL,                   "--help",                 OPTION_FLAG,   offsetof(struct options, help)},
    {NULL,                   "--version",              OPTION_FLAG,   offsetof(struct options, version)},
};
/* clang-format on */

static const struct options defaults = {
    .listen = "127.0.0.1:8222",
    .log_level = "info",
    .log_json = true,
    .http_threads = 8,
    .connections_max = 2000,
    .database_connections = 20,
    .read_per_minute = 6000,
    .write_per_minute = 3000,
    .expensive_per_minute = 600,
};

const char *options_help(void)
{
    return "berth-control: the control plane of hosted NATS: REST API on PostgreSQL.\n"
           "\n"
           "usage: berth-control --database CONNINFO --master-key-file FILE [options]\n"
           "\n"
           "  --config FILE                a configuration file; flags go before it\n"
           "  --database CONNINFO          the database, as libpq has it: \"host=/run/pg "
           "dbname=berth\"\n"
           "  --database-owner CONNINFO    who owns the schema and migrates it (default: as "
           "--database)\n"
           "  --listen ADDRESS:PORT        where the REST API listens (default 127.0.0.1:8222)\n"
           "  --master-key-file FILE       32 bytes or 64 hexadecimal digits, mode 0400; or fd:N\n"
           "  --bootstrap-token-file FILE  where the first administrator's one-time token is "
           "written\n"
           "                               (mode 0600; default: printed)\n"
           "  --log-file FILE              default: stderr\n"
           "  --log-level LEVEL            error, warn, info or debug\n"
           "  --version, --help\n"
           "\n"
           "example:\n"
           "  head -c 32 /dev/urandom > master.key && chmod 0400 master.key\n"
           "  berth-control --database \"dbname=berth\" --master-key-file master.key\n";
}

enum result options_log_level(const char *word, enum log_level *out)
{
    static const struct {
        const char *word;
        enum log_level level;
    } words[] = {
        {"error", LOG_ERROR}, {"warn", LOG_WARN}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(words[i].word, word) == 0) {
            *out = words[i].level;
            return OK;
        }
    }
    return ERR_INVALID;
}

static void *member(struct options *options, const struct option_row *row)
{
    return (char *)options + row->offset;
}

/* --name value or --name=value. */
static enum result read_flag(int argc, char **argv, int *at, struct options *out, bool config_only,
                             char message[OPTIONS_MESSAGE_MAX])
{
    const char *text = argv[*at], *equal = strchr(text, '=');
    size_t len = equal != NULL ? (size_t)(equal - text) : strlen(text);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct option_row *row = &rows[i];

        if (row->flag == NULL || strlen(row->flag) != len || strncmp(row->flag, text, len) != 0)
            continue;
        if (row->kind == OPTION_FLAG && equal == NULL) {
            *(bool *)member(out, row) = true;
            return OK;
        }
        if (equal == NULL && *at + 1 == argc) {
            snprintf(message, OPTIONS_MESSAGE_MAX, "%s needs a value", row->flag);
            return ERR_SYNTAX;
        }
        if (equal == NULL)
            ++*at;
        if (!config_only || strcmp(row->flag, "--config") == 0)
            *(const char **)member(out, row) = equal != NULL ? equal + 1 : argv[*at];
        return OK;
    }
    snprintf(message, OPTIONS_MESSAGE_MAX, "unknown option %s: see --help", text);
    return ERR_SYNTAX;
}

static enum result read_flags(int argc, char **argv, struct options *out, bool config_only,
                              char message[OPTIONS_MESSAGE_MAX])
{
    enum result rc = OK;

    for (int i = 1; i < argc && rc == OK; i++)
        rc = read_flag(argc, argv, &i, out, config_only, message);
    return rc;
}

static enum result read_node(const struct config_node *node, struct options *out,
                             char message[OPTIONS_MESSAGE_MAX])
{
    const struct option_row *row = NULL;

    for (size_t i = 0; i < COUNT_OF(rows) && row == NULL; i++) {
        if (rows[i].key != NULL && strcmp(rows[i].key, node->key) == 0)
            row = &rows[i];
    }
    if (row == NULL) {
        snprintf(message, OPTIONS_MESSAGE_MAX, "%s:%d: unknown option %s", node->file, node->line,
                 node->key);
        return ERR_INVALID;
    }
    if (row->kind == OPTION_TEXT && node->kind == CONFIG_STRING) {
        *(const char **)member(out, row) = node->string;
        return OK;
    }
    if (row->kind == OPTION_FLAG && node->kind == CONFIG_BOOL) {
        *(bool *)member(out, row) = node->boolean;
        return OK;
    }
    if (row->kind == OPTION_NUMBER && node->kind == CONFIG_INT && node->integer >= row->min &&
        node->integer <= row->max) {
        *(int64_t *)member(out, row) = node->integer;
        return OK;
    }
    snprintf(message, OPTIONS_MESSAGE_MAX, "%s:%d: %s must be %s", node->file, node->line,
             node->key,
             row->kind == OPTION_TEXT   ? "text"
             : row->kind == OPTION_FLAG ? "true or false"
                                        : "a number within its bounds");
    return ERR_INVALID;
}

static enum result read_file(const char *file, struct arena *arena, struct options *out,
                             char message[OPTIONS_MESSAGE_MAX])
{
    struct config_error error = {0};
    struct config_node *root;
    enum result rc = config_parse_file(file, arena, &root, &error);

    if (rc != OK) {
        snprintf(message, OPTIONS_MESSAGE_MAX, "%.200s:%d: %.200s",
                 error.file[0] != '\0' ? error.file : file, error.line, error.message);
        return rc;
    }
    for (const struct config_node *node = root->first; node != NULL && rc == OK; node = node->next)
        rc = read_node(node, out, message);
    return rc;
}

static enum result check(const struct options *options, char message[OPTIONS_MESSAGE_MAX])
{
    const char *missing = options->database == NULL          ? "--database"
                          : options->master_key_file == NULL ? "--master-key-file"
                                                             : NULL;
    enum log_level level;

    if (options->help || options->version)
        return OK;
    if (missing != NULL) {
        snprintf(message, OPTIONS_MESSAGE_MAX, "%s is missing: see --help", missing);
        return ERR_INVALID;
    }
    if (options_log_level(options->log_level, &level) != OK) {
        snprintf(message, OPTIONS_MESSAGE_MAX, "log_level must be error, warn, info or debug");
        return ERR_INVALID;
    }
    return OK;
}

enum result options_read(int argc, char **argv, struct arena *arena, struct options *out,
                         char message[OPTIONS_MESSAGE_MAX])
{
    enum result rc;

    *out = defaults;
    message[0] = '\0';
    rc = read_flags(argc, argv, out, true, message);
    if (rc == OK && out->config != NULL)
        rc = read_file(out->config, arena, out, message);
    if (rc == OK)
        rc = read_flags(argc, argv, out, false, message);
    return rc == OK ? check(out, message) : rc;
}
