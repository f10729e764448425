#include "api/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/base/buf.h"
#include "api/base/check.h"

static char folder[64], path[96];

static int set_up(void **state)
{
    snprintf(folder, sizeof(folder), "%s/test_log.XXXXXX", P_tmpdir);
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/log", folder);
    return 0;
}

static int tear_down(void **state)
{
    log_stop();
    (void)unlink(path);
    return rmdir(folder);
}

static void start(enum log_format format, enum log_level level)
{
    struct log_options options = {.format = format, .file = path, .level = level};

    assert_int_equal(log_start(&options), OK);
}

/* What a descriptor or the file holds; the buf is the caller's. */
static struct buf read_fd(int fd)
{
    struct buf buf = {0};
    ssize_t len;

    do {
        char *room = buf_reserve(&buf, 65536);

        len = read(fd, room, 65536);
        CHECK(len >= 0);
        buf_commit(&buf, (size_t)len);
    } while (len > 0);
    close(fd);
    return buf;
}

static struct buf read_log(const char *file)
{
    int fd = open(file, O_RDONLY);

    CHECK(fd >= 0);
    return read_fd(fd);
}

static bool matches(const char *text, const char *pattern)
{
    regex_t regex;
    bool found;

    CHECK(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) == 0);
    found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static void test_lines_look_like_the_reference_servers(void **state)
{
    struct buf text;

    start(LOG_NATS, LOG_TRACE);
    log_info(LOG_MAIN, "Listening on %s:%d", "0.0.0.0", 4222);
    log_warn(LOG_CORE, "w");
    log_error(LOG_CORE, "e");
    log_fatal(LOG_CORE, "f");
    log_debug(LOG_CORE, "d");
    log_trace(LOG_CORE, "t");
    log_stop();
    text = read_log(path);
#define HEAD \
    "\\[[0-9]+\\] [0-9]{4}/[01][0-9]/[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{6} "
    assert_true(matches(buf_text(&text),
                        "^" HEAD "\\[INF\\] Listening on 0\\.0\\.0\\.0:4222\n" HEAD
                        "\\[WRN\\] w\n" HEAD "\\[ERR\\] e\n" HEAD "\\[FTL\\] f\n" HEAD
                        "\\[DBG\\] d\n" HEAD "\\[TRC\\] t\n$"));
#undef HEAD
    buf_fini(&text);
}

static void test_time_can_be_off_or_utc(void **state)
{
    struct log_options options = {.format = LOG_NATS, .file = path, .level = LOG_INFO};
    struct buf text;

    options.time_off = true;
    assert_int_equal(log_start(&options), OK);
    log_info(LOG_MAIN, "without");
    log_stop();
    options.time_off = false;
    options.utc = true;
    assert_int_equal(log_start(&options), OK);
    log_info(LOG_MAIN, "utc");
    log_stop();
    text = read_log(path);
    assert_true(matches(buf_text(&text),
                        "^\\[[0-9]+\\] \\[INF\\] without\n\\[[0-9]+\\] [0-9/]{10} .*utc\n$"));
    buf_fini(&text);
}

static void test_levels(void **state)
{
    struct buf text;

    start(LOG_NATS, LOG_WARN);
    assert_true(log_wants(LOG_WARN, LOG_CORE));
    assert_false(log_wants(LOG_INFO, LOG_CORE));
    log_info(LOG_CORE, "hidden");
    log_set_level(LOG_DEBUG);
    log_debug(LOG_CORE, "shown");
    log_trace(LOG_CORE, "hidden");
    log_stop();
    text = read_log(path);
    assert_null(strstr(buf_text(&text), "hidden"));
    assert_non_null(strstr(buf_text(&text), "shown"));
    buf_fini(&text);
    log_set_level(LOG_INFO);
}

static void test_trace_without_debug(void **state)
{
    struct log_options options = {.file = path, .level = LOG_TRACE, .debug_off = true};
    struct buf text;

    assert_int_equal(log_start(&options), OK);
    log_debug(LOG_CORE, "hidden");
    log_trace(LOG_CORE, "shown");
    log_stop();
    text = read_log(path);
    assert_null(strstr(buf_text(&text), "hidden"));
    assert_non_null(strstr(buf_text(&text), "shown"));
    buf_fini(&text);
}

static void test_foreign_text_cannot_forge_a_line(void **state)
{
    struct buf text;

    start(LOG_NATS, LOG_INFO);
    log_info(LOG_CORE, "name=%s", "a\n[1] [INF] b\x1b[31m\x7f");
    log_stop();
    text = read_log(path);
    assert_non_null(strstr(buf_text(&text), "name=a\\x0a[1] [INF] b\\x1b[31m\\x7f\n"));
    assert_ptr_equal(strchr(buf_text(&text), '\n'), buf_text(&text) + text.len - 1);
    buf_fini(&text);
}

static json_t *only_line(void)
{
    struct buf text = read_log(path);
    json_t *line = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(line);
    buf_fini(&text);
    return line;
}

static void expect_member(const json_t *line, const char *key, const char *value)
{
    assert_string_equal(json_string_value(json_object_get(line, key)), value);
}

static void test_json_lines_carry_the_context(void **state)
{
    char long_value[300];
    json_t *line;

    memset(long_value, 'x', sizeof(long_value) - 1);
    long_value[sizeof(long_value) - 1] = '\0';
    start(LOG_JSON, LOG_INFO);
    log_context("request_id", "r1");
    log_context("principal", "ann");
    log_context("principal", "bob");
    log_context("team", "a");
    log_context("team", NULL);
    log_context("unknown", NULL);
    log_context("long", long_value);
    log_warn(LOG_REST, "refused \"%s\" \\ \xc3\xa9 \xff \t", "x");
    log_context_clear();
    log_stop();

    line = only_line();
    expect_member(line, "level", "warn");
    expect_member(line, "area", "rest");
    expect_member(line, "request_id", "r1");
    expect_member(line, "principal", "bob");
    expect_member(line, "message", "refused \"x\" \\ \xc3\xa9 \xef\xbf\xbd \t");
    assert_int_equal(strlen(json_string_value(json_object_get(line, "long"))), 127);
    assert_null(json_object_get(line, "team"));
    assert_true(matches(json_string_value(json_object_get(line, "time")),
                        "^[0-9-]{10}T[0-9:]{8}\\.[0-9]{6}Z$"));
    json_decref(line);
}

static void test_a_long_line_is_cut_and_stays_json(void **state)
{
    char text[30000];
    json_t *line;

    memset(text, '"', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    start(LOG_JSON, LOG_INFO);
    log_info(LOG_CORE, "%s", text);
    log_stop();
    line = only_line();
    assert_true(strlen(json_string_value(json_object_get(line, "message"))) > 1000);
    json_decref(line);
}

static void test_reopen_that_fails_is_said_in_the_old_file(void **state)
{
    char moved[128];
    struct buf text;

    snprintf(moved, sizeof(moved), "%s.1", path);
    start(LOG_NATS, LOG_INFO);
    log_fatal(LOG_CORE, "before");
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    log_reopen();
    log_info(LOG_CORE, "after");
    log_stop();
    text = read_log(moved);
    assert_non_null(strstr(buf_text(&text), "[ERR] The log file cannot be opened again"));
    assert_non_null(strstr(buf_text(&text), "after"));
    buf_fini(&text);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(unlink(moved), 0);
}

static void test_reopen_follows_rotation(void **state)
{
    char moved[128];
    struct buf text;

    snprintf(moved, sizeof(moved), "%s.1", path);
    start(LOG_NATS, LOG_INFO);
    log_fatal(LOG_CORE, "before"); /* returns when it is written */
    assert_int_equal(rename(path, moved), 0);
    log_reopen();
    log_info(LOG_CORE, "after");
    log_stop();
    text = read_log(moved);
    assert_non_null(strstr(buf_text(&text), "before"));
    assert_null(strstr(buf_text(&text), "after"));
    buf_fini(&text);
    text = read_log(path);
    assert_non_null(strstr(buf_text(&text), "after"));
    buf_fini(&text);
    assert_int_equal(unlink(moved), 0);
}

/* Removes what lies in the folder; how many files, and how many of them say `text`. */
static unsigned clear_folder(const char *text, unsigned *saying)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    unsigned count = 0;

    CHECK(dir != NULL);
    *saying = 0;
    while ((entry = readdir(dir)) != NULL) {
        char file[sizeof(folder) + sizeof(entry->d_name)];
        struct buf content;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof(file), "%s/%s", folder, entry->d_name);
        content = read_log(file);
        *saying += strstr(buf_text(&content), text) != NULL;
        buf_fini(&content);
        CHECK(unlink(file) == 0);
        count++;
    }
    closedir(dir);
    return count;
}

static void test_a_full_file_is_put_aside(void **state)
{
    struct log_options options = {
        .file = path, .level = LOG_INFO, .size_limit = 20, .files_limit = 3};
    unsigned saying;

    assert_int_equal(log_start(&options), OK);
    for (int i = 0; i < 5; i++)
        log_info(LOG_CORE, "line %d of many", i);
    log_stop();
    assert_int_equal(clear_folder(" of many", &saying), 3);
    assert_int_equal(saying, 2); /* the last two; the file in use says that it was begun anew */

    options.files_limit = 0;
    assert_int_equal(log_start(&options), OK);
    for (int i = 0; i < 5; i++)
        log_info(LOG_CORE, "line %d of many", i);
    log_stop();
    assert_int_equal(clear_folder("Rotated log, backup saved as", &saying), 6);
    assert_true(saying >= 1);

    options.size_limit = 1 << 20;
    assert_int_equal(log_start(&options), OK);
    for (int i = 0; i < 5; i++)
        log_info(LOG_CORE, "line %d of many", i);
    log_stop();
    assert_int_equal(clear_folder("of many", &saying), 1);
}

static void test_a_file_that_cannot_be_opened(void **state)
{
    struct log_options options = {.file = "/nowhere/at/all"};

    assert_int_equal(log_start(&options), ERR_IO);
}

enum { THREADS = 4, LINES = 2000 };

static void *write_lines(void *arg)
{
    int thread = *(int *)arg;

    log_context("thread", thread % 2 ? "odd" : "even");
    for (int i = 0; i < LINES; i++)
        log_error(LOG_CORE, "thread=%d line=%d", thread, i);
    return NULL;
}

static void test_many_threads_keep_their_order(void **state)
{
    int numbers[THREADS], next[THREADS] = {0};
    pthread_t threads[THREADS];
    struct slice rest, line;
    struct buf text;
    int count = 0;

    start(LOG_NATS, LOG_INFO);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
    }
    log_set_level(LOG_ERROR);
    log_reopen();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    log_stop();
    log_set_level(LOG_INFO);

    text = read_log(path);
    rest = buf_slice(&text);
    while (slice_cut(&rest, '\n', &line) && line.len > 0) {
        const char *at = memmem(line.data, line.len, "thread=", 7);
        int thread, number;

        assert_non_null(at);
        assert_int_equal(sscanf(at, "thread=%d line=%d", &thread, &number), 2);
        assert_int_equal(number, next[thread]++);
        count++;
    }
    assert_int_equal(count, THREADS * LINES);
    buf_fini(&text);
}

/* Its stderr is not read until it says so; by then pipe and ring are more than full. */
static void flood_from_child(int err, int ready)
{
    static char filler[1000];

    memset(filler, 'x', sizeof(filler) - 1);
    CHECK(dup2(err, STDERR_FILENO) >= 0);
    close(err);
    CHECK(log_start(&(struct log_options){.format = LOG_NATS, .level = LOG_INFO}) == OK);
    for (int i = 0; i < 4000; i++)
        log_info(LOG_CORE, "%s", filler); /* returns although nobody reads */
    CHECK(write(ready, "", 1) == 1);
    log_error(LOG_CORE, "the last"); /* waits for room */
    exit(0);                         /* and is not lost */
}

static void test_a_slow_reader_loses_lines_but_no_error(void **state)
{
    int err[2], ready[2], status;
    struct buf text;
    pid_t child;
    char byte;

    assert_int_equal(pipe(err), 0);
    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(err[0]);
        flood_from_child(err[1], ready[1]);
    }
    close(err[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    text = read_fd(err[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(matches(buf_text(&text), "\\[WRN\\] Log too slow, lines dropped: [0-9]{4}\n"));
    assert_non_null(strstr(buf_text(&text), "[ERR] the last\n"));
    close(ready[0]);
    close(ready[1]);
    buf_fini(&text);
}

static void test_limited_lines_say_how_many_were_held(void **state)
{
    struct log_limit limit = {0};
    uint64_t held = 99;

    assert_true(log_limit_pass(&limit, 1000000, &held));
    assert_int_equal(held, 0);
    assert_false(log_limit_pass(&limit, 1000000, &held));
    assert_false(log_limit_pass(&limit, 1000000, &held));
    limit.next_ms = 0; /* the time is over */
    assert_true(log_limit_pass(&limit, 1000000, &held));
    assert_int_equal(held, 2);
}

static void test_log_every_writes_once(void **state)
{
    struct buf text;

    start(LOG_NATS, LOG_INFO);
    for (int i = 0; i < 3; i++) {
        log_every(1000000, LOG_INFO, LOG_CORE, "now and then");
        log_every(1000000, LOG_INFO, LOG_CORE, "i=%d", i);
    }
    log_stop();
    text = read_log(path);
    assert_non_null(strstr(buf_text(&text), "now and then\n"));
    assert_non_null(strstr(buf_text(&text), "i=0\n"));
    assert_null(strstr(buf_text(&text), "i=1"));
    buf_fini(&text);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines_look_like_the_reference_servers),
        TEST(test_time_can_be_off_or_utc),
        TEST(test_levels),
        TEST(test_trace_without_debug),
        TEST(test_foreign_text_cannot_forge_a_line),
        TEST(test_json_lines_carry_the_context),
        TEST(test_a_long_line_is_cut_and_stays_json),
        TEST(test_reopen_follows_rotation),
        TEST(test_reopen_that_fails_is_said_in_the_old_file),
        cmocka_unit_test_setup_teardown(test_a_full_file_is_put_aside, set_up, tear_down),
        cmocka_unit_test(test_a_file_that_cannot_be_opened),
        TEST(test_many_threads_keep_their_order),
        TEST(test_a_slow_reader_loses_lines_but_no_error),
        cmocka_unit_test(test_limited_lines_say_how_many_were_held),
        TEST(test_log_every_writes_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
