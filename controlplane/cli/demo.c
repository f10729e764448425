/*
 * berth demo: two teams on one system, and what keeps them apart.
 *
 *   make     a plan, two teams; for each an account, users, credentials (demo_teams)
 *   play     real NATS clients (demo_peer): delivery, isolation, request-reply, a queue group,
 *            a scoped user, a quota
 *   meter    what both used, as the control plane knows it
 *   remove   everything again, whatever happened before
 *
 * That something did not arrive is shown by barriers, not by waiting: the publishers' PONGs say
 * that their messages are routed, the subscribers' PONGs that all routed to them is in.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "controlplane/cli/demo_peer.h"
#include "controlplane/cli/demo_teams.h"
#include "controlplane/cli/tables.h"

enum {
    ROUNDS = 50,
    MEMBERS = 3,
    JOBS = 60,
    METER_POLL_MS = 250,
    /* A control plane that was killed keeps its part of the metering for 25 s; then comes a pass.
     */
    METER_WAIT_MS = 60000,
};

static const char *const subjects[] = {"orders.new", "orders.paid.eu", "shipments.7"};
enum { SUBJECTS = 3, EACH = ROUNDS * SUBJECTS };

struct play {
    struct demo_teams *demo;
    struct demo_peer a, a_sub, b, b_sub, scoped;
    struct demo_peer members[2]; /* the third member of the queue group is a_sub */
    struct demo_peer extra[DEMO_CONNECTIONS + 1];
    natsSubscription *a_all, *b_all, *a_devices;
    bool failed;
};

static void say(const char *mark, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(const char *mark, const char *format, ...)
{
    va_list args;

    printf("  %-6s", mark);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

#define result(play, good, ...)                  \
    do {                                         \
        bool good_ = (good);                     \
        (play)->failed |= !good_;                \
        say(good_ ? "ok" : "FAIL", __VA_ARGS__); \
    } while (0)

/* SIGINT and SIGTERM are blocked while the demonstration runs; it ends between two steps. */
static bool interrupted(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

static bool open_peer(struct play *play, struct demo_peer *peer, const struct buf *creds,
                      const char *name)
{
    bool open = demo_peer_open(peer, play->demo->url, name, buf_slice(creds));

    if (!open)
        result(play, false, "%s cannot connect to %s: %s", name, play->demo->url, peer->words);
    return open;
}

/* Both sides publish the same subjects; who gets what? */
static void play_isolation(struct play *play)
{
    struct demo_count a = {0}, b = {0};
    char text[32];
    bool done = demo_peer_subscribe(&play->a_sub, ">", NULL, &play->a_all) &&
                demo_peer_subscribe(&play->b_sub, ">", NULL, &play->b_all) &&
                demo_peer_barrier(&play->a_sub) && demo_peer_barrier(&play->b_sub);

    for (int i = 0; i < EACH && done; i++) {
        snprintf(text, sizeof(text), "A %d", i);
        done = demo_peer_publish(&play->a, subjects[i % SUBJECTS], text);
        snprintf(text, sizeof(text), "B %d", i);
        done = done && demo_peer_publish(&play->b, subjects[i % SUBJECTS], text);
    }
    done = done && demo_peer_barrier(&play->a) && demo_peer_barrier(&play->b) &&
           demo_peer_barrier(&play->a_sub) && demo_peer_barrier(&play->b_sub);
    if (!done) {
        result(play, false, "a client failed: %s%s%s%s", play->a.words, play->b.words,
               play->a_sub.words, play->b_sub.words);
        return;
    }
    demo_peer_count(play->a_all, "A ", &a);
    demo_peer_count(play->b_all, "B ", &b);
    result(play, a.own == EACH, "A to A: %ld of %d messages delivered", a.own, EACH);
    result(play, b.own == EACH && b.foreign == 0,
           "B, subscribed to >, sees its own %ld messages and %ld of A", b.own, b.foreign);
    result(play, a.foreign == 0, "A, subscribed to >, sees %ld of B on the same %d subjects",
           a.foreign, SUBJECTS);
}

static void play_request(struct play *play)
{
    char reply[64] = "";
    bool answered;

    if (!demo_peer_answer(&play->members[0], "service.greet", "hello from A") ||
        !demo_peer_barrier(&play->members[0])) {
        result(play, false, "the service of A cannot subscribe: %s", play->members[0].words);
        return;
    }
    answered = demo_peer_request(&play->a, "service.greet", "A asks", reply, sizeof(reply));
    result(play, answered, "request-reply inside A: \"%s\"", answered ? reply : play->a.words);
    answered = demo_peer_request(&play->b, "service.greet", "B asks", reply, sizeof(reply));
    result(play, !answered, "the same request of B: %s", answered ? reply : play->b.words);
}

static void play_queue(struct play *play)
{
    struct demo_peer *members[MEMBERS] = {&play->members[0], &play->members[1], &play->a_sub};
    natsSubscription *subs[MEMBERS];
    long got[MEMBERS] = {0}, sum = 0;
    bool done = true;

    for (size_t i = 0; i < MEMBERS && done; i++)
        done = demo_peer_subscribe(members[i], "jobs.*", "workers", &subs[i]) &&
               demo_peer_barrier(members[i]);
    for (int i = 0; i < JOBS && done; i++)
        done = demo_peer_publish(&play->a, "jobs.resize", "A job");
    done = done && demo_peer_barrier(&play->a);
    for (size_t i = 0; i < MEMBERS && done; i++) {
        struct demo_count count = {0};

        done = demo_peer_barrier(members[i]);
        demo_peer_count(subs[i], "A ", &count);
        got[i] = count.own;
        sum += count.own;
    }
    result(play, done && sum == JOBS,
           "a queue group of %d inside A: %d messages, each to one member (%ld + %ld + %ld)",
           MEMBERS, JOBS, got[0], got[1], got[2]);
}

/* sensor-7 may publish to devices.sensor-7.> and nowhere else. */
static void play_scoped(struct play *play)
{
    struct demo_count count = {0};
    const char *words;
    bool done = demo_peer_subscribe(&play->members[1], "devices.>", NULL, &play->a_devices) &&
                demo_peer_barrier(&play->members[1]) &&
                demo_peer_publish(&play->scoped, "devices.sensor-7.celsius", "A 21.5") &&
                demo_peer_barrier(&play->scoped);

    words = demo_peer_words(&play->scoped);
    if (!done || *words != 0) {
        result(play, false, "sensor-7 cannot publish to its own subject: %s", words);
        return;
    }
    done = demo_peer_publish(&play->scoped, "devices.sensor-8.celsius", "A 99") &&
           demo_peer_barrier(&play->scoped) && demo_peer_barrier(&play->members[1]);
    words = demo_peer_words(&play->scoped);
    demo_peer_count(play->a_devices, "A ", &count);
    result(play, done && count.own == 1,
           "user sensor-7 (role device) publishes to devices.sensor-7.celsius: %ld delivered",
           count.own);
    result(play, *words != 0, "to devices.sensor-8.celsius it is refused: %s",
           *words != 0 ? words : "no, it is not");
}

/* A has 5 connections open; its plan allows DEMO_CONNECTIONS. */
static void play_quota(struct play *play)
{
    const struct demo_team *team = &play->demo->teams[0];
    int open = 5;

    for (size_t i = 0; i < COUNT_OF(play->extra); i++) {
        if (demo_peer_open(&play->extra[i], play->demo->url, "demo extra",
                           buf_slice(&team->creds))) {
            open++;
            continue;
        }
        result(play, open == DEMO_CONNECTIONS, "A, at %d connections, is refused another: %s", open,
               play->extra[i].words);
        return;
    }
    result(play, false, "A has %d connections, and its plan allows %d", open, DEMO_CONNECTIONS);
}

/* Nothing of A came later either. */
static void play_last_look(struct play *play)
{
    struct demo_count b = {0};
    bool done = demo_peer_barrier(&play->b_sub);

    demo_peer_count(play->b_all, "B ", &b);
    result(play, done && b.foreign == 0, "B has still seen %ld of A", b.foreign);
}

static void play_all(struct play *play)
{
    /* Requests first: later B's own subscription to > would be one that could answer B. */
    static void (*const steps[])(struct play *) = {play_request, play_isolation, play_queue,
                                                   play_scoped,  play_quota,     play_last_look};
    struct demo_team *a = &play->demo->teams[0], *b = &play->demo->teams[1];

    if (!open_peer(play, &play->a, &a->creds, "demo A") ||
        !open_peer(play, &play->a_sub, &a->creds, "demo A subscriber") ||
        !open_peer(play, &play->members[0], &a->creds, "demo A service") ||
        !open_peer(play, &play->members[1], &a->creds, "demo A worker") ||
        !open_peer(play, &play->scoped, &a->scoped_creds, "demo A sensor-7") ||
        !open_peer(play, &play->b, &b->creds, "demo B") ||
        !open_peer(play, &play->b_sub, &b->creds, "demo B subscriber"))
        return;
    for (size_t i = 0; i < COUNT_OF(steps) && !interrupted(); i++)
        steps[i](play);
}

static void close_all(struct play *play)
{
    struct demo_peer *peers[] = {&play->a,      &play->a_sub,      &play->b,         &play->b_sub,
                                 &play->scoped, &play->members[0], &play->members[1]};

    for (size_t i = 0; i < COUNT_OF(peers); i++)
        demo_peer_close(peers[i]);
    for (size_t i = 0; i < COUNT_OF(play->extra); i++)
        demo_peer_close(&play->extra[i]);
}

/* --- metering ----------------------------------------------------------------------------- */

static int read_usage(struct demo_teams *demo, struct demo_usage usage[DEMO_TEAMS])
{
    int code = EXIT_OK;

    for (size_t i = 0; i < DEMO_TEAMS && code == EXIT_OK; i++)
        code = demo_teams_usage(demo, &demo->teams[i], &usage[i]);
    return code;
}

/* The meter reads the nodes every ten seconds: this waits for it. */
static int play_meter(struct play *play, long a_sent, long b_sent)
{
    struct timespec pause = {.tv_nsec = METER_POLL_MS * NS_PER_MS};
    struct demo_usage usage[DEMO_TEAMS] = {0};
    int64_t began = clock_mono_ns(clock_system()), waited = 0;
    bool enough = false;
    int code = EXIT_OK;

    while (!enough && waited < METER_WAIT_MS && !interrupted()) {
        if (waited > 0)
            nanosleep(&pause, NULL);
        code = read_usage(play->demo, usage);
        if (code != EXIT_OK)
            return code;
        enough = usage[0].msgs_in >= a_sent && usage[1].msgs_in >= b_sent;
        waited = (clock_mono_ns(clock_system()) - began) / NS_PER_MS + 1;
    }
    if (!enough && interrupted())
        return EXIT_FAILED;
    result(play, enough, "metered after %lld.%lld s:", (long long)(waited / 1000),
           (long long)(waited % 1000 / 100));
    say("", "  team  published  messages in  bytes in  messages out  bytes out");
    for (size_t i = 0; i < DEMO_TEAMS; i++)
        say("", "  %-4s  %9ld  %11lld  %8lld  %12lld  %9lld", play->demo->teams[i].label,
            i == 0 ? a_sent : b_sent, (long long)usage[i].msgs_in, (long long)usage[i].bytes_in,
            (long long)usage[i].msgs_out, (long long)usage[i].bytes_out);
    return EXIT_OK;
}

/* --- the command -------------------------------------------------------------------------- */

static int play_scene(struct demo_teams *demo)
{
    struct play play = {.demo = demo};
    int code = EXIT_OK;

    say("made", "a plan with at most %d connections, and with it", DEMO_CONNECTIONS);
    for (size_t i = 0; i < DEMO_TEAMS; i++)
        say("made", "team %s: account %s %s", demo->teams[i].label, demo->teams[i].name,
            demo->teams[i].account_key);
    play_all(&play);
    /* The answer of A's service is published too. */
    if (!play.failed && !interrupted())
        code = play_meter(&play, play.a.published + play.scoped.published + 1, play.b.published);
    close_all(&play);
    if (code == EXIT_OK && play.failed)
        code = EXIT_FAILED;
    return code;
}

static int run_demo(struct cli *cli)
{
    struct demo_teams demo = {.cli = cli, .admin = cli->client};
    sigset_t stop, before;
    int code, removed;

    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, &before);
    code = demo_teams_find_system(&demo);
    if (code == EXIT_OK) {
        printf("Two teams on the system %s, %s\n", demo.system_name, demo.url);
        code = demo_teams_make(&demo);
        if (code == EXIT_OK)
            code = play_scene(&demo);
        removed = demo_teams_remove(&demo);
        if (removed == EXIT_OK)
            say("gone", "both teams, their accounts, users and credentials");
        code = code != EXIT_OK ? code : removed;
    }
    if (interrupted())
        code = cli_fail(EXIT_FAILED, "interrupted before the end");
    demo_teams_close(&demo);
    nats_Close();
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* clang-format off */
static const struct flag demo_flags[] = {
    {"nats", FLAG_LOCAL, NULL, "URL", "where clients connect; else what the system says"},
    {0},
};

const struct command demo_commands[] = {
    {"demo", NULL, NULL, "two isolated teams at work: makes them, plays them, removes them",
     "berth demo --nats nats://127.0.0.1:4222", "POST", "/teams", demo_flags, NULL,
     .run = run_demo},
    {0},
};
/* clang-format on */
