/*
 * load: what the parts of natsload share.
 *
 * A program for measuring, with one state for the whole process; see natsload.c.
 *
 * Ownership  the process.
 * Thread     O and the g_ tables are set before the threads start; the atomic ones are shared;
 *            a struct worker and its connections are one thread's.
 * Errors     die() ends the program.
 */
#pragma once

#include <inttypes.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

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

struct procstat {
    double cpu, user, sys; /* seconds */
    double rss, hwm;       /* MiB */
    long threads;
};

enum mode { M_PUBSUB, M_REQ, M_JS, M_JSPULL, M_CONNS, M_SUBS };

struct load_options {
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
};

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

extern struct load_options O;
extern struct worker *W;
extern int NW;
extern pthread_barrier_t bar;
extern atomic_ullong g_recv;
extern atomic_int g_pubs_done, g_ready, g_dead;
extern atomic_bool g_stop, g_finish;
extern atomic_llong g_end_ns;
extern uint64_t g_expect;
extern int64_t g_start;
extern int g_nconn;
extern struct sockaddr_storage g_addr;
extern socklen_t g_addrlen;
extern char *g_fill; /* payload bytes */
extern char *g_ring; /* prebuilt publications */
extern size_t g_ringlen;
extern uint64_t g_ring_msgs;
extern char g_run[16]; /* distinguishes inboxes of this run */
extern char g_err[256];
extern SSL_CTX *g_ctx;
extern int64_t g_first_connect;
extern uint64_t *g_msg_off; /* ring: offset of each message */

_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *xalloc(size_t n);
void hist_merge(struct hist *a, const struct hist *b);
double hist_q(const struct hist *h, double q);
void proc_read(int pid, struct procstat *s);
double self_cpu(void);

/* Subject or user name from a pattern. */
int expand(char *out, size_t cap, const char *f, long i);
void parse_options(int argc, char **argv);

void out_reserve(struct conn *c, size_t n);
void out_put(struct conn *c, const void *p, size_t n);
void out_fmt(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *put_num(char *p, uint64_t v);
void conn_dead(struct worker *w, struct conn *c, const char *why);
ssize_t conn_send(struct conn *c, const void *p, size_t n);
ssize_t conn_recv(struct conn *c, void *p, size_t n);
void want_out(struct worker *w, struct conn *c, bool on);
void flush_out(struct worker *w, struct conn *c);
void start_connect(struct worker *w, struct conn *c);
void on_info(struct worker *w, struct conn *c);
void parse(struct worker *w, struct conn *c, char *p, size_t n);
void send_connect(struct conn *c);

void build_ring(void);
uint64_t ring_count(uint64_t bytes);
void pub_flood(struct worker *w, struct conn *c);
void request_next(struct conn *c, long slot, int64_t at);
void pull_next(struct conn *c);
void tick(struct worker *w, int64_t due, double share);

void on_event(struct worker *w, struct conn *c, uint32_t ev);
void *worker_main(void *arg);

void make_stream(void);
void make_consumer(void);
