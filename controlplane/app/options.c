#include "controlplane/app/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/config.h"

enum option_kind { OPTION_TEXT, OPTION_SECRET, OPTION_NUMBER, OPTION_WORD, OPTION_SWITCH };

enum { OPTION_FLAG_ONLY = 1 << 0 };

struct option {
    const char *name; /* as in the file; a flag has '-' for '_' */
    char letter;      /* 0: none */
    enum option_kind kind;
    size_t offset;
    unsigned flags;
    int64_t min, max;
    const char *value, *help;
};

#define T struct app_options
#define TEXT_AT(m) offsetof(T, m) + 0 * sizeof(_Generic(((T *)0)->m, const char * : 0))
#define NUMBER_AT(m) offsetof(T, m) + 0 * sizeof(_Generic(((T *)0)->m, int64_t : 0))
#define SWITCH_AT(m) offsetof(T, m) + 0 * sizeof(_Generic(((T *)0)->m, bool : 0))

static const char *const level_words[] = {"fatal", "error", "warn", "info", "debug", "trace", NULL};

/* clang-format off */
static const struct option table[] = {
    {"config", 'c', OPTION_TEXT, TEXT_AT(config), OPTION_FLAG_ONLY, .value = "FILE",
     .help = "configuration file; its keys are these names with '_' for '-'"},
    {"database", 0, OPTION_SECRET, TEXT_AT(database), .value = "CONNINFO",
     .help = "where PostgreSQL is: \"host=/run/postgresql dbname=berth user=berth\""},
    {"database_owner", 0, OPTION_SECRET, TEXT_AT(database_owner), .value = "CONNINFO",
     .help = "the same as the owner of the schema, for migrations (as --database)"},
    {"listen", 'l', OPTION_TEXT, TEXT_AT(listen), .value = "HOST:PORT",
     .help = "where the REST API listens (127.0.0.1:8080)"},
    {"public_url", 0, OPTION_TEXT, TEXT_AT(public_url), .value = "URL",
     .help = "how others reach the REST API, for links (http://LISTEN)"},
    {"master_key_file", 0, OPTION_TEXT, TEXT_AT(master_key_file), .value = "FILE",
     .help = "32 bytes, or 64 hexadecimal digits, mode 0400; fd:N reads a descriptor"},
    {"bootstrap_file", 0, OPTION_TEXT, TEXT_AT(bootstrap_file), .value = "FILE",
     .help = "where the bootstrap token is written while there is no operator admin (stdout)"},
    {"log_file", 0, OPTION_TEXT, TEXT_AT(log_file), .value = "FILE",
     .help = "log there; SIGHUP opens it again (stderr)"},
    {"log_level", 0, OPTION_WORD, NUMBER_AT(log_level), .value = "LEVEL",
     .help = "error, warn, info, debug or trace (info)"},
    {"http_threads", 0, OPTION_NUMBER, NUMBER_AT(http_threads), .min = 1, .max = 64, .value = "N",
     .help = "requests worked on at once (8)"},
    {"http_queue", 0, OPTION_NUMBER, NUMBER_AT(http_queue), .min = 1, .max = 100000, .value = "N",
     .help = "requests that may wait for a thread (1024)"},
    {"http_connections", 0, OPTION_NUMBER, NUMBER_AT(http_connections), .min = 1, .max = 100000,
     .value = "N", .help = "HTTP connections at once (4096)"},
    {"database_connections", 0, OPTION_NUMBER, NUMBER_AT(database_connections), .min = 4,
     .max = 200, .value = "N", .help = "connections to PostgreSQL, beside one that listens (16)"},
    {"read_per_minute", 0, OPTION_NUMBER, NUMBER_AT(read_per_minute), .min = 1, .max = 10000000,
     .value = "N", .help = "reading requests of one token (12000)"},
    {"write_per_minute", 0, OPTION_NUMBER, NUMBER_AT(write_per_minute), .min = 1, .max = 10000000,
     .value = "N", .help = "changing requests of one token (6000)"},
    {"expensive_per_minute", 0, OPTION_NUMBER, NUMBER_AT(expensive_per_minute), .min = 1,
     .max = 10000000, .value = "N", .help = "expensive requests of one token (600)"},
    {"metrics_accounts", 0, OPTION_NUMBER, NUMBER_AT(metrics_accounts), .min = 0, .max = 100000,
     .value = "N", .help = "accounts at most in /metrics/accounts; 0: there is none (0)"},
    {"check", 't', OPTION_SWITCH, SWITCH_AT(check), OPTION_FLAG_ONLY,
     .help = "check configuration, master key and database, then exit"},
    {"version", 'v', OPTION_SWITCH, SWITCH_AT(version), OPTION_FLAG_ONLY,
     .help = "show the version"},
    {"help", 'h', OPTION_SWITCH, SWITCH_AT(help), OPTION_FLAG_ONLY, .help = "show this"},
};
/* clang-format on */
#undef T

enum { OPTION_COUNT = COUNT_OF(table), NAME_MAX_LEN = 32 };

static const struct app_options defaults = {
    .listen = "127.0.0.1:8080",
    .log_level = LOG_INFO,
    .http_threads = 8,
    .http_queue = 1024,
    .http_connections = 4096,
    .database_connections = 16,
    .read_per_minute = 12000,
    .write_per_minute = 6000,
    .expensive_per_minute = 600,
};

/* --- values ------------------------------------------------------------------------------- */

static bool read_number(const char *text, int64_t *out)
{
    char *end;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    *out = value;
    return end != text && *end == '\0' && errno == 0;
}

static bool read_word(const char *text, int64_t *out)
{
    for (int i = 0; level_words[i] != NULL; i++) {
        if (strcmp(level_words[i], text) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* where: what the sentence begins with.  text: in the arena. */
static void set_value(const struct option *option, const char *where, const char *text,
                      struct app_options *out, struct buf *message)
{
    char *member = (char *)out + option->offset;
    int64_t number;

    switch (option->kind) {
    case OPTION_TEXT:
    case OPTION_SECRET:
        if (*text == '\0')
            buf_printf(message, "%s is empty\n", where);
        *(const char **)(void *)member = text;
        return;
    case OPTION_NUMBER:
        if (!read_number(text, &number) || number < option->min || number > option->max)
            buf_printf(message, "%s must be a number from %lld to %lld, not \"%s\"\n", where,
                       (long long)option->min, (long long)option->max, text);
        else
            *(int64_t *)(void *)member = number;
        return;
    case OPTION_WORD:
        if (!read_word(text, &number))
            buf_printf(message, "%s must be error, warn, info, debug or trace, not \"%s\"\n", where,
                       text);
        else
            *(int64_t *)(void *)member = number;
        return;
    case OPTION_SWITCH:
        *(bool *)member = true;
        return;
    }
}

/* --- the command line --------------------------------------------------------------------- */

/* What each flag was given; NULL: not given. */
struct given {
    const char *values[OPTION_COUNT];
};

static bool flag_is(const struct option *option, struct slice name)
{
    if (strlen(option->name) != name.len)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] != (option->name[i] == '_' ? '-' : option->name[i]))
            return false;
    }
    return true;
}

static int find_flag(const char *text, struct slice *name)
{
    bool is_long = text[0] == '-' && text[1] == '-';

    *name = slice_make(text + (is_long ? 2 : 1), strcspn(text + (is_long ? 2 : 1), "="));
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (is_long ? flag_is(&table[i], *name)
                    : name->len == 1 && table[i].letter == name->data[0])
            return i;
    }
    return -1;
}

/* One argument; *index moves on when it took a value. */
static enum result read_flag(int argc, char **argv, int *index, struct arena *arena,
                             struct given *given, struct buf *message)
{
    char *text = argv[*index], *value = NULL;
    struct slice name;
    int at;

    if (text[0] != '-' || text[1] == '\0') {
        buf_printf(message, "\"%s\" is not a flag; see --help\n", text);
        return ERR_SYNTAX;
    }
    at = find_flag(text, &name);
    if (at < 0) {
        buf_printf(message, "there is no flag %.*s; see --help\n",
                   (int)(name.len + (size_t)(name.data - text)), text);
        return ERR_SYNTAX;
    }
    if (name.data[name.len] == '=')
        value = text + (name.data - text) + name.len + 1;
    if (table[at].kind == OPTION_SWITCH) {
        given->values[at] = "";
        if (value == NULL)
            return OK;
        buf_printf(message, "--%.*s takes no value\n", (int)name.len, name.data);
        return ERR_SYNTAX;
    }
    if (value == NULL && *index + 1 < argc)
        value = argv[++*index];
    if (value == NULL) {
        buf_printf(message, "%.*s needs a value: %s\n",
                   (int)(name.len + (size_t)(name.data - text)), text, table[at].value);
        return ERR_SYNTAX;
    }
    given->values[at] = arena_strdup(arena, value);
    if (table[at].kind == OPTION_SECRET)
        memset(value, '*', strlen(value));
    return OK;
}

static const char *given_value(const struct given *given, const char *name)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(table[i].name, name) == 0)
            return given->values[i];
    }
    CHECK_UNREACHABLE("an option's name");
}

static void flag_name(const struct option *option, char out[NAME_MAX_LEN + 2])
{
    snprintf(out, NAME_MAX_LEN + 2, "--%s", option->name);
    for (char *p = out + 2; *p != '\0'; p++)
        *p = *p == '_' ? '-' : *p;
}

static void apply_flags(const struct given *given, struct app_options *out, struct buf *message)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        char name[NAME_MAX_LEN + 2];

        flag_name(&table[i], name);
        if (given->values[i] != NULL)
            set_value(&table[i], name, given->values[i], out, message);
    }
}

/* --- the file ----------------------------------------------------------------------------- */

static const struct option *find_key(const char *key)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(table[i].name, key) == 0 && (table[i].flags & OPTION_FLAG_ONLY) == 0)
            return &table[i];
    }
    return NULL;
}

static void apply_node(const struct config_node *node, struct arena *arena, struct app_options *out,
                       struct buf *message)
{
    const struct option *option = find_key(node->key);
    const char *where = arena_printf(arena, "%s:%d: %s", node->file, node->line, node->key);

    if (option == NULL) {
        if (!node->used) /* as a variable */
            buf_printf(message, "%s is not a key that is known here\n", where);
        return;
    }
    if (node->kind == CONFIG_INT && option->kind == OPTION_NUMBER)
        set_value(option, where, arena_printf(arena, "%lld", (long long)node->integer), out,
                  message);
    else if (node->kind == CONFIG_STRING)
        set_value(option, where, node->string, out, message);
    else
        buf_printf(message, "%s must be %s\n", where,
                   option->kind == OPTION_NUMBER ? "a number" : "text");
}

static enum result apply_file(const char *file, struct arena *arena, struct app_options *out,
                              struct buf *message)
{
    struct config_error error;
    struct config_node *root;
    enum result rc = config_parse_file(file, arena, &root, &error);

    if (rc != OK) {
        if (error.line > 0)
            buf_printf(message, "%s:%d:%d: %s\n", error.file, error.line, error.column,
                       error.message);
        else
            buf_printf(message, "%s\n", error.message);
        return rc;
    }
    for (const struct config_node *node = root->first; node != NULL; node = node->next)
        apply_node(node, arena, out, message);
    return OK;
}

/* --- the whole ---------------------------------------------------------------------------- */

static void check_required(const struct app_options *options, struct buf *message)
{
    if (options->database == NULL)
        buf_add_text(message,
                     "no database is named: give --database (or `database` in the configuration "
                     "file), such as \"host=/run/postgresql dbname=berth user=berth\"\n");
    if (options->master_key_file == NULL)
        buf_add_text(message,
                     "no master key is named: give --master-key-file; to make one: "
                     "(umask 277; head -c 32 /dev/urandom > master.key), and keep a copy apart "
                     "from the database's backups\n");
}

enum result options_load(int argc, char **argv, struct arena *arena, struct app_options *out,
                         struct buf *message)
{
    struct given given = {0};
    enum result rc = OK;

    *out = defaults;
    for (int i = 1; i < argc && rc == OK; i++)
        rc = read_flag(argc, argv, &i, arena, &given, message);
    if (rc != OK)
        return rc;
    if (given_value(&given, "config") != NULL && given_value(&given, "help") == NULL &&
        given_value(&given, "version") == NULL)
        rc = apply_file(given_value(&given, "config"), arena, out, message);
    if (rc != OK)
        return rc;
    apply_flags(&given, out, message);
    if (!out->help && !out->version)
        check_required(out, message);
    return message->len > 0 ? ERR_INVALID : OK;
}

void options_usage(FILE *out)
{
    fprintf(out, "berth-control serves the REST API of Berth and keeps the nodes as the database "
                 "says.\n\nUsage: berth-control [--config FILE] [FLAGS]\n\n");
    for (int i = 0; i < OPTION_COUNT; i++) {
        char name[NAME_MAX_LEN + 2], left[2 * NAME_MAX_LEN];

        flag_name(&table[i], name);
        snprintf(left, sizeof(left), "%c%c%s %s%s%s", table[i].letter != 0 ? '-' : ' ',
                 table[i].letter != 0 ? table[i].letter : ' ', table[i].letter != 0 ? "," : " ",
                 name, table[i].value != NULL ? " " : "",
                 table[i].value != NULL ? table[i].value : "");
        fprintf(out, "  %-36s %s\n", left, table[i].help);
    }
    fprintf(out,
            "\nSignals: SIGTERM and SIGINT end it in order; SIGHUP opens the log file again.\n\n"
            "Example:\n  berth-control --database \"host=/run/postgresql dbname=berth\" "
            "--master-key-file master.key\n");
}
