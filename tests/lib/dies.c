#include "tests/lib/dies.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/base/check.h"

static _Noreturn void run(void (*fn)(void *arg), void *arg)
{
    struct rlimit no_core = {0, 0};
    int null = open("/dev/null", O_WRONLY);

    (void)signal(SIGABRT, SIG_DFL);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (null >= 0)
        (void)dup2(null, STDERR_FILENO);
    fn(arg);
    _exit(0);
}

bool dies(void (*fn)(void *arg), void *arg)
{
    int status;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0)
        run(fn, arg);
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
