/*
 * Start: fork, exec, then its stderr is read through a pipe until "Server is ready".
 * What can go wrong: the program ends first (its log says why), or says nothing in time.
 */
#include "tests/lib/server_process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/base/clock.h"

enum { LOG_MAX = 1 << 16, ARGS_MAX = 16 };

static int64_t now_ms(void)
{
    return clock_mono_ns(clock_system()) / NS_PER_MS;
}

bool server_process_prepare(struct server_process *server)
{
    const char *base = getenv("TMPDIR");

    *server = (struct server_process){.log_fd = -1};
    buf_init(&server->log, LOG_MAX);
    snprintf(server->folder, sizeof(server->folder), "%s/berth-play.XXXXXX",
             base != NULL && strlen(base) < 40 ? base : "/tmp");
    if (mkdtemp(server->folder) != NULL)
        return true;
    server->folder[0] = '\0';
    return false;
}

static bool write_config(const struct server_process *server, const char *config, char *path,
                         size_t cap)
{
    FILE *file;
    bool ok;

    snprintf(path, cap, "%s/server.conf", server->folder);
    file = fopen(path, "w");
    if (file == NULL)
        return false;
    ok = fputs(config, file) >= 0;
    return fclose(file) == 0 && ok;
}

static void run_child(const struct server_options *options, char *config, int log_fd)
{
    char *args[ARGS_MAX] = {(char *)options->program, "-c", config, "-p", "-1", "-a", "127.0.0.1"};
    size_t count = 7;

    if (options->workers != NULL) {
        args[count++] = "--workers";
        args[count++] = (char *)options->workers;
        args[count++] = "--spread";
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(log_fd, STDOUT_FILENO);
    dup2(log_fd, STDERR_FILENO);
    signal(SIGPIPE, SIG_DFL);
    execv(options->program, args);
    dprintf(log_fd, "%s: %s\n", options->program, strerror(errno));
    _exit(127);
}

void server_process_read_log(struct server_process *server)
{
    char chunk[4096];
    ssize_t len = read(server->log_fd, chunk, sizeof(chunk));

    if (len > 0)
        buf_add(&server->log, chunk, (size_t)len);
    else if (len == 0 || errno != EAGAIN)
        server->ended = true;
}

static bool ready(struct server_process *server)
{
    static const char mark[] = "Listening for client connections on ";
    const char *text = buf_text(&server->log);
    const char *at = strstr(text, mark);
    const char *end = at != NULL ? strchr(at, '\n') : NULL;

    if (end == NULL || strstr(end, "Server is ready") == NULL)
        return false;
    while (end > at && *end != ':')
        end--;
    server->port = (uint16_t)strtoul(end + 1, NULL, 10);
    return true;
}

static bool wait_ready(struct server_process *server, int timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;

    while (!ready(server)) {
        struct pollfd poll_fd = {.fd = server->log_fd, .events = POLLIN};
        int64_t left = deadline - now_ms();

        if (server->ended || left <= 0)
            return false;
        if (poll(&poll_fd, 1, (int)left) > 0)
            server_process_read_log(server);
    }
    return true;
}

bool server_process_start(struct server_process *server, const struct server_options *options,
                          const char *config)
{
    char path[sizeof(server->folder) + 16];
    int fds[2];

    if (!write_config(server, config, path, sizeof(path)) || pipe2(fds, O_CLOEXEC) != 0)
        return false;
    server->log_fd = fds[0];
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    server->pid = fork();
    if (server->pid == 0)
        run_child(options, path, fds[1]);
    close(fds[1]);
    if (server->pid < 0) {
        server->pid = 0;
        return false;
    }
    return wait_ready(server, options->timeout_ms);
}

/* Its end of the log pipe closes when it ends: that is waited for. */
bool server_process_wait(struct server_process *server, int timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;

    if (server->pid == 0)
        return true;
    while (!server->ended) {
        struct pollfd poll_fd = {.fd = server->log_fd, .events = POLLIN};
        int64_t left = deadline - now_ms();

        if (left <= 0)
            return false;
        if (poll(&poll_fd, 1, (int)left) > 0)
            server_process_read_log(server);
    }
    while (waitpid(server->pid, &server->status, 0) < 0 && errno == EINTR)
        ;
    server->pid = 0;
    return true;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    return remove(path);
}

bool server_process_stop(struct server_process *server, int timeout_ms)
{
    if (server->pid != 0) {
        kill(server->pid, SIGINT);
        if (!server_process_wait(server, timeout_ms)) {
            kill(server->pid, SIGKILL);
            while (waitpid(server->pid, &server->status, 0) < 0 && errno == EINTR)
                ;
            server->pid = 0;
        }
    }
    if (server->log_fd >= 0)
        close(server->log_fd);
    if (server->folder[0] != '\0')
        nftw(server->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    buf_fini(&server->log);
    *server = (struct server_process){.log_fd = -1, .status = server->status};
    return WIFEXITED(server->status) && WEXITSTATUS(server->status) == 0;
}
