/*
 * berth-broker: a node: arguments, configuration, log, node.
 */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "api/base/log.h"
#include "api/base/slice.h"
#include "dataplane/node/flags.h"
#include "dataplane/node/node.h"
#include "dataplane/node/option_load.h"
#include "dataplane/node/process_files.h"
#include "dataplane/node/signal_command.h"

#define VERSION_LINE "nats-server: v2.14.3 (berth-broker " BERTH_VERSION ")"

static int fail(const char *why)
{
    fprintf(stderr, "nats-server: %s\n", why);
    return 1;
}

/* Flags that are answered at once; -1: none of them. */
static int answer_flags(const struct flags *flags)
{
    char error[SIGNAL_COMMAND_ERROR_MAX];

    if (flags_on(flags->version) || (flags->word != NULL && strcmp(flags->word, "version") == 0)) {
        printf("%s\n", VERSION_LINE);
        return 0;
    }
    if (flags_on(flags->help) || (flags->word != NULL && strcmp(flags->word, "help") == 0)) {
        flags_usage(stdout, flags->program);
        return 0;
    }
    if (flags->word != NULL) {
        snprintf(error, sizeof(error), "unrecognized command: \"%.256s\"", flags->word);
        return fail(error);
    }
    if (slice_given(flags->signal)) {
        if (signal_command_send(flags->signal, flags->program, error) != OK)
            return fail(error);
        return 0;
    }
    if (flags_on(flags->test) && flags->config == NULL)
        return fail("must specify [-c, --config] option to check configuration file syntax");
    return -1;
}

static int start_log(const struct node_options *options)
{
    char why[PROCESS_FILES_WHY_MAX];
    struct log_options log = {
        .format = LOG_NATS,
        .file = options->log_file,
        .level = options->trace   ? LOG_TRACE
                 : options->debug ? LOG_DEBUG
                                  : LOG_INFO,
        .debug_off = !options->debug,
        .time_off = !options->logtime,
        .utc = options->logtime_utc,
        .size_limit = options->log_size_limit,
        .files_limit = options->log_files_limit,
    };

    if (log_start(&log) == OK)
        return 0;
    fprintf(stderr, "nats-server: error opening file: open %s: %s\n", options->log_file,
            process_files_why(why));
    return 1;
}

/* The C library joins the small blocks that were freed long after, all at once and under a lock:
 * a tenth of a second after 300,000 subscriptions went.  Let it do so as they are freed. */
static void free_evenly(void)
{
    (void)mallopt(M_MXFAST, 0);
}

static int run(struct node_options *options)
{
    struct node *node;
    int code = 1;

    free_evenly();
    node_block_signals();
    if (start_log(options) != 0)
        return 1;
    if (node_start(options, &node) == OK) {
        code = node_run(node);
        node_stop(node);
    }
    log_stop();
    return code;
}

static int load_and_run(const struct flags *flags)
{
    struct node_options options;
    struct buf message = {0};
    int code;

    if (option_load(flags, &options, &message) != OK) {
        code = fail(buf_text(&message));
        buf_fini(&message);
        return code;
    }
    buf_fini(&message);
    if (flags_on(flags->test)) {
        fprintf(stderr, "nats-server: configuration file %s is valid (%s)\n", flags->config,
                options.digest);
        code = 0;
    } else {
        code = run(&options);
    }
    node_options_fini(&options);
    return code;
}

int main(int argc, char **argv)
{
    char error[FLAGS_ERROR_MAX];
    struct arena arena = {0};
    struct flags flags;
    int code;

    switch (flags_parse(argc, argv, &arena, &flags, error)) {
    case OK:
        code = answer_flags(&flags);
        if (code < 0)
            code = load_and_run(&flags);
        break;
    case ERR_UNSUPPORTED:
        code = fail(error);
        break;
    default: /* as the reference server: shown how to, and no failure */
        flags_usage(stdout, flags.program);
        fprintf(stderr, "%s\n", error);
        code = 0;
        break;
    }
    arena_fini(&arena);
    return code;
}
