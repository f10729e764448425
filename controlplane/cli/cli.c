#include "controlplane/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int cli_fail(int code, const char *format, ...)
{
    va_list args;

    fputs("berth: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

const char *cli_flag(const struct cli *cli, const char *name)
{
    for (size_t i = cli->value_count; i > 0; i--) {
        if (strcmp(cli->values[i - 1].flag->name, name) == 0)
            return cli->values[i - 1].value;
    }
    return NULL;
}

bool cli_has(const struct cli *cli, const char *name)
{
    return cli_flag(cli, name) != NULL;
}

struct slice cli_argument_name(struct slice word)
{
    bool optional = word.len > 2 && word.data[0] == '[';

    return optional ? slice_make(word.data + 1, word.len - 2) : word;
}

const char *cli_argument(const struct cli *cli, const char *name)
{
    struct slice rest = slice_of(cli->command->arguments), word;

    for (size_t i = 0; i < cli->argument_count && slice_cut(&rest, ' ', &word); i++) {
        if (slice_equal(cli_argument_name(word), slice_of(name)))
            return cli->arguments[i];
    }
    return NULL;
}

const char *cli_member(const json_t *object, const char *path)
{
    static _Thread_local char cells[8][CELL_MAX];
    static _Thread_local unsigned next;

    return output_cell(object, path, cells[next++ % 8]);
}

const char *cli_text(const json_t *object, const char *path)
{
    return json_string_value(output_at(object, path));
}

bool cli_confirm(const struct cli *cli, const char *question, int *code)
{
    char answer[16] = "";

    *code = EXIT_OK;
    if (cli->yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        *code = cli_fail(EXIT_USAGE, "%s  Without a terminal this wants --yes.", question);
        return false;
    }
    fprintf(stderr, "%s  [y/N] ", question);
    if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    *code = cli_fail(EXIT_FAILED, "nothing was changed");
    return false;
}

int cli_keep_ready(struct cli *cli, const char *path)
{
    cli->kept_path = path;
    if (strcmp(path, "-") == 0 || secret_file_open(&cli->kept, path) == OK)
        return EXIT_OK;
    return cli_fail(EXIT_FAILED, "%s cannot be written: %s; nothing was done", path,
                    cli->kept.error == EEXIST ? "it is no file (for stdout, give -)"
                                              : strerror(cli->kept.error));
}

int cli_keep(struct cli *cli, struct slice secret, const char *what)
{
    if (strcmp(cli->kept_path, "-") == 0) {
        fwrite(secret.data, 1, secret.len, stdout);
        return fflush(stdout) == 0 ? EXIT_OK : cli_fail(EXIT_FAILED, "stdout cannot be written");
    }
    if (secret_file_keep(&cli->kept, secret) != OK)
        return cli_fail(EXIT_FAILED, "%s is lost: %s could be made, but not written: %s", what,
                        cli->kept_path, strerror(cli->kept.error));
    fprintf(stderr, "%s is in %s\n", what, cli->kept_path);
    return EXIT_OK;
}
