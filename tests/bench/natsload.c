/*
 * natsload - load generator for brokers that speak the NATS client protocol.
 *
 * Raw protocol over sockets, epoll, no client library.  Built to cost far less CPU than the
 * broker under test, and to report what the broker spent (CPU-seconds for a million messages,
 * resident memory) when its process id is given.  Without arguments it lists modes and options.
 *
 * A run: connections are spread over threads (load/turn.c) and made ready; when all are, the
 * start time is taken and all begin; this thread watches for the end, or for a standstill.
 */
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/bench/load/load.h"

struct worker *W;
int NW;
pthread_barrier_t bar;
atomic_ullong g_recv;
atomic_int g_pubs_done, g_ready, g_dead;
atomic_bool g_stop, g_finish;
atomic_llong g_end_ns;
uint64_t g_expect;
int64_t g_start;
int g_nconn;
struct sockaddr_storage g_addr;
socklen_t g_addrlen;
char *g_fill; /* payload bytes */
char *g_ring; /* prebuilt publications */
size_t g_ringlen;
uint64_t g_ring_msgs;
char g_run[16]; /* distinguishes inboxes of this run */
char g_err[256];
SSL_CTX *g_ctx;
int64_t g_first_connect;
uint64_t *g_msg_off; /* ring: offset of each message */

/* What a run has brought. */
struct sums {
    struct hist *latency;
    uint64_t recv, errors, sent;
    uint64_t got_min, got_max; /* of the subscribers */
    uint64_t units;            /* messages of the per-million figures */
    double secs, cpu, user, sys, client_cpu;
    struct procstat end;
    bool stalled;
};

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

static void prepare_tls(void)
{
    g_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(g_ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(g_ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(g_ctx, SSL_SESS_CACHE_OFF);
}

static void resolve(void)
{
    struct addrinfo hint = {.ai_socktype = SOCK_STREAM}, *found;
    int failed = getaddrinfo(O.host, O.port, &hint, &found);

    if (failed)
        die("%s: %s", O.host, gai_strerror(failed));
    memcpy(&g_addr, found->ai_addr, found->ai_addrlen);
    g_addrlen = found->ai_addrlen;
    freeaddrinfo(found);
}

static void prepare(void)
{
    struct rlimit files;

    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (O.tls)
        prepare_tls();
    resolve();
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
}

static void add_conns(enum role r, int n)
{
    for (int i = 0; i < n; i++)
        new_conn(r, i);
}

static void populate(uint64_t total)
{
    g_expect = total ? total : UINT64_MAX;
    switch (O.mode) {
    case M_PUBSUB:
        if (O.rate <= 0 && O.latency)
            die("--latency in pub mode needs --rate");
        if (O.rate <= 0)
            build_ring();
        add_conns(R_SUB, O.subs + O.slow);
        add_conns(R_PUB, O.pubs);
        add_conns(R_CHURN, O.churn > 0 ? 1 : 0);
        spread(total, R_PUB, O.pubs);
        g_expect = UINT64_MAX;
        break;
    case M_REQ:
        add_conns(R_RESP, O.responders);
        add_conns(R_REQ, O.reqs);
        spread(total, R_REQ, O.reqs);
        break;
    case M_JS:
        make_stream();
        add_conns(R_JS, O.conns);
        spread(total, R_JS, O.conns);
        break;
    case M_JSPULL:
        make_consumer();
        add_conns(R_PULL, O.conns);
        break;
    case M_CONNS:
        add_conns(R_IDLE, O.conns);
        break;
    case M_SUBS:
        add_conns(R_SUBS, O.conns);
        break;
    }
}

/* --- connections and subscriptions that do nothing ------------------------------------------- */

static void print_idle(int ready, double elapsed, const struct procstat *before,
                       const struct procstat *made, const struct procstat *settled)
{
    long units = O.mode == M_CONNS ? ready : O.nsubs;
    double kib = units ? (settled->rss - before->rss) * 1024 / (double)units : 0;
    double spent = made->cpu - before->cpu;
    double us = units ? spent * 1e6 / (double)units : 0;

    if (O.json)
        printf("{\"label\":\"%s\",\"mode\":\"%s\",\"tls\":%s,\"ready\":%d,\"units\":%ld,"
               "\"secs\":%.3f,\"per_sec\":%.0f,\"server_cpu\":%.3f,\"server_us_each\":%.2f,"
               "\"rss_before_mib\":%.1f,\"rss_after_mib\":%.1f,\"kib_each\":%.3f,"
               "\"client_cpu\":%.3f}\n",
               O.label, O.mode_name, O.tls ? "true" : "false", ready, units, elapsed,
               (double)units / elapsed, spent, us, before->rss, settled->rss, kib, self_cpu());
    else
        printf("%s%s: %d connections ready, %ld %s in %.3f s (%.0f/s); server CPU %.3f s "
               "(%.1f us each); RSS %.1f -> %.1f MiB (%.2f KiB each)\n",
               O.mode_name, O.tls ? " (TLS)" : "", ready, units,
               O.mode == M_CONNS ? "accepted" : "subscriptions", elapsed, (double)units / elapsed,
               spent, us, before->rss, settled->rss, kib);
    fflush(stdout);
}

static void hold(void)
{
    struct procstat from, to;

    proc_read(O.pid, &from);
    usleep((useconds_t)(O.hold * 1e6));
    proc_read(O.pid, &to);
    printf("held %.0f s: server CPU %.4f s/s, RSS %.1f MiB\n", O.hold, (to.cpu - from.cpu) / O.hold,
           to.rss);
}

static int run_idle(const struct procstat *before, int ready)
{
    double elapsed = secs(now_ns() - g_first_connect);
    struct procstat made, settled;

    proc_read(O.pid, &made);
    pthread_barrier_wait(&bar);
    usleep((useconds_t)(O.settle * 1e6));
    proc_read(O.pid, &settled);
    print_idle(ready, elapsed, before, &made, &settled);
    if (O.hold > 0)
        hold();
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

/* --- messages --------------------------------------------------------------------------------- */

/* How many deliveries a publication makes. */
static uint64_t deliveries(void)
{
    if (O.mode != M_PUBSUB || O.subs == 0)
        return 0;
    if (O.queue)
        return 1;
    if (O.split)
        return O.subjects >= O.subs ? 1 : (uint64_t)(O.subs / O.subjects);
    return (uint64_t)O.subs;
}

static uint64_t conn_sent(const struct conn *c)
{
    if (c->role == R_PUB)
        return O.rate > 0 ? c->sent : ring_count(c->sent);
    return c->role == R_REQ || c->role == R_JS ? c->sent : 0;
}

static uint64_t all_sent(void)
{
    uint64_t sent = 0;

    for (int i = 0; i < NW; i++)
        for (int j = 0; j < W[i].nconns; j++)
            sent += conn_sent(W[i].conns[j]);
    return sent;
}

/* Anything that grows as long as the run gets on. */
static uint64_t progress(void)
{
    uint64_t done = atomic_load(&g_recv) + (uint64_t)(unsigned)atomic_load(&g_pubs_done);

    for (int i = 0; i < NW && O.mode == M_PUBSUB; i++)
        for (int j = 0; j < W[i].nconns; j++)
            done += W[i].conns[j]->sent;
    return done;
}

static void time_is_up(int64_t now)
{
    long long unset = 0;

    atomic_store(&g_finish, true);
    if (O.mode != M_PUBSUB) {
        atomic_compare_exchange_strong(&g_end_ns, &unset, (long long)now);
        atomic_store(&g_stop, true);
    }
}

/* Until the run ends; true if it has come to a standstill. */
static bool watch(uint64_t per_msg)
{
    uint64_t last = 0;
    int64_t moved = now_ns();

    while (!atomic_load(&g_stop)) {
        usleep(5000);
        int64_t now = now_ns();
        uint64_t done = progress();

        if (O.secs > 0 && secs(now - g_start) >= O.secs && !atomic_load(&g_finish))
            time_is_up(now);
        if (per_msg > 0 && g_expect == UINT64_MAX && atomic_load(&g_pubs_done) >= O.pubs) {
            g_expect = all_sent() * per_msg; /* run by time: known only now */
            moved = now;
        }
        if (done != last)
            last = done, moved = now;
        if (secs(now - moved) > O.stall) {
            atomic_store(&g_end_ns, (long long)moved);
            atomic_store(&g_stop, true);
            return true;
        }
    }
    return false;
}

static void sum_up(struct sums *sums)
{
    sums->latency = xalloc(sizeof *sums->latency);
    sums->got_min = UINT64_MAX;
    sums->sent = all_sent();
    for (int i = 0; i < NW; i++) {
        hist_merge(sums->latency, &W[i].h);
        sums->recv += W[i].recv;
        sums->errors += W[i].errs;
        for (int j = 0; j < W[i].nconns; j++) {
            const struct conn *c = W[i].conns[j];

            if (c->role != R_SUB || c->idx >= O.subs)
                continue;
            if (c->got < sums->got_min)
                sums->got_min = c->got;
            if (c->got > sums->got_max)
                sums->got_max = c->got;
        }
    }
    sums->units = O.mode == M_PUBSUB ? sums->sent : sums->recv;
}

static double mib_per_sec(const struct sums *sums)
{
    uint64_t carried = O.mode == M_PUBSUB && O.subs ? sums->recv : sums->units;

    return (double)carried * (double)O.size / sums->secs / 1048576;
}

static double per_million(double cpu, uint64_t count)
{
    return count > 0 ? cpu / ((double)count / 1e6) : 0;
}

static void print_json(const struct sums *s)
{
    const struct hist *h = s->latency;

    printf("{\"label\":\"%s\",\"mode\":\"%s\",\"size\":%ld,\"pubs\":%d,\"subs\":%d,"
           "\"queue\":%s,\"subjects\":%d,\"reqs\":%d,\"conns\":%d,\"window\":%d,\"rate\":%.0f,",
           O.label, O.mode_name, O.size, O.pubs, O.subs, O.queue ? "true" : "false", O.subjects,
           O.reqs, O.conns, O.window, O.rate);
    printf("\"secs\":%.3f,\"sent\":%" PRIu64 ",\"recv\":%" PRIu64
           ",\"msgs_per_sec\":%.0f,\"recv_per_sec\":%.0f,\"payload_mib_per_sec\":%.1f,",
           s->secs, s->sent, s->recv, (double)s->units / s->secs, (double)s->recv / s->secs,
           mib_per_sec(s));
    printf("\"server_cpu\":%.3f,\"server_user\":%.2f,\"server_sys\":%.2f,"
           "\"cpu_per_million\":%.4f,\"cpu_per_million_delivered\":%.4f,\"client_cpu\":%.3f,"
           "\"rss_mib\":%.1f,\"hwm_mib\":%.1f,",
           s->cpu, s->user, s->sys, per_million(s->cpu, s->units), per_million(s->cpu, s->recv),
           s->client_cpu, s->end.rss, s->end.hwm);
    printf("\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f,"
           "\"errors\":%" PRIu64 ",\"lost_conns\":%d,\"stalled\":%s}\n",
           hist_q(h, .5) / 1e3, hist_q(h, .9) / 1e3, hist_q(h, .99) / 1e3, hist_q(h, .999) / 1e3,
           (double)h->max / 1e3, s->errors, atomic_load(&g_dead), s->stalled ? "true" : "false");
}

static void print_text(const struct sums *s)
{
    const struct hist *h = s->latency;

    printf("%s: %.3f s, sent %" PRIu64 ", received %" PRIu64, O.mode_name, s->secs, s->sent,
           s->recv);
    if (O.subs > 1)
        printf(" (per subscriber %" PRIu64 "..%" PRIu64 ")", s->got_min, s->got_max);
    printf("\n  %.0f msgs/s", (double)s->units / s->secs);
    if (O.mode == M_PUBSUB && O.subs)
        printf(" published, %.0f msgs/s delivered", (double)s->recv / s->secs);
    printf(", %.1f MiB/s of payload\n", mib_per_sec(s));
    if (h->n)
        printf("  latency us: p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  p99.99 %.1f  max %.1f  "
               "mean %.1f  (n %" PRIu64 ")\n",
               hist_q(h, .5) / 1e3, hist_q(h, .9) / 1e3, hist_q(h, .99) / 1e3,
               hist_q(h, .999) / 1e3, hist_q(h, .9999) / 1e3, (double)h->max / 1e3,
               h->sum / (double)h->n / 1e3, h->n);
    if (O.pid)
        printf("  server: CPU %.3f s (user %.2f, sys %.2f), %.4f CPU-s per million%s, "
               "RSS %.1f MiB (peak %.1f)\n",
               s->cpu, s->user, s->sys, per_million(s->cpu, s->units),
               O.mode == M_PUBSUB ? " published" : "", s->end.rss, s->end.hwm);
    printf("  client: CPU %.3f s\n", s->client_cpu);
    if (s->errors || atomic_load(&g_dead) || s->stalled)
        printf("  trouble: %" PRIu64 " errors, %d connections lost, %s%s\n", s->errors,
               atomic_load(&g_dead), s->stalled ? "stalled; " : "", g_err);
}

static int run_messages(uint64_t total, int ready)
{
    uint64_t per_msg = deliveries();
    struct procstat before;
    struct sums sums = {0};
    double client_before;

    if (ready < g_nconn)
        die("%d of %d connections ready: %s", ready, g_nconn, g_err);
    proc_read(O.pid, &before);
    client_before = self_cpu();
    if (per_msg > 0 && total > 0)
        g_expect = total * per_msg;
    g_start = now_ns();
    pthread_barrier_wait(&bar);
    sums.stalled = watch(per_msg);
    sums.secs = secs(atomic_load(&g_end_ns) - g_start);
    pthread_barrier_wait(&bar);
    proc_read(O.pid, &sums.end);
    sums.client_cpu = self_cpu() - client_before;
    sums.cpu = sums.end.cpu - before.cpu;
    sums.user = sums.end.user - before.user;
    sums.sys = sums.end.sys - before.sys;
    sum_up(&sums);
    if (O.json)
        print_json(&sums);
    else
        print_text(&sums);
    free(sums.latency);
    return sums.errors || sums.stalled || atomic_load(&g_dead) ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct procstat before;
    uint64_t total;
    int ready;

    parse_options(argc, argv);
    prepare();
    total = O.msgs > 0 ? (uint64_t)O.msgs : 0;
    populate(total);
    pthread_barrier_init(&bar, NULL, (unsigned)NW + 1);
    proc_read(O.pid, &before);
    g_first_connect = now_ns();
    for (int i = 0; i < NW; i++)
        pthread_create(&W[i].th, NULL, worker_main, &W[i]);
    pthread_barrier_wait(&bar);
    ready = atomic_load(&g_ready);
    return O.mode >= M_CONNS ? run_idle(&before, ready) : run_messages(total, ready);
}
