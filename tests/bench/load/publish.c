/* Publishers, requesters, pullers: what is sent, and when. */
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

static size_t put_pub(char *p, long subj, int64_t stamp, bool stamped)
{
    char s[256], *b = p;
    int n = expand(s, sizeof s, O.subject, subj);
    memcpy(p, "PUB ", 4);
    p += 4;
    memcpy(p, s, (size_t)n);
    p += n;
    *p++ = ' ';
    p = put_num(p, (uint64_t)O.size);
    *p++ = '\r';
    *p++ = '\n';
    memcpy(p, g_fill, (size_t)O.size);
    if (stamped)
        memcpy(p, &stamp, 8);
    p += O.size;
    *p++ = '\r';
    *p++ = '\n';
    return (size_t)(p - b);
}

void build_ring(void)
{
    uint64_t k = (uint64_t)O.subjects;
    uint64_t per = (512 * 1024) / ((uint64_t)O.size + 40) + 1;
    uint64_t n = (per + k - 1) / k * k;
    size_t cap = (size_t)n * ((size_t)O.size + 290);
    if (cap > (size_t)3 << 30)
        die("too many subjects for this size");
    g_ring = malloc(cap);
    long *order = xalloc(sizeof(long) * k);
    for (uint64_t i = 0; i < k; i++)
        order[i] = (long)i;
    if (O.shuffle) {
        uint64_t x = 88172645463325252ull;
        for (uint64_t i = k - 1; i > 0; i--) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            uint64_t j = x % (i + 1);
            long t = order[i];
            order[i] = order[j], order[j] = t;
        }
    }
    g_msg_off = xalloc(sizeof(uint64_t) * (n + 1));
    size_t o = 0;
    for (uint64_t i = 0; i < n; i++) {
        g_msg_off[i] = o;
        o += put_pub(g_ring + o, order[i % k], 0, false);
    }
    g_msg_off[n] = o;
    g_ringlen = o;
    g_ring_msgs = n;
    free(order);
    g_ring = realloc(g_ring, o);
}

/* Flood: write the ring round and round until the quota is out. */
/* Where the message of the ring that pos lies in ends; pos itself at a border. */
static size_t message_end(size_t pos)
{
    uint64_t lo = 0, hi = g_ring_msgs;

    while (lo < hi) {
        uint64_t m = (lo + hi) / 2;

        if (g_msg_off[m] < pos)
            lo = m + 1;
        else
            hi = m;
    }
    return (size_t)g_msg_off[lo];
}

/* The next len bytes of the ring at most; how many went out, -1 when the connection is lost. */
static ssize_t send_ring(struct worker *w, struct conn *c, size_t len)
{
    ssize_t r = conn_send(c, g_ring + c->ring_off, len);

    if (r < 0) {
        conn_dead(w, c, "publish");
        return -1;
    }
    c->ring_off += (size_t)r;
    c->ring_left -= (uint64_t)r;
    if (c->ring_off >= g_ringlen)
        c->ring_off = 0;
    return r;
}

/* A PONG that we owe goes between messages only; true when it is out. */
static bool send_owed(struct worker *w, struct conn *c)
{
    size_t rest = message_end(c->ring_off) - c->ring_off;

    if (rest && send_ring(w, c, rest) < (ssize_t)rest)
        return false;
    while (c->woff < c->wlen) {
        ssize_t r = conn_send(c, c->wbuf + c->woff, c->wlen - c->woff);

        if (r < 0)
            conn_dead(w, c, "write");
        if (r <= 0)
            return false;
        c->woff += (size_t)r;
    }
    c->woff = c->wlen = 0;
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void pub_flood(struct worker *w, struct conn *c)
{
    if (c->end_ping) {
        flush_out(w, c);
        return;
    }
    if (c->wlen && !send_owed(w, c))
        return;
    if (O.secs > 0 && atomic_load_explicit(&g_finish, memory_order_relaxed) &&
        c->ring_left > g_ringlen) {
        /* time is up: finish the message being written, forget the rest */
        c->ring_left = message_end(c->ring_off) - c->ring_off;
        c->quota = UINT64_MAX;
    }
    if (c->ring_left) {
        size_t len = least(least(g_ringlen - c->ring_off, 128 * 1024), (size_t)c->ring_left);
        ssize_t r = send_ring(w, c, len);

        if (r < 0)
            return;
        c->sent += (uint64_t)r; /* bytes while flooding */
    }
    if (!c->ring_left) {
        c->end_ping = true;
        out_put(c, "PING\r\n", 6);
        flush_out(w, c);
    } else {
        want_out(w, c, true);
    }
}

/* Messages that a number of ring bytes stands for. */
uint64_t ring_count(uint64_t bytes)
{
    uint64_t whole = bytes / g_ringlen * g_ring_msgs, rest = bytes % g_ringlen;
    uint64_t lo = 0, hi = g_ring_msgs;
    while (lo < hi) {
        uint64_t m = (lo + hi) / 2;
        if (g_msg_off[m] < rest)
            lo = m + 1;
        else
            hi = m;
    }
    return whole + lo;
}

void request_next(struct conn *c, long slot, int64_t at)
{
    if (slot < 0 || slot >= O.window)
        return;
    out_reserve(c, (size_t)O.size + 5000);
    char *p = c->wbuf + c->wlen, s[256];
    long subj = (long)((c->next_subj++ * (uint64_t)(c->role == R_JS ? O.conns : O.reqs) +
                        (uint64_t)c->idx) %
                       (uint64_t)O.subjects);
    int sl = expand(s, sizeof s, O.subject, subj);
    const char *body = g_fill;
    long size = O.size;
    char text[4096];
    if (O.payload && strchr(O.payload, '%')) {
        size = expand(text, sizeof text, O.payload, subj);
        body = text;
    }
    memcpy(p, "PUB ", 4), p += 4;
    memcpy(p, s, (size_t)sl), p += sl;
    memcpy(p, " _INBOX.", 8), p += 8;
    size_t rl = strlen(g_run);
    memcpy(p, g_run, rl), p += rl;
    *p++ = '.';
    p = put_num(p, (uint64_t)c->idx);
    *p++ = '.';
    p = put_num(p, (uint64_t)slot);
    *p++ = ' ';
    p = put_num(p, (uint64_t)size);
    *p++ = '\r', *p++ = '\n';
    memcpy(p, body, (size_t)size), p += size;
    *p++ = '\r', *p++ = '\n';
    c->wlen = (size_t)(p - c->wbuf);
    c->t0[slot] = at;
    c->sent++;
}

void pull_next(struct conn *c)
{
    if (atomic_load_explicit(&g_finish, memory_order_relaxed))
        return;
    char body[128];
    int n = snprintf(body, sizeof body, "{\"batch\":%d,\"expires\":2000000000}", O.batch);
    out_fmt(c, "PUB $JS.API.CONSUMER.MSG.NEXT.%s.%s _INBOX.%s.%d.0 %d\r\n%s\r\n", O.stream,
            O.durable, g_run, c->idx, n, body);
    c->pull_left = (uint64_t)O.batch;
}

/* Open loop: everything due at this tick, stamped with the tick's own time. */
void tick(struct worker *w, int64_t due, double share)
{
    if (atomic_load_explicit(&g_finish, memory_order_relaxed))
        return;
    w->tick_acc += share;
    long k = (long)w->tick_acc;
    w->tick_acc -= (double)k;
    static _Thread_local int rr;
    int tried = 0;
    while (k > 0 && tried < w->nconns) {
        struct conn *c = w->conns[rr++ % w->nconns];
        if (c->st != S_RUN || c->end_ping || c->sent >= c->quota) {
            tried++;
            continue;
        }
        if (c->role == R_PUB) {
            out_reserve(c, (size_t)O.size + 320);
            long subj = (long)(c->next_subj++ % (uint64_t)O.subjects);
            c->wlen += put_pub(c->wbuf + c->wlen, subj, due, O.latency);
            c->sent++;
        } else if (c->role == R_REQ || c->role == R_JS) {
            int s;
            for (s = 0; s < O.window && c->t0[s]; s++) {
            }
            if (s == O.window) { /* all slots busy: the due time is kept, the next free slot pays
                                    for it */
                tried++;
                continue;
            }
            request_next(c, s, due);
        } else {
            tried++;
            continue;
        }
        tried = 0;
        k--;
    }
    w->tick_acc += (double)k; /* what could not be sent stays due */
    if (w->churn_on) {
        w->churn_acc += O.churn * (double)O.tick_us / 1e6;
        for (int i = 0; i < w->nconns; i++)
            if (w->conns[i]->role == R_CHURN && w->conns[i]->st == S_RUN) {
                struct conn *c = w->conns[i];
                while (w->churn_acc >= 1) {
                    out_fmt(c, "SUB churn.x.%d.> 7\r\nUNSUB 7\r\n", (int)(c->sent++ % 1000));
                    w->churn_acc -= 1;
                }
            }
    }
    for (int i = 0; i < w->nconns; i++)
        if (w->conns[i]->wlen && w->conns[i]->fd >= 0 && !w->conns[i]->want_out)
            flush_out(w, w->conns[i]);
}
