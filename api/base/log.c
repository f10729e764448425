/*
 * A line's way:
 *
 *   1. the caller's thread formats it on its stack and copies it into the ring;
 *   2. the writer thread takes what is there in one piece and writes it.
 *
 * Places in the ring are counted from the beginning of time (`put`, `written`), so they
 * never wrap; the byte of place n is ring[n % RING_SIZE].
 *
 * What can go wrong: the disk or the reader of stderr is slow (the ring fills, lines are
 * dropped and counted), a write fails (the lines are gone, the next ones are tried).
 */
#include "api/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/log_rotate.h"
#include "api/base/mem.h"
#include "api/base/slice.h"

enum {
    RING_SIZE = 1 << 20, /* some ten thousand lines */
    TEXT_MAX = 6 << 10,  /* a control line and what is said about it */
    LINE_MAX = TEXT_MAX + 2048,
    CONTEXT_KEYS = 8,
    CONTEXT_VALUE_MAX = 128,
    FILE_MODE = 0640
};

static const struct {
    const char *nats, *json;
} level_names[] = {
    [LOG_FATAL] = {"FTL", "fatal"}, [LOG_ERROR] = {"ERR", "error"}, [LOG_WARN] = {"WRN", "warn"},
    [LOG_INFO] = {"INF", "info"},   [LOG_DEBUG] = {"DBG", "debug"}, [LOG_TRACE] = {"TRC", "trace"},
};

static const char *const area_names[LOG_AREAS] = {
    [LOG_MAIN] = "main", [LOG_CORE] = "core",       [LOG_SESSION] = "session",
    [LOG_AUTH] = "auth", [LOG_ACCOUNT] = "account", [LOG_SYSTEM] = "system",
    [LOG_DB] = "db",     [LOG_REST] = "rest",       [LOG_LINK] = "link",
    [LOG_JOB] = "job",
};

/* The one piece of state of the process (see log.h). */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t more;    /* for the writer: lines, reopen, stop */
    pthread_cond_t less;    /* for callers: something was written */
    bool running, stopping; /* from log_start to log_stop; log_stop waits for the writer */
    bool reopen;
    bool flushes_at_exit;
    pthread_t writer;
    int fd;
    char *file;                            /* NULL: stderr */
    int64_t size, size_limit, files_limit; /* of the file; only the writer's while it runs */
    char *ring;
    uint64_t put, written;
    uint64_t dropped; /* lines since the last that fitted */
} state = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .more = PTHREAD_COND_INITIALIZER,
    .less = PTHREAD_COND_INITIALIZER,
    .fd = STDERR_FILENO,
};

/* Read by every line without the lock. */
static _Atomic int level_now = LOG_INFO;
static _Atomic int format_now = LOG_NATS;
static _Atomic bool debug_off_now, time_off_now, utc_now;

static _Thread_local struct {
    const char *key;
    char value[CONTEXT_VALUE_MAX];
} context[CONTEXT_KEYS];

/* A line under way; what does not fit is cut, with room kept for its end. */
struct line {
    char text[LINE_MAX];
    size_t len;
};

static void add_char(struct line *line, char c)
{
    if (line->len < LINE_MAX - 8)
        line->text[line->len++] = c;
}

static void add_text(struct line *line, const char *text)
{
    for (; *text != '\0'; text++)
        add_char(line, *text);
}

/* What a peer wrote must neither end the line nor speak to a terminal. */
static void add_plain(struct line *line, const char *text)
{
    char hex[8];

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c >= 0x20 || c == '\t') && c != 0x7f) {
            add_char(line, *text);
            continue;
        }
        snprintf(hex, sizeof(hex), "\\x%02x", c);
        add_text(line, hex);
    }
}

static void add_json(struct line *line, const char *text)
{
    char hex[8];

    add_char(line, '"');
    while (*text != '\0' && line->len < LINE_MAX - 16) {
        unsigned char c = (unsigned char)*text;
        size_t len = slice_utf8(slice_make(text, strnlen(text, 4)));

        if (c == '"' || c == '\\') {
            add_char(line, '\\');
            add_char(line, *text++);
        } else if (c < 0x20 || c == 0x7f || len == 0) {
            snprintf(hex, sizeof(hex), "\\u%04x", len == 0 ? 0xfffd : c);
            add_text(line, hex);
            text++;
        } else {
            for (; len > 0; len--)
                add_char(line, *text++);
        }
    }
    add_char(line, '"');
}

static void add_member(struct line *line, const char *key, const char *value)
{
    if (line->len > LINE_MAX - CONTEXT_VALUE_MAX)
        return;
    if (line->text[line->len - 1] != '{')
        add_char(line, ',');
    add_json(line, key);
    add_char(line, ':');
    add_json(line, value);
}

static void make_nats(struct line *line, enum log_level level, const char *text)
{
    int64_t now_ns = clock_wall_ns(clock_system());
    time_t seconds = (time_t)(now_ns / NS_PER_S);
    char head[96];
    struct tm tm;

    snprintf(head, sizeof(head), "[%d] ", (int)getpid());
    add_text(line, head);
    if (!time_off_now) {
        CHECK((utc_now ? gmtime_r(&seconds, &tm) : localtime_r(&seconds, &tm)) != NULL);
        snprintf(head, sizeof(head), "%04d/%02d/%02d %02d:%02d:%02d.%06d ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 (int)(now_ns % NS_PER_S / NS_PER_US));
        add_text(line, head);
    }
    add_char(line, '[');
    add_text(line, level_names[level].nats);
    add_text(line, "] ");
    add_plain(line, text);
}

static void make_json(struct line *line, enum log_level level, enum log_area area, const char *text)
{
    char now[CLOCK_TEXT_MAX];

    clock_format(clock_wall_ns(clock_system()), 6, now);
    add_char(line, '{');
    add_member(line, "time", now);
    add_member(line, "level", level_names[level].json);
    add_member(line, "area", area_names[area]);
    for (size_t i = 0; i < CONTEXT_KEYS; i++)
        if (context[i].key != NULL)
            add_member(line, context[i].key, context[i].value);
    add_char(line, ',');
    add_json(line, "message");
    add_char(line, ':');
    add_json(line, text);
    line->text[line->len++] = '}';
}

static void make_line(struct line *line, enum log_level level, enum log_area area, const char *text)
{
    line->len = 0;
    if (format_now == LOG_JSON)
        make_json(line, level, area, text);
    else
        make_nats(line, level, text);
    line->text[line->len++] = '\n';
}

static void write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, data, len);

        if (done > 0) {
            data += done;
            len -= (size_t)done;
        } else if (done < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};

            (void)poll(&wait, 1, -1);
        } else if (done == 0 || errno != EINTR) {
            return; /* nobody to tell */
        }
    }
}

static int open_file(const char *file)
{
    return open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, FILE_MODE);
}

static int64_t size_of(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 ? (int64_t)status.st_size : 0;
}

/* The writer's own lines; the file's size does not count them, or a low limit would never rest. */
static void write_own(enum log_level level, const char *text)
{
    struct line line;

    make_line(&line, level, LOG_MAIN, text);
    write_all(state.fd, line.text, line.len);
}

/* By the writer, whose the descriptor is; without the lock. */
static void open_again(void)
{
    int fd;

    if (state.file == NULL)
        return;
    fd = open_file(state.file);
    if (fd < 0) { /* better the old file than none */
        write_own(LOG_ERROR, "The log file cannot be opened again; the log goes on in the old one");
        return;
    }
    close(state.fd);
    state.fd = fd;
    state.size = size_of(fd);
}

/* By the writer, without the lock: callers do not wait for it. */
static void rotate(void)
{
    char backup[LOG_ROTATE_NAME_MAX], text[LOG_ROTATE_NAME_MAX + 64];

    state.size = 0;
    if (log_rotate(state.file, clock_wall_ns(clock_system()), backup) != OK)
        return; /* better a large file than none */
    open_again();
    if (state.files_limit > 0)
        log_rotate_purge(state.file, (size_t)state.files_limit - 1);
    snprintf(text, sizeof(text), "Rotated log, backup saved as \"%s\"", backup);
    write_own(LOG_INFO, text);
}

/* How much of these bytes still belongs into the file: up to the end of the line that fills it. */
static size_t file_share(const char *bytes, size_t len)
{
    int64_t left = state.size_limit - state.size;
    const char *end;

    if (state.size_limit <= 0 || (int64_t)len <= left)
        return len;
    if (left < 0)
        left = 0;
    end = memchr(bytes + left, '\n', len - (size_t)left);
    return end != NULL ? (size_t)(end - bytes) + 1 : len;
}

static void write_share(const char *bytes, size_t len)
{
    write_all(state.fd, bytes, len); /* fd and these bytes are ours */
    state.size += (int64_t)len;
    if (state.size_limit > 0 && state.size > state.size_limit && bytes[len - 1] == '\n')
        rotate();
}

static void *run_writer(void *arg)
{
    CHECK(pthread_mutex_lock(&state.mutex) == 0);
    for (;;) {
        size_t from = state.written % RING_SIZE, len = (size_t)(state.put - state.written);
        bool reopen = state.reopen;

        if (len == 0 && !reopen) {
            if (state.stopping)
                break;
            pthread_cond_wait(&state.more, &state.mutex);
            continue;
        }
        if (len > RING_SIZE - from)
            len = RING_SIZE - from;
        state.reopen = false;
        pthread_mutex_unlock(&state.mutex);
        if (reopen)
            open_again();
        len = file_share(state.ring + from, len);
        if (len > 0)
            write_share(state.ring + from, len);
        CHECK(pthread_mutex_lock(&state.mutex) == 0);
        state.written += len;
        pthread_cond_broadcast(&state.less);
    }
    pthread_mutex_unlock(&state.mutex);
    return NULL;
}

static bool fits(size_t len)
{
    return len <= RING_SIZE - (size_t)(state.put - state.written);
}

static void put(const struct line *line)
{
    size_t at = state.put % RING_SIZE;
    size_t first = line->len < RING_SIZE - at ? line->len : RING_SIZE - at;

    memcpy(state.ring + at, line->text, first);
    memcpy(state.ring, line->text + first, line->len - first);
    state.put += line->len;
    pthread_cond_signal(&state.more);
}

/* Says how many lines were dropped, if that fits. */
static void put_dropped(void)
{
    char text[64];
    struct line line;

    snprintf(text, sizeof(text), "Log too slow, lines dropped: %llu",
             (unsigned long long)state.dropped);
    make_line(&line, LOG_WARN, LOG_MAIN, text);
    if (!fits(line.len + LINE_MAX))
        return;
    put(&line);
    state.dropped = 0;
}

static void submit(const struct line *line, enum log_level level)
{
    uint64_t end;

    CHECK(pthread_mutex_lock(&state.mutex) == 0);
    while (state.running && level <= LOG_ERROR && !fits(line->len))
        pthread_cond_wait(&state.less, &state.mutex);
    if (!state.running) {
        write_all(STDERR_FILENO, line->text, line->len);
        pthread_mutex_unlock(&state.mutex);
        return;
    }
    if (state.dropped > 0)
        put_dropped();
    if (fits(line->len))
        put(line);
    else
        state.dropped++;
    end = state.put;
    /* The process ends after a fatal line, and not always through log_stop. */
    while (state.running && level == LOG_FATAL && state.written < end)
        pthread_cond_wait(&state.less, &state.mutex);
    pthread_mutex_unlock(&state.mutex);
}

enum result log_start(const struct log_options *options)
{
    int fd = STDERR_FILENO;

    CHECK(!state.running);
    if (options->file != NULL && (fd = open_file(options->file)) < 0)
        return ERR_IO;
    level_now = options->level;
    format_now = options->format;
    debug_off_now = options->debug_off;
    time_off_now = options->time_off;
    utc_now = options->utc;

    CHECK(pthread_mutex_lock(&state.mutex) == 0);
    state.fd = fd;
    state.size = size_of(fd);
    state.size_limit = options->file != NULL ? options->size_limit : 0;
    state.files_limit = options->files_limit;
    state.file = options->file != NULL ? mem_strdup(options->file) : NULL;
    state.ring = mem_alloc(RING_SIZE);
    state.put = state.written = state.dropped = 0;
    state.stopping = state.reopen = false;
    state.running = true;
    CHECK(pthread_create(&state.writer, NULL, run_writer, NULL) == 0);
    pthread_mutex_unlock(&state.mutex);
    if (!state.flushes_at_exit)
        CHECK(atexit(log_stop) == 0);
    state.flushes_at_exit = true;
    return OK;
}

void log_stop(void)
{
    CHECK(pthread_mutex_lock(&state.mutex) == 0);
    if (!state.running || state.stopping) {
        pthread_mutex_unlock(&state.mutex);
        return;
    }
    state.stopping = true;
    pthread_cond_signal(&state.more);
    pthread_mutex_unlock(&state.mutex);
    CHECK(pthread_join(state.writer, NULL) == 0);

    CHECK(pthread_mutex_lock(&state.mutex) == 0);
    if (state.dropped > 0)
        put_dropped();
    /* Lines that came between the writer's end and now. */
    while (state.written < state.put) {
        write_all(state.fd, &state.ring[state.written % RING_SIZE], 1);
        state.written++;
    }
    state.running = false;
    if (state.file != NULL)
        close(state.fd);
    state.fd = STDERR_FILENO;
    mem_free(state.file);
    mem_free(state.ring);
    state.file = state.ring = NULL;
    pthread_cond_broadcast(&state.less);
    pthread_mutex_unlock(&state.mutex);
}

void log_reopen(void)
{
    CHECK(pthread_mutex_lock(&state.mutex) == 0);
    state.reopen = state.running;
    pthread_cond_signal(&state.more);
    pthread_mutex_unlock(&state.mutex);
}

void log_set_level(enum log_level level)
{
    level_now = level;
}

bool log_wants(enum log_level level, enum log_area area)
{
    return (int)level <= level_now && (level != LOG_DEBUG || !debug_off_now);
}

void log_line(enum log_level level, enum log_area area, const char *format, ...)
{
    char text[TEXT_MAX];
    struct line line;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    make_line(&line, level, area, text);
    submit(&line, level);
}

bool log_limit_pass(struct log_limit *limit, int64_t interval_ms, uint64_t *held)
{
    int64_t now_ms = clock_mono_ns(clock_system()) / NS_PER_MS;
    int64_t next_ms = limit->next_ms;

    if (now_ms < next_ms ||
        !atomic_compare_exchange_strong(&limit->next_ms, &next_ms, now_ms + interval_ms)) {
        limit->held++;
        return false;
    }
    *held = limit->held;
    limit->held -= *held;
    return true;
}

void log_context(const char *key, const char *value)
{
    size_t free_at = CONTEXT_KEYS, at;

    for (at = 0; at < CONTEXT_KEYS; at++) {
        if (context[at].key != NULL && strcmp(context[at].key, key) == 0)
            break;
        if (context[at].key == NULL && free_at == CONTEXT_KEYS)
            free_at = at;
    }
    if (at == CONTEXT_KEYS)
        at = free_at;
    if (value == NULL) {
        if (at < CONTEXT_KEYS)
            context[at].key = NULL;
        return;
    }
    CHECK(at < CONTEXT_KEYS); /* keys are ours, and few */
    context[at].key = key;
    snprintf(context[at].value, CONTEXT_VALUE_MAX, "%s", value);
}

void log_context_clear(void)
{
    for (size_t i = 0; i < CONTEXT_KEYS; i++)
        context[i].key = NULL;
}
