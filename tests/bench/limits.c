/*
 * limits - what this machine allows, for comparison with a broker's figures.
 *
 *   limits mem              memory copy bandwidth, latency of a cache miss
 *   limits net HOST PORT [options]
 *                           minimal single-threaded epoll relay over TCP: copies bytes, no more
 *       --mode sink|relay|rr   read and drop | one writer to --fan readers | request-reply
 *       --wsize N              bytes in each write of the client (default 128)
 *       --rbuf N               relay's read buffer (default 65536); equal to --wsize it shows one
 *                              system call a message
 *       --fan N                readers (relay), pairs (rr)
 *       --secs S
 *   limits sync DIR [--secs S]
 *                           fdatasync latency, group commit ceiling, many files against one log
 *   limits wake             what it costs to hand work to another thread
 *   limits iov              copying payloads into one output buffer against gathering them
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LATENCIES = 4000000 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *s)
{
    fprintf(stderr, "limits: %s: %s\n", s, strerror(errno));
    exit(2);
}

static int cmp(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void lat_line(const char *what, double *v, size_t n, const char *extra)
{
    if (!n)
        return;
    qsort(v, n, sizeof *v, cmp);
    printf("%-44s n %7zu  us: p50 %8.1f  p90 %8.1f  p99 %8.1f  p99.9 %8.1f  max %9.1f %s\n", what,
           n, v[n / 2] * 1e6, v[n * 9 / 10] * 1e6, v[n * 99 / 100] * 1e6, v[n * 999 / 1000] * 1e6,
           v[n - 1] * 1e6, extra);
}

/* ------------------------------------------------------------------- mem */

static void mem(void)
{
    size_t big = (size_t)512 << 20;
    char *a = malloc(big), *b = malloc(big);
    memset(a, 1, big);
    memset(b, 2, big);
    size_t sz[] = {16, 128, 1024, 16384, 262144, (size_t)64 << 20};
    for (size_t i = 0; i < sizeof sz / sizeof *sz; i++) {
        for (int cold = 0; cold < 2; cold++) {
            size_t span = cold ? big : (sz[i] * 4 < 262144 ? 262144 : sz[i] * 2), off = 0;
            if (span > big)
                span = big;
            double t0 = now(), t;
            uint64_t n = 0;
            do {
                for (int k = 0; k < 1000 && (size_t)k * sz[i] < ((size_t)256 << 20); k++) {
                    memcpy(b + off, a + off, sz[i]);
                    __asm__ volatile("" ::"r"(b + off) : "memory");
                    off += (sz[i] + 63) & ~(size_t)63;
                    if (off + sz[i] > span)
                        off = 0;
                    n++;
                }
                t = now() - t0;
            } while (t < 0.4);
            printf("memcpy %9zu B %s: %7.2f GiB/s  %9.1f ns each\n", sz[i],
                   cold ? "from memory" : "from cache ", (double)n * (double)sz[i] / t / (1 << 30),
                   t / (double)n * 1e9);
        }
    }
    size_t cnt = big / 64;
    uint32_t *perm = malloc(cnt * sizeof *perm);
    for (size_t i = 0; i < cnt; i++)
        perm[i] = (uint32_t)i;
    uint64_t x = 88172645463325252ull;
    for (size_t i = cnt - 1; i > 0; i--) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        size_t j = x % i;
        uint32_t t = perm[i];
        perm[i] = perm[j], perm[j] = t;
    }
    double t0;
    for (int huge = 0; huge < 2; huge++) {
        char *m = mmap(NULL, big + ((size_t)2 << 20), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (m == MAP_FAILED)
            die("mmap");
        char *q = (char *)(((uintptr_t)m + ((size_t)2 << 20) - 1) & ~(((uintptr_t)2 << 20) - 1));
        madvise(q, big, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
        for (size_t i = 0; i < cnt; i++)
            *(uint32_t *)(q + (size_t)perm[i] * 64) = perm[(i + 1) % cnt];
        for (size_t span = (size_t)1 << 20; span <= big;
             span *= 8) { /* the chain visits all; spans limit it */
            uint32_t p = 0;
            size_t lim = span / 64, n = 3000000;
            t0 = now();
            for (size_t i = 0; i < n; i++)
                p = *(uint32_t *)(q + (size_t)((p ^ (uint32_t)i * 2654435761u) % lim) * 64);
            printf("dependent random read over %4zu MiB, %s pages: %.1f ns (%u)\n", span >> 20,
                   huge ? "huge " : "small", (now() - t0) / (double)n * 1e9, p & 1);
        }
        munmap(m, big + ((size_t)2 << 20));
    }
    t0 = now();
    for (int i = 0; i < 1000000; i++)
        (void)!write(-1, "", 1);
    printf("empty system call: %.0f ns\n", (now() - t0) / 1e6 * 1e9);
}

/* ------------------------------------------------------------------- net */

static struct {
    const char *mode;
    size_t wsize, rbuf;
    int fan;
    double secs;
} N = {"relay", 128, 65536, 1, 3};

static struct sockaddr_storage addr;
static socklen_t alen;

static int dial(void)
{
    int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, alen) < 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void nb(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void add(int ep, int fd, uint32_t ev, uint64_t tag)
{
    struct epoll_event e = {.events = ev, .data.u64 = tag};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static void set(int ep, int fd, uint32_t ev, uint64_t tag)
{
    struct epoll_event e = {.events = ev, .data.u64 = tag};
    epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}

/* The relay: first the outputs connect, then the input (rr: pairs in turn). */
static void relay(int ls, bool rr, bool sink)
{
    int n = rr ? N.fan * 2 : sink ? 1 : N.fan + 1, *fd = calloc((size_t)n, sizeof *fd), one = 1;
    int ep = epoll_create1(0);
    for (int i = 0; i < n; i++) {
        fd[i] = accept(ls, NULL, NULL);
        if (fd[i] < 0)
            die("accept");
        setsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        nb(fd[i]);
        if (rr || i == n - 1)
            add(ep, fd[i], EPOLLIN, (uint64_t)i);
        else
            add(ep, fd[i], 0, (uint64_t)i);
    }
    char *buf = malloc(N.rbuf);
    size_t len = 0, *off = calloc((size_t)n, sizeof *off);
    int behind = 0;
    struct epoll_event ev[64];
    for (;;) {
        int k = epoll_wait(ep, ev, 64, -1);
        for (int i = 0; i < k; i++) {
            int c = (int)ev[i].data.u64;
            if (rr) {
                ssize_t r = read(fd[c], buf, N.rbuf);
                if (r == 0 || (r < 0 && errno != EAGAIN))
                    exit(0);
                if (r > 0 && write(fd[c ^ 1], buf, (size_t)r) != r)
                    exit(1);
                continue;
            }
            if (c == n - 1) {
                if (behind)
                    continue;
                ssize_t r = read(fd[c], buf, N.rbuf);
                if (r == 0 || (r < 0 && errno != EAGAIN))
                    exit(0);
                if (r < 0 || sink)
                    continue;
                len = (size_t)r;
                for (int j = 0; j < n - 1; j++) {
                    ssize_t q = write(fd[j], buf, len);
                    if (q < 0 && errno != EAGAIN)
                        exit(0);
                    off[j] = q < 0 ? 0 : (size_t)q;
                    if (off[j] < len) {
                        behind++;
                        set(ep, fd[j], EPOLLOUT, (uint64_t)j);
                    }
                }
                if (behind)
                    set(ep, fd[n - 1], 0, (uint64_t)(n - 1));
            } else {
                ssize_t q = write(fd[c], buf + off[c], len - off[c]);
                if (q < 0 && errno != EAGAIN)
                    exit(0);
                if (q > 0)
                    off[c] += (size_t)q;
                if (off[c] == len) {
                    set(ep, fd[c], 0, (uint64_t)c);
                    if (--behind == 0)
                        set(ep, fd[n - 1], EPOLLIN, (uint64_t)(n - 1));
                }
            }
        }
    }
}

static void cpu_of(pid_t p, double *tot, double *usr, double *sys)
{
    char path[64], l[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", p);
    FILE *f = fopen(path, "r");
    unsigned long u = 0, s = 0;
    if (f && fgets(l, sizeof l, f)) {
        char *q = strrchr(l, ')');
        if (q)
            sscanf(q + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &s);
    }
    if (f)
        fclose(f);
    double hz = (double)sysconf(_SC_CLK_TCK);
    *usr = (double)u / hz;
    *sys = (double)s / hz;
    clockid_t ck;
    struct timespec t = {0};
    if (clock_getcpuclockid(p, &ck) == 0)
        clock_gettime(ck, &t);
    *tot = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The relay's CPU, wall time and our own CPU between two calls of meter(). */
struct meter {
    double cpu, user, sys, wall, own;
};

static struct meter meter(pid_t pid)
{
    struct timespec t;
    struct meter m;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    m.own = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    m.wall = now();
    cpu_of(pid, &m.cpu, &m.user, &m.sys);
    return m;
}

static struct meter metered(pid_t pid, const struct meter *from)
{
    struct meter m = meter(pid);

    return (struct meter){m.cpu - from->cpu, m.user - from->user, m.sys - from->sys,
                          m.wall - from->wall, m.own - from->own};
}

static int *dial_all(int ep, int n, uint32_t last_events)
{
    int *fd = calloc((size_t)n, sizeof *fd);

    for (int i = 0; i < n; i++) {
        fd[i] = dial();
        nb(fd[i]);
        add(ep, fd[i], i == n - 1 ? last_events : EPOLLIN, (uint64_t)i);
    }
    usleep(100000);
    return fd;
}

/* Pairs: the even one asks, the odd one answers, both with wsize bytes. */
struct pairs {
    int *fd;
    size_t *got;
    double *asked, *lat;
    size_t count;
};

static void on_pair(struct pairs *pairs, int c, char *buf)
{
    ssize_t r = read(pairs->fd[c], buf, 65536);

    if (r <= 0)
        return;
    pairs->got[c] += (size_t)r;
    if (pairs->got[c] < N.wsize)
        return;
    pairs->got[c] = 0;
    if (!(c & 1)) {
        double t = now();

        if (pairs->count < LATENCIES)
            pairs->lat[pairs->count++] = t - pairs->asked[c];
        pairs->asked[c] = t;
    }
    (void)!write(pairs->fd[c], buf, N.wsize);
}

static void net_pairs(int ep, pid_t pid, char *buf)
{
    int n = N.fan * 2;
    struct pairs pairs = {dial_all(ep, n, EPOLLIN), calloc((size_t)n, sizeof(size_t)),
                          calloc((size_t)n, sizeof(double)), malloc(sizeof(double) * LATENCIES), 0};
    struct meter from = meter(pid), used;
    struct epoll_event ev[64];
    char w[96], x[160];
    double million;

    for (int i = 0; i < n; i += 2) {
        pairs.asked[i] = now();
        (void)!write(pairs.fd[i], buf, N.wsize);
    }
    while (now() - from.wall < N.secs) {
        int k = epoll_wait(ep, ev, 64, 100);

        for (int i = 0; i < k; i++)
            on_pair(&pairs, (int)ev[i].data.u64, buf);
    }
    used = metered(pid, &from);
    million = (double)pairs.count / 1e6;
    snprintf(w, sizeof w, "rr through relay, %d pairs, %zu B", N.fan, N.wsize);
    snprintf(x, sizeof x, " %.0f/s, relay CPU-s per million %.2f (user %.2f sys %.2f)",
             (double)pairs.count / used.wall, used.cpu / million, used.user / million,
             used.sys / million);
    lat_line(w, pairs.lat, pairs.count, x);
    free(pairs.fd);
    free(pairs.got);
    free(pairs.asked);
    free(pairs.lat);
}

/* Writes until the socket is full or the turn is over; the bytes written. */
static uint64_t write_some(int fd, const char *buf, size_t *part)
{
    uint64_t in = 0;

    for (int b = 0; b < (N.wsize < 4096 ? 64 : 4); b++) {
        ssize_t r = write(fd, buf, N.wsize - *part);

        if (r < 0)
            break;
        in += (uint64_t)r;
        *part = (*part + (size_t)r) % N.wsize;
    }
    return in;
}

static void net_stream(int ep, pid_t pid, const char *buf, bool sink)
{
    int n = sink ? 1 : N.fan + 1, *fd = dial_all(ep, n, EPOLLOUT);
    struct meter from = meter(pid), used;
    struct epoll_event ev[64];
    uint64_t in = 0, out = 0;
    size_t part = 0;
    double million;

    while (now() - from.wall < N.secs) {
        int k = epoll_wait(ep, ev, 64, 100);

        for (int i = 0; i < k; i++) {
            int c = (int)ev[i].data.u64;
            ssize_t r = 0;

            if (c == n - 1)
                in += write_some(fd[c], buf, &part);
            else
                r = recv(fd[c], NULL, 4 << 20, MSG_TRUNC);
            if (r > 0)
                out += (uint64_t)r;
        }
    }
    used = metered(pid, &from);
    million = (double)in / (double)N.wsize / 1e6;
    printf("%-5s fan %2d  write %7zu B  rbuf %7zu B: in %8.1f MiB/s out %8.1f MiB/s, "
           "%9.0f writes/s; relay CPU %.2f s/s; CPU-s per GiB in %.3f; per million writes %.4f "
           "(user %.3f sys %.3f); client CPU %.2f s/s\n",
           N.mode, sink ? 0 : N.fan, N.wsize, N.rbuf, (double)in / used.wall / 1048576,
           (double)out / used.wall / 1048576, million * 1e6 / used.wall, used.cpu / used.wall,
           used.cpu / ((double)in / (1 << 30)), used.cpu / million, used.user / million,
           used.sys / million, used.own / used.wall);
    free(fd);
}

static void net_options(int argc, char **argv)
{
    static const struct option lo[] = {{"mode", 1, 0, 'm'}, {"wsize", 1, 0, 'w'},
                                       {"rbuf", 1, 0, 'r'}, {"fan", 1, 0, 'f'},
                                       {"secs", 1, 0, 's'}, {0, 0, 0, 0}};
    int o;

    while ((o = getopt_long(argc, argv, "", lo, NULL)) != -1) {
        if (o == 'm')
            N.mode = optarg;
        else if (o == 'w')
            N.wsize = strtoul(optarg, NULL, 10);
        else if (o == 'r')
            N.rbuf = strtoul(optarg, NULL, 10);
        else if (o == 'f')
            N.fan = (int)strtol(optarg, NULL, 10);
        else if (o == 's')
            N.secs = strtod(optarg, NULL);
        else
            exit(2);
    }
    if (argc - optind < 3)
        exit(2);
}

static void net(int argc, char **argv)
{
    struct addrinfo h = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *ai;
    bool rr, sink;
    int ls, ep, one = 1;
    pid_t pid;
    char *buf;

    net_options(argc, argv);
    rr = strcmp(N.mode, "rr") == 0;
    sink = strcmp(N.mode, "sink") == 0;
    if (getaddrinfo(argv[optind + 1], argv[optind + 2], &h, &ai))
        die("address");
    memcpy(&addr, ai->ai_addr, ai->ai_addrlen);
    alen = ai->ai_addrlen;
    ls = socket(ai->ai_family, SOCK_STREAM, 0);
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(ls, ai->ai_addr, ai->ai_addrlen) < 0 || listen(ls, 1024) < 0)
        die("listen");
    signal(SIGPIPE, SIG_IGN);
    pid = fork();
    if (pid == 0)
        relay(ls, rr, sink);
    close(ls);
    ep = epoll_create1(0);
    buf = calloc(1, N.wsize > 65536 ? N.wsize : 65536);
    if (rr)
        net_pairs(ep, pid, buf);
    else
        net_stream(ep, pid, buf, sink);
    free(buf);
    kill(pid, SIGTERM); /* our own child */
    waitpid(pid, NULL, 0);
}

/* ------------------------------------------------------------------ sync */

enum { BLOCK = 4 << 20, ROOM = 1 << 30 };

struct sync_test {
    const char *dir;
    char *block;
    double *lat;
    double secs;
};

static int open_file(const struct sync_test *test, int number, char *path, size_t cap)
{
    int fd;

    snprintf(path, cap, "%s/limits-sync.%d.tmp", test->dir, number);
    fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd < 0)
        die(path);
    return fd;
}

/* Written once: afterwards neither size nor extents change. */
static void fill_file(const struct sync_test *test, int fd)
{
    for (off_t p = 0; p < ROOM; p += BLOCK) {
        if (pwrite(fd, test->block, BLOCK, p) < 0)
            die("write");
    }
    fsync(fd);
}

static void sync_sizes(const struct sync_test *test, bool overwrite, size_t size)
{
    char path[4096], w[96], x[64];
    int fd = open_file(test, 0, path, sizeof path);
    size_t n = 0;
    off_t pos = 0;
    double begun, t;

    if (overwrite)
        fill_file(test, fd);
    begun = now();
    do {
        t = now();
        if (pwrite(fd, test->block, size, pos) < 0 || fdatasync(fd) < 0)
            die("sync");
        if (n < LATENCIES)
            test->lat[n++] = now() - t;
        pos += (off_t)size;
        if (pos + (off_t)size > ROOM)
            pos = 0;
    } while (t - begun < test->secs);
    snprintf(w, sizeof w, "%s %7zu B + fdatasync", overwrite ? "overwrite" : "append   ", size);
    snprintf(x, sizeof x, " %.0f/s %.1f MiB/s", (double)n / (now() - begun),
             (double)n * (double)size / (now() - begun) / 1048576);
    lat_line(w, test->lat, n, x);
    close(fd);
    unlink(path);
}

/* Group commit: so many records of 160 B for one fdatasync. */
static void sync_group(const struct sync_test *test, int group)
{
    char path[4096], w[96], x[64];
    int fd = open_file(test, 0, path, sizeof path);
    double begun = now(), t;
    size_t n = 0;
    off_t pos = 0;

    do {
        for (size_t left = (size_t)group * 160; left > 0;) {
            size_t k = left < BLOCK ? left : BLOCK;

            if (pwrite(fd, test->block, k, pos) < 0)
                die("write");
            pos += (off_t)k;
            left -= k;
        }
        t = now();
        fdatasync(fd);
        if (n < LATENCIES)
            test->lat[n++] = now() - t;
    } while (now() - begun < test->secs);
    snprintf(w, sizeof w, "group commit of %6d x 160 B", group);
    snprintf(x, sizeof x, " %.0f records/s", (double)n * group / (now() - begun));
    lat_line(w, test->lat, n, x);
    close(fd);
    unlink(path);
}

/* One record in each of many files, all synced, against one log. */
static void sync_files(const struct sync_test *test, int files)
{
    int *fd = malloc(sizeof(int) * (size_t)files);
    char path[4096], w[96], x[64];
    double begun, t;
    size_t n = 0;

    for (int i = 0; i < files; i++)
        fd[i] = open_file(test, i, path, sizeof path);
    begun = now();
    do {
        t = now();
        for (int i = 0; i < files; i++)
            (void)!write(fd[i], test->block, 160);
        for (int i = 0; i < files; i++)
            fdatasync(fd[i]);
        if (n < LATENCIES)
            test->lat[n++] = now() - t;
    } while (now() - begun < test->secs);
    snprintf(w, sizeof w, "1 x 160 B in each of %4d files, each synced", files);
    snprintf(x, sizeof x, " %.0f records/s", (double)n * files / (now() - begun));
    lat_line(w, test->lat, n, x);
    for (int i = 0; i < files; i++) {
        close(fd[i]);
        snprintf(path, sizeof path, "%s/limits-sync.%d.tmp", test->dir, i);
        unlink(path);
    }
    free(fd);
}

static void sync_all(const char *dir, double secs)
{
    static const size_t sizes[] = {512, 4096, 65536, 1 << 20};
    struct sync_test test = {dir, aligned_alloc(4096, BLOCK), malloc(sizeof(double) * LATENCIES),
                             secs};

    for (size_t i = 0; i < BLOCK; i++)
        test.block[i] = (char)(i * 31);
    for (int overwrite = 0; overwrite < 2; overwrite++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            sync_sizes(&test, overwrite, sizes[i]);
    for (int group = 1; group <= 100000; group *= 10)
        sync_group(&test, group);
    for (int files = 1; files <= 1000; files *= 10)
        sync_files(&test, files);
    free(test.block);
    free(test.lat);
}

/* ------------------------------------------------------------------ wake */

static int wfd[2];
static atomic_int turn;
static atomic_bool over;

static void *wake_peer(void *arg)
{
    int how = *(int *)arg, ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN}, ev[4];
    uint64_t v;
    epoll_ctl(ep, EPOLL_CTL_ADD, wfd[0], &e);
    while (!atomic_load(&over)) {
        if (how == 0) {
            if (epoll_wait(ep, ev, 4, 100) < 1)
                continue;
            (void)!read(wfd[0], &v, 8);
            v = 1;
            (void)!write(wfd[1], &v, 8);
        } else {
            if (atomic_load_explicit(&turn, memory_order_acquire) == 1)
                atomic_store_explicit(&turn, 0, memory_order_release);
        }
    }
    return NULL;
}

static void wake(void)
{
    for (int how = 0; how < 2; how++) {
        pthread_t t;
        wfd[0] = eventfd(0, EFD_NONBLOCK);
        wfd[1] = eventfd(0, EFD_NONBLOCK);
        atomic_store(&over, false);
        atomic_store(&turn, 0);
        pthread_create(&t, NULL, wake_peer, &how);
        int ep = epoll_create1(0), n = 0;
        struct epoll_event e = {.events = EPOLLIN}, ev[4];
        epoll_ctl(ep, EPOLL_CTL_ADD, wfd[1], &e);
        double *lat = malloc(sizeof(double) * 200000);
        struct timespec a, b;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
        double st = now();
        while (n < 200000 && now() - st < 3) {
            double t0 = now();
            uint64_t v = 1;
            if (how == 0) {
                (void)!write(wfd[0], &v, 8);
                while (epoll_wait(ep, ev, 4, 1000) < 1) {
                }
                (void)!read(wfd[1], &v, 8);
            } else {
                atomic_store_explicit(&turn, 1, memory_order_release);
                while (atomic_load_explicit(&turn, memory_order_acquire) == 1) {
                }
            }
            lat[n++] = now() - t0;
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
        atomic_store(&over, true);
        pthread_join(t, NULL);
        char x[96];
        snprintf(x, sizeof x, " CPU %.2f us each round trip",
                 ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 1e3 / n);
        lat_line(how ? "round trip, both threads spinning" : "round trip, eventfd + epoll", lat,
                 (size_t)n, x);
        free(lat);
    }
    int fd = eventfd(0, EFD_NONBLOCK);
    double t0 = now();
    for (int i = 0; i < 1000000; i++) {
        uint64_t v = 1;
        (void)!write(fd, &v, 8);
    }
    printf("eventfd write with nobody waiting: %.0f ns\n", (now() - t0) * 1e3);
}

/* ------------------------------------------------------------------- iov */

enum { POOL = 64 << 20, OUT = 1 << 20, HEAD = 24, TURN = 65536, PARTS = 510 };

/* Someone who drops what he gets, at the other end of the socket returned. */
static int dial_sink(pid_t *pid)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int ls = socket(AF_INET, SOCK_STREAM, 0), fd;
    socklen_t al = sizeof a;

    if (bind(ls, (struct sockaddr *)&a, sizeof a) || listen(ls, 4) ||
        getsockname(ls, (struct sockaddr *)&a, &al))
        die("listen");
    *pid = fork();
    if (*pid == 0) {
        fd = accept(ls, NULL, NULL);
        while (recv(fd, NULL, 8 << 20, MSG_TRUNC) > 0) {
        }
        exit(0);
    }
    close(ls);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof a))
        die("connect");
    return fd;
}

static void write_all(int fd, const char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t r = write(fd, data + done, len - done);

        if (r < 0)
            die("write");
        done += (size_t)r;
    }
}

static void writev_all(int fd, struct iovec *p, int k)
{
    while (k) {
        ssize_t r = writev(fd, p, k);

        if (r < 0)
            die("writev");
        while (k && (size_t)r >= p->iov_len) {
            r -= (ssize_t)p->iov_len;
            p++;
            k--;
        }
        if (k) {
            p->iov_base = (char *)p->iov_base + r;
            p->iov_len -= (size_t)r;
        }
    }
}

/* One turn's output of messages of that size; how many they were. */
static uint64_t put_turn(int fd, size_t size, bool gather, char *out, char *pool, size_t *at)
{
    static char head[32] = "MSG some.subject 1 128\r\n";
    struct iovec v[PARTS + 2];
    uint64_t count = 0;
    size_t len = 0;
    int k = 0;

    for (; len < TURN && k < PARTS; count++) {
        if (*at + size > POOL / 16)
            *at = 0;
        if (gather) {
            v[k++] = (struct iovec){head, HEAD};
            v[k++] = (struct iovec){pool + *at, size};
        } else {
            memcpy(out + len, head, HEAD);
            memcpy(out + len + HEAD, pool + *at, size);
        }
        len += HEAD + size;
        *at += (size + 63) & ~(size_t)63;
    }
    if (gather)
        writev_all(fd, v, k);
    else
        write_all(fd, out, len);
    return count;
}

static void iov(void)
{
    static const size_t sizes[] = {16, 128, 512, 1024, 2048, 4096, 16384, 65536};
    /* Payloads come from received buffers: they are not in the first-level cache. */
    char *out = malloc(OUT), *pool = malloc(POOL);
    pid_t pid;
    int fd = dial_sink(&pid);

    memset(pool, 1, POOL);
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i / 2], at = 0;
        struct timespec from, to;
        double begun = now();
        uint64_t n = 0;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        while (now() - begun < 1)
            n += put_turn(fd, size, i % 2, out, pool, &at);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        printf("payload %6zu B, %s: %8.1f ns of CPU a message\n", size,
               i % 2 ? "gathered (2 iovecs)" : "copied             ",
               ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
                   (double)n);
    }
    free(out);
    free(pool);
    close(fd);
    kill(pid, SIGTERM); /* our own child */
    waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc >= 2 && !strcmp(argv[1], "mem"))
        mem();
    else if (argc >= 2 && !strcmp(argv[1], "wake"))
        wake();
    else if (argc >= 2 && !strcmp(argv[1], "iov"))
        iov();
    else if (argc >= 4 && !strcmp(argv[1], "net"))
        net(argc, argv);
    else if (argc >= 3 && !strcmp(argv[1], "sync"))
        sync_all(argv[2], argc >= 5 && !strcmp(argv[3], "--secs") ? strtod(argv[4], NULL) : 2);
    else {
        fputs("usage: limits mem | wake | iov | net HOST PORT [--mode sink|relay|rr --wsize N "
              "--rbuf N --fan N --secs S] | sync DIR [--secs S]\n",
              stderr);
        return 2;
    }
    return 0;
}
