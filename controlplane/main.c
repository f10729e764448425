/*
 * berth-control: arguments, log, app.
 */
#include <stdio.h>

#include "api/base/log.h"
#include "controlplane/app/app.h"
#include "controlplane/app/options.h"

enum { CODE_FAILED = 1, CODE_USAGE = 2 };

/* Each line of it, behind the program's name. */
static void complain(const struct buf *message)
{
    struct slice rest = buf_slice(message), line;

    while (!slice_empty(rest) && slice_cut(&rest, '\n', &line)) {
        if (!slice_empty(line))
            fprintf(stderr, "berth-control: %.*s\n", (int)line.len, line.data);
    }
}

static int run(const struct app_options *options, struct buf *message)
{
    const struct log_options log = {
        .format = LOG_JSON,
        .file = options->log_file,
        .level = (enum log_level)options->log_level,
    };
    struct app *app;

    if (log_start(&log) != OK) {
        buf_printf(message, "the log file %s cannot be opened\n", options->log_file);
        return CODE_FAILED;
    }
    if (app_start(options, &app, message) != OK) {
        log_stop();
        return CODE_FAILED;
    }
    app_run(app);
    app_stop(app);
    log_info(LOG_MAIN, "stopped");
    log_stop();
    return 0;
}

static int serve(const struct app_options *options, struct buf *message)
{
    if (options->help) {
        options_usage(stdout);
        return 0;
    }
    if (options->version) {
        printf("berth-control %s\n", BERTH_VERSION);
        return 0;
    }
    app_prepare();
    if (!options->check)
        return run(options, message);
    if (app_check(options, message) != OK)
        return CODE_FAILED;
    printf("berth-control: all is well: configuration, master key, database\n");
    return 0;
}

int main(int argc, char **argv)
{
    struct app_options options;
    struct arena arena = {0};
    struct buf message = {0};
    int code = CODE_USAGE;

    if (options_load(argc, argv, &arena, &options, &message) == OK)
        code = serve(&options, &message);
    complain(&message);
    buf_fini(&message);
    arena_fini(&arena);
    return code;
}
