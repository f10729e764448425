#include "dataplane/session/session_ping.h"

#include "dataplane/session/session_end.h"
#include "dataplane/session/session_set.h"

#define FIRST_PING_NS (2 * NS_PER_S)
#define RTT_AGE_NS (3600 * NS_PER_S)

static void send_ping(struct session *session)
{
    session->ping_ns = session->set->worker->now_ns;
    session->pings_out++;
    session->flags |= SESSION_PINGED;
    conn_write(&session->conn, "PING\r\n", 6);
    if (session->flags & SESSION_TRACE)
        session_trace_out(session, "PING");
}

static void on_ping_timer(struct timer *timer)
{
    struct session *session = container_of(timer, struct session, timer);
    const struct session_options *options = session_options(session);
    struct worker *worker = session->set->worker;
    bool unknown =
        (session->flags & SESSION_PINGED) == 0 || worker->now_ns - session->ping_ns > RTT_AGE_NS;

    if (worker->now_ns - session->input_ns >= options->ping_interval_ns || unknown) {
        if (session->pings_out + 1U > options->ping_max) {
            session_fail(session, SESSION_STALE, "Stale Connection");
            return;
        }
        send_ping(session);
    }
    timer_arm(&worker->timers, timer, worker->now_ns + options->ping_interval_ns, on_ping_timer);
}

void session_ping_start(struct session *session)
{
    struct worker *worker = session->set->worker;
    int64_t delay = session_options(session)->ping_interval_ns;

    if ((session->flags & SESSION_CONNECTED) != 0 && delay > FIRST_PING_NS)
        delay = FIRST_PING_NS;
    delay += (int64_t)random_below(&worker->random.random, (uint64_t)(delay / 5 + 1));
    timer_arm(&worker->timers, &session->timer, worker->now_ns + delay, on_ping_timer);
}

void session_ping_answered(struct session *session)
{
    session->pings_out = 0;
    if (session->flags & SESSION_PINGED)
        session->rtt_ns = session->set->worker->now_ns - session->ping_ns;
}
