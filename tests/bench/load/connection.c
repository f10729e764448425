/* One connection: what goes out, what comes in. */
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

void out_reserve(struct conn *c, size_t n)
{
    if (c->woff == c->wlen)
        c->woff = c->wlen = 0;
    if (c->wlen + n <= c->wcap)
        return;
    if (c->woff) {
        memmove(c->wbuf, c->wbuf + c->woff, c->wlen - c->woff);
        c->wlen -= c->woff;
        c->woff = 0;
    }
    if (c->wlen + n > c->wcap) {
        c->wcap = (c->wlen + n) * 2;
        c->wbuf = realloc(c->wbuf, c->wcap);
        if (!c->wbuf)
            die("out of memory");
    }
}

void out_put(struct conn *c, const void *p, size_t n)
{
    out_reserve(c, n);
    memcpy(c->wbuf + c->wlen, p, n);
    c->wlen += n;
}

void out_fmt(struct conn *c, const char *fmt, ...)
{
    char tmp[2048];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(tmp, sizeof tmp, fmt, ap);
    va_end(ap);
    out_put(c, tmp, (size_t)n);
}

char *put_num(char *p, uint64_t v)
{
    char t[24];
    int n = 0;
    do
        t[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n)
        *p++ = t[--n];
    return p;
}

void conn_dead(struct worker *w, struct conn *c, const char *why)
{
    (void)w;
    if (c->st == S_DEAD)
        return;
    if (!atomic_load(&g_stop)) {
        if (atomic_fetch_add(&g_dead, 1) == 0)
            snprintf(g_err, sizeof g_err, "%s (%s)", why, strerror(errno));
    }
    c->st = S_DEAD;
    close(c->fd);
    c->fd = -1;
}

/* Raw read/write: bytes, 0 for "not now", -1 for a lost connection. */
ssize_t conn_send(struct conn *c, const void *p, size_t n)
{
    if (c->ssl) {
        int r = SSL_write(c->ssl, p, n > (1 << 30) ? 1 << 30 : (int)n);
        if (r > 0)
            return r;
        int e = SSL_get_error(c->ssl, r);
        return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
    ssize_t r = send(c->fd, p, n, MSG_NOSIGNAL);
    if (r >= 0)
        return r;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

ssize_t conn_recv(struct conn *c, void *p, size_t n)
{
    if (c->ssl) {
        int r = SSL_read(c->ssl, p, (int)n);
        if (r > 0)
            return r;
        int e = SSL_get_error(c->ssl, r);
        return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
    ssize_t r = recv(c->fd, p, n, 0);
    if (r > 0)
        return r;
    if (r == 0)
        return -1;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

void want_out(struct worker *w, struct conn *c, bool on)
{
    if (c->want_out == on || c->st == S_DEAD)
        return;
    struct epoll_event e = {.events = EPOLLIN | (on ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(w->ep, EPOLL_CTL_MOD, c->fd, &e);
    c->want_out = on;
}

void flush_out(struct worker *w, struct conn *c)
{
    while (c->woff < c->wlen) {
        ssize_t r = conn_send(c, c->wbuf + c->woff, c->wlen - c->woff);
        if (r < 0) {
            conn_dead(w, c, "write");
            return;
        }
        if (r == 0)
            break;
        c->woff += (size_t)r;
    }
    if (c->woff == c->wlen)
        c->woff = c->wlen = 0;
    bool more = c->wlen > 0;
    if (c->role == R_PUB && c->st == S_RUN && O.rate <= 0 && !c->end_ping)
        more = true;
    want_out(w, c, more);
}

void start_connect(struct worker *w, struct conn *c)
{
    int fd = socket(g_addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket: %s", strerror(errno));
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (O.local_ips > 1 && g_addr.ss_family == AF_INET) {
        struct sockaddr_in a = {.sin_family = AF_INET};
        a.sin_addr.s_addr = htonl(0x7f000001u + (uint32_t)(c->idx % O.local_ips));
#ifdef IP_BIND_ADDRESS_NO_PORT
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
#endif
        if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0)
            die("bind: %s", strerror(errno));
    }
    c->fd = fd;
    c->st = S_CONNECTING;
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    c->want_out = true;
    if (connect(fd, (struct sockaddr *)&g_addr, g_addrlen) < 0 && errno != EINPROGRESS) {
        conn_dead(w, c, "connect");
        return;
    }
    epoll_ctl(w->ep, EPOLL_CTL_ADD, fd, &e);
}

static void subject_of(char *out, size_t cap, long i)
{
    expand(out, cap, O.subject, i);
}

static void send_subs(struct conn *c)
{
    char s[256];
    const char *q = O.queue ? O.queue : "";
    const char *sp = O.queue ? " " : "";
    switch (c->role) {
    case R_SUB:
        if (O.sub_subject) {
            expand(s, sizeof s, O.sub_subject, c->idx);
            out_fmt(c, "SUB %s%s%s 1\r\n", s, sp, q);
        } else if (O.split) {
            if (O.subjects >= O.subs) {
                long sid = 1;
                for (long k = c->idx; k < O.subjects; k += O.subs) {
                    subject_of(s, sizeof s, k);
                    out_fmt(c, "SUB %s%s%s %ld\r\n", s, sp, q, sid++);
                }
            } else {
                subject_of(s, sizeof s, c->idx % O.subjects);
                out_fmt(c, "SUB %s%s%s 1\r\n", s, sp, q);
            }
        } else {
            for (long k = 0; k < O.subjects; k++) {
                subject_of(s, sizeof s, k);
                out_fmt(c, "SUB %s%s%s %ld\r\n", s, sp, q, k + 1);
            }
        }
        break;
    case R_RESP:
        for (long k = 0; k < O.subjects; k++) {
            subject_of(s, sizeof s, k);
            out_fmt(c, "SUB %s workers %ld\r\n", s, k + 1);
        }
        break;
    case R_REQ:
    case R_JS:
    case R_PULL:
        out_fmt(c, "SUB _INBOX.%s.%d.* 1\r\n", g_run, c->idx);
        break;
    case R_SUBS:
        for (long k = c->idx; k < O.nsubs; k += O.conns) {
            subject_of(s, sizeof s, k);
            out_fmt(c, "SUB %s %ld\r\n", s, k / O.conns + 1);
        }
        break;
    default:
        break;
    }
}

void send_connect(struct conn *c)
{
    char auth[512] = "", u[128], p[128];
    if (O.token)
        snprintf(auth, sizeof auth, "\"auth_token\":\"%s\",", O.token);
    else if (O.user) {
        expand(u, sizeof u, O.user, c->account);
        expand(p, sizeof p, O.pass ? O.pass : "", c->account);
        snprintf(auth, sizeof auth, "\"user\":\"%s\",\"pass\":\"%s\",", u, p);
    }
    out_fmt(c,
            "CONNECT "
            "{%s\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\",\"name\":"
            "\"load\","
            "\"protocol\":1,\"echo\":true,\"headers\":true,\"no_responders\":true,\"tls_required\":"
            "%s}\r\nPING\r\n",
            auth, O.tls ? "true" : "false");
}

/*
 * First PONG: we are accepted, and subscriptions follow.  Second: those are in.
 * A last one tells a publisher that everything it sent has been processed.
 */
static void on_pong(struct worker *w, struct conn *c)
{
    if (c->st == S_AUTH) {
        send_subs(c);
        if (c->wlen) {
            out_put(c, "PING\r\n", 6);
            c->st = S_SUBBING;
            return;
        }
        c->st = S_SUBBING;
    }
    if (c->st == S_SUBBING) {
        c->st = S_READY;
        atomic_fetch_add(&g_ready, 1);
        w->ready++;
    } else if (c->st == S_RUN && c->role == R_PUB && c->end_ping) {
        c->st = S_DONE;
        atomic_fetch_add(&g_pubs_done, 1);
    }
}

void on_info(struct worker *w, struct conn *c)
{
    if (c->st != S_INFO)
        return;
    (void)w;
    if (O.tls) {
        c->ssl = SSL_new(g_ctx);
        SSL_set_fd(c->ssl, c->fd);
        SSL_set_connect_state(c->ssl);
        c->st = S_TLS;
        return;
    }
    c->st = S_AUTH;
    send_connect(c);
}

static void on_delivery(struct worker *w, struct conn *c)
{
    int64_t t;

    w->recv++;
    c->got++;
    if (!O.latency || c->ncap < 8)
        return;
    memcpy(&t, c->cap, 8);
    if (t >= g_start + (int64_t)(O.warmup * 1e9))
        hist_add(&w->h, now_ns() - t);
}

/* "PUB REPLY", at the end of what goes out; room for it must be there. */
static char *put_reply(struct conn *c)
{
    char *p = c->wbuf + c->wlen;

    memcpy(p, "PUB ", 4);
    memcpy(p + 4, c->reply, (size_t)c->replylen);
    return p + 4 + c->replylen;
}

static void on_request(struct conn *c)
{
    char *p;

    if (!c->replylen)
        return;
    out_reserve(c, (size_t)O.size + 320);
    p = put_reply(c);
    *p++ = ' ';
    p = put_num(p, (uint64_t)O.size);
    *p++ = '\r';
    *p++ = '\n';
    memcpy(p, g_fill, (size_t)O.size);
    p += O.size;
    *p++ = '\r';
    *p++ = '\n';
    c->wlen = (size_t)(p - c->wbuf);
}

/* Is the answer an error: by its status, or in the JSON of the broker's own answers? */
static bool answer_is_error(struct worker *w, struct conn *c)
{
    if (c->hdrsize > 0 && c->ncap > 12 && !memcmp(c->cap, "NATS/1.0 ", 9) && c->cap[9] >= '4')
        return true;
    if (c->role != R_JS && O.responders)
        return false;
    c->cap[c->ncap < sizeof c->cap ? c->ncap : sizeof c->cap - 1] = 0;
    if (!strstr((char *)c->cap, "\"error\""))
        return false;
    if (!w->errs && c->st == S_RUN)
        fprintf(stderr, "natsload: broker said: %s\n", c->cap);
    return true;
}

static void on_answer(struct worker *w, struct conn *c)
{
    bool known = c->slot >= 0 && c->slot < O.window;
    int64_t t = now_ns();

    w->recv++;
    c->got++;
    if (known && c->t0[c->slot] >= g_start + (int64_t)(O.warmup * 1e9))
        hist_add(&w->h, t - c->t0[c->slot]);
    if (answer_is_error(w, c))
        w->errs++;
    if (O.rate > 0) {
        if (known)
            c->t0[c->slot] = 0; /* free */
    } else if (c->sent < c->quota && !atomic_load_explicit(&g_finish, memory_order_relaxed)) {
        request_next(c, c->slot, t);
    }
}

static void on_pulled(struct worker *w, struct conn *c)
{
    bool status = c->hdrsize > 0 && c->ncap >= 12 && !memcmp(c->cap, "NATS/1.0 ", 9) &&
                  c->cap[9] != '\r' && !c->replylen;

    if (status) {
        if (c->cap[9] != '1') /* heartbeat, flow control */
            pull_next(c);
        return;
    }
    w->recv++;
    c->got++;
    if (!O.no_ack && c->replylen) {
        char *p;

        out_reserve(c, 300);
        p = put_reply(c);
        memcpy(p, " 4\r\n+ACK\r\n", 10);
        c->wlen = (size_t)(p + 10 - c->wbuf);
    }
    if (c->pull_left && --c->pull_left == 0)
        pull_next(c);
}

static void on_message(struct worker *w, struct conn *c)
{
    switch (c->role) {
    case R_SUB:
        on_delivery(w, c);
        break;
    case R_RESP:
        on_request(c);
        break;
    case R_REQ:
    case R_JS:
        on_answer(w, c);
        break;
    case R_PULL:
        on_pulled(w, c);
        break;
    default:
        break;
    }
}

/* One control line, without CRLF. Sets c->body when a message body follows. */
static void on_line(struct worker *w, struct conn *c, char *l, int n)
{
    if (n >= 4 && (!memcmp(l, "MSG ", 4) || (n >= 5 && !memcmp(l, "HMSG ", 5)))) {
        bool h = l[0] == 'H';
        char *tok[8];
        int len[8], nt = 0;
        char *p = l + (h ? 5 : 4), *e = l + n;
        while (p < e && nt < 8) {
            while (p < e && *p == ' ')
                p++;
            if (p >= e)
                break;
            char *q = memchr(p, ' ', (size_t)(e - p));
            if (!q)
                q = e;
            tok[nt] = p;
            len[nt++] = (int)(q - p);
            p = q;
        }
        if (nt < 3)
            return;
        int fixed = h ? 4 : 3; /* subject sid [reply] [hdr] size */
        c->replylen = 0;
        if (nt > fixed && len[2] < (int)sizeof c->reply) {
            memcpy(c->reply, tok[2], (size_t)len[2]);
            c->replylen = len[2];
        }
        size_t sz = 0;
        for (int i = 0; i < len[nt - 1]; i++)
            sz = sz * 10 + (size_t)(tok[nt - 1][i] - '0');
        c->hdrsize = 0;
        if (h)
            for (int i = 0; i < len[nt - 2]; i++)
                c->hdrsize = c->hdrsize * 10 + (tok[nt - 2][i] - '0');
        c->slot = -1;
        if (c->role == R_REQ || c->role == R_JS) {
            long v = 0;
            int i = len[0] - 1;
            while (i >= 0 && tok[0][i] != '.')
                i--;
            for (i++; i < len[0]; i++)
                v = v * 10 + (tok[0][i] - '0');
            c->slot = v;
        }
        c->body = sz + 2;
        c->ncap = 0;
        c->wantcap = c->role == R_SUB    ? (O.latency ? 8 : 0)
                     : c->role == R_RESP ? 0
                                         : (unsigned)sizeof c->cap - 1;
        if (c->wantcap > sz)
            c->wantcap = (unsigned)sz;
        if (c->role == R_SUB && !c->replylen && !h && n + 2 < (int)sizeof c->last) {
            memcpy(c->last, l, (size_t)n);
            memcpy(c->last + n, "\r\n", 2);
            c->lastlen = n + 2;
            c->lastsize = sz;
        }
        return;
    }
    if (n >= 4 && !memcmp(l, "PONG", 4)) {
        on_pong(w, c);
    } else if (n >= 4 && !memcmp(l, "PING", 4)) {
        out_put(c, "PONG\r\n", 6);
    } else if (n >= 5 && !memcmp(l, "INFO ", 5)) {
        on_info(w, c);
    } else if (n >= 4 && !memcmp(l, "-ERR", 4)) {
        w->errs++;
        if (!g_err[0])
            snprintf(g_err, sizeof g_err, "%.*s", n, l);
    }
}

void parse(struct worker *w, struct conn *c, char *p, size_t n)
{
    char *e = p + n;
    while (p < e) {
        if (c->body) {
            size_t k = (size_t)(e - p) < c->body ? (size_t)(e - p) : c->body;
            if (c->ncap < c->wantcap) {
                size_t g = c->wantcap - c->ncap;
                if (g > k)
                    g = k;
                memcpy(c->cap + c->ncap, p, g);
                c->ncap += (unsigned)g;
            }
            p += k;
            c->body -= k;
            if (!c->body) {
                on_message(w, c);
                if (c->st == S_DEAD)
                    return;
            }
            continue;
        }
        if (!c->hlen && c->lastlen && e - p >= c->lastlen &&
            !memcmp(p, c->last, (size_t)c->lastlen)) {
            p += c->lastlen;
            c->body = c->lastsize + 2;
            c->ncap = 0;
            if (!c->wantcap && (size_t)(e - p) >= c->body) { /* whole message here */
                p += c->body;
                c->body = 0;
                w->recv++;
                c->got++;
            }
            continue;
        }
        char *nl = memchr(p, '\n', (size_t)(e - p));
        size_t part = (size_t)((nl ? nl : e) - p);
        if (!nl || c->hlen) {
            size_t room = sizeof c->hdr - (size_t)c->hlen;
            size_t cp =
                part < room ? part : room; /* long INFO lines are cut, nobody reads their end */
            memcpy(c->hdr + c->hlen, p, cp);
            c->hlen += (int)cp;
            if (!nl)
                return;
            int hl = c->hlen;
            if (hl && c->hdr[hl - 1] == '\r')
                hl--;
            c->hlen = 0;
            p = nl + 1;
            on_line(w, c, c->hdr, hl);
        } else {
            if (part && p[part - 1] == '\r')
                part--;
            char *l = p;
            p = nl + 1;
            on_line(w, c, l, (int)part);
        }
        if (c->st == S_TLS)
            return; /* TLS starts right after INFO */
    }
}
