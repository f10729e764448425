/* Histograms, and what the broker and we ourselves have used. */
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

_Noreturn void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("natsload: ", stderr);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(2);
}

void *xalloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        die("out of memory (%zu bytes)", n);
    return p;
}

void hist_merge(struct hist *a, const struct hist *b)
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

double hist_q(const struct hist *h, double q)
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

void proc_read(int pid, struct procstat *s)
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

double self_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
