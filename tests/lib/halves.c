#include "tests/lib/halves.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/base/check.h"

enum { PAUSE_NS = 100 * 1000 * 1000 };

static void *add_headers(void *arg)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    struct halves *halves = arg;

    while (!atomic_load(&halves->stop)) {
        for (size_t i = 0; i < halves->count; i++)
            (void)send(halves->fds[i], "a: b\r\n", 6, MSG_NOSIGNAL);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

int halves_dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons((uint16_t)port);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void halves_init(struct halves *halves, int port, size_t count, const char *path)
{
    char text[128];
    int len = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: h\r\n", path);

    CHECK(count <= HALVES_MAX);
    *halves = (struct halves){.count = count};
    for (size_t i = 0; i < count; i++) {
        halves->fds[i] = halves_dial(port);
        assert_int_equal(send(halves->fds[i], text, (size_t)len, MSG_NOSIGNAL), len);
    }
    assert_int_equal(pthread_create(&halves->thread, NULL, add_headers, halves), 0);
}

void halves_stop(struct halves *halves)
{
    atomic_store(&halves->stop, true);
    pthread_join(halves->thread, NULL);
}

void halves_fini(struct halves *halves)
{
    for (size_t i = 0; i < halves->count; i++)
        close(halves->fds[i]);
}

bool halves_answered(const struct halves *halves, size_t index)
{
    char text[16] = {0};

    (void)send(halves->fds[index], "\r\n", 2, MSG_NOSIGNAL);
    (void)recv(halves->fds[index], text, 12, MSG_WAITALL);
    return strcmp(text, "HTTP/1.1 200") == 0;
}

bool halves_closed(const struct halves *halves, size_t index)
{
    char byte;

    return recv(halves->fds[index], &byte, 1, 0) <= 0;
}
