/* What the command line says. */
#include "tests/bench/load/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
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

struct load_options O = {
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

static _Noreturn void usage(void)
{
    fputs("usage: natsload MODE HOST PORT [options]\n"
          "modes\n"
          "  pub      publishers, and subscribers with --subs (fan-out, queue, many subjects)\n"
          "  req      request-reply; latency of every round trip\n"
          "  js       JetStream publish with acknowledgements (--window 1 is synchronous)\n"
          "  jspull   JetStream pull consumer, acknowledging each message\n"
          "  conns    open idle connections; time to accept and memory of each\n"
          "  subs     register subscriptions; time and memory of each\n"
          "load\n"
          "  --msgs N         messages in all (default: by --secs)\n"
          "  --secs S         run time\n"
          "  --size N         payload bytes (128)\n"
          "  --rate R         open loop, messages/s in all\n"
          "  --tick-us T      burst interval for --rate (1000, less when the rate is low)\n"
          "  --pubs N --subs N  publisher and subscriber connections\n"
          "  --queue G        subscribe in a queue group\n"
          "  --reqs N         requester connections\n"
          "  --window N       outstanding per connection\n"
          "  --responders N   echo connections (0: the broker answers)\n"
          "  --payload S      request body (%d: subject index)\n"
          "  --conns N        connections (conns, subs)\n"
          "  --nsubs N        subscriptions (subs)\n"
          "  --batch N        connects in flight (conns), pull size (jspull)\n"
          "subjects\n"
          "  --subject F      subject; %d index, %h index/1000, %l index%1000\n"
          "  --subjects N     how many\n"
          "  --sub-subject S  what each subscriber asks for (default: every subject)\n"
          "  --split          share the subjects out over the subscribers\n"
          "  --shuffle        publish the subjects in random order\n"
          "  --slow N         N subscribers more that stop reading once all is ready\n"
          "  --churn R        one more connection subscribes and unsubscribes R times a second\n"
          "JetStream\n"
          "  --stream NAME --storage file|memory --replicas N --stream-json J (fields added)\n"
          "  --keep --durable N --no-ack --consumer-json J (fields added)\n"
          "who\n"
          "  --user F --pass F --token T    (%d: account index)\n"
          "  --accounts N     connections spread over N\n"
          "  --tls            TLS after INFO, certificate not verified\n"
          "  --local-ips N    bind to 127.0.0.1 .. 127.0.0.N in turn (beyond 28k connections)\n"
          "measuring\n"
          "  --pid P          broker's process: CPU and memory\n"
          "  --latency        stamp messages (pub mode)\n"
          "  --discard        subscribers drop bytes in the kernel (cheapest; counts by bytes)\n"
          "  --warmup S       latencies of the first S seconds are left out\n"
          "  --settle S       idle time before memory is read\n"
          "  --hold S         idle time before connections are closed\n"
          "  --threads N      client threads\n"
          "  --json           one line of JSON\n"
          "  --label S        carried into the JSON\n"
          "  --stall S        give up after S seconds without progress (8)\n",
          stderr);
    exit(2);
}

/* Subject or user name from a pattern. */
int expand(char *out, size_t cap, const char *f, long i)
{
    size_t n = 0;
    for (; *f && n + 24 < cap; f++) {
        if (f[0] == '%' && f[1] == 'd')
            n += (size_t)snprintf(out + n, cap - n, "%ld", i), f++;
        else if (f[0] == '%' && f[1] == 'h')
            n += (size_t)snprintf(out + n, cap - n, "%ld", i / 1000), f++;
        else if (f[0] == '%' && f[1] == 'l')
            n += (size_t)snprintf(out + n, cap - n, "%ld", i % 1000), f++;
        else
            out[n++] = *f;
    }
    out[n] = 0;
    return (int)n;
}

enum option_kind { OPT_FLAG, OPT_INT, OPT_COUNT, OPT_REAL, OPT_TEXT };

/* clang-format off */
static const struct {
    const char *name;
    enum option_kind kind;
    void *target;
} rows[] = {
    {"msgs", OPT_COUNT, &O.msgs},
    {"secs", OPT_REAL, &O.secs},
    {"size", OPT_COUNT, &O.size},
    {"rate", OPT_REAL, &O.rate},
    {"tick-us", OPT_INT, &O.tick_us},
    {"pubs", OPT_INT, &O.pubs},
    {"subs", OPT_INT, &O.subs},
    {"queue", OPT_TEXT, &O.queue},
    {"reqs", OPT_INT, &O.reqs},
    {"window", OPT_INT, &O.window},
    {"responders", OPT_INT, &O.responders},
    {"conns", OPT_INT, &O.conns},
    {"nsubs", OPT_COUNT, &O.nsubs},
    {"batch", OPT_INT, &O.batch},
    {"subject", OPT_TEXT, &O.subject},
    {"subjects", OPT_INT, &O.subjects},
    {"sub-subject", OPT_TEXT, &O.sub_subject},
    {"split", OPT_FLAG, &O.split},
    {"shuffle", OPT_FLAG, &O.shuffle},
    {"churn", OPT_REAL, &O.churn},
    {"stream", OPT_TEXT, &O.stream},
    {"storage", OPT_TEXT, &O.storage},
    {"replicas", OPT_INT, &O.replicas},
    {"stream-json", OPT_TEXT, &O.stream_json},
    {"keep", OPT_FLAG, &O.keep},
    {"durable", OPT_TEXT, &O.durable},
    {"no-ack", OPT_FLAG, &O.no_ack},
    {"user", OPT_TEXT, &O.user},
    {"pass", OPT_TEXT, &O.pass},
    {"token", OPT_TEXT, &O.token},
    {"accounts", OPT_INT, &O.accounts},
    {"tls", OPT_FLAG, &O.tls},
    {"local-ips", OPT_INT, &O.local_ips},
    {"pid", OPT_INT, &O.pid},
    {"latency", OPT_FLAG, &O.latency},
    {"discard", OPT_FLAG, &O.discard},
    {"warmup", OPT_REAL, &O.warmup},
    {"settle", OPT_REAL, &O.settle},
    {"hold", OPT_REAL, &O.hold},
    {"threads", OPT_INT, &O.threads},
    {"json", OPT_FLAG, &O.json},
    {"stall", OPT_REAL, &O.stall},
    {"payload", OPT_TEXT, &O.payload},
    {"label", OPT_TEXT, &O.label},
    {"consumer-json", OPT_TEXT, &O.consumer_json},
    {"slow", OPT_INT, &O.slow},
};
/* clang-format on */

static const struct {
    const char *name;
    enum mode mode;
} modes[] = {{"pub", M_PUBSUB},    {"req", M_REQ},     {"js", M_JS},
             {"jspull", M_JSPULL}, {"conns", M_CONNS}, {"subs", M_SUBS}};

static void take(size_t row, const char *text)
{
    void *target = rows[row].target;

    switch (rows[row].kind) {
    case OPT_FLAG:
        *(bool *)target = true;
        break;
    case OPT_INT: /* 1e6 is a number too */
        *(int *)target = (int)strtod(text, NULL);
        break;
    case OPT_COUNT:
        *(long *)target = (long)strtod(text, NULL);
        break;
    case OPT_REAL:
        *(double *)target = strtod(text, NULL);
        break;
    case OPT_TEXT:
        *(const char **)target = text;
        break;
    }
}

static void set_defaults(void)
{
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
}

void parse_options(int argc, char **argv)
{
    struct option options[sizeof rows / sizeof rows[0] + 1] = {0};
    int row = 0;
    size_t i = 0;

    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        options[r] = (struct option){rows[r].name, rows[r].kind != OPT_FLAG, NULL, 0};
    while (getopt_long(argc, argv, "", options, &row) == 0)
        take((size_t)row, optarg);
    if (argc - optind != 3)
        usage();
    O.mode_name = argv[optind];
    O.host = argv[optind + 1];
    O.port = argv[optind + 2];
    while (i < sizeof modes / sizeof modes[0] && strcmp(modes[i].name, O.mode_name) != 0)
        i++;
    if (i == sizeof modes / sizeof modes[0])
        usage();
    O.mode = modes[i].mode;
    if (O.threads < 1 || O.window < 1 || O.subjects < 1 || O.size < 0 || O.batch < 1 || O.conns < 1)
        usage();
    set_defaults();
}
