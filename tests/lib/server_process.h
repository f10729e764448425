/*
 * server_process: a server under test, ours or any that takes the same flags.
 *
 * It gets a folder of its own, a configuration file in it and a port that the system
 * chooses; where it listens is read from its log.
 *
 * Ownership  the struct is the caller's; stop frees what start made, the folder too.
 * Thread     one at a time.  The server dies with the process that started it.
 * Errors     start: false when it does not say "Server is ready" in time; log has its words.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "api/base/buf.h"

struct server_options {
    const char *program;
    const char *workers; /* of --workers, which only our broker knows; NULL: not given */
    int timeout_ms;
};

struct server_process {
    pid_t pid; /* 0: not running */
    int log_fd;
    uint16_t port;
    char folder[64];
    struct buf log;
    bool ended; /* its log has ended */
    int status; /* of waitpid, when pid is 0 */
};

/* The folder first, for configurations that name it. */
bool server_process_prepare(struct server_process *server);
bool server_process_start(struct server_process *server, const struct server_options *options,
                          const char *config);
/* What it has written since; call when log_fd is readable. */
void server_process_read_log(struct server_process *server);
/* Waits for it to end by itself; false when it does not in time. */
bool server_process_wait(struct server_process *server, int timeout_ms);
/* SIGINT, and the hard way when that does not help.  The exit status is in status; true: it is 0.
 */
bool server_process_stop(struct server_process *server, int timeout_ms);
