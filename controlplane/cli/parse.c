#include "controlplane/cli/parse.h"

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"

enum { WAIT_DEFAULT_S = 30, WAIT_MAX_S = 300 };

/* --- rows --------------------------------------------------------------------------------- */

/* The first of a noun; NULL when there is no such noun. */
static const struct command *first_of(const struct cli *cli, const char *noun)
{
    for (size_t i = 0; cli->tables[i] != NULL; i++) {
        for (const struct command *at = cli->tables[i]; at->noun != NULL; at++) {
            if (strcmp(at->noun, noun) == 0)
                return at;
        }
    }
    return NULL;
}

static const struct command *find(const struct cli *cli, const char *noun, const char *verb)
{
    for (size_t i = 0; cli->tables[i] != NULL; i++) {
        for (const struct command *at = cli->tables[i]; at->noun != NULL; at++) {
            if (strcmp(at->noun, noun) != 0)
                continue;
            if (at->verb == NULL || (verb != NULL && strcmp(at->verb, verb) == 0))
                return at;
        }
    }
    return NULL;
}

/* --- help --------------------------------------------------------------------------------- */

static void print_command(const struct command *command)
{
    char words[128];

    snprintf(words, sizeof(words), "%s%s%s%s%s", command->noun, command->verb != NULL ? " " : "",
             command->verb != NULL ? command->verb : "", command->arguments != NULL ? " " : "",
             command->arguments != NULL ? command->arguments : "");
    printf("  %-44s %s\n", words, command->help);
}

static void print_globals(void)
{
    puts("\nFor every command:\n"
         "  -o table|json|name       how to show the answer\n"
         "  --context NAME           another context than the current one\n"
         "  --account ACCOUNT        the account, by name, id or public key\n"
         "  --team TEAM              the team, by name or id\n"
         "  --system, --operator     the same; needed only when there are several\n"
         "  --wait[=SECONDS]         until the nodes have it (exit code 7 if they do not)\n"
         "  --if-version N           only if the resource is at this version; * for any\n"
         "  --idempotency-key KEY    the same request again is the same answer\n"
         "  --yes                    do not ask\n"
         "\nExit codes: 0 ok, 2 usage, 3 validation, 4 not found, 5 conflict, 6 denied,\n"
         "7 not in sync, 8 unavailable, 1 anything else.\n"
         "Environment: BERTH_CONTEXT_DIR, BERTH_CONTEXT, BERTH_API, BERTH_TOKEN, NATS_URL.");
}

static void print_flags(const struct command *command)
{
    if (command->flags == NULL || command->flags[0].name == NULL)
        return;
    puts("\nFlags:");
    for (const struct flag *flag = command->flags; flag->name != NULL; flag++) {
        char words[64];

        snprintf(words, sizeof(words), "--%s%s%s", flag->name, flag->value != NULL ? " " : "",
                 flag->value != NULL ? flag->value : "");
        printf("  %-28s %s\n", words, flag->help);
    }
}

static void print_examples(const struct cli *cli, const char *noun)
{
    static const char *const first_steps[][2] = {
        {"login", NULL}, {"account", "create"}, {"user", "create"}, {"creds", "issue"}};

    if (noun != NULL) {
        printf("\nExample:\n  %s\n", first_of(cli, noun)->example);
        return;
    }
    puts("\nExamples:");
    for (size_t i = 0; i < COUNT_OF(first_steps); i++)
        printf("  %s\n", find(cli, first_steps[i][0], first_steps[i][1])->example);
}

/* Of the program (noun NULL), a noun, or a command. */
static void show_help(const struct cli *cli, const char *noun, const struct command *command)
{
    if (command != NULL) {
        printf("berth %s%s%s%s%s\n\n%s\n", command->noun, command->verb != NULL ? " " : "",
               command->verb != NULL ? command->verb : "", command->arguments != NULL ? " " : "",
               command->arguments != NULL ? command->arguments : "", command->help);
        print_flags(command);
        printf("\nExample:\n  %s\n", command->example);
        print_globals();
        return;
    }
    puts("berth: the command line of Berth, hosted NATS for teams\n\n"
         "Usage: berth NOUN VERB [ARGUMENTS] [FLAGS]; berth NOUN VERB --help says more.\n");
    for (size_t i = 0; cli->tables[i] != NULL; i++) {
        for (const struct command *at = cli->tables[i]; at->noun != NULL; at++) {
            if (noun == NULL || strcmp(at->noun, noun) == 0)
                print_command(at);
        }
    }
    print_examples(cli, noun);
    print_globals();
}

/* --- words -------------------------------------------------------------------------------- */

static const struct flag *find_flag(const struct command *command, struct slice name)
{
    for (const struct flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++) {
        if (slice_equal(name, slice_of(flag->name)))
            return flag;
    }
    return NULL;
}

static size_t wanted_arguments(const struct command *command)
{
    struct slice rest = slice_of(command->arguments), word;
    size_t count = 0;

    while (command->arguments != NULL && slice_cut(&rest, ' ', &word))
        count += word.len > 0 && word.data[0] != '[';
    return count;
}

static size_t most_arguments(const struct command *command)
{
    struct slice rest = slice_of(command->arguments), word;
    size_t count = 0;

    while (command->arguments != NULL && slice_cut(&rest, ' ', &word))
        count += word.len > 0;
    return count;
}

/* One word at a time. */
struct words {
    int argc, at;
    char **argv;
};

/* The value of a flag: behind '=', or the next word. */
static const char *value_of(struct words *words, const char *equals)
{
    if (equals != NULL)
        return equals + 1;
    return words->at + 1 < words->argc ? words->argv[++words->at] : NULL;
}

static int read_format(struct cli *cli, const char *text)
{
    static const char *const names[] = {"table", "json", "name"};

    for (size_t i = 0; text != NULL && i < COUNT_OF(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            cli->format = (enum output_format)i;
            return EXIT_OK;
        }
    }
    return cli_fail(EXIT_USAGE, "-o wants table, json or name");
}

static int read_wait(struct cli *cli, const char *equals)
{
    uint64_t seconds = WAIT_DEFAULT_S;

    if (equals != NULL && !slice_uint(slice_of(equals + 1), WAIT_MAX_S, &seconds))
        return cli_fail(EXIT_USAGE, "--wait wants seconds, at most %d", WAIT_MAX_S);
    cli->wait_s = (unsigned)seconds;
    return EXIT_OK;
}

/* Flags of every command; *known: it was one. */
static int read_global(struct cli *cli, struct words *words, struct slice name, const char *equals,
                       bool *known)
{
    struct {
        const char *name;
        const char **place;
    } texts[] = {{"context", &cli->context_name}, {"account", &cli->account}, {"team", &cli->team},
                 {"system", &cli->system},
                 {
                     "operator",
                     &cli->operator},
                     {"if-version", &cli->if_version},
                     {"idempotency-key", &cli->idempotency_key},
    };

    *known = true;
    if (slice_equal(name, SLICE("o")) || slice_equal(name, SLICE("output")))
        return read_format(cli, value_of(words, equals));
    if (slice_equal(name, SLICE("wait")))
        return read_wait(cli, equals);
    if (slice_equal(name, SLICE("yes"))) {
        cli->yes = true;
        return EXIT_OK;
    }
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (!slice_equal(name, slice_of(texts[i].name)))
            continue;
        *texts[i].place = value_of(words, equals);
        return *texts[i].place != NULL ? EXIT_OK
                                       : cli_fail(EXIT_USAGE, "--%s wants a value", texts[i].name);
    }
    *known = false;
    return EXIT_OK;
}

static int read_flag(struct cli *cli, struct words *words)
{
    const char *word = words->argv[words->at], *equals = strchr(word, '=');
    struct slice name = slice_from(slice_of(word), word[1] == '-' ? 2 : 1);
    const struct flag *flag;
    const char *value;
    bool known;
    int code;

    if (equals != NULL)
        name.len = (size_t)(equals - name.data);
    flag = find_flag(cli->command, name);
    if (flag == NULL) {
        code = read_global(cli, words, name, equals, &known);
        if (known)
            return code;
        return cli_fail(EXIT_USAGE, "%s is not known here: see --help", word);
    }
    if (flag->kind == FLAG_TRUE || flag->kind == FLAG_SWITCH)
        value = equals != NULL ? equals + 1 : "true";
    else
        value = value_of(words, equals);
    if (value == NULL)
        return cli_fail(EXIT_USAGE, "--%s wants %s", flag->name,
                        flag->value != NULL ? flag->value : "a value");
    if (cli->value_count == VALUES_MAX)
        return cli_fail(EXIT_USAGE, "too many flags");
    cli->values[cli->value_count++] = (struct flag_value){flag, value};
    return EXIT_OK;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static bool is_version(const char *word)
{
    return strcmp(word, "--version") == 0 || strcmp(word, "-v") == 0;
}

static int read_words(struct cli *cli, struct words *words, bool *finished)
{
    int code = EXIT_OK;

    for (; words->at < words->argc && code == EXIT_OK; words->at++) {
        const char *word = words->argv[words->at];

        if (is_help(word)) {
            show_help(cli, NULL, cli->command);
            *finished = true;
            return EXIT_OK;
        }
        if (word[0] == '-' && word[1] != 0) {
            code = read_flag(cli, words);
            continue;
        }
        if (cli->argument_count == ARGUMENTS_MAX)
            return cli_fail(EXIT_USAGE, "too many arguments");
        cli->arguments[cli->argument_count++] = word;
    }
    if (code == EXIT_OK && cli->argument_count < wanted_arguments(cli->command))
        return cli_fail(EXIT_USAGE, "wants: %s", cli->command->arguments);
    if (code == EXIT_OK && cli->argument_count > most_arguments(cli->command))
        return cli_fail(EXIT_USAGE, "%s is one argument too many",
                        cli->arguments[most_arguments(cli->command)]);
    return code;
}

/* Flags of every command may stand before the noun too. */
static int read_leading(struct cli *cli, struct words *words)
{
    int code = EXIT_OK;

    for (; words->at < words->argc && code == EXIT_OK; words->at++) {
        const char *word = words->argv[words->at], *equals = strchr(word, '=');
        struct slice name = slice_from(slice_of(word), word[0] == '-' && word[1] == '-' ? 2 : 1);
        bool known;

        if (word[0] != '-' || is_help(word) || is_version(word))
            return EXIT_OK;
        if (equals != NULL)
            name.len = (size_t)(equals - name.data);
        code = read_global(cli, words, name, equals, &known);
        if (!known)
            return cli_fail(EXIT_USAGE, "%s is not known: see berth --help", word);
    }
    return code;
}

/* berth help NOUN [VERB] */
static int show_help_of(const struct cli *cli, const char *noun, const char *verb, bool *finished)
{
    if (first_of(cli, noun) == NULL)
        return cli_fail(EXIT_USAGE, "%s is not known: see berth --help", noun);
    show_help(cli, noun, find(cli, noun, verb));
    *finished = true;
    return EXIT_OK;
}

int cli_parse(struct cli *cli, int argc, char **argv, bool *finished)
{
    struct words words = {argc, 1, argv};
    const char *noun;
    int code = read_leading(cli, &words);

    *finished = false;
    if (code != EXIT_OK)
        return code;
    argc -= words.at - 1;
    argv += words.at - 1;
    words = (struct words){argc, 1, argv};
    noun = argc > 1 ? argv[1] : NULL;
    if (noun == NULL) {
        show_help(cli, NULL, NULL);
        *finished = true;
        return EXIT_USAGE;
    }
    if (is_version(noun)) {
        puts("berth " BERTH_VERSION);
        *finished = true;
        return EXIT_OK;
    }
    if (is_help(noun) && argc > 2)
        return show_help_of(cli, argv[2], argc > 3 ? argv[3] : NULL, finished);
    if (is_help(noun)) {
        show_help(cli, NULL, NULL);
        *finished = true;
        return EXIT_OK;
    }
    if (first_of(cli, noun) == NULL)
        return cli_fail(EXIT_USAGE, "%s is not known: see berth --help", noun);
    cli->command = find(cli, noun, argc > 2 ? argv[2] : NULL);
    if (cli->command == NULL && argc > 2 && !is_help(argv[2]))
        return cli_fail(EXIT_USAGE, "%s %s is not known: see berth %s --help", noun, argv[2], noun);
    if (cli->command == NULL) {
        show_help(cli, noun, NULL);
        *finished = true;
        return argc > 2 ? EXIT_OK : EXIT_USAGE;
    }
    words.at = cli->command->verb != NULL ? 3 : 2;
    return read_words(cli, &words, finished);
}
