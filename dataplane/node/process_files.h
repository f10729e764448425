/*
 * process_files: the files by which other programs find a running node: pid file, ports file.
 *
 * Ownership  paths are the caller's.
 * Thread     the main thread.
 * Errors     ERR_IO, errno as the system set it.
 */
#pragma once

#include <stdbool.h>

#include "api/base/buf.h"
#include "api/base/result.h"

/* The id in digits, without a line end: readers parse the whole file. */
enum result process_files_write_pid(const char *path) MUST_CHECK;
void process_files_remove(const char *path);

/* What errno says, as the reference server writes it: "no such file or directory". */
enum { PROCESS_FILES_WHY_MAX = 128 };
const char *process_files_why(char out[PROCESS_FILES_WHY_MAX]);

/* Where clients and monitors are listened for; port 0: nowhere. */
struct process_ports {
    const char *host, *http_host;
    int port, http_port;
};

/* DIR/PROGRAM_PID.ports */
void process_files_ports_path(const char *dir, const char *program, struct buf *out);
/* JSON, appears whole. */
enum result process_files_write_ports(const char *path,
                                      const struct process_ports *ports) MUST_CHECK;
