/*
 * log: one line per event, key=value, levels by area.
 *
 * Two formats.  LOG_NATS is what tools of the reference server read:
 *     [PID] YYYY/MM/DD HH:MM:SS.micros [INF] text
 * LOG_JSON is one object a line: time, level, area, message, and the context of the thread.
 *
 * A line is formatted by the caller and written by a writer thread through a bounded ring,
 * so that a slow disk stops nobody; when the ring is full the line is dropped and counted,
 * and the next line that fits says how many were.  ERR and FTL lines wait for room.
 * Before log_start and after log_stop lines go straight to stderr.
 *
 * No payload, no seed, no token, no password is ever logged; a key by its public form.
 *
 * The log is the one piece of state of the process that is not passed around.
 *
 * Ownership  strings are copied.
 * Thread     log_*: any.  log_start, log_stop, log_reopen: the main thread.
 * Errors     log_start: ERR_IO when the file cannot be opened.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/result.h"

enum log_level { LOG_FATAL, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

enum log_format { LOG_NATS, LOG_JSON };

/* Where in the program; levels can be set for each. */
enum log_area {
    LOG_MAIN,    /* start, stop, signals, configuration */
    LOG_CORE,    /* threads, sockets */
    LOG_SESSION, /* peers on connections */
    LOG_AUTH,    /* who may come in */
    LOG_ACCOUNT, /* tenants, claims */
    LOG_SYSTEM,  /* events and requests of the system account */
    LOG_DB,      /* the database */
    LOG_REST,    /* requests of the REST API */
    LOG_LINK,    /* connections to nodes */
    LOG_JOB,     /* work done without being asked */
    LOG_AREAS
};

struct log_options {
    enum log_format format;
    const char *file; /* NULL: stderr */
    enum log_level level;
    bool debug_off;      /* LOG_TRACE without the lines of LOG_DEBUG */
    bool time_off;       /* LOG_NATS: without date and time */
    bool utc;            /* LOG_NATS: UTC instead of local time */
    int64_t size_limit;  /* of the file, then it is put aside and begun anew; 0: none */
    int64_t files_limit; /* how many files there may be, with the one in use; 0: any number */
};

enum result log_start(const struct log_options *options) MUST_CHECK;
/* Writes what is waiting; lines go to stderr afterwards. */
void log_stop(void);
/* Opens the file again (rotation), if there is one. */
void log_reopen(void);
void log_set_level(enum log_level level);
bool log_wants(enum log_level level, enum log_area area);

void log_line(enum log_level level, enum log_area area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_at(level, area, ...)                \
    do {                                        \
        if (log_wants(level, area))             \
            log_line(level, area, __VA_ARGS__); \
    } while (0)

#define log_fatal(area, ...) log_at(LOG_FATAL, area, __VA_ARGS__)
#define log_error(area, ...) log_at(LOG_ERROR, area, __VA_ARGS__)
#define log_warn(area, ...) log_at(LOG_WARN, area, __VA_ARGS__)
#define log_info(area, ...) log_at(LOG_INFO, area, __VA_ARGS__)
#define log_debug(area, ...) log_at(LOG_DEBUG, area, __VA_ARGS__)
#define log_trace(area, ...) log_at(LOG_TRACE, area, __VA_ARGS__)

/* At most one line each interval_ms from this place; says how many it held back. */
struct log_limit {
    _Atomic int64_t next_ms;
    _Atomic uint64_t held;
};
bool log_limit_pass(struct log_limit *limit, int64_t interval_ms, uint64_t *held);
#define log_every(interval_ms, level, area, format, ...)                                          \
    do {                                                                                          \
        static struct log_limit log_limit_here;                                                   \
        uint64_t log_held;                                                                        \
        if (log_wants(level, area) && log_limit_pass(&log_limit_here, interval_ms, &log_held)) {  \
            if (log_held > 0)                                                                     \
                log_line(level, area, format " (%llu more held back)" __VA_OPT__(, ) __VA_ARGS__, \
                         (unsigned long long)log_held);                                           \
            else                                                                                  \
                log_line(level, area, format __VA_OPT__(, ) __VA_ARGS__);                         \
        }                                                                                         \
    } while (0)

/*
 * Keys that every LOG_JSON line of this thread carries until they are cleared: request_id,
 * principal, ...  `key` is a literal; the value is copied (cut at 127 bytes); NULL clears it.
 */
void log_context(const char *key, const char *value);
void log_context_clear(void);
