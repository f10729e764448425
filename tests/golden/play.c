/*
 * play: plays transcripts with a server.
 *
 *   play [options] SERVER FILE...
 *
 *   --workers 1,2,4   start the server with --workers N for each (our broker only)
 *   --cut NAME        whole, bytes or random; all three if not given
 *   --seed N          of the random cuts; chosen and printed if not given
 *   --jobs N          servers at a time
 *   --timeout MS      for each line that is waited for
 *   --show            print the conversations (and play one at a time)
 *
 * Each file gets a server of its own for each number of workers, and each such play is a
 * process of its own: nothing is shared, nothing can be left behind.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "tests/lib/dialogue.h"
#include "tests/lib/scope.h"
#include "tests/lib/server_process.h"
#include "tests/lib/transcript.h"

enum { WORKERS_MAX = 8, JOBS_MAX = 64, TIMEOUT_MS = 60000 };

struct settings {
    const char *program;
    char **files;
    size_t file_count;
    const char *workers[WORKERS_MAX]; /* NULL: no --workers */
    size_t workers_count;
    int cut; /* -1: all */
    uint64_t seed;
    unsigned long jobs;
    int timeout_ms;
    bool show;
};

struct job {
    pid_t pid;
    const char *file, *workers;
    FILE *output;
};

struct totals {
    unsigned passed, failed;
};

static bool no_info(void *context, char peer, struct slice field, struct buf *out)
{
    return false;
}

/* A minute, unless it says itself how long: a JWT that comes byte by byte takes longer than the two
 * seconds of a server that is told nothing when the machine is busy. */
static void add_login_time(const char *config, struct buf *out)
{
    const char *block = strstr(config, "authorization {");
    size_t head = block != NULL ? (size_t)(strchr(block, '{') + 1 - config) : 0;

    if (strstr(config, "timeout:") == NULL) {
        buf_add(out, config, head);
        buf_add_text(out, block != NULL ? " timeout: 60\n" : "authorization { timeout: 60 }\n");
        config += head;
    }
    buf_add_text(out, config);
}

static char *expand_config(const struct transcript *transcript, const struct server_process *server)
{
    struct scope scope;
    struct buf config = {0}, whole = {0};

    scope_init(&scope, transcript);
    scope.info = no_info;
    scope_set(&scope, SLICE("dir"), slice_of(server->folder));
    if (transcript->config != NULL && !scope_expand(&scope, transcript->config, false, &config)) {
        printf("%s: config: %s\n", transcript->path, scope.error);
        buf_clear(&config);
        buf_add_text(&config, "transcript's configuration is malformed {");
    }
    scope_fini(&scope);
    add_login_time(buf_text(&config), &whole);
    buf_fini(&config);
    return buf_take(&whole);
}

static bool start(const struct settings *settings, const char *workers,
                  const struct transcript *transcript, struct server_process *server)
{
    struct server_options options = {settings->program, workers, settings->timeout_ms};
    char *config;
    bool ok;

    if (!server_process_prepare(server))
        return false;
    config = expand_config(transcript, server);
    ok = server_process_start(server, &options, config);
    if (!ok)
        printf("FAIL %s: the server does not start:\n%s\n", transcript->path,
               buf_text(&server->log));
    mem_free(config);
    return ok;
}

static bool stop(const struct settings *settings, const struct transcript *transcript,
                 struct server_process *server)
{
    struct buf log = {0};
    bool ok;

    if (server->pid != 0)
        kill(server->pid, SIGINT);
    ok = server_process_wait(server, settings->timeout_ms);
    ok = ok && WIFEXITED(server->status) && WEXITSTATUS(server->status) == 0;
    buf_add_slice(&log, buf_slice(&server->log));
    server_process_stop(server, 0);
    if (!ok)
        printf("FAIL %s: the server did not end well:\n%s\n", transcript->path, buf_text(&log));
    buf_fini(&log);
    return ok;
}

static bool play_cut(const struct settings *settings, const char *workers,
                     const struct transcript *transcript, struct server_process *server,
                     enum peer_cut cut)
{
    struct dialogue_options options = {cut, settings->seed, settings->timeout_ms, settings->show};
    struct dialogue dialogue;
    bool ok;

    if (settings->show)
        printf("--- %s, %s\n", transcript->path, dialogue_cut_name(cut));
    dialogue_init(&dialogue, transcript, server, &options);
    ok = dialogue_play(&dialogue);
    if (!ok)
        printf("FAIL %s%s%s, input %s: %s\n%s", transcript->path, workers ? ", workers " : "",
               workers ? workers : "", dialogue_cut_name(cut), transcript->title,
               buf_text(&dialogue.error));
    if (!ok && settings->show)
        printf("%s\n", buf_text(&server->log));
    dialogue_fini(&dialogue);
    return ok;
}

/* Our broker is the one that is given workers. */
static bool plays_cut(const struct settings *settings, const struct transcript *transcript,
                      const char *workers, enum peer_cut cut)
{
    unsigned uncut = TRANSCRIPT_UNCUT | (workers == NULL ? TRANSCRIPT_PEER_UNCUT : 0);

    if (settings->cut >= 0 && (int)cut != settings->cut)
        return false;
    return cut == CUT_WHOLE || (transcript->options & uncut) == 0;
}

/* The whole of a job; true if all cuts passed. */
static bool play_file(const struct settings *settings, const char *file, const char *workers)
{
    struct transcript transcript;
    struct server_process server = {.log_fd = -1};
    bool ok = transcript_read(&transcript, file), running = false;

    if (!ok)
        printf("FAIL %s\n", transcript.error);
    for (enum peer_cut cut = CUT_WHOLE; ok && cut < CUTS; cut++) {
        if (!plays_cut(settings, &transcript, workers, cut))
            continue;
        if (running && (transcript.options & TRANSCRIPT_FRESH) != 0) {
            ok = stop(settings, &transcript, &server);
            running = false;
        }
        if (ok && !running)
            ok = running = start(settings, workers, &transcript, &server);
        ok = ok && play_cut(settings, workers, &transcript, &server, cut);
    }
    if (running)
        ok = stop(settings, &transcript, &server) && ok;
    else
        server_process_stop(&server, 0);
    transcript_fini(&transcript);
    return ok;
}

static void start_job(const struct settings *settings, struct job *job, const char *file,
                      const char *workers)
{
    *job = (struct job){.file = file, .workers = workers, .output = tmpfile()};
    CHECK(job->output != NULL);
    job->pid = fork();
    CHECK(job->pid >= 0);
    if (job->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fileno(job->output), STDOUT_FILENO);
        exit(play_file(settings, file, workers) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
}

static void print_output(struct job *job)
{
    char chunk[4096];
    size_t len;

    rewind(job->output);
    while ((len = fread(chunk, 1, sizeof(chunk), job->output)) > 0)
        fwrite(chunk, 1, len, stdout);
    fclose(job->output);
    fflush(stdout);
}

/* Waits for one to end, and makes room for another. */
static void end_job(struct job *jobs, size_t *running, struct totals *totals)
{
    int status;
    pid_t pid = wait(&status);
    size_t i = 0;

    while (i < *running && jobs[i].pid != pid)
        i++;
    CHECK(i < *running);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) {
        totals->passed++;
    } else {
        totals->failed++;
        if (!WIFEXITED(status))
            printf("FAIL %s: the player was stopped by signal %d\n", jobs[i].file,
                   WTERMSIG(status));
    }
    print_output(&jobs[i]);
    jobs[i] = jobs[--*running];
}

static struct totals play_all(const struct settings *settings)
{
    struct totals totals = {0};
    struct job jobs[JOBS_MAX];
    size_t running = 0;

    for (size_t w = 0; w < settings->workers_count; w++) {
        for (size_t i = 0; i < settings->file_count; i++) {
            if (running == settings->jobs)
                end_job(jobs, &running, &totals);
            start_job(settings, &jobs[running++], settings->files[i], settings->workers[w]);
        }
    }
    while (running > 0)
        end_job(jobs, &running, &totals);
    return totals;
}

static bool parse_workers(struct settings *settings, char *text)
{
    settings->workers_count = 0;
    for (char *at = text; at != NULL && settings->workers_count < WORKERS_MAX;) {
        char *comma = strchr(at, ',');

        if (comma != NULL)
            *comma = '\0';
        settings->workers[settings->workers_count++] = at;
        at = comma != NULL ? comma + 1 : NULL;
    }
    return settings->workers_count > 0;
}

static bool parse_cut(struct settings *settings, const char *name)
{
    for (enum peer_cut cut = CUT_WHOLE; cut < CUTS; cut++) {
        if (strcmp(dialogue_cut_name(cut), name) == 0) {
            settings->cut = (int)cut;
            return true;
        }
    }
    return false;
}

static bool parse_option(struct settings *settings, int option)
{
    switch (option) {
    case 'w':
        return parse_workers(settings, optarg);
    case 'c':
        return parse_cut(settings, optarg);
    case 's':
        settings->seed = strtoull(optarg, NULL, 0);
        return true;
    case 'j':
        settings->jobs = strtoul(optarg, NULL, 10);
        return settings->jobs > 0 && settings->jobs <= JOBS_MAX;
    case 't':
        settings->timeout_ms = (int)strtol(optarg, NULL, 10);
        return settings->timeout_ms > 0;
    case 'v':
        settings->show = true;
        settings->jobs = 1;
        return true;
    default:
        return false;
    }
}

static bool parse_arguments(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {
        {"workers", required_argument, NULL, 'w'},
        {"cut", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 's'},
        {"jobs", required_argument, NULL, 'j'},
        {"timeout", required_argument, NULL, 't'},
        {"show", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (!parse_option(settings, option))
            return false;
    }
    if (argc - optind < 2)
        return false;
    settings->program = argv[optind];
    settings->files = argv + optind + 1;
    settings->file_count = (size_t)(argc - optind - 1);
    return true;
}

int main(int argc, char **argv)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct settings settings = {
        .workers_count = 1,
        .cut = -1,
        .seed = random_u64(random_system()) >> 32,
        .jobs = cores > 0 && cores <= JOBS_MAX / 4 ? (unsigned long)cores * 4 : 4,
        .timeout_ms = TIMEOUT_MS,
    };
    int64_t begun = clock_mono_ns(clock_system());
    struct totals totals;

    if (!parse_arguments(&settings, argc, argv)) {
        fprintf(stderr, "usage: play [--workers N,N] [--cut whole|bytes|random] [--seed N] "
                        "[--jobs N] [--timeout MS] [--show] SERVER FILE...\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    printf("playing %zu transcripts, seed %llu\n", settings.file_count,
           (unsigned long long)settings.seed);
    fflush(stdout);
    totals = play_all(&settings);
    printf("%u passed, %u failed, in %.1f s\n", totals.passed, totals.failed,
           (double)(clock_mono_ns(clock_system()) - begun) / 1e9);
    return totals.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
