#include "dataplane/node/flags.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/check.h"

enum flag_kind { FLAG_TEXT, FLAG_SECRET, FLAG_NUMBER, FLAG_SWITCH, FLAG_LATER, FLAG_LATER_SWITCH };

struct flag {
    const char *names; /* separated by '|' */
    enum flag_kind kind;
    size_t offset;
    const char *value, *help; /* for the usage text; NULL: not listed */
};

#define AT(member) offsetof(struct flags, member)

/* clang-format off */
static const struct flag table[] = {
    {"a|addr|net",          FLAG_TEXT,   AT(host),     "HOST", "address to listen on (0.0.0.0)"},
    {"p|port",              FLAG_NUMBER, AT(port),     "PORT", "port for clients (4222); -1: any"},
    {"n|name|server_name",  FLAG_TEXT,   AT(server_name), "NAME", "name of this server"},
    {"client_advertise",    FLAG_TEXT,   AT(client_advertise), "ADDR", "address told to clients"},
    {"m|http_port",         FLAG_NUMBER, AT(http_port), "PORT", "port for monitoring over HTTP"},
    {"c|config",            FLAG_TEXT,   AT(config),   "FILE", "configuration file"},
    {"t|test_config",       FLAG_SWITCH, AT(test),     NULL,   "check the configuration and exit"},
    {"sl|signal",           FLAG_TEXT,   AT(signal),   "NAME[=PID]",
     "send a signal: ldm, stop, quit, term, reopen, reload"},
    {"P|pid",               FLAG_TEXT,   AT(pid_file), "FILE", "file for the process id"},
    {"ports_file_dir",      FLAG_TEXT,   AT(ports_file_dir), "DIR", "folder for the ports file"},
    {"workers",             FLAG_NUMBER, AT(workers),  "N",    "worker threads (usable cores)"},
    {"spread",              FLAG_SWITCH, AT(spread),   NULL,
     "connections to all workers in turn (by load)"},
    {"l|log",               FLAG_TEXT,   AT(log_file), "FILE", "log to a file"},
    {"log_size_limit",      FLAG_NUMBER, AT(log_size_limit), "N",
     "bytes after which the log file is put aside"},
    {"T|logtime",           FLAG_SWITCH, AT(logtime),  NULL,   "date and time in the log (true)"},
    {"logtime_utc",         FLAG_SWITCH, AT(logtime_utc), NULL, "in UTC"},
    {"D|debug",             FLAG_SWITCH, AT(debug),    NULL,   "log more"},
    {"V|trace",             FLAG_SWITCH, AT(trace),    NULL,   "log the protocol"},
    {"VV",                  FLAG_SWITCH, AT(trace_verbose), NULL,
     "also that of the system account"},
    {"DV",                  FLAG_SWITCH, AT(debug_trace), NULL, "-D and -V"},
    {"DVV",                 FLAG_SWITCH, AT(debug_trace_verbose), NULL, "-D and -VV"},
    {"max_traced_msg_len",  FLAG_NUMBER, AT(max_traced_msg_len), "N", "cut traced messages"},
    {"user",                FLAG_SECRET, AT(user),     "USER", "user that clients must give"},
    {"pass",                FLAG_SECRET, AT(pass),     "PASS", "their password"},
    {"auth",                FLAG_SECRET, AT(token),    "TOKEN", "token that clients must give"},
    {"v|version",           FLAG_SWITCH, AT(version),  NULL,   "show the version"},
    {"h|help",              FLAG_SWITCH, AT(help),     NULL,   "show this"},
    {"ms|https_port",       FLAG_LATER},
    {"s|syslog",            FLAG_LATER_SWITCH},
    {"r|remote_syslog",     FLAG_LATER},
    {"profile",             FLAG_LATER},
    {"routes",              FLAG_LATER},
    {"cluster",             FLAG_LATER},
    {"cluster_name",        FLAG_LATER},
    {"cluster_listen",      FLAG_LATER},
    {"cluster_advertise",   FLAG_LATER},
    {"no_advertise",        FLAG_LATER_SWITCH},
    {"connect_retries",     FLAG_LATER},
    {"help_tls",            FLAG_LATER_SWITCH},
    {"tls",                 FLAG_LATER_SWITCH},
    {"tlsverify",           FLAG_LATER_SWITCH},
    {"tlscert",             FLAG_LATER},
    {"tlskey",              FLAG_LATER},
    {"tlscacert",           FLAG_LATER},
    {"js|jetstream",        FLAG_LATER_SWITCH},
    {"sd|store_dir",        FLAG_LATER},
};
/* clang-format on */

#undef AT

static const struct flag *find(struct slice name)
{
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct slice names = slice_of(table[i].names), one;

        while (slice_cut(&names, '|', &one))
            if (slice_equal(one, name))
                return &table[i];
    }
    return NULL;
}

static bool takes_value(const struct flag *flag)
{
    return flag->kind != FLAG_SWITCH && flag->kind != FLAG_LATER_SWITCH;
}

static bool read_switch(const char *text, int64_t *out)
{
    static const char *const words[2][6] = {{"0", "f", "F", "false", "FALSE", "False"},
                                            {"1", "t", "T", "true", "TRUE", "True"}};

    for (int value = 0; value < 2; value++) {
        for (size_t i = 0; i < COUNT_OF(words[value]); i++) {
            if (strcmp(text, words[value][i]) == 0) {
                *out = value;
                return true;
            }
        }
    }
    return false;
}

static bool read_number(const char *text, int64_t *out)
{
    char *end;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 0);
    if (end == text || *end != '\0' || errno != 0)
        return false;
    *out = value;
    return true;
}

static void blank(char *text)
{
    memset(text, '*', strlen(text));
}

static enum result store(const struct flag *flag, struct slice name, char *value,
                         struct arena *arena, struct flags *out, char *error)
{
    char *member = (char *)out + flag->offset;
    struct optional_int *number = (struct optional_int *)(void *)member;

    switch (flag->kind) {
    case FLAG_LATER:
    case FLAG_LATER_SWITCH:
        snprintf(error, FLAGS_ERROR_MAX, "not supported yet: -%.*s", (int)name.len, name.data);
        return ERR_UNSUPPORTED;
    case FLAG_SWITCH:
        number->value = 1;
        if (value != NULL && !read_switch(value, &number->value)) {
            snprintf(error, FLAGS_ERROR_MAX, "invalid boolean value \"%s\" for -%.*s: parse error",
                     value, (int)name.len, name.data);
            return ERR_SYNTAX;
        }
        number->set = true;
        return OK;
    case FLAG_NUMBER:
        if (!read_number(value, &number->value)) {
            snprintf(error, FLAGS_ERROR_MAX, "invalid value \"%s\" for flag -%.*s: parse error",
                     value, (int)name.len, name.data);
            return ERR_SYNTAX;
        }
        number->set = true;
        return OK;
    case FLAG_TEXT:
    case FLAG_SECRET:
        *(const char **)(void *)member = arena_strdup(arena, value);
        if (flag->kind == FLAG_SECRET)
            blank(value);
        return OK;
    }
    return OK;
}

/* One argument that begins with a dash; *index moves on when it took a value. */
static enum result parse_one(int argc, char **argv, int *index, struct arena *arena,
                             struct flags *out, char *error)
{
    char *text = argv[*index], *name = text + (text[1] == '-' ? 2 : 1);
    size_t len = strcspn(name, "=");
    char *value = name[len] == '=' ? name + len + 1 : NULL;
    const struct flag *flag;

    if (len == 0 || name[0] == '-') {
        snprintf(error, FLAGS_ERROR_MAX, "bad flag syntax: %s", text);
        return ERR_SYNTAX;
    }
    flag = find(slice_make(name, len));
    if (flag == NULL) {
        snprintf(error, FLAGS_ERROR_MAX, "flag provided but not defined: -%.*s", (int)len, name);
        return ERR_SYNTAX;
    }
    if (value == NULL && takes_value(flag)) {
        if (*index + 1 >= argc) {
            snprintf(error, FLAGS_ERROR_MAX, "flag needs an argument: -%.*s", (int)len, name);
            return ERR_SYNTAX;
        }
        value = argv[++*index];
    }
    return store(flag, slice_make(name, len), value, arena, out, error);
}

enum result flags_parse(int argc, char **argv, struct arena *arena, struct flags *out,
                        char error[FLAGS_ERROR_MAX])
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    int i = 1;

    *out = (struct flags){0};
    out->program = slash != NULL ? slash + 1 : (argc > 0 ? argv[0] : "berth-broker");
    for (; i < argc; i++) {
        enum result rc;

        if (argv[i][0] != '-' || argv[i][1] == '\0')
            break;
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        rc = parse_one(argc, argv, &i, arena, out, error);
        if (rc != OK)
            return rc;
    }
    if (i < argc)
        out->word = arena_strdup(arena, argv[i]);
    return OK;
}

bool flags_on(struct optional_int flag)
{
    return flag.set && flag.value != 0;
}

void flags_usage(FILE *out, const char *program)
{
    fprintf(out, "\nUsage: %s [options]\n\n", program);
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct slice names = slice_of(table[i].names), one;
        char left[64] = "";
        size_t len = 0;

        if (table[i].help == NULL)
            continue;
        while (slice_cut(&names, '|', &one) && len < sizeof(left))
            len += (size_t)snprintf(left + len, sizeof(left) - len, "%s%s%.*s", len > 0 ? ", " : "",
                                    one.len > 2 ? "--" : "-", (int)one.len, one.data);
        if (table[i].value != NULL && len < sizeof(left))
            snprintf(left + len, sizeof(left) - len, " %s", table[i].value);
        fprintf(out, "    %-34s %s\n", left, table[i].help);
    }
    fprintf(out,
            "\nExamples:\n"
            "    %s -a 127.0.0.1 -p 4222 -m 8222\n"
            "    %s -c node.conf\n\n",
            program, program);
}
