/* Streams and consumers, made before a run. */
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

void make_stream(void)
{
    char s[256], body[2048], ans[256], subj[256];
    if (!O.keep) {
        snprintf(s, sizeof s, "$JS.API.STREAM.DELETE.%s", O.stream);
        rpc(s, "", ans, sizeof ans);
    }
    snprintf(subj, sizeof subj, "%s", O.subject);
    char *pc = strchr(subj, '%');
    if (pc)
        snprintf(pc, sizeof subj - (size_t)(pc - subj), ">");
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

void make_consumer(void)
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
