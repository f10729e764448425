/* berth-control: arguments, signals, app. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "api/base/log.h"
#include "controlplane/app/app.h"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

/* No secret of ours ends up in a core file. */
static void forbid_core_files(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

static int run(const struct options *options)
{
    char message[APP_MESSAGE_MAX];
    struct app *app;
    sigset_t signals;
    int number;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before there are threads: only we wait */
    (void)signal(SIGPIPE, SIG_IGN);
    if (app_start(options, &app, message) != OK) {
        log_stop();
        fprintf(stderr, "berth-control: %s\n", message);
        return EXIT_FAILED;
    }
    log_info(LOG_MAIN, "ready listen=%s port=%u", options->listen, app_port(app));
    while (sigwait(&signals, &number) == 0 && number == SIGHUP)
        log_reopen();
    log_info(LOG_MAIN, "stopping signal=%s", strsignal(number));
    app_stop(app);
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    char message[OPTIONS_MESSAGE_MAX];
    struct arena arena = {0};
    struct options options;
    struct log_options log = {0};
    int status;

    forbid_core_files();
    if (options_read(argc, argv, &arena, &options, message) != OK) {
        fprintf(stderr, "berth-control: %s\n", message);
        arena_fini(&arena);
        return EXIT_USAGE;
    }
    if (options.help || options.version) {
        printf("%s", options.help ? options_help() : "berth-control " BERTH_VERSION "\n");
        arena_fini(&arena);
        return EXIT_OK;
    }
    log.format = options.log_json ? LOG_JSON : LOG_NATS;
    log.file = options.log_file;
    if (options_log_level(options.log_level, &log.level) != OK || log_start(&log) != OK) {
        fprintf(stderr, "berth-control: the log file %s cannot be opened\n", options.log_file);
        arena_fini(&arena);
        return EXIT_FAILED;
    }
    status = run(&options);
    log_stop();
    arena_fini(&arena);
    return status;
}
