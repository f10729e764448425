/*
 * Sockets do not block; whoever waits reads for all.  After a write error nothing more is sent
 * to the peer: a server that closes while input is on its way is a case to be tested, and what it
 * said before is still there to be read.
 */
#include "tests/lib/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/base/clock.h"

enum { CHUNK = 65536, PORTION_MAX = 24 };

static int64_t now_ms(void)
{
    return clock_mono_ns(clock_system()) / NS_PER_MS;
}

int64_t peer_deadline_ms(const struct peer_set *set)
{
    return now_ms() + set->timeout_ms;
}

void peer_set_init(struct peer_set *set, struct server_process *server)
{
    *set = (struct peer_set){.server = server};
    for (size_t i = 0; i < PEERS_MAX; i++)
        set->peers[i].fd = -1;
}

void peer_set_fini(struct peer_set *set)
{
    for (size_t i = 0; i < PEERS_MAX; i++) {
        (void)peer_leave(set, &set->peers[i]);
        buf_fini(&set->peers[i].in);
        buf_fini(&set->peers[i].out);
        json_decref(set->peers[i].info);
    }
}

bool peer_connect(struct peer_set *set, struct peer *peer, const char *from)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int on = 1;

    peer_close(peer);
    buf_clear(&peer->in);
    buf_clear(&peer->out);
    peer->used = true;
    peer->ended = peer->logged_in = false;
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer->fd < 0)
        return false;
    if (from != NULL && (inet_pton(AF_INET, from, &address.sin_addr) != 1 ||
                         bind(peer->fd, (struct sockaddr *)&address, sizeof(address)) != 0))
        return false;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(set->server->port);
    if (connect(peer->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        return false;
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fcntl(peer->fd, F_SETFL, O_NONBLOCK) == 0;
}

void peer_close(struct peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
}

static void read_peer(struct peer *peer)
{
    ssize_t len = recv(peer->fd, buf_reserve(&peer->in, CHUNK), CHUNK, 0);

    if (len > 0)
        buf_commit(&peer->in, (size_t)len);
    else if (len == 0 || (errno != EAGAIN && errno != EINTR))
        peer->ended = true;
}

/* writer: of whom it is asked, too, whether he can write; or NULL. */
static bool wait_any(struct peer_set *set, const struct peer *writer, int64_t deadline_ms)
{
    struct pollfd fds[PEERS_MAX + 1];
    int64_t left = deadline_ms - now_ms();

    for (size_t i = 0; i < PEERS_MAX; i++) {
        struct peer *peer = &set->peers[i];

        fds[i] = (struct pollfd){.fd = peer->ended ? -1 : peer->fd, .events = POLLIN};
        if (peer == writer)
            fds[i].events |= POLLOUT;
    }
    fds[PEERS_MAX] =
        (struct pollfd){.fd = set->server->ended ? -1 : set->server->log_fd, .events = POLLIN};
    if (left < 0 || poll(fds, PEERS_MAX + 1, (int)left) <= 0)
        return false;
    for (size_t i = 0; i < PEERS_MAX; i++) {
        if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
            read_peer(&set->peers[i]);
    }
    if (fds[PEERS_MAX].revents != 0)
        server_process_read_log(set->server);
    return true;
}

bool peer_set_wait(struct peer_set *set, int64_t deadline_ms)
{
    return wait_any(set, NULL, deadline_ms);
}

bool peer_leave(struct peer_set *set, struct peer *peer)
{
    int64_t deadline = peer_deadline_ms(set);
    bool waits = true;

    if (peer->fd >= 0 && !peer->ended)
        shutdown(peer->fd, SHUT_WR);
    while (peer->fd >= 0 && !peer->ended && waits)
        waits = peer_set_wait(set, deadline);
    peer_close(peer);
    return waits;
}

static size_t next_portion(struct peer_set *set, size_t left)
{
    size_t portion = left;

    if (set->cut == CUT_BYTES)
        portion = 1;
    else if (set->cut == CUT_RANDOM)
        portion = 1 + (size_t)random_below(&set->random.random, PORTION_MAX);
    return portion < left ? portion : left;
}

void peer_flush(struct peer_set *set, struct peer *peer)
{
    int64_t deadline = peer_deadline_ms(set);
    size_t done = 0;

    while (done < peer->out.len && !peer->ended) {
        size_t portion = next_portion(set, peer->out.len - done);
        ssize_t sent = send(peer->fd, peer->out.data + done, portion, MSG_NOSIGNAL);

        if (sent > 0)
            done += (size_t)sent;
        else if (errno != EAGAIN || !wait_any(set, peer, deadline))
            break;
        if (set->cut != CUT_WHOLE)
            sched_yield(); /* so that the server is likely to see the portions one by one */
    }
    buf_clear(&peer->out);
}

enum peer_line peer_peek(const struct peer *peer, struct slice *line)
{
    const char *end = peer->in.len > 0 ? memmem(peer->in.data, peer->in.len, "\r\n", 2) : NULL;

    if (end != NULL) {
        *line = slice_make(peer->in.data, (size_t)(end - peer->in.data));
        return PEER_LINE;
    }
    *line = buf_slice(&peer->in);
    return peer->ended ? PEER_ENDED : PEER_SILENT;
}

enum peer_line peer_wait(struct peer_set *set, struct peer *peer, struct slice *line)
{
    int64_t deadline = peer_deadline_ms(set);

    for (;;) {
        enum peer_line kind = peer_peek(peer, line);

        if (kind != PEER_SILENT || !wait_any(set, NULL, deadline))
            return kind;
    }
}

void peer_drop_line(struct peer *peer, struct slice line)
{
    buf_drop_front(&peer->in, line.len + 2);
}
