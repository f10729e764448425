/* The loop of each thread. */
#include "tests/bench/load/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void on_readable(struct worker *w, struct conn *c)
{
    if (c->role == R_SUB && c->st == S_RUN && O.discard && c->lastlen && !c->hlen && !O.latency &&
        !O.tls) {
        size_t wire = (size_t)c->lastlen + c->lastsize + 2;
        for (int i = 0; i < 4; i++) {
            ssize_t r = recv(c->fd, NULL, 4 << 20, MSG_TRUNC | MSG_DONTWAIT);
            if (r == 0 || (r < 0 && errno != EAGAIN)) {
                conn_dead(w, c, "read");
                return;
            }
            if (r < 0)
                break;
            c->disc_bytes += (size_t)r;
            size_t avail =
                c->disc_bytes + (wire - (c->body ? c->body : wire)); /* message under way */
            if (c->body)
                c->body = 0;
            size_t k = avail / wire;
            c->disc_bytes = avail - k * wire;
            w->recv += k;
            c->got += k;
        }
        return;
    }
    for (int i = 0; i < 4; i++) {
        ssize_t r = conn_recv(c, w->rb, w->rbcap);
        if (r < 0) {
            conn_dead(w, c, "read");
            return;
        }
        if (r == 0)
            break;
        parse(w, c, w->rb, (size_t)r);
        if (c->st == S_DEAD || c->st == S_TLS)
            return;
        if ((size_t)r < w->rbcap && !c->ssl)
            break;
    }
}

void on_event(struct worker *w, struct conn *c, uint32_t ev)
{
    if (c->st == S_DEAD)
        return;
    if (c->st == S_CONNECTING) {
        int e = 0;
        socklen_t l = sizeof e;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &l);
        if (e) {
            errno = e;
            conn_dead(w, c, "connect");
            return;
        }
        c->st = S_INFO;
        want_out(w, c, false);
        if (!(ev & EPOLLIN))
            return;
    }
    if (c->st == S_INFO && O.tls) {
        /* read no further than the INFO line: what follows belongs to TLS */
        char pk[8192];
        ssize_t r = recv(c->fd, pk, sizeof pk, MSG_PEEK);
        if (r <= 0) {
            if (r == 0 || errno != EAGAIN)
                conn_dead(w, c, "read");
            return;
        }
        char *nl = memchr(pk, '\n', (size_t)r);
        if (!nl) {
            if (r == (ssize_t)sizeof pk)
                conn_dead(w, c, "INFO too long");
            return;
        }
        (void)!recv(c->fd, pk, (size_t)(nl - pk + 1), 0);
        on_info(w, c);
    }
    if (c->st == S_TLS) {
        int r = SSL_do_handshake(c->ssl);
        if (r == 1) {
            c->st = S_AUTH;
            send_connect(c);
            flush_out(w, c);
        } else {
            int e = SSL_get_error(c->ssl, r);
            if (e == SSL_ERROR_WANT_WRITE)
                want_out(w, c, true);
            else if (e == SSL_ERROR_WANT_READ)
                want_out(w, c, false);
            else
                conn_dead(w, c, "TLS handshake");
            return;
        }
    }
    if (ev & (EPOLLIN | EPOLLHUP | EPOLLERR))
        on_readable(w, c);
    if (c->st == S_DEAD)
        return;
    if (c->role == R_PUB && c->st == S_RUN && O.rate <= 0) {
        if (ev & EPOLLOUT || c->wlen)
            pub_flood(w, c);
    } else if (c->wlen && (!c->want_out || (ev & EPOLLOUT))) {
        flush_out(w, c);
    } else if ((ev & EPOLLOUT) && !c->wlen) {
        want_out(w, c, false);
    }
}

static void setup(struct worker *w)
{
    struct epoll_event ev[256];
    int next = 0, started = 0;
    int64_t give_up = now_ns() + 120000000000LL;
    int per = O.batch / NW > 0 ? O.batch / NW : 1;
    while (w->ready < w->nconns) {
        int dead = 0;
        for (int i = 0; i < next; i++)
            dead += w->conns[i]->st == S_DEAD;
        if (w->ready + dead >= w->nconns)
            break;
        while (next < w->nconns && started - w->ready - dead < per) {
            start_connect(w, w->conns[next++]);
            started++;
        }
        int n = epoll_wait(w->ep, ev, 256, 100);
        for (int i = 0; i < n; i++)
            if (ev[i].data.ptr)
                on_event(w, ev[i].data.ptr, ev[i].events);
        if (now_ns() > give_up) {
            fprintf(stderr, "natsload: only %d of %d connections became ready\n", w->ready,
                    w->nconns);
            break;
        }
    }
}

static void start_conn(struct worker *w, struct conn *c)
{
    if (c->st != S_READY)
        return;
    c->st = S_RUN;
    switch (c->role) {
    case R_PUB:
        if (O.rate <= 0) {
            if (c->quota && c->quota != UINT64_MAX)
                c->ring_left =
                    c->quota / g_ring_msgs * g_ringlen + g_msg_off[c->quota % g_ring_msgs];
            else
                c->ring_left = UINT64_MAX / 2;
            want_out(w, c, true);
        }
        break;
    case R_REQ:
    case R_JS:
        if (O.rate <= 0) {
            int64_t t = now_ns();
            for (int s = 0; s < O.window && c->sent < c->quota; s++)
                request_next(c, s, t);
            flush_out(w, c);
        }
        break;
    case R_PULL:
        pull_next(c);
        flush_out(w, c);
        break;
    case R_SUB:
        if (c->idx >= O.subs)
            epoll_ctl(w->ep, EPOLL_CTL_DEL, c->fd, NULL); /* reads no more */
        break;
    default:
        break;
    }
}

static void check_end(struct worker *w)
{
    if (w->recv != w->recv_flushed) {
        atomic_fetch_add(&g_recv, w->recv - w->recv_flushed);
        w->recv_flushed = w->recv;
    }
    if (atomic_load_explicit(&g_stop, memory_order_relaxed))
        return;
    bool done = false;
    uint64_t r = atomic_load(&g_recv);
    switch (O.mode) {
    case M_PUBSUB:
        done = atomic_load(&g_pubs_done) >= O.pubs && (O.subs == 0 || (g_expect && r >= g_expect));
        break;
    case M_REQ:
    case M_JS:
        done = r >= g_expect;
        break;
    case M_JSPULL:
        done = r >= g_expect;
        break;
    default:
        break;
    }
    if (done) {
        long long z = 0;
        atomic_compare_exchange_strong(&g_end_ns, &z, (long long)now_ns());
        atomic_store(&g_stop, true);
    }
}

void *worker_main(void *arg)
{
    struct worker *w = arg;
    prctl(PR_SET_TIMERSLACK, 1000UL);
    w->rbcap = 256 * 1024;
    w->rb = malloc(w->rbcap);
    setup(w);
    pthread_barrier_wait(&bar); /* all ready */
    pthread_barrier_wait(&bar); /* start time taken */
    if (O.mode == M_CONNS || O.mode == M_SUBS) {
        struct epoll_event ev[256];
        while (!atomic_load(&g_stop)) {
            int n = epoll_wait(w->ep, ev, 256, 50);
            for (int i = 0; i < n; i++)
                on_event(w, ev[i].data.ptr, ev[i].events);
        }
        pthread_barrier_wait(&bar);
        return NULL;
    }
    double share = 0;
    int64_t due = g_start;
    w->tfd = -1;
    if (O.rate > 0) {
        int mine = 0, all = O.mode == M_PUBSUB ? O.pubs : O.mode == M_REQ ? O.reqs : O.conns;
        for (int i = 0; i < w->nconns; i++)
            mine += w->conns[i]->role == R_PUB || w->conns[i]->role == R_REQ ||
                    w->conns[i]->role == R_JS;
        share = O.rate * (double)O.tick_us / 1e6 * mine / all;
        w->tfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
        struct itimerspec it = {
            .it_interval = {O.tick_us / 1000000, (O.tick_us % 1000000) * 1000L}};
        int64_t first = g_start + O.tick_us * 1000LL;
        it.it_value.tv_sec = first / 1000000000LL;
        it.it_value.tv_nsec = first % 1000000000LL;
        timerfd_settime(w->tfd, TFD_TIMER_ABSTIME, &it, NULL);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
        epoll_ctl(w->ep, EPOLL_CTL_ADD, w->tfd, &e);
    }
    for (int i = 0; i < w->nconns; i++)
        start_conn(w, w->conns[i]);
    struct epoll_event ev[256];
    while (!atomic_load_explicit(&g_stop, memory_order_relaxed)) {
        int n = epoll_wait(w->ep, ev, 256, 50);
        for (int i = 0; i < n; i++) {
            if (ev[i].data.ptr) {
                on_event(w, ev[i].data.ptr, ev[i].events);
                continue;
            }
            uint64_t k = 0;
            if (read(w->tfd, &k, sizeof k) == sizeof k)
                while (k--) {
                    due += O.tick_us * 1000LL;
                    tick(w, due, share);
                }
        }
        bool fin = atomic_load_explicit(&g_finish, memory_order_relaxed);
        if (O.rate > 0 && O.mode == M_PUBSUB) /* publishers whose part is out say so */
            for (int i = 0; i < w->nconns; i++) {
                struct conn *c = w->conns[i];
                if (c->role == R_PUB && c->st == S_RUN && !c->end_ping &&
                    (fin || c->sent >= c->quota)) {
                    c->end_ping = true;
                    out_put(c, "PING\r\n", 6);
                    flush_out(w, c);
                }
            }
        check_end(w);
    }
    pthread_barrier_wait(&bar);
    return NULL;
}
