#include "controlplane/rest/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/base/log.h"
#include "tests/lib/halves.h"
#include "tests/lib/tenants.h"

/* One request with one header. */
static void ask(const char *header_line, const char *path, struct control_reply *reply)
{
    const char *headers[] = {header_line, NULL};
    const struct control_request request = {
        .method = "GET", .path = path, .token = admin, .headers = headers};

    control_exchange(control, &request, reply);
}

static void test_a_request_has_an_id(void **state)
{
    struct control_reply reply = {0};
    char id[128];

    ask("X-Request-Id: mine-1", "/v1/teams", &reply);
    assert_string_equal(control_header(&reply, "X-Request-Id", id, sizeof(id)), "mine-1");
    ask("X-Request-Id: not <good>", "/v1/teams", &reply);
    assert_memory_equal(control_header(&reply, "X-Request-Id", id, sizeof(id)), "req_", 4);
    control_reply_fini(&reply);
}

static void test_answers_are_not_kept_by_others(void **state)
{
    control_want(control, 200, admin, "GET", "/v1/teams", NULL);
    assert_string_equal(control_last_header(control, "Cache-Control"), "no-store");
    assert_string_equal(control_last_header(control, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(control_last_header(control, "Content-Type"), "application/json");
}

static void test_what_is_accepted(void **state)
{
    struct control_reply reply = {0};

    ask("Accept: image/png", "/v1/teams", &reply);
    assert_int_equal(reply.status, 406);
    ask("Accept: text/html, */*;q=0.1", "/v1/teams", &reply);
    assert_int_equal(reply.status, 200);
    control_reply_fini(&reply);
}

/* --- bytes on the wire -------------------------------------------------------------------- */

static int port_of(struct control_plane *at)
{
    return (int)strtoul(strrchr(control_plane_url(at), ':') + 1, NULL, 10);
}

static int dial(void)
{
    return halves_dial(port_of(control));
}

/* What came until the server closed or the text was seen. */
static void read_until(int fd, const char *text, char *out, size_t cap)
{
    size_t len = 0;
    ssize_t n = 1;

    out[0] = '\0';
    while (n > 0 && len + 1 < cap && strstr(out, text) == NULL) {
        n = recv(fd, out + len, cap - 1 - len, 0);
        len += n > 0 ? (size_t)n : 0;
        out[len] = '\0';
    }
}

static void test_a_request_in_pieces(void **state)
{
    static const char text[] = "GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    char reply[2048];
    int fd = dial();

    for (size_t i = 0; i < sizeof(text) - 1; i++)
        assert_int_equal(send(fd, text + i, 1, MSG_NOSIGNAL), 1);
    read_until(fd, "\r\n\r\nok\n", reply, sizeof(reply));
    assert_memory_equal(reply, "HTTP/1.1 200", 12);
    close(fd);
}

static void test_what_is_no_http(void **state)
{
    char reply[2048];
    int fd = dial();

    assert_true(send(fd, "INFO {}\r\n\r\n\r\n", 13, MSG_NOSIGNAL) > 0);
    shutdown(fd, SHUT_WR);
    read_until(fd, "never", reply, sizeof(reply));
    assert_null(strstr(reply, " 200 "));
    close(fd);
    control_want(control, 200, admin, "GET", "/v1/teams", NULL);
}

static void test_a_client_that_leaves(void **state)
{
    static const char half[] =
        "POST /v1/teams HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{\"na";

    for (int i = 0; i < 20; i++) {
        int fd = dial();

        assert_true(send(fd, half, sizeof(half) - 1, MSG_NOSIGNAL) > 0);
        close(fd);
    }
    control_want(control, 200, admin, "GET", "/v1/teams", NULL);
}

/* Those who came first make room for those who come; all others stay. */
static void test_half_requests_keep_nobody_out(void **state)
{
    enum { ROOM = 8, COUNT = 100 };
    struct control_plane *narrow = control_plane_second(control, "http_connections: 8\n");
    struct halves halves;

    halves_init(&halves, port_of(narrow), COUNT, "/livez");
    control_want(narrow, 200, NULL, "GET", "/livez", NULL);
    halves_stop(&halves);
    for (size_t i = 0; i <= COUNT - ROOM; i++)
        assert_true(halves_closed(&halves, i));
    assert_true(halves_answered(&halves, COUNT - 1));
    halves_fini(&halves);
    control_plane_stop(narrow);
}

/* A body is kept for whoever sends it, signed in or not: 80 of a megabyte do not all fit. */
static void test_bodies_that_do_not_end_are_bounded(void **state)
{
    enum { BODIES = 80, LEN = 1000000 };
    static const char head[] =
        "POST /v1/teams HTTP/1.1\r\nHost: h\r\nContent-Length: 1000001\r\n\r\n";
    const struct timeval patience = {.tv_sec = 30}; /* less than the idle timeout */
    char *body = calloc(1, LEN), byte;
    int fds[BODIES];

    for (size_t i = 0; i < BODIES; i++) {
        fds[i] = dial();
        (void)send(fds[i], head, sizeof(head) - 1, MSG_NOSIGNAL);
        for (size_t sent = 0; sent < LEN;) {
            ssize_t n = send(fds[i], body + sent, LEN - sent, MSG_NOSIGNAL);

            if (n <= 0)
                break;
            sent += (size_t)n;
        }
    }
    setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_true(recv(fds[0], &byte, 1, 0) == 0 || errno == ECONNRESET);
    control_want(control, 200, admin, "GET", "/v1/teams", NULL);
    for (size_t i = 0; i < BODIES; i++)
        close(fds[i]);
    free(body);
}

/* --- many at once ------------------------------------------------------------------------- */

enum { CLIENTS = 16, EACH = 10 };

struct client {
    struct control_plane *control;
    pthread_t thread;
    int ok, busy, other;
};

static void *run_client(void *arg)
{
    struct client *client = arg;
    const struct control_request request = {
        .method = "GET", .path = "/v1/teams", .token = control_plane_admin(client->control)};
    struct control_reply reply = {0};

    for (int i = 0; i < EACH; i++) {
        char text[16];

        control_exchange(client->control, &request, &reply);
        if (reply.status == 200)
            client->ok++;
        else if (reply.status == 503 &&
                 control_header(&reply, "Retry-After", text, sizeof(text)) != NULL)
            client->busy++;
        else
            client->other++;
    }
    control_reply_fini(&reply);
    return NULL;
}

static void storm(struct control_plane *target, struct client *sum)
{
    struct client clients[CLIENTS] = {0};

    *sum = (struct client){0};
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].control = target;
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        sum->ok += clients[i].ok;
        sum->busy += clients[i].busy;
        sum->other += clients[i].other;
    }
}

static void test_many_clients(void **state)
{
    struct client sum;

    storm(control, &sum);
    assert_int_equal(sum.ok, CLIENTS * EACH);
}

static void test_beyond_the_queue_it_says_so(void **state)
{
    struct control_plane *narrow =
        control_plane_second(control, "http_threads: 1\nhttp_queue: 1\n");
    struct client sum;

    storm(narrow, &sum);
    assert_int_equal(sum.other, 0);
    assert_true(sum.ok > 0);
    control_plane_stop(narrow);
}

/* --- waiting ------------------------------------------------------------------------------ */

static void create_and_wait(struct control_plane *at, const char *name, const char *prefer,
                            struct control_reply *reply)
{
    char body[64];
    const char *headers[] = {prefer, NULL};
    const struct control_request request = {.method = "POST",
                                            .path = "/v1/accounts",
                                            .token = payments.token,
                                            .body = body,
                                            .headers = headers};

    snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
    control_exchange(at, &request, reply);
}

/* There is no node: the time passes, and the answer says how far it came. */
static void test_a_wait_ends_with_its_time(void **state)
{
    struct control_reply reply = {0};
    char applied[32];

    create_and_wait(control, "waits", "Prefer: respond-async, wait=1", &reply);
    assert_int_equal(reply.status, 201);
    assert_string_equal(control_header(&reply, "Preference-Applied", applied, sizeof(applied)),
                        "wait=1");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(reply.json, "sync"), "state")),
        "pending");
    create_and_wait(control, "waits-not", "Prefer: wait=soon", &reply);
    assert_int_equal(reply.status, 201);
    assert_null(control_header(&reply, "Preference-Applied", applied, sizeof(applied)));
    control_reply_fini(&reply);
}

static void *run_waiter(void *arg)
{
    struct control_reply *reply = arg;

    create_and_wait(control, "interrupted", "Prefer: wait=30", reply);
    return NULL;
}

static void test_the_end_answers_those_that_wait(void **state)
{
    struct control_reply reply = {0};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, run_waiter, &reply), 0);
    do
        control_want(control, 200, payments.token, "GET", "/v1/accounts?q=interrupted", NULL);
    while (control_count(control) == 0);
    control_plane_restart(control);
    pthread_join(thread, NULL);
    assert_int_equal(reply.status, 201);
    control_reply_fini(&reply);
    control_want(control, 200, admin, "GET", "/v1/teams", NULL);
}

/* What the log says until this appears in it. */
static void read_log(int fd, const char *until, char *text, size_t cap)
{
    size_t len = 0;

    text[0] = 0;
    while (strstr(text, until) == NULL) {
        ssize_t got = read(fd, text + len, cap - len - 1);

        assert_true(got > 0);
        len += (size_t)got;
        text[len] = 0;
    }
}

static void test_probes_that_go_well_are_not_in_the_log(void **state)
{
    char text[8192];
    int pipes[2], before = dup(STDERR_FILENO);

    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(dup2(pipes[1], STDERR_FILENO), STDERR_FILENO);
    log_set_level(LOG_INFO);
    control_want(control, 200, NULL, "GET", "/livez", NULL);
    control_want(control, 200, admin, "GET", "/v1/whoami", NULL);
    read_log(pipes[0], "route=whoami", text, sizeof(text));
    assert_null(strstr(text, "route=livez"));
    control_want(control, 404, NULL, "GET", "/v1/problems/none", NULL);
    read_log(pipes[0], "route=getProblem status=404", text, sizeof(text));
    log_set_level(LOG_FATAL);
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_has_an_id),
        cmocka_unit_test(test_answers_are_not_kept_by_others),
        cmocka_unit_test(test_what_is_accepted),
        cmocka_unit_test(test_a_request_in_pieces),
        cmocka_unit_test(test_what_is_no_http),
        cmocka_unit_test(test_a_client_that_leaves),
        cmocka_unit_test(test_half_requests_keep_nobody_out),
        cmocka_unit_test(test_bodies_that_do_not_end_are_bounded),
        cmocka_unit_test(test_many_clients),
        cmocka_unit_test(test_beyond_the_queue_it_says_so),
        cmocka_unit_test(test_probes_that_go_well_are_not_in_the_log),
        cmocka_unit_test(test_a_wait_ends_with_its_time),
        cmocka_unit_test(test_the_end_answers_those_that_wait),
    };

    return cmocka_run_group_tests(tests, tenants_start_team, tenants_stop);
}
