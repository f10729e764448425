#include "dataplane/node/signal_command.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "api/base/check.h"

enum { PROCESSES_MAX = 64, COMM_LEN = 15 };

static const struct {
    const char *name;
    int signal;
} commands[] = {
    {"stop", SIGKILL},   {"quit", SIGINT},   {"term", SIGTERM},
    {"reopen", SIGUSR1}, {"reload", SIGHUP}, {"ldm", SIGUSR2},
};

static int find_signal(const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strlen(commands[i].name) == len && memcmp(commands[i].name, name, len) == 0)
            return commands[i].signal;
    return 0;
}

static bool read_pid(const char *text, pid_t *out)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    while (*end == '\n' || *end == ' ')
        end++;
    if (end == text || *end != '\0' || errno != 0 || value <= 0 || value > INT_MAX)
        return false;
    *out = (pid_t)value;
    return true;
}

static bool read_small_file(const char *path, char *text, size_t cap)
{
    FILE *file = fopen(path, "re");
    size_t len;

    if (file == NULL)
        return false;
    len = fread(text, 1, cap - 1, file);
    fclose(file);
    text[len] = '\0';
    return true;
}

/* The name of a process as the kernel keeps it: the first 15 bytes. */
static bool is_program(const char *pid, const char *program)
{
    char path[PATH_MAX], name[64];

    snprintf(path, sizeof(path), "/proc/%s/comm", pid);
    if (!read_small_file(path, name, sizeof(name)))
        return false;
    name[strcspn(name, "\n")] = '\0';
    return strncmp(name, program, COMM_LEN) == 0;
}

static size_t find_processes(const char *program, pid_t *pids)
{
    DIR *dir = opendir("/proc");
    struct dirent *item;
    size_t count = 0;
    pid_t pid;

    if (dir == NULL)
        return 0;
    while ((item = readdir(dir)) != NULL && count < PROCESSES_MAX)
        if (read_pid(item->d_name, &pid) && pid != getpid() && is_program(item->d_name, program))
            pids[count++] = pid;
    closedir(dir);
    return count;
}

static enum result send_to_program(int signal, const char *program, char *error)
{
    pid_t pids[PROCESSES_MAX];
    size_t count = find_processes(program, pids);
    int len;

    if (count == 1) {
        if (kill(pids[0], signal) == 0)
            return OK;
        snprintf(error, SIGNAL_COMMAND_ERROR_MAX, "%s", strerror(errno));
        return ERR_IO;
    }
    if (count == 0) {
        snprintf(error, SIGNAL_COMMAND_ERROR_MAX, "no %s processes running", program);
        return ERR_NOT_FOUND;
    }
    len = snprintf(error, SIGNAL_COMMAND_ERROR_MAX, "multiple %s processes running:\n", program);
    for (size_t i = 0; i < count && len < SIGNAL_COMMAND_ERROR_MAX; i++)
        len += snprintf(error + len, (size_t)(SIGNAL_COMMAND_ERROR_MAX - len), "%s%d",
                        i > 0 ? "\n" : "", (int)pids[i]);
    return ERR_CONFLICT;
}

static enum result send_to_pid(int signal, const char *name, pid_t pid, char *error)
{
    if (kill(pid, signal) == 0)
        return OK;
    snprintf(error, SIGNAL_COMMAND_ERROR_MAX, "\nsignal \"%s\" %d: %s", name, (int)pid,
             errno == ESRCH ? "no such process" : strerror(errno));
    return ERR_IO;
}

/* A pid, the path of a pid file, or a pattern of such paths. */
static enum result send_to_target(int signal, const char *name, const char *target, char *error)
{
    enum result rc = OK;
    glob_t files;
    pid_t pid;

    if (read_pid(target, &pid))
        return send_to_pid(signal, name, pid, error);
    if (glob(target, 0, NULL, &files) != 0) {
        snprintf(error, SIGNAL_COMMAND_ERROR_MAX, "invalid pid: %s", target);
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < files.gl_pathc && rc == OK; i++) {
        char text[64];

        if (!read_small_file(files.gl_pathv[i], text, sizeof(text)) || !read_pid(text, &pid)) {
            snprintf(error, SIGNAL_COMMAND_ERROR_MAX, "invalid pid: %s", files.gl_pathv[i]);
            rc = ERR_SYNTAX;
        } else {
            rc = send_to_pid(signal, name, pid, error);
        }
    }
    globfree(&files);
    return rc;
}

enum result signal_command_send(const char *argument, const char *program,
                                char error[SIGNAL_COMMAND_ERROR_MAX])
{
    const char *equals = strchr(argument, '=');
    size_t len = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
    int signal = find_signal(argument, len);
    char name[32];

    snprintf(name, sizeof(name), "%.*s", (int)len, argument);
    if (signal == 0) {
        snprintf(error, SIGNAL_COMMAND_ERROR_MAX, "unknown signal \"%s\"", name);
        return ERR_SYNTAX;
    }
    if (equals == NULL || equals[1] == '\0')
        return send_to_program(signal, program, error);
    return send_to_target(signal, name, equals + 1, error);
}
