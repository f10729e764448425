#include "dataplane/core/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/log.h"
#include "api/base/mem.h"

enum { ACCEPT_AT_ONCE = 64, BACKLOG = 4096, PAUSE_MS = 100 };

struct listener {
    struct loop_io event;
    struct worker *worker; /* NULL before it was started */
    accept_fn fn;
    void *arg;
    struct timer pause;
    struct sockaddr_storage address;
};

static enum result result_of(int error)
{
    return error == EADDRINUSE ? ERR_EXISTS : ERR_IO;
}

/* "::" takes both families, as far as the machine has them. */
static int bind_one(const struct addrinfo *info)
{
    int on = 1, off = 0, error;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

/* Everything: both families by one socket, or IPv4 where there is no other. */
static int bind_any(const char *port)
{
    struct addrinfo hints = {.ai_family = AF_INET6,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *info;
    int fd = -1;

    if (getaddrinfo("::", port, &hints, &info) == 0) {
        fd = bind_one(info);
        freeaddrinfo(info);
    }
    if (fd >= 0 || errno == EADDRINUSE)
        return fd;
    hints.ai_family = AF_INET;
    if (getaddrinfo("0.0.0.0", port, &hints, &info) == 0) {
        fd = bind_one(info);
        freeaddrinfo(info);
    }
    return fd;
}

static int bind_host(const char *host, const char *port, enum result *rc)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *info, *at;
    int fd;

    *rc = ERR_SYNTAX;
    if (getaddrinfo(host, port, &hints, &info) != 0)
        return -1;
    /* A name that has both is taken as IPv4 and nothing else, as the reference server does: where
       its port is taken, to serve the other family would only hide that. */
    for (at = info; at != NULL && at->ai_family != AF_INET;)
        at = at->ai_next;
    fd = bind_one(at != NULL ? at : info);
    *rc = fd < 0 ? result_of(errno) : OK;
    freeaddrinfo(info);
    return fd;
}

enum result listener_open(const char *host, int port, struct listener **out)
{
    struct listener *listener;
    socklen_t len = sizeof listener->address;
    char text[8];
    enum result rc;
    int fd;

    if (port < 0 || port > 65535)
        return ERR_SYNTAX;
    (void)snprintf(text, sizeof text, "%d", port);
    if (host == NULL || *host == 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0) {
        fd = bind_any(text);
        rc = fd < 0 ? result_of(errno) : OK;
    } else {
        fd = bind_host(host, text, &rc);
    }
    if (fd < 0)
        return rc;
    listener = mem_alloc(sizeof *listener);
    listener->event.fd = fd;
    CHECK(getsockname(fd, (struct sockaddr *)&listener->address, &len) == 0);
    *out = listener;
    return OK;
}

void listener_address(const struct listener *listener, struct sockaddr_storage *out)
{
    *out = listener->address;
}

int listener_port(const struct listener *listener)
{
    char host[ADDRESS_TEXT_MAX];
    int port;

    address_host(&listener->address, host, &port);
    return port;
}

static void listener_again(struct timer *timer)
{
    struct listener *listener = container_of(timer, struct listener, pause);

    worker_rewatch(listener->worker, &listener->event, EPOLLIN);
}

static void listener_event(struct loop_io *io, uint32_t events)
{
    struct listener *listener = container_of(io, struct listener, event);

    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof peer;
        int fd = accept4(io->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            listener->fn(listener->worker, fd, &peer, listener->arg);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return;
        if (errno == EINTR || errno == ECONNABORTED || errno == EPERM || errno == EPROTO)
            continue;
        /* Out of descriptors or memory: trying at once again would only burn the core. */
        log_every(1000, LOG_ERROR, LOG_CORE, "Temporary Client Accept Error (%s), sleeping %dms",
                  strerror(errno), PAUSE_MS);
        worker_rewatch(listener->worker, io, 0);
        timer_arm(&listener->worker->timers, &listener->pause,
                  listener->worker->now_ns + PAUSE_MS * NS_PER_MS, listener_again);
        return;
    }
}

enum result listener_start(struct listener *listener, struct worker *worker, accept_fn fn,
                           void *arg)
{
    CHECK(listener->worker == NULL && worker_is_mine(worker));
    listener->fn = fn;
    listener->arg = arg;
    listener->event.on_event = listener_event;
    if (worker_watch(worker, &listener->event, EPOLLIN) != OK)
        return ERR_IO;
    listener->worker = worker;
    return OK;
}

void listener_close(struct listener *listener)
{
    if (listener == NULL)
        return;
    if (listener->worker != NULL) {
        CHECK(worker_is_mine(listener->worker));
        worker_unwatch(listener->worker, &listener->event);
        timer_cancel(&listener->worker->timers, &listener->pause);
    }
    (void)close(listener->event.fd);
    mem_free(listener);
}

void address_host(const struct sockaddr_storage *address, char out[ADDRESS_TEXT_MAX], int *port)
{
    const struct sockaddr_in6 *six = (const void *)address;
    const struct sockaddr_in *four = (const void *)address;

    *port = 0;
    out[0] = 0;
    if (address->ss_family == AF_INET) {
        *port = ntohs(four->sin_port);
        (void)inet_ntop(AF_INET, &four->sin_addr, out, ADDRESS_TEXT_MAX);
    } else if (address->ss_family == AF_INET6) {
        *port = ntohs(six->sin6_port);
        /* A peer that came by IPv4 through a socket of both kinds. */
        if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
            (void)inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], out, ADDRESS_TEXT_MAX);
        else
            (void)inet_ntop(AF_INET6, &six->sin6_addr, out, ADDRESS_TEXT_MAX);
    }
}

void address_format(const struct sockaddr_storage *address, char out[ADDRESS_TEXT_MAX])
{
    char host[ADDRESS_TEXT_MAX];
    int port;

    address_host(address, host, &port);
    (void)snprintf(out, ADDRESS_TEXT_MAX, strchr(host, ':') != NULL ? "[%.46s]:%d" : "%.46s:%d",
                   host, port);
}
