#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/base/check.h"
#include "dataplane/core/listener.h"
#include "tests/lib/on_worker.h"

/* As libc's, which knows no both.test: ::1 and then 127.0.0.1, as localhost is on many machines. */
int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    int (*look_up)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    int rc;

    memcpy(&look_up, &symbol, sizeof look_up);
    if (strcmp(node, "both.test") != 0)
        return look_up(node, service, hints, out);
    rc = look_up("::1", service, hints, out);
    return rc != 0 ? rc : look_up("127.0.0.1", service, hints, &(*out)->ai_next);
}

struct door {
    struct listener *listener;
    atomic_int accepted, last_port;
    struct rlimit limit;
};

static void on_accept(struct worker *worker, int fd, const struct sockaddr_storage *peer, void *arg)
{
    struct door *door = arg;
    char host[ADDRESS_TEXT_MAX];
    int port;

    CHECK(worker_is_mine(worker));
    address_host(peer, host, &port);
    CHECK(strcmp(host, "127.0.0.1") == 0);
    atomic_store(&door->last_port, port);
    atomic_fetch_add(&door->accepted, 1);
    (void)close(fd);
}

static void start(struct worker *worker, void *arg)
{
    struct door *door = arg;

    CHECK(listener_start(door->listener, worker, on_accept, door) == OK);
}

static void stop(struct worker *worker, void *arg)
{
    struct door *door = arg;

    listener_close(door->listener);
}

/* Connects and waits until the other side closes; the local port. */
static int visit(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte;

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void visit_all(const char *host)
{
    struct workers *workers = idle_workers(1, NULL);
    struct door door = {0};
    struct listener *second;
    int port;

    assert_int_equal(listener_open(host, 0, &door.listener), OK);
    port = listener_port(door.listener);
    assert_true(port > 0);
    assert_int_equal(listener_open(host, port, &second), ERR_EXISTS);
    on_worker(workers, 0, start, &door);
    for (int i = 1; i <= 100; i++) {
        int mine = visit(port);

        assert_int_equal(atomic_load(&door.accepted), i);
        assert_int_equal(atomic_load(&door.last_port), mine);
    }
    on_worker(workers, 0, stop, &door);
    workers_stop(workers);
}

static void test_accepts(void **state)
{
    visit_all("127.0.0.1");
    visit_all("localhost");
    visit_all("both.test");
    visit_all("");
    visit_all("0.0.0.0");
    visit_all("::");
}

static void starve(struct worker *worker, void *arg)
{
    struct door *door = arg;
    struct rlimit none;

    CHECK(getrlimit(RLIMIT_NOFILE, &door->limit) == 0);
    none = door->limit;
    none.rlim_cur = 3;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
}

static void feed(struct worker *worker, void *arg)
{
    struct door *door = arg;

    CHECK(setrlimit(RLIMIT_NOFILE, &door->limit) == 0);
}

static bool waits(struct worker *worker, void *arg)
{
    return timers_sleep_ms(&worker->timers, worker->now_ns) >= 0;
}

/* Out of descriptors: it pauses rather than burn the core, and goes on when there are some. */
static void test_out_of_descriptors(void **state)
{
    struct workers *workers = idle_workers(1, NULL);
    struct door door = {0};
    struct sockaddr_storage address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte;

    assert_int_equal(listener_open("127.0.0.1", 0, &door.listener), OK);
    listener_address(door.listener, &address);
    on_worker(workers, 0, start, &door);
    on_worker(workers, 0, starve, &door);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(struct sockaddr_in)), 0);
    until_on_worker(workers, 0, waits, NULL);
    assert_int_equal(atomic_load(&door.accepted), 0);
    on_worker(workers, 0, feed, &door);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    assert_int_equal(atomic_load(&door.accepted), 1);
    (void)close(fd);
    on_worker(workers, 0, stop, &door);
    workers_stop(workers);
}

static void test_bad_addresses(void **state)
{
    struct listener *listener;

    assert_int_equal(listener_open("127.0.0.1", 70000, &listener), ERR_SYNTAX);
    assert_int_equal(listener_open("127.0.0.1", -1, &listener), ERR_SYNTAX);
    assert_int_equal(listener_open("not an address", 0, &listener), ERR_SYNTAX);
    assert_int_equal(listener_open("192.0.2.1", 0, &listener), ERR_IO);
    listener_close(NULL);
    assert_int_equal(listener_open("127.0.0.1", 0, &listener), OK);
    listener_close(listener);
}

static void test_address_texts(void **state)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *four = (void *)&address;
    struct sockaddr_in6 *six = (void *)&address;
    char text[ADDRESS_TEXT_MAX];
    int port;

    four->sin_family = AF_INET;
    four->sin_port = htons(4222);
    assert_int_equal(inet_pton(AF_INET, "10.1.2.3", &four->sin_addr), 1);
    address_format(&address, text);
    assert_string_equal(text, "10.1.2.3:4222");
    memset(&address, 0, sizeof address);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(1);
    assert_int_equal(inet_pton(AF_INET6, "fe80::1:2", &six->sin6_addr), 1);
    address_format(&address, text);
    assert_string_equal(text, "[fe80::1:2]:1");
    assert_int_equal(inet_pton(AF_INET6, "::ffff:10.1.2.3", &six->sin6_addr), 1);
    address_format(&address, text);
    assert_string_equal(text, "10.1.2.3:1");
    memset(&address, 0, sizeof address);
    address_host(&address, text, &port);
    assert_string_equal(text, "");
    assert_int_equal(port, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_out_of_descriptors),
        cmocka_unit_test(test_bad_addresses),
        cmocka_unit_test(test_address_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
