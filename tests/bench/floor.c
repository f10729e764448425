/*
 * floor - the least a broker of this protocol can cost on a machine.
 *
 * A single-threaded relay with just enough of the NATS client protocol to be
 * loaded by natsload: INFO, CONNECT, PING, SUB (queue groups and wildcards),
 * UNSUB, PUB.  No accounts, permissions, limits, statistics or TLS.  It shows
 * what parsing in place, a match cache and output coalesced once per loop
 * turn cost, so that a real broker's figures can be read against it.
 *
 *   floor HOST PORT [SPIN]
 *
 * SPIN: microseconds to poll for more before sleeping (0).
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536
#define HIGH (8u << 20) /* output held for one connection before its publishers wait */

struct chunk {
    struct chunk *next;
    uint32_t off, len;
    char data[CHUNK];
};

struct conn {
    int fd, nstalled;
    bool dirty, want_out, dead, stalled;
    struct chunk *head, *tail;
    size_t pending;
    char *part; /* input left over: an unfinished command */
    size_t plen;
    struct conn *dirty_next, *stall_next;
    struct sub *subs;
};

struct sub {
    struct sub *next, *cnext; /* same bucket or list; same connection */
    struct conn *c;
    bool wild, gone;
    uint16_t slen, qlen, sidlen;
    char sid[20];
    char text[]; /* subject, then queue */
};

static int ep;
static struct chunk *pool;
static struct conn *dirty, *stalled;
static struct sub *wild;
static struct sub **tab;
static size_t tabn = 1 << 16, nsubs;
static uint64_t generation = 1;
static uint32_t rr;

#define CACHE 8192
struct centry {
    uint64_t gen;
    uint32_t hash;
    uint16_t slen;
    char subj[128];
    int n, cap;
    struct sub **v;
};
static struct centry *cache;

static uint32_t hash(const char *p, size_t n)
{
    uint64_t h = 0x9e3779b97f4a7c15ull ^ n;
    while (n >= 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        h = (h ^ v) * 0xff51afd7ed558ccdull;
        h ^= h >> 32;
        p += 8, n -= 8;
    }
    uint64_t v = 0;
    memcpy(&v, p, n);
    h = (h ^ v) * 0xff51afd7ed558ccdull;
    return (uint32_t)(h ^ (h >> 29));
}

static bool match(const char *s, size_t sn, const char *f, size_t fn)
{
    size_t i = 0, j = 0;
    for (;;) {
        if (j < fn && f[j] == '>')
            return i < sn;
        size_t a = i, b = j;
        while (i < sn && s[i] != '.')
            i++;
        while (j < fn && f[j] != '.')
            j++;
        if (!(j - b == 1 && f[b] == '*') && (i - a != j - b || memcmp(s + a, f + b, i - a) != 0))
            return false;
        bool se = i >= sn, fe = j >= fn;
        if (se || fe)
            return se && fe;
        i++, j++;
    }
}

static struct centry *lookup(const char *s, size_t n)
{
    uint32_t h = hash(s, n);
    struct centry *e = &cache[h & (CACHE - 1)];
    if (e->gen == generation && e->hash == h && e->slen == n && !memcmp(e->subj, s, n))
        return e;
    e->n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (struct sub *x = pass ? wild : tab[h & (tabn - 1)]; x; x = x->next) {
            if (x->gone || (pass ? !match(s, n, x->text, x->slen)
                                 : (x->slen != n || memcmp(x->text, s, n) != 0)))
                continue;
            if (e->n == e->cap)
                e->v = realloc(e->v, sizeof *e->v * (size_t)(e->cap = e->cap ? e->cap * 2 : 4));
            e->v[e->n++] = x;
        }
    e->gen = n <= sizeof e->subj ? generation : 0;
    e->hash = h;
    e->slen = (uint16_t)n;
    if (n <= sizeof e->subj)
        memcpy(e->subj, s, n);
    return e;
}

static char *room(struct conn *c, size_t n)
{ /* contiguous, n <= CHUNK */
    if (!c->tail || CHUNK - c->tail->len < n) {
        struct chunk *k = pool;
        if (k)
            pool = k->next;
        else
            k = malloc(sizeof *k);
        k->next = NULL;
        k->off = k->len = 0;
        if (c->tail)
            c->tail->next = k;
        else
            c->head = k;
        c->tail = k;
    }
    if (!c->dirty) {
        c->dirty = true;
        c->dirty_next = dirty;
        dirty = c;
    }
    return c->tail->data + c->tail->len;
}

static void put(struct conn *c, const char *p, size_t n)
{
    while (n) {
        size_t k = n;
        if (!c->tail || c->tail->len == CHUNK)
            room(c, 1);
        else
            room(c, 0);
        if (k > CHUNK - c->tail->len)
            k = CHUNK - c->tail->len;
        memcpy(c->tail->data + c->tail->len, p, k);
        c->tail->len += (uint32_t)k;
        c->pending += k;
        p += k, n -= k;
    }
}

static void want(struct conn *c)
{
    struct epoll_event e = {.events = (c->stalled ? 0 : EPOLLIN) | (c->want_out ? EPOLLOUT : 0),
                            .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

static void flush(struct conn *c)
{
    while (c->head && !c->dead) {
        struct iovec v[64];
        int n = 0;
        for (struct chunk *k = c->head; k && n < 64; k = k->next)
            v[n++] = (struct iovec){k->data + k->off, k->len - k->off};
        ssize_t r = writev(c->fd, v, n);
        if (r < 0) {
            if (errno != EAGAIN)
                c->dead = true;
            break;
        }
        c->pending -= (size_t)r;
        while (c->head && (size_t)r >= c->head->len - c->head->off) {
            struct chunk *k = c->head;
            r -= k->len - k->off;
            c->head = k->next;
            k->next = pool;
            pool = k;
        }
        if (!c->head)
            c->tail = NULL;
        else
            c->head->off += (uint32_t)r;
    }
    bool w = c->head != NULL && !c->dead;
    if (w != c->want_out) {
        c->want_out = w;
        want(c);
    }
}

static void deliver(struct sub *x, const char *s, size_t sn, const char *r, size_t rn,
                    const char *num, size_t nn, const char *body, size_t bn)
{
    struct conn *c = x->c;
    char h[512], *p = h;
    bool small = sn + rn + bn + 64 <= CHUNK / 4;
    if (small)
        p = room(c, sn + rn + bn + 64);
    char *b = p;
    memcpy(p, "MSG ", 4), p += 4;
    memcpy(p, s, sn), p += sn;
    *p++ = ' ';
    memcpy(p, x->sid, 20), p += x->sidlen;
    *p++ = ' ';
    if (rn) {
        memcpy(p, r, rn), p += rn;
        *p++ = ' ';
    }
    memcpy(p, num, nn), p += nn;
    *p++ = '\r', *p++ = '\n';
    if (small) {
        memcpy(p, body, bn), p += bn; /* body carries its CRLF */
        c->tail->len += (uint32_t)(p - b);
        c->pending += (size_t)(p - b);
    } else {
        put(c, h, (size_t)(p - h));
        put(c, body, bn);
    }
}

static void publish(struct conn *from, const char *s, size_t sn, const char *r, size_t rn,
                    const char *num, size_t nn, const char *body, size_t bn)
{
    struct centry *e = lookup(s, sn);
    uint32_t pick = 0;
    const char *q = NULL;
    size_t qn = 0;
    bool slow = false;
    for (int i = 0; i < e->n; i++) {
        struct sub *x = e->v[i];
        if (x->qlen) { /* one queue group for each subject is all the load needs */
            if (!q) {
                q = x->text + x->slen, qn = x->qlen;
                uint32_t m = 0;
                for (int j = i; j < e->n; j++)
                    m += e->v[j]->qlen == qn;
                rr = rr * 1664525u + 1013904223u;
                pick = (uint32_t)(((uint64_t)rr * m) >> 32);
            }
            if (x->qlen == qn && pick-- != 0)
                continue;
        }
        deliver(x, s, sn, r, rn, num, nn, body, bn);
        if (x->c->pending > HIGH)
            slow = true;
    }
    if (slow && !from->stalled) {
        from->stalled = true;
        from->stall_next = stalled;
        stalled = from;
        want(from);
    }
}

static void add_sub(struct conn *c, const char *s, size_t sn, const char *q, size_t qn,
                    const char *sid, size_t dn)
{
    struct sub *x = calloc(1, sizeof *x + sn + qn);
    x->c = c;
    x->slen = (uint16_t)sn, x->qlen = (uint16_t)qn, x->sidlen = (uint16_t)(dn < 20 ? dn : 20);
    memcpy(x->text, s, sn);
    memcpy(x->text + sn, q, qn);
    memcpy(x->sid, sid, x->sidlen);
    x->wild = memchr(s, '*', sn) || memchr(s, '>', sn);
    if (!x->wild && ++nsubs > tabn) {
        size_t m = tabn * 4;
        struct sub **t = calloc(m, sizeof *t);
        for (size_t i = 0; i < tabn; i++)
            for (struct sub *y = tab[i], *z; y; y = z) {
                z = y->next;
                uint32_t h = hash(y->text, y->slen);
                y->next = t[h & (m - 1)];
                t[h & (m - 1)] = y;
            }
        free(tab);
        tab = t, tabn = m;
    }
    struct sub **l = x->wild ? &wild : &tab[hash(s, sn) & (tabn - 1)];
    x->next = *l;
    *l = x;
    x->cnext = c->subs;
    c->subs = x;
    generation++;
}

static void drop_sub(struct sub *x)
{
    struct sub **l = x->wild ? &wild : &tab[hash(x->text, x->slen) & (tabn - 1)];
    while (*l && *l != x)
        l = &(*l)->next;
    if (*l)
        *l = x->next;
    generation++;
}

static void drop_conn(struct conn *c)
{
    for (struct sub *x = c->subs, *y; x; x = y) {
        y = x->cnext;
        drop_sub(x);
        free(x);
    }
    for (struct conn **p = &stalled; *p; p = &(*p)->stall_next)
        if (*p == c) {
            *p = c->stall_next;
            break;
        }
    while (c->head) {
        struct chunk *k = c->head;
        c->head = k->next;
        k->next = pool;
        pool = k;
    }
    close(c->fd);
    free(c->part);
    free(c);
}

/* Consumes whole commands; returns the bytes used. */
struct words {
    char *at[5];
    size_t len[5];
    int count;
};

/* The words from q on that one blank parts, at most max. */
static void split(struct words *words, char *q, char *end, int max)
{
    while (q < end && words->count < max) {
        char *blank = memchr(q, ' ', (size_t)(end - q));

        words->at[words->count] = q;
        words->len[words->count++] = (size_t)((blank ? blank : end) - q);
        q = blank ? blank + 1 : end;
    }
}

/* A PUB whose line ends at end, its newline at nl; 0 if its payload has not come yet. */
static size_t parse_pub(struct conn *c, char *p, char *end, char *nl, char *e)
{
    struct words words = {0};
    int last;
    size_t size = 0;

    split(&words, p + 4, end, 3);
    last = words.count - 1;
    if (last < 1) {
        c->dead = true;
        return (size_t)(e - p);
    }
    for (size_t i = 0; i < words.len[last]; i++)
        size = size * 10 + (size_t)(words.at[last][i] - '0');
    if ((size_t)(e - nl - 1) < size + 2)
        return 0;
    publish(c, words.at[0], words.len[0], last == 2 ? words.at[1] : NULL,
            last == 2 ? words.len[1] : 0, words.at[last], words.len[last], nl + 1, size + 2);
    return (size_t)(nl + 1 + size + 2 - p);
}

static void remove_sub(struct conn *c, const char *sid, size_t len)
{
    for (struct sub **x = &c->subs; *x; x = &(*x)->cnext) {
        struct sub *y = *x;

        if (y->sidlen == len && !memcmp(y->sid, sid, len)) {
            drop_sub(y);
            *x = y->cnext;
            free(y);
            return;
        }
    }
}

static void parse_sub(struct conn *c, char *p, char *end)
{
    char *blank = memchr(p, ' ', (size_t)(end - p));
    struct words words = {0};
    int n;

    if (blank)
        split(&words, blank + 1, end, 4);
    n = words.count;
    if ((p[0] | 32) != 's' && n >= 1)
        remove_sub(c, words.at[0], words.len[0]);
    else if ((p[0] | 32) == 's' && n >= 2)
        add_sub(c, words.at[0], words.len[0], n == 3 ? words.at[1] : "", n == 3 ? words.len[1] : 0,
                words.at[n - 1], words.len[n - 1]);
}

static size_t parse(struct conn *c, char *p, size_t n)
{
    char *b = p, *e = p + n;

    while (p < e && !c->stalled && !c->dead) {
        char *nl = memchr(p, '\n', (size_t)(e - p));
        char *end = nl && nl > p && nl[-1] == '\r' ? nl - 1 : nl;
        char verb = (char)(p[0] | 32);

        if (!nl)
            break;
        if (verb == 'p' && end - p >= 4 && (p[1] | 32) == 'u') {
            size_t used = parse_pub(c, p, end, nl, e);

            if (used == 0)
                break;
            p += used;
            continue;
        }
        if (verb == 'p' && (p[1] | 32) == 'i')
            put(c, "PONG\r\n", 6);
        else if (verb == 's' || verb == 'u')
            parse_sub(c, p, end);
        p = nl + 1;
    }
    return (size_t)(p - b);
}

static void readable(struct conn *c)
{
    static char buf[1 << 18];
    size_t have = c->plen;
    if (have + 65536 > sizeof buf) { /* one command larger than the buffer */
        c->dead = true;
        return;
    }
    if (have)
        memcpy(buf, c->part, have);
    ssize_t r = 0;
    if (!c->stalled) {
        r = recv(c->fd, buf + have, sizeof buf - have < 131072 ? sizeof buf - have : 131072, 0);
        if (r == 0 || (r < 0 && errno != EAGAIN)) {
            c->dead = true;
            return;
        }
        if (r < 0)
            return;
    }
    size_t n = have + (size_t)r, used = parse(c, buf, n);
    size_t left = n - used;
    if (left) {
        if (left > c->plen || !c->part)
            c->part = realloc(c->part, left);
        memcpy(c->part, buf + used, left);
    } else if (c->part) {
        free(c->part);
        c->part = NULL;
    }
    c->plen = left;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int open_listener(const char *host, const char *port)
{
    struct addrinfo h = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *ai;
    struct sockaddr_in bound = {0};
    socklen_t bound_len = sizeof bound;
    int one = 1, ls;

    if (getaddrinfo(host, port, &h, &ai))
        return -1;
    ls = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(ls, ai->ai_addr, ai->ai_addrlen) || listen(ls, 4096)) {
        perror("listen");
        return -1;
    }
    freeaddrinfo(ai);
    getsockname(ls, (struct sockaddr *)&bound, &bound_len);
    fprintf(stderr, "Listening for client connections on %s:%d\nServer is ready\n", host,
            ntohs(bound.sin_port));
    return ls;
}

static void accept_all(int ls)
{
    static const char info[] = "INFO {\"server_id\":\"FLOOR\",\"version\":\"2.10.0\",\"proto\":1,"
                               "\"headers\":true,\"max_payload\":1048576}\r\n";
    int fd, one = 1;

    while ((fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct conn *c = calloc(1, sizeof *c);
        struct epoll_event x = {.events = EPOLLIN, .data.ptr = c};

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->fd = fd;
        epoll_ctl(ep, EPOLL_CTL_ADD, fd, &x);
        put(c, info, sizeof info - 1);
    }
}

static void mark_dirty(struct conn *c)
{
    if (c->dirty)
        return;
    c->dirty = true;
    c->dirty_next = dirty;
    dirty = c;
}

static void on_event(struct conn *c, uint32_t events)
{
    if (c->dead)
        return;
    if (events & EPOLLOUT)
        mark_dirty(c);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        readable(c);
    if (c->dead)
        mark_dirty(c);
}

/* Writes what the turn has brought; the connections that are lost. */
static struct conn *flush_dirty(void)
{
    struct conn *dead = NULL;

    for (struct conn *c = dirty, *next; c; c = next) {
        next = c->dirty_next;
        c->dirty = false;
        if (!c->dead)
            flush(c);
        if (c->dead) {
            c->dirty_next = dead;
            dead = c;
        }
    }
    dirty = NULL;
    return dead;
}

static bool outputs_are_low(void)
{
    for (int i = 0; i < CACHE; i++)
        for (int j = 0; j < cache[i].n && cache[i].gen == generation; j++)
            if (cache[i].v[j]->c->pending > HIGH / 2)
                return false;
    return true;
}

/* What was read before the wait. */
static void parse_left(struct conn *c)
{
    static char tmp[1 << 18];

    while (c->plen && !c->stalled && !c->dead) {
        size_t was = c->plen, used;

        memcpy(tmp, c->part, was);
        used = parse(c, tmp, was);
        if (!used)
            return;
        memmove(c->part, c->part + used, was - used);
        c->plen = was - used;
    }
}

/* Publishers wait until every output is below half the mark. */
static void resume_stalled(void)
{
    struct conn *list = stalled;

    stalled = NULL;
    while (list) {
        struct conn *c = list;

        list = list->stall_next;
        if (!outputs_are_low()) {
            c->stall_next = stalled;
            stalled = c;
            continue;
        }
        c->stalled = false;
        want(c);
        parse_left(c);
    }
}

static int wait_events(struct epoll_event *events, int max, int64_t spin)
{
    int64_t end = spin ? now_ns() + spin : 0;
    int n = 0;

    while (spin && !(n = epoll_wait(ep, events, max, 0)) && now_ns() < end) {
    }
    return n > 0 ? n : epoll_wait(ep, events, max, -1);
}

int main(int argc, char **argv)
{
    int64_t spin = argc > 3 ? strtol(argv[3], NULL, 10) * 1000 : 0;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, ev[256];
    struct rlimit rl;
    int ls;

    if (argc < 3) {
        fputs("usage: floor HOST PORT [SPIN]\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    ls = open_listener(argv[1], argv[2]);
    if (ls < 0)
        return 2;
    cache = calloc(CACHE, sizeof *cache);
    tab = calloc(tabn, sizeof *tab);
    ep = epoll_create1(0);
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
    for (;;) {
        int n = wait_events(ev, 256, spin);
        struct conn *dead;

        for (int i = 0; i < n; i++) {
            if (ev[i].data.ptr)
                on_event(ev[i].data.ptr, ev[i].events);
            else
                accept_all(ls);
        }
        dead = flush_dirty();
        resume_stalled();
        while (dead) {
            struct conn *c = dead;

            dead = c->dirty_next;
            drop_conn(c);
        }
    }
}
