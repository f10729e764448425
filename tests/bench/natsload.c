/*
 * natsload - load generator for brokers that speak the NATS client protocol.
 *
 * One file, raw protocol over sockets, epoll, no client library.  Built to
 * cost far less CPU than the broker under test, and to report what the broker
 * spent (CPU seconds per million messages, resident memory) when its process
 * id is given.
 *
 * See usage() for the modes and options.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------------------ util */

static void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("natsload: ", stderr);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(2);
}

static void *xalloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        die("out of memory (%zu bytes)", n);
    return p;
}

static inline int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Log-linear histogram: 64 steps for each power of two (1.6 % resolution). */
#define H_SUB 6
#define H_N (64 << H_SUB)
struct hist {
    uint64_t n, cnt[H_N];
    double sum;
    int64_t max, min;
};

static inline void hist_add(struct hist *h, int64_t v)
{
    if (v < 0)
        v = 0;
    unsigned i;
    if (v < (1 << H_SUB)) {
        i = (unsigned)v;
    } else {
        int e = 63 - __builtin_clzll((uint64_t)v);
        i = (unsigned)(((e - H_SUB + 1) << H_SUB) + ((v >> (e - H_SUB)) & ((1 << H_SUB) - 1)));
    }
    if (i >= H_N)
        i = H_N - 1;
    h->cnt[i]++;
    if (!h->n || v < h->min)
        h->min = v;
    if (v > h->max)
        h->max = v;
    h->n++;
    h->sum += (double)v;
}

static void hist_merge(struct hist *a, const struct hist *b)
{
    if (!b->n)
        return;
    if (!a->n || b->min < a->min)
        a->min = b->min;
    if (b->max > a->max)
        a->max = b->max;
    a->n += b->n;
    a->sum += b->sum;
    for (int i = 0; i < H_N; i++)
        a->cnt[i] += b->cnt[i];
}

static double hist_q(const struct hist *h, double q)
{
    if (!h->n)
        return 0;
    uint64_t want = (uint64_t)(q * (double)h->n), seen = 0;
    if (want >= h->n)
        want = h->n - 1;
    for (unsigned i = 0; i < H_N; i++) {
        seen += h->cnt[i];
        if (seen > want) {
            if (i < (1u << H_SUB))
                return i;
            unsigned e = (i >> H_SUB) + H_SUB - 1;
            uint64_t base = (1ull << e) | ((uint64_t)(i & ((1u << H_SUB) - 1)) << (e - H_SUB));
            double v = (double)base + (double)(1ull << (e - H_SUB)) / 2;
            return v < (double)h->max ? v : (double)h->max;
        }
    }
    return (double)h->max;
}

/* --------------------------------------------------- the broker's process */

struct procstat {
    double cpu, user, sys; /* seconds */
    double rss, hwm;       /* MiB */
    long threads;
};

static void proc_read(int pid, struct procstat *s)
{
    memset(s, 0, sizeof *s);
    if (pid <= 0)
        return;
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return;
    if (fgets(line, sizeof line, f)) {
        char *p = strrchr(line, ')');
        unsigned long ut = 0, st = 0;
        if (p &&
            sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &ut, &st) == 2) {
            double hz = (double)sysconf(_SC_CLK_TCK);
            s->user = (double)ut / hz;
            s->sys = (double)st / hz;
            s->cpu = s->user + s->sys;
        }
    }
    fclose(f);
    clockid_t ck; /* nanosecond total, where the kernel lets us read it */
    struct timespec t;
    if (clock_getcpuclockid(pid, &ck) == 0 && clock_gettime(ck, &t) == 0)
        s->cpu = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    if (!(f = fopen(path, "r")))
        return;
    while (fgets(line, sizeof line, f)) {
        long v;
        if (sscanf(line, "VmRSS: %ld", &v) == 1)
            s->rss = (double)v / 1024;
        else if (sscanf(line, "VmHWM: %ld", &v) == 1)
            s->hwm = (double)v / 1024;
        else if (sscanf(line, "Threads: %ld", &v) == 1)
            s->threads = v;
    }
    fclose(f);
}

static double self_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --------------------------------------------------------------- options */

enum mode { M_PUBSUB, M_REQ, M_JS, M_JSPULL, M_CONNS, M_SUBS };

static struct {
    enum mode mode;
    const char *mode_name, *host, *port;
    int pubs, subs, reqs, responders, conns, threads, pid, window, accounts, batch, local_ips,
        replicas;
    int subjects, tick_us, slow;
    long msgs, size, nsubs;
    double rate, secs, warmup, settle, hold, stall, churn;
    const char *subject, *queue, *sub_subject, *user, *pass, *token, *stream, *storage,
        *stream_json, *consumer_json, *durable, *payload, *label;
    bool split, latency, discard, json, tls, keep, shuffle, no_ack;
} O = {
    .pubs = 1,
    .subs = 0,
    .reqs = 1,
    .responders = 1,
    .conns = 1,
    .threads = 1,
    .window = 1,
    .accounts = 1,
    .batch = 256,
    .local_ips = 1,
    .replicas = 1,
    .subjects = 1,
    .tick_us = 0,
    .msgs = 0,
    .size = 128,
    .nsubs = 100000,
    .secs = 0,
    .warmup = 0,
    .settle = 2,
    .hold = 0,
    .stall = 8,
    .subject = NULL,
    .stream = "LOAD",
    .storage = "file",
    .durable = "puller",
    .label = "",
};

static void usage(void)
{
    fputs(
        "usage: natsload MODE HOST PORT [options]\n"
        "modes\n"
        "  pub      publishers, and subscribers when --subs is given (fan-out, queue, many "
        "subjects)\n"
        "  req      request-reply; latency of every round trip\n"
        "  js       JetStream publish with acknowledgements (--window 1 is synchronous)\n"
        "  jspull   JetStream pull consumer, acknowledging each message\n"
        "  conns    open idle connections; time to accept and memory of each\n"
        "  subs     register subscriptions; time and memory of each\n"
        "load\n"
        "  --msgs N          messages in all (default: by --secs)      --secs S   run time\n"
        "  --size N          payload bytes (128)                       --rate R   open loop, "
        "messages/s in all\n"
        "  --tick-us T       burst interval for --rate (default 1000, less when the rate is low)\n"
        "  --pubs N --subs N publisher and subscriber connections      --queue G  subscribe in a "
        "queue group\n"
        "  --reqs N          requester connections                     --window N outstanding per "
        "connection\n"
        "  --responders N    echo connections (0: the broker answers)  --payload S request body "
        "(%d: subject index)\n"
        "  --conns N         connections (conns, subs)                 --nsubs N  subscriptions "
        "(subs)\n"
        "  --batch N         connects in flight (conns), pull size (jspull)\n"
        "subjects\n"
        "  --subject F       subject; %d index, %h index/1000, %l index%1000   --subjects N   how "
        "many\n"
        "  --sub-subject S   what each subscriber asks for (default: every subject)\n"
        "  --split           share the subjects out over the subscribers\n"
        "  --shuffle         publish the subjects in random order\n"
        "  --slow N          N subscribers more that stop reading once all is ready\n"
        "  --churn R         an extra connection subscribes and unsubscribes R times a second "
        "(with --rate)\n"
        "JetStream\n"
        "  --stream NAME --storage file|memory --replicas N --stream-json J (fields added) --keep "
        "--durable N --no-ack\n"
        "  --consumer-json J (fields added)\n"
        "who\n"
        "  --user F --pass F --token T    (%d: account index)           --accounts N  connections "
        "spread over N\n"
        "  --tls                          TLS after INFO, certificate not verified\n"
        "  --local-ips N                  bind to 127.0.0.1 .. 127.0.0.N in turn (more than 28k "
        "connections)\n"
        "measuring\n"
        "  --pid P           broker's process: CPU and memory          --latency  stamp messages "
        "(pub mode)\n"
        "  --discard         subscribers drop bytes in the kernel (cheapest sink; counts by "
        "bytes)\n"
        "  --warmup S        latencies of the first S seconds are left out\n"
        "  --settle S --hold S  idle time before memory is read / connections are closed\n"
        "  --threads N       client threads                            --json     one line of "
        "JSON\n"
        "  --label S         carried into the JSON\n"
        "  --stall S         give up after S seconds without progress (8)\n",
        stderr);
    exit(2);
}

/* Subject or user name from a pattern. */
static int expand(char *out, size_t cap, const char *f, long i)
{
    size_t n = 0;
    for (; *f && n + 24 < cap; f++) {
        if (f[0] == '%' && f[1] == 'd')
            n += (size_t)sprintf(out + n, "%ld", i), f++;
        else if (f[0] == '%' && f[1] == 'h')
            n += (size_t)sprintf(out + n, "%ld", i / 1000), f++;
        else if (f[0] == '%' && f[1] == 'l')
            n += (size_t)sprintf(out + n, "%ld", i % 1000), f++;
        else
            out[n++] = *f;
    }
    out[n] = 0;
    return (int)n;
}

/* ----------------------------------------------------------- connections */

enum role { R_PUB, R_SUB, R_REQ, R_RESP, R_JS, R_PULL, R_IDLE, R_SUBS, R_CHURN };
enum state { S_CONNECTING, S_INFO, S_TLS, S_AUTH, S_SUBBING, S_READY, S_RUN, S_DONE, S_DEAD };

struct worker;

struct conn {
    int fd;
    enum role role;
    enum state st;
    int idx; /* index within its role */
    int account;
    bool want_out, end_ping;
    SSL *ssl;
    /* output not yet written */
    char *wbuf;
    size_t wlen, woff, wcap;
    /* streaming parser: header line being gathered, body bytes still to come */
    char hdr[640];
    int hlen;
    size_t body; /* bytes left of the message, CRLF included */
    unsigned char cap[96];
    unsigned ncap, wantcap;
    char last[320]; /* last header line seen whole: fast path */
    int lastlen;
    size_t lastsize;
    char reply[256];
    int replylen;
    int hdrsize; /* HMSG: bytes of headers */
    long slot;
    /* publisher */
    size_t ring_off; /* byte position in the shared ring */
    uint64_t quota, sent, got;
    uint64_t ring_left; /* bytes of the quota still to write from the ring */
    /* request slots */
    int64_t *t0;
    uint64_t pull_left;
    size_t disc_bytes, disc_wire;
    uint64_t next_subj;
};

struct worker {
    int id, ep, tfd;
    pthread_t th;
    struct conn **conns;
    int nconns;
    char *rb;
    size_t rbcap;
    struct hist h;
    uint64_t recv, recv_flushed, errs;
    int ready;
    double tick_acc;
    double churn_acc;
    bool churn_on;
};

static struct worker *W;
static int NW;
static pthread_barrier_t bar;
static atomic_ullong g_recv;
static atomic_int g_pubs_done, g_ready, g_dead;
static atomic_bool g_stop, g_finish;
static atomic_llong g_end_ns;
static uint64_t g_expect;
static int64_t g_start;
static int g_nconn;
static struct sockaddr_storage g_addr;
static socklen_t g_addrlen;
static char *g_fill; /* payload bytes */
static char *g_ring; /* prebuilt publications */
static size_t g_ringlen;
static uint64_t g_ring_msgs;
static char g_run[16]; /* distinguishes inboxes of this run */
static char g_err[256];
static SSL_CTX *g_ctx;

static void out_reserve(struct conn *c, size_t n)
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

static void out_put(struct conn *c, const void *p, size_t n)
{
    out_reserve(c, n);
    memcpy(c->wbuf + c->wlen, p, n);
    c->wlen += n;
}

static void out_fmt(struct conn *c, const char *fmt, ...)
{
    char tmp[2048];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(tmp, sizeof tmp, fmt, ap);
    va_end(ap);
    out_put(c, tmp, (size_t)n);
}

static char *put_num(char *p, uint64_t v)
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

static void conn_dead(struct worker *w, struct conn *c, const char *why)
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
static ssize_t conn_send(struct conn *c, const void *p, size_t n)
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

static ssize_t conn_recv(struct conn *c, void *p, size_t n)
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

static void want_out(struct worker *w, struct conn *c, bool on)
{
    if (c->want_out == on || c->st == S_DEAD)
        return;
    struct epoll_event e = {.events = EPOLLIN | (on ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(w->ep, EPOLL_CTL_MOD, c->fd, &e);
    c->want_out = on;
}

static void flush_out(struct worker *w, struct conn *c)
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

static int64_t g_first_connect;

static void start_connect(struct worker *w, struct conn *c)
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

static void send_connect(struct conn *c)
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

static void request_next(struct conn *c, long slot, int64_t at);
static void pull_next(struct conn *c);

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

static void on_info(struct worker *w, struct conn *c)
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

static void on_message(struct worker *w, struct conn *c)
{
    switch (c->role) {
    case R_SUB:
        w->recv++;
        c->got++;
        if (O.latency && c->ncap >= 8) {
            int64_t t;
            memcpy(&t, c->cap, 8);
            if (t >= g_start + (int64_t)(O.warmup * 1e9))
                hist_add(&w->h, now_ns() - t);
        }
        break;
    case R_RESP: {
        if (!c->replylen)
            break;
        out_reserve(c, (size_t)O.size + 320);
        char *p = c->wbuf + c->wlen;
        memcpy(p, "PUB ", 4);
        p += 4;
        memcpy(p, c->reply, (size_t)c->replylen);
        p += c->replylen;
        *p++ = ' ';
        p = put_num(p, (uint64_t)O.size);
        *p++ = '\r';
        *p++ = '\n';
        memcpy(p, g_fill, (size_t)O.size);
        p += O.size;
        *p++ = '\r';
        *p++ = '\n';
        c->wlen = (size_t)(p - c->wbuf);
        break;
    }
    case R_REQ:
    case R_JS: {
        int64_t t = now_ns();
        w->recv++;
        c->got++;
        if (c->slot >= 0 && c->slot < O.window) {
            int64_t t0 = c->t0[c->slot];
            if (t0 >= g_start + (int64_t)(O.warmup * 1e9))
                hist_add(&w->h, t - t0);
        }
        if (c->hdrsize > 0 && c->ncap > 12 && c->cap[9] != '2' && !memcmp(c->cap, "NATS/1.0 ", 9) &&
            c->cap[9] >= '4')
            w->errs++;
        if (c->role == R_JS || !O.responders) { /* the broker's own answers are JSON */
            c->cap[c->ncap < sizeof c->cap ? c->ncap : sizeof c->cap - 1] = 0;
            if (strstr((char *)c->cap, "\"error\"")) {
                if (!w->errs++ && c->st == S_RUN)
                    fprintf(stderr, "natsload: broker said: %s\n", c->cap);
            }
        }
        if (O.rate <= 0) {
            if (c->sent < c->quota && !atomic_load_explicit(&g_finish, memory_order_relaxed))
                request_next(c, c->slot, t);
        } else if (c->slot >= 0 && c->slot < O.window) {
            c->t0[c->slot] = 0; /* free */
        }
        break;
    }
    case R_PULL: {
        bool status = c->hdrsize > 0 && c->ncap >= 12 && !memcmp(c->cap, "NATS/1.0 ", 9) &&
                      c->cap[9] != '\r' && !c->replylen;
        if (status) {
            if (c->cap[9] == '1')
                break; /* heartbeat / flow control */
            pull_next(c);
            break;
        }
        w->recv++;
        c->got++;
        if (!O.no_ack && c->replylen) {
            out_reserve(c, 300);
            char *p = c->wbuf + c->wlen;
            memcpy(p, "PUB ", 4);
            p += 4;
            memcpy(p, c->reply, (size_t)c->replylen);
            p += c->replylen;
            memcpy(p, " 4\r\n+ACK\r\n", 10);
            c->wlen = (size_t)(p + 10 - c->wbuf);
        }
        if (c->pull_left && --c->pull_left == 0)
            pull_next(c);
        break;
    }
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

static void parse(struct worker *w, struct conn *c, char *p, size_t n)
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

/* ------------------------------------------------------------ publishing */

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

static uint64_t *g_msg_off; /* ring: offset of each message */

static void build_ring(void)
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
static void pub_flood(struct worker *w, struct conn *c)
{
    if (c->end_ping) {
        flush_out(w, c);
        return;
    }
    if (c->wlen) { /* a PONG we owe goes between messages only */
        uint64_t pos = c->ring_off;
        uint64_t lo = 0, hi = g_ring_msgs;
        while (lo < hi) {
            uint64_t m = (lo + hi) / 2;
            if (g_msg_off[m] < pos)
                lo = m + 1;
            else
                hi = m;
        }
        size_t rest = (size_t)(g_msg_off[lo] - pos);
        if (rest) {
            ssize_t r = conn_send(c, g_ring + pos, rest);
            if (r < 0) {
                conn_dead(w, c, "publish");
                return;
            }
            c->ring_off += (size_t)r;
            c->ring_left -= (uint64_t)r;
            if (c->ring_off == g_ringlen)
                c->ring_off = 0;
            if ((size_t)r < rest)
                return;
        }
        while (c->woff < c->wlen) {
            ssize_t r = conn_send(c, c->wbuf + c->woff, c->wlen - c->woff);
            if (r < 0) {
                conn_dead(w, c, "write");
                return;
            }
            if (r == 0)
                return;
            c->woff += (size_t)r;
        }
        c->woff = c->wlen = 0;
    }
    if (O.secs > 0 && atomic_load_explicit(&g_finish, memory_order_relaxed) &&
        c->ring_left > g_ringlen) {
        /* time is up: finish the message being written, forget the rest */
        uint64_t lo = 0, hi = g_ring_msgs;
        while (lo < hi) {
            uint64_t m = (lo + hi) / 2;
            if (g_msg_off[m] < c->ring_off)
                lo = m + 1;
            else
                hi = m;
        }
        c->ring_left = g_msg_off[lo] - c->ring_off;
        c->quota = UINT64_MAX; /* counted below */
    }
    if (c->ring_left) {
        size_t k = g_ringlen - c->ring_off;
        size_t chunk = 128 * 1024;
        if (k > chunk)
            k = chunk;
        if (k > c->ring_left)
            k = (size_t)c->ring_left;
        ssize_t r = conn_send(c, g_ring + c->ring_off, k);
        if (r < 0) {
            conn_dead(w, c, "publish");
            return;
        }
        c->ring_off += (size_t)r;
        c->ring_left -= (uint64_t)r;
        c->sent += (uint64_t)r; /* bytes while flooding */
        if (c->ring_off >= g_ringlen)
            c->ring_off = 0;
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
static uint64_t ring_count(uint64_t bytes)
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

static void request_next(struct conn *c, long slot, int64_t at)
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

static void pull_next(struct conn *c)
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
static void tick(struct worker *w, int64_t due, double share)
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

/* ------------------------------------------------------------ event loop */

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

static void on_event(struct worker *w, struct conn *c, uint32_t ev)
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
        r = recv(c->fd, pk, (size_t)(nl - pk + 1), 0);
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

static void *worker_main(void *arg)
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

/* ----------------------------------------------------- JetStream set-up */

/* A blocking request on a connection of its own; the answer's start in out. */
static void rpc(const char *subject, const char *body, char *out, size_t cap)
{
    struct worker w = {.rbcap = 65536};
    struct conn *c = xalloc(sizeof *c);
    w.rb = malloc(w.rbcap);
    w.ep = epoll_create1(EPOLL_CLOEXEC);
    c->role = R_JS;
    c->idx = 999999;
    c->t0 = xalloc(sizeof(int64_t) * (size_t)O.window);
    double keep_rate = O.rate;
    O.rate = 1; /* no follow-up requests */
    start_connect(&w, c);
    bool asked = false;
    int64_t end = now_ns() + 20000000000LL;
    out[0] = 0;
    while (now_ns() < end && c->st != S_DEAD) {
        struct epoll_event ev[4];
        int n = epoll_wait(w.ep, ev, 4, 100);
        for (int i = 0; i < n; i++)
            on_event(&w, c, ev[i].events);
        if (c->st == S_READY && !asked) {
            asked = true;
            out_fmt(c, "PUB %s _INBOX.%s.%d.0 %zu\r\n", subject, g_run, c->idx, strlen(body));
            out_put(c, body, strlen(body));
            out_put(c, "\r\n", 2);
            flush_out(&w, c);
        }
        if (c->got)
            break;
    }
    if (!c->got)
        die("no answer from the broker to %s%s%s", subject, g_err[0] ? ": " : "", g_err);
    snprintf(out, cap, "%.*s", (int)c->ncap, c->cap);
    close(c->fd);
    close(w.ep);
    O.rate = keep_rate;
    atomic_store(&g_ready, 0);
    free(w.rb);
}

static void make_stream(void)
{
    char s[256], body[2048], ans[256], subj[256];
    if (!O.keep) {
        snprintf(s, sizeof s, "$JS.API.STREAM.DELETE.%s", O.stream);
        rpc(s, "", ans, sizeof ans);
    }
    snprintf(subj, sizeof subj, "%s", O.subject);
    char *pc = strchr(subj, '%');
    if (pc)
        strcpy(pc, ">");
    snprintf(s, sizeof s, "$JS.API.STREAM.CREATE.%s", O.stream);
    snprintf(
        body, sizeof body,
        "{\"name\":\"%s\",\"subjects\":[\"%s\"],\"storage\":\"%s\",\"retention\":\"limits\",\"max_"
        "consumers\":-1,"
        "\"max_msgs\":-1,\"max_bytes\":-1,\"max_age\":0,\"discard\":\"old\",\"num_replicas\":%d,"
        "\"allow_direct\":true%s%s}",
        O.stream, subj, O.storage, O.replicas, O.stream_json ? "," : "",
        O.stream_json ? O.stream_json : "");
    rpc(s, body, ans, sizeof ans);
    if (strstr(ans, "\"error\"") && !(O.keep && strstr(ans, "10058")))
        die("stream not made: %s", ans);
}

static void make_consumer(void)
{
    char s[256], body[1024], ans[256];
    snprintf(s, sizeof s, "$JS.API.CONSUMER.DELETE.%s.%s", O.stream, O.durable);
    rpc(s, "", ans, sizeof ans);
    snprintf(s, sizeof s, "$JS.API.CONSUMER.DURABLE.CREATE.%s.%s", O.stream, O.durable);
    snprintf(body, sizeof body,
             "{\"stream_name\":\"%s\",\"config\":{\"durable_name\":\"%s\",\"ack_policy\":\"%s\","
             "\"deliver_policy\":"
             "\"all\",\"max_ack_pending\":%d,\"replay_policy\":\"instant\"%s%s}}",
             O.stream, O.durable, O.no_ack ? "none" : "explicit", 100000,
             O.consumer_json ? "," : "", O.consumer_json ? O.consumer_json : "");
    rpc(s, body, ans, sizeof ans);
    if (strstr(ans, "\"error\""))
        die("consumer not made: %s", ans);
}

/* ------------------------------------------------------------------ main */

static struct conn *new_conn(enum role r, int idx)
{
    struct conn *c = xalloc(sizeof *c);
    c->fd = -1;
    c->role = r;
    c->idx = idx;
    c->account = O.accounts > 1 ? idx % O.accounts : 0;
    c->quota = UINT64_MAX;
    if (r == R_REQ || r == R_JS)
        c->t0 = xalloc(sizeof(int64_t) * (size_t)O.window);
    struct worker *w = &W[g_nconn++ % NW];
    if ((w->nconns & (w->nconns - 1)) == 0) {
        int cap = w->nconns ? w->nconns * 2 : 1;
        w->conns = realloc(w->conns, sizeof *w->conns * (size_t)cap);
        if (!w->conns)
            die("out of memory");
    }
    w->conns[w->nconns++] = c;
    if (r == R_CHURN)
        w->churn_on = true;
    return c;
}

static void spread(uint64_t total, enum role r, int n)
{
    for (int i = 0; i < NW; i++)
        for (int j = 0; j < W[i].nconns; j++) {
            struct conn *c = W[i].conns[j];
            if (c->role != r)
                continue;
            c->quota =
                total ? total / (uint64_t)n + ((uint64_t)c->idx < total % (uint64_t)n) : UINT64_MAX;
            c->next_subj = r == R_PUB ? (uint64_t)c->idx * 7919u : 0;
        }
}

static double secs(int64_t ns)
{
    return (double)ns / 1e9;
}

int main(int argc, char **argv)
{
    static const struct option lo[] = {{"msgs", 1, 0, 'm'},
                                       {"secs", 1, 0, 1},
                                       {"size", 1, 0, 's'},
                                       {"rate", 1, 0, 'r'},
                                       {"tick-us", 1, 0, 2},
                                       {"pubs", 1, 0, 3},
                                       {"subs", 1, 0, 4},
                                       {"queue", 1, 0, 5},
                                       {"reqs", 1, 0, 6},
                                       {"window", 1, 0, 'w'},
                                       {"responders", 1, 0, 7},
                                       {"conns", 1, 0, 'c'},
                                       {"nsubs", 1, 0, 8},
                                       {"batch", 1, 0, 9},
                                       {"subject", 1, 0, 10},
                                       {"subjects", 1, 0, 11},
                                       {"sub-subject", 1, 0, 12},
                                       {"split", 0, 0, 13},
                                       {"shuffle", 0, 0, 14},
                                       {"churn", 1, 0, 15},
                                       {"stream", 1, 0, 16},
                                       {"storage", 1, 0, 17},
                                       {"replicas", 1, 0, 18},
                                       {"stream-json", 1, 0, 19},
                                       {"keep", 0, 0, 20},
                                       {"durable", 1, 0, 21},
                                       {"no-ack", 0, 0, 22},
                                       {"user", 1, 0, 23},
                                       {"pass", 1, 0, 24},
                                       {"token", 1, 0, 25},
                                       {"accounts", 1, 0, 26},
                                       {"tls", 0, 0, 27},
                                       {"local-ips", 1, 0, 28},
                                       {"pid", 1, 0, 'p'},
                                       {"latency", 0, 0, 29},
                                       {"discard", 0, 0, 30},
                                       {"warmup", 1, 0, 31},
                                       {"settle", 1, 0, 32},
                                       {"hold", 1, 0, 33},
                                       {"threads", 1, 0, 't'},
                                       {"json", 0, 0, 34},
                                       {"stall", 1, 0, 35},
                                       {"payload", 1, 0, 36},
                                       {"label", 1, 0, 37},
                                       {"consumer-json", 1, 0, 38},
                                       {"slow", 1, 0, 39},
                                       {0, 0, 0, 0}};
    int o;
    while ((o = getopt_long(argc, argv, "m:s:r:w:c:p:t:", lo, NULL)) != -1) {
        switch (o) {
        case 'm':
            O.msgs = (long)atof(optarg);
            break;
        case 1:
            O.secs = atof(optarg);
            break;
        case 's':
            O.size = atol(optarg);
            break;
        case 'r':
            O.rate = atof(optarg);
            break;
        case 2:
            O.tick_us = atoi(optarg);
            break;
        case 3:
            O.pubs = atoi(optarg);
            break;
        case 4:
            O.subs = atoi(optarg);
            break;
        case 5:
            O.queue = optarg;
            break;
        case 6:
            O.reqs = atoi(optarg);
            break;
        case 'w':
            O.window = atoi(optarg);
            break;
        case 7:
            O.responders = atoi(optarg);
            break;
        case 'c':
            O.conns = atoi(optarg);
            break;
        case 8:
            O.nsubs = (long)atof(optarg);
            break;
        case 9:
            O.batch = atoi(optarg);
            break;
        case 10:
            O.subject = optarg;
            break;
        case 11:
            O.subjects = (int)atof(optarg);
            break;
        case 12:
            O.sub_subject = optarg;
            break;
        case 13:
            O.split = true;
            break;
        case 14:
            O.shuffle = true;
            break;
        case 15:
            O.churn = atof(optarg);
            break;
        case 16:
            O.stream = optarg;
            break;
        case 17:
            O.storage = optarg;
            break;
        case 18:
            O.replicas = atoi(optarg);
            break;
        case 19:
            O.stream_json = optarg;
            break;
        case 20:
            O.keep = true;
            break;
        case 21:
            O.durable = optarg;
            break;
        case 22:
            O.no_ack = true;
            break;
        case 23:
            O.user = optarg;
            break;
        case 24:
            O.pass = optarg;
            break;
        case 25:
            O.token = optarg;
            break;
        case 26:
            O.accounts = atoi(optarg);
            break;
        case 27:
            O.tls = true;
            break;
        case 28:
            O.local_ips = atoi(optarg);
            break;
        case 'p':
            O.pid = atoi(optarg);
            break;
        case 29:
            O.latency = true;
            break;
        case 30:
            O.discard = true;
            break;
        case 31:
            O.warmup = atof(optarg);
            break;
        case 32:
            O.settle = atof(optarg);
            break;
        case 33:
            O.hold = atof(optarg);
            break;
        case 't':
            O.threads = atoi(optarg);
            break;
        case 34:
            O.json = true;
            break;
        case 35:
            O.stall = atof(optarg);
            break;
        case 36:
            O.payload = optarg;
            break;
        case 37:
            O.label = optarg;
            break;
        case 38:
            O.consumer_json = optarg;
            break;
        case 39:
            O.slow = atoi(optarg);
            break;
        default:
            usage();
        }
    }
    if (argc - optind != 3)
        usage();
    O.mode_name = argv[optind];
    O.host = argv[optind + 1];
    O.port = argv[optind + 2];
    const char *m = O.mode_name;
    O.mode = !strcmp(m, "pub")      ? M_PUBSUB
             : !strcmp(m, "req")    ? M_REQ
             : !strcmp(m, "js")     ? M_JS
             : !strcmp(m, "jspull") ? M_JSPULL
             : !strcmp(m, "conns")  ? M_CONNS
             : !strcmp(m, "subs")   ? M_SUBS
                                    : 99;
    if ((int)O.mode == 99)
        usage();
    if (O.threads < 1 || O.window < 1 || O.subjects < 1 || O.size < 0 || O.batch < 1 || O.conns < 1)
        usage();
    if (O.payload)
        O.size = (long)strlen(O.payload);
    if (O.latency && O.size < 8)
        die("--latency needs --size 8 or more");
    if (!O.subject)
        O.subject = O.mode == M_SUBS                       ? "load.%h.%l"
                    : O.mode == M_JS || O.mode == M_JSPULL ? "loadjs.%d"
                    : O.subjects > 1                       ? "load.%h.%l"
                                                           : "load";
    if (!O.msgs && O.secs <= 0 && O.mode < M_CONNS)
        O.secs = 5;
    if (O.rate > 0 && !O.tick_us)
        O.tick_us = O.rate >= 2000 ? 1000 : (int)(2e6 / O.rate) < 10000 ? 1000 : 10000;
    if (O.tls) {
        g_ctx = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_verify(g_ctx, SSL_VERIFY_NONE, NULL);
        SSL_CTX_set_mode(g_ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_session_cache_mode(g_ctx, SSL_SESS_CACHE_OFF);
    }
    signal(SIGPIPE, SIG_IGN);
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);

    struct addrinfo hint = {.ai_socktype = SOCK_STREAM}, *ai;
    int ge = getaddrinfo(O.host, O.port, &hint, &ai);
    if (ge)
        die("%s: %s", O.host, gai_strerror(ge));
    memcpy(&g_addr, ai->ai_addr, ai->ai_addrlen);
    g_addrlen = ai->ai_addrlen;
    freeaddrinfo(ai);

    snprintf(g_run, sizeof g_run, "%x", (unsigned)getpid() * 2654435761u);
    g_fill = xalloc((size_t)O.size + 16);
    for (long i = 0; i < O.size; i++)
        g_fill[i] = (char)('a' + i % 26);
    if (O.payload)
        memcpy(g_fill, O.payload, (size_t)O.size);

    NW = O.threads;
    W = xalloc(sizeof *W * (size_t)NW);
    for (int i = 0; i < NW; i++) {
        W[i].id = i;
        W[i].ep = epoll_create1(EPOLL_CLOEXEC);
    }
    uint64_t total = O.msgs > 0 ? (uint64_t)O.msgs : 0;
    g_expect = UINT64_MAX;
    switch (O.mode) {
    case M_PUBSUB:
        if (O.rate <= 0) {
            if (O.latency)
                die("--latency in pub mode needs --rate");
            build_ring();
        }
        for (int i = 0; i < O.subs + O.slow; i++)
            new_conn(R_SUB, i);
        for (int i = 0; i < O.pubs; i++)
            new_conn(R_PUB, i);
        if (O.churn > 0)
            new_conn(R_CHURN, 0);
        spread(total, R_PUB, O.pubs);
        break;
    case M_REQ:
        for (int i = 0; i < O.responders; i++)
            new_conn(R_RESP, i);
        for (int i = 0; i < O.reqs; i++)
            new_conn(R_REQ, i);
        spread(total, R_REQ, O.reqs);
        if (total)
            g_expect = total;
        break;
    case M_JS:
        make_stream();
        for (int i = 0; i < O.conns; i++)
            new_conn(R_JS, i);
        spread(total, R_JS, O.conns);
        if (total)
            g_expect = total;
        break;
    case M_JSPULL:
        make_consumer();
        for (int i = 0; i < O.conns; i++)
            new_conn(R_PULL, i);
        if (total)
            g_expect = total;
        break;
    case M_CONNS:
        for (int i = 0; i < O.conns; i++)
            new_conn(R_IDLE, i);
        break;
    case M_SUBS:
        for (int i = 0; i < O.conns; i++)
            new_conn(R_SUBS, i);
        break;
    }
    pthread_barrier_init(&bar, NULL, (unsigned)NW + 1);
    struct procstat p0, p1, p2;
    proc_read(O.pid, &p0);
    g_first_connect = now_ns();
    for (int i = 0; i < NW; i++)
        pthread_create(&W[i].th, NULL, worker_main, &W[i]);
    pthread_barrier_wait(&bar);
    int64_t t_ready = now_ns();
    int ready = atomic_load(&g_ready);
    if (O.mode >= M_CONNS) {
        proc_read(O.pid, &p1);
        pthread_barrier_wait(&bar);
        usleep((useconds_t)(O.settle * 1e6));
        proc_read(O.pid, &p2);
        double el = secs(t_ready - g_first_connect);
        long units = O.mode == M_CONNS ? ready : O.nsubs;
        double per = units ? (p2.rss - p0.rss) * 1024 / (double)units : 0;
        double cpu = units ? (p1.cpu - p0.cpu) * 1e6 / (double)units : 0;
        if (O.json)
            printf("{\"label\":\"%s\",\"mode\":\"%s\",\"tls\":%s,\"ready\":%d,\"units\":%ld,"
                   "\"secs\":%.3f,\"per_sec\":%.0f,"
                   "\"server_cpu\":%.3f,\"server_us_each\":%.2f,\"rss_before_mib\":%.1f,\"rss_"
                   "after_mib\":%.1f,"
                   "\"kib_each\":%.3f,\"client_cpu\":%.3f}\n",
                   O.label, O.mode_name, O.tls ? "true" : "false", ready, units, el,
                   (double)units / el, p1.cpu - p0.cpu, cpu, p0.rss, p2.rss, per, self_cpu());
        else
            printf("%s%s: %d connections ready, %ld %s in %.3f s (%.0f/s); server CPU %.3f s (%.1f "
                   "us each); "
                   "RSS %.1f -> %.1f MiB (%.2f KiB each)\n",
                   O.mode_name, O.tls ? " (TLS)" : "", ready, units,
                   O.mode == M_CONNS ? "accepted" : "subscriptions", el, (double)units / el,
                   p1.cpu - p0.cpu, cpu, p0.rss, p2.rss, per);
        fflush(stdout);
        if (O.hold > 0) {
            struct procstat h0, h1;
            proc_read(O.pid, &h0);
            usleep((useconds_t)(O.hold * 1e6));
            proc_read(O.pid, &h1);
            printf("held %.0f s: server CPU %.4f s/s, RSS %.1f MiB\n", O.hold,
                   (h1.cpu - h0.cpu) / O.hold, h1.rss);
        }
        atomic_store(&g_stop, true);
        pthread_barrier_wait(&bar);
        for (int i = 0; i < NW; i++)
            for (int j = 0; j < W[i].nconns; j++)
                if (W[i].conns[j]->fd >= 0)
                    close(W[i].conns[j]->fd);
        if (g_err[0])
            fprintf(stderr, "natsload: %d lost, first: %s\n", atomic_load(&g_dead), g_err);
        return ready == g_nconn ? 0 : 1;
    }
    if (ready < g_nconn)
        die("%d of %d connections ready: %s", ready, g_nconn, g_err);
    proc_read(O.pid, &p0);
    double c0 = self_cpu();
    /* expected deliveries, when the number of messages is fixed */
    uint64_t per_msg = 0;
    if (O.mode == M_PUBSUB && O.subs > 0) {
        if (O.queue)
            per_msg = 1;
        else if (O.split)
            per_msg = O.subjects >= O.subs ? 1 : (uint64_t)(O.subs / O.subjects);
        else
            per_msg = (uint64_t)O.subs;
        g_expect = total ? total * per_msg : UINT64_MAX;
    }
    g_start = now_ns();
    pthread_barrier_wait(&bar);
    /* watch: time up, stalls */
    uint64_t lastprog = 0;
    int64_t lastmove = now_ns();
    bool stalled = false;
    while (!atomic_load(&g_stop)) {
        usleep(5000);
        int64_t t = now_ns();
        if (O.secs > 0 && secs(t - g_start) >= O.secs && !atomic_load(&g_finish)) {
            atomic_store(&g_finish, true);
            if (O.mode == M_JSPULL || O.mode == M_REQ || O.mode == M_JS) {
                long long z = 0;
                atomic_compare_exchange_strong(&g_end_ns, &z, (long long)t);
                atomic_store(&g_stop, true);
            }
        }
        uint64_t prog = atomic_load(&g_recv) + (uint64_t)(unsigned)atomic_load(&g_pubs_done);
        for (int i = 0; i < NW && O.mode == M_PUBSUB; i++)
            for (int j = 0; j < W[i].nconns; j++)
                prog += W[i].conns[j]->sent;
        if (O.mode == M_PUBSUB && atomic_load(&g_pubs_done) >= O.pubs && g_expect == UINT64_MAX &&
            O.subs > 0) {
            /* run by time: now we know how many were sent */
            uint64_t sent = 0;
            for (int i = 0; i < NW; i++)
                for (int j = 0; j < W[i].nconns; j++)
                    if (W[i].conns[j]->role == R_PUB)
                        sent += O.rate > 0 ? W[i].conns[j]->sent : ring_count(W[i].conns[j]->sent);
            g_expect = sent * per_msg;
            lastmove = t;
        }
        if (prog != lastprog)
            lastprog = prog, lastmove = t;
        if (secs(t - lastmove) > O.stall) {
            stalled = true;
            atomic_store(&g_end_ns, (long long)lastmove);
            atomic_store(&g_stop, true);
        }
    }
    int64_t t1 = atomic_load(&g_end_ns);
    pthread_barrier_wait(&bar);
    proc_read(O.pid, &p1);
    double c1 = self_cpu();
    double el = secs(t1 - g_start);
    struct hist *h = xalloc(sizeof *h);
    uint64_t recv = 0, errs = 0, sent = 0, mn = UINT64_MAX, mx = 0;
    for (int i = 0; i < NW; i++) {
        hist_merge(h, &W[i].h);
        recv += W[i].recv;
        errs += W[i].errs;
        for (int j = 0; j < W[i].nconns; j++) {
            struct conn *c = W[i].conns[j];
            if (c->role == R_PUB)
                sent += O.rate > 0 ? c->sent : ring_count(c->sent);
            if (c->role == R_REQ || c->role == R_JS)
                sent += c->sent;
            if (c->role == R_SUB && c->idx < O.subs) {
                if (c->got < mn)
                    mn = c->got;
                if (c->got > mx)
                    mx = c->got;
            }
        }
    }
    /* a "message" of the per-million figures: published, or answered, or consumed */
    uint64_t unit = O.mode == M_PUBSUB ? sent : recv;
    double dcpu = p1.cpu - p0.cpu, mil = (double)unit / 1e6, milr = (double)recv / 1e6;
    if (O.json) {
        printf("{\"label\":\"%s\",\"mode\":\"%s\",\"size\":%ld,\"pubs\":%d,\"subs\":%d,\"queue\":%"
               "s,\"subjects\":%d,\"reqs\":%d,\"conns\":%d,"
               "\"window\":%d,\"rate\":%.0f,\"secs\":%.3f,\"sent\":%" PRIu64 ",\"recv\":%" PRIu64
               ",\"msgs_per_sec\":%.0f,\"recv_per_sec\":%.0f,\"payload_mib_per_sec\":%.1f,\"server_"
               "cpu\":%.3f,"
               "\"server_user\":%.2f,\"server_sys\":%.2f,\"cpu_per_million\":%.4f,\"cpu_per_"
               "million_delivered\":%.4f,"
               "\"client_cpu\":%.3f,\"rss_mib\":%.1f,\"hwm_mib\":%.1f,\"p50_us\":%.1f,\"p90_us\":%."
               "1f,\"p99_us\":%.1f,"
               "\"p999_us\":%.1f,\"max_us\":%.1f,\"errors\":%" PRIu64
               ",\"lost_conns\":%d,\"stalled\":%s}\n",
               O.label, O.mode_name, O.size, O.pubs, O.subs, O.queue ? "true" : "false", O.subjects,
               O.reqs, O.conns, O.window, O.rate, el, sent, recv, (double)unit / el,
               (double)recv / el,
               (double)(O.mode == M_PUBSUB && O.subs ? recv : unit) * (double)O.size / el / 1048576,
               dcpu, p1.user - p0.user, p1.sys - p0.sys, mil > 0 ? dcpu / mil : 0,
               milr > 0 ? dcpu / milr : 0, c1 - c0, p1.rss, p1.hwm, hist_q(h, .5) / 1e3,
               hist_q(h, .9) / 1e3, hist_q(h, .99) / 1e3, hist_q(h, .999) / 1e3,
               (double)h->max / 1e3, errs, atomic_load(&g_dead), stalled ? "true" : "false");
    } else {
        printf("%s: %.3f s, sent %" PRIu64 ", received %" PRIu64, O.mode_name, el, sent, recv);
        if (O.subs > 1)
            printf(" (per subscriber %" PRIu64 "..%" PRIu64 ")", mn, mx);
        printf("\n  %.0f msgs/s", (double)unit / el);
        if (O.mode == M_PUBSUB && O.subs)
            printf(" published, %.0f msgs/s delivered", (double)recv / el);
        printf(", %.1f MiB/s of payload\n", (double)(O.mode == M_PUBSUB && O.subs ? recv : unit) *
                                                (double)O.size / el / 1048576);
        if (h->n)
            printf("  latency us: p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  p99.99 %.1f  max %.1f  "
                   "mean %.1f  (n %" PRIu64 ")\n",
                   hist_q(h, .5) / 1e3, hist_q(h, .9) / 1e3, hist_q(h, .99) / 1e3,
                   hist_q(h, .999) / 1e3, hist_q(h, .9999) / 1e3, (double)h->max / 1e3,
                   h->sum / (double)h->n / 1e3, h->n);
        if (O.pid)
            printf("  server: CPU %.3f s (user %.2f, sys %.2f), %.4f CPU-s per million%s, RSS %.1f "
                   "MiB (peak %.1f)\n",
                   dcpu, p1.user - p0.user, p1.sys - p0.sys, mil > 0 ? dcpu / mil : 0,
                   O.mode == M_PUBSUB ? " published" : "", p1.rss, p1.hwm);
        printf("  client: CPU %.3f s\n", c1 - c0);
        if (errs || atomic_load(&g_dead) || stalled)
            printf("  trouble: %" PRIu64 " errors, %d connections lost, %s%s\n", errs,
                   atomic_load(&g_dead), stalled ? "stalled; " : "", g_err);
    }
    free(h);
    return errs || stalled || atomic_load(&g_dead) ? 1 : 0;
}
