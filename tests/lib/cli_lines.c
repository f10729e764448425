#include "tests/lib/cli_lines.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "controlplane/cli/command.h"
#include "controlplane/cli/tables.h"

enum { REQUESTS_MAX = 64, GUESTS_MAX = 16, INPUT_MAX = 64 << 10, SHOWN_MAX = 64 << 10 };

static struct stand_in {
    pthread_t thread;
    pthread_mutex_t lock; /* over what follows */
    const struct cli_line *line;
    struct buf requests[REQUESTS_MAX];
    size_t count;
    unsigned answered; /* as the line says */
    int listener;
    char url[64], folder[64];
} stand_in = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- the stand-in --------------------------------------------------------------------------- */

struct request {
    struct slice method, target, head, body;
};

/* The value of a header field, or of a parameter of the query. */
static struct slice value_of(struct slice text, const char *name, const char *ends)
{
    size_t len = strlen(name);

    for (size_t i = 0; i + len <= text.len; i++) {
        if (strncasecmp(text.data + i, name, len) == 0) {
            struct slice rest = slice_from(text, i + len);
            size_t end = 0;

            while (end < rest.len && strchr(ends, rest.data[end]) == NULL)
                end++;
            return slice_trim(slice_make(rest.data, end));
        }
    }
    return slice_make("", 0);
}

static void usual_answer(const struct request *request, struct buf *body)
{
    struct slice name = value_of(request->target, "?q=", "&");

    if (strstr(request->target.data, "limit=500") == NULL) {
        buf_add_text(body, "{\"id\": \"id-one\", \"name\": \"one\", \"state\": \"active\"}");
        return;
    }
    if (name.len == 0)
        name = SLICE("only");
    buf_printf(body, "{\"items\": [{\"id\": \"id-%.*s\", \"name\": \"%.*s\"}]}", (int)name.len,
               name.data, (int)name.len, name.data);
}

static void note(const struct request *request, struct buf *record)
{
    struct slice match = value_of(request->head, "If-Match:", "\r");
    struct slice wait = value_of(request->head, "Prefer:", "\r");

    buf_printf(record, "%.*s %.*s", (int)request->method.len, request->method.data,
               (int)request->target.len, request->target.data);
    if (match.len > 0)
        buf_printf(record, " If-Match: %.*s", (int)match.len, match.data);
    if (wait.len > 0)
        buf_printf(record, " %.*s", (int)wait.len, wait.data);
    if (request->body.len > 0)
        buf_printf(record, " %.*s", (int)request->body.len, request->body.data);
}

static void answer(int fd, const struct request *request)
{
    const struct cli_line *line;
    struct buf body = {0}, out = {0};
    const char *text;
    long status = 200;

    pthread_mutex_lock(&stand_in.lock);
    CHECK(stand_in.count < REQUESTS_MAX);
    note(request, &stand_in.requests[stand_in.count]);
    text = buf_text(&stand_in.requests[stand_in.count++]);
    line = stand_in.line;
    if (line->to != NULL && strncmp(text, line->to, strlen(line->to)) == 0 &&
        (line->times == 0 || stand_in.answered++ < line->times)) {
        char *end;

        status = strtol(line->answer, &end, 10);
        buf_add_text(&body, *end != 0 ? end + 1 : "");
    } else {
        usual_answer(request, &body);
    }
    pthread_mutex_unlock(&stand_in.lock);
    buf_printf(&out, "HTTP/1.1 %ld X\r\nContent-Length: %zu\r\nETag: \"7\"\r\n\r\n", status,
               body.len);
    buf_add_slice(&out, buf_slice(&body));
    (void)!write(fd, out.data, out.len);
    buf_fini(&body);
    buf_fini(&out);
}

/* A connection, and what has come on it. */
struct guest {
    char input[INPUT_MAX];
    size_t have;
};

/* The requests that are whole. */
static void serve(int fd, struct guest *guest)
{
    const char *end;

    guest->input[guest->have] = 0;
    while ((end = strstr(guest->input, "\r\n\r\n")) != NULL) {
        struct request request;
        struct slice rest = slice_make(guest->input, (size_t)(end - guest->input) + 4);
        uint64_t len = 0;
        size_t all;

        request.head = rest;
        (void)slice_uint(value_of(rest, "Content-Length:", "\r"), INPUT_MAX, &len);
        all = request.head.len + len;
        if (guest->have < all)
            return;
        CHECK(slice_cut(&rest, ' ', &request.method) && slice_cut(&rest, ' ', &request.target));
        request.body = slice_make(guest->input + request.head.len, len);
        guest->input[request.target.data + request.target.len - guest->input] = 0;
        answer(fd, &request);
        guest->have -= all;
        memmove(guest->input, guest->input + all, guest->have + 1);
    }
}

/* Several clients may be there at once, as those of several teams. */
static void *run(void *arg)
{
    static struct guest guests[GUESTS_MAX];
    struct pollfd fds[GUESTS_MAX + 1];

    for (size_t i = 0; i <= GUESTS_MAX; i++)
        fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    fds[GUESTS_MAX].fd = stand_in.listener;
    for (;;) {
        CHECK(poll(fds, GUESTS_MAX + 1, -1) > 0);
        if (fds[GUESTS_MAX].revents & POLLHUP)
            return NULL;
        for (size_t i = 0; i < GUESTS_MAX; i++) {
            struct guest *guest = &guests[i];
            ssize_t got;

            if (fds[i].fd < 0 && fds[GUESTS_MAX].revents != 0) {
                fds[i].fd = accept(stand_in.listener, NULL, NULL);
                fds[GUESTS_MAX].revents = 0;
                guest->have = 0;
            } else if (fds[i].fd >= 0 && fds[i].revents != 0) {
                got = read(fds[i].fd, guest->input + guest->have, INPUT_MAX - 1 - guest->have);
                guest->have += got > 0 ? (size_t)got : 0;
                serve(fds[i].fd, guest);
                if (got <= 0) {
                    close(fds[i].fd);
                    fds[i].fd = -1;
                }
            }
        }
    }
}

int cli_lines_start(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    stand_in.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(stand_in.listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(stand_in.listener, 8) != 0 ||
        getsockname(stand_in.listener, (struct sockaddr *)&address, &len) != 0)
        return -1;
    snprintf(stand_in.url, sizeof(stand_in.url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    snprintf(stand_in.folder, sizeof(stand_in.folder), "/tmp/berth-cli.XXXXXX");
    if (mkdtemp(stand_in.folder) == NULL)
        return -1;
    setenv("BERTH_API", stand_in.url, 1);
    setenv("BERTH_TOKEN", "token", 1);
    setenv("BERTH_CONTEXT_DIR", stand_in.folder, 1);
    setenv("XDG_CONFIG_HOME", stand_in.folder, 1);
    unsetenv("BERTH_CONTEXT");
    return pthread_create(&stand_in.thread, NULL, run, NULL);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    return remove(path);
}

static void forget(void)
{
    for (size_t i = 0; i < stand_in.count; i++)
        buf_fini(&stand_in.requests[i]);
    stand_in.count = 0;
}

int cli_lines_stop(void **state)
{
    shutdown(stand_in.listener, SHUT_RDWR);
    pthread_join(stand_in.thread, NULL);
    close(stand_in.listener);
    forget();
    return nftw(stand_in.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *cli_lines_folder(void)
{
    return stand_in.folder;
}

const char *cli_lines_url(void)
{
    return stand_in.url;
}

const char *cli_lines_request(size_t i)
{
    return i < stand_in.count ? buf_text(&stand_in.requests[i]) : NULL;
}

/* --- lines ---------------------------------------------------------------------------------- */

int cli_lines_split(char *text, char *argv[CLI_WORDS_MAX])
{
    static char program[] = "berth";
    int argc = 0;

    argv[argc++] = program;
    while (*text != 0) {
        char end = ' ';

        CHECK(argc < CLI_WORDS_MAX - 1);
        if (*text == '\'') {
            end = '\'';
            text++;
        }
        argv[argc++] = text;
        text += strcspn(text, (char[]){end, 0});
        if (*text != 0)
            *text++ = 0;
        while (*text == ' ')
            text++;
    }
    argv[argc] = NULL;
    return argc;
}

/* What a call printed: stderr, and behind it stdout. */
struct shown {
    char all[2 * SHOWN_MAX];
    size_t err; /* how much of it is stderr's */
};

static size_t read_whole(int file, char *text)
{
    ssize_t len = pread(file, text, SHOWN_MAX - 1, 0);

    close(file);
    text[len > 0 ? len : 0] = 0;
    return len > 0 ? (size_t)len : 0;
}

static int call(const char *words, struct shown *shown)
{
    int out_file = memfd_create("out", MFD_CLOEXEC), err_file = memfd_create("err", MFD_CLOEXEC),
        out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), code;
    char *copy = strdup(words), *argv[CLI_WORDS_MAX];
    int argc = cli_lines_split(copy, argv);

    fflush(NULL);
    CHECK(dup2(out_file, STDOUT_FILENO) >= 0 && dup2(err_file, STDERR_FILENO) >= 0);
    code = command_main(command_tables, argc, argv);
    fflush(NULL);
    CHECK(dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0);
    shown->err = read_whole(err_file, shown->all);
    read_whole(out_file, shown->all + shown->err);
    close(out);
    close(err);
    free(copy);
    return code;
}

static void check_warning(const struct cli_line *line, const struct shown *shown)
{
    const char *found, *out = shown->all + shown->err;

    if (line->warns == NULL)
        return;
    found = strstr(shown->all, line->warns);
    if (line->warns[0] == 0 ? shown->err > 0
                            : found == NULL || found >= out || strstr(out, line->warns) != NULL)
        fail_msg("berth %s: printed\n%s\nand not just on stderr\n%s", line->words, shown->all,
                 line->warns);
}

void cli_lines_run(const struct cli_line *lines, size_t count)
{
    static struct shown shown;

    for (size_t i = 0; i < count; i++) {
        const struct cli_line *line = &lines[i];
        const char *last;
        int code;

        pthread_mutex_lock(&stand_in.lock);
        forget();
        stand_in.line = line;
        stand_in.answered = 0;
        pthread_mutex_unlock(&stand_in.lock);
        code = call(line->words, &shown);
        if (code != line->code)
            fail_msg("berth %s: exit code %d, not %d: %s", line->words, code, line->code,
                     shown.all);
        last = stand_in.count > 0 ? cli_lines_request(stand_in.count - 1) : "";
        if (line->request != NULL && strcmp(line->request, last) != 0)
            fail_msg("berth %s: asked\n%s\nnot\n%s", line->words, last, line->request);
        if (line->shows != NULL && strstr(shown.all, line->shows) == NULL)
            fail_msg("berth %s: printed\n%s\nwithout\n%s", line->words, shown.all, line->shows);
        check_warning(line, &shown);
    }
}
