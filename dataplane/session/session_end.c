#include "dataplane/session/session_end.h"

#include "api/base/log.h"
#include "api/base/mem.h"
#include "dataplane/session/client_sub.h"
#include "dataplane/session/reply_rights.h"
#include "dataplane/session/session_closed.h"
#include "dataplane/session/session_set.h"

static void release(struct reclaim_node *node)
{
    mem_free(container_of(node, struct session, retire));
}

/* Without subscriptions by now. */
static void session_free(struct session *session)
{
    struct worker *worker = session->set->worker;

    list_remove(&session->link);
    identity_retire(session->identity, worker);
    reply_rights_free(session->replies);
    account_unref(session->account);
    mem_free(session->memo);
    mem_free(session->side->texts);
    mem_free(session->side);
    session->side = NULL;
    reclaim_retire(worker->reader, &session->retire, release);
}

static void drop_rest(struct timer *timer)
{
    struct session *session = container_of(timer, struct session, timer);
    struct worker *worker = session->set->worker;

    if (client_subs_drop(session, DROP_WORK))
        session_free(session);
    else
        timer_arm(&worker->timers, &session->timer, worker->now_ns + DROP_PAUSE_NS, drop_rest);
}

void session_ended(struct session *session)
{
    session->flags |= SESSION_CONN_GONE;
    atomic_fetch_sub(&session->set->table->connections, 1);
    drop_rest(&session->timer);
}

void session_leave_account(struct session *session)
{
    const struct session_hooks *hooks = &session->set->table->parts.hooks;
    struct worker *worker = session->set->worker;
    bool counted = (session->flags & SESSION_COUNTED) != 0;

    if ((session->flags & SESSION_IN_ACCOUNT) == 0)
        return;
    session->flags &= (uint16_t) ~(SESSION_IN_ACCOUNT | SESSION_COUNTED);
    account_leave(session->account);
    if (hooks->on_account_change != NULL)
        hooks->on_account_change(hooks->arg, worker, session->account);
    if (!counted)
        return;
    counter_add(&session->counters->sessions, (uint64_t)-1);
    if (hooks->on_disconnect != NULL)
        hooks->on_disconnect(hooks->arg, worker, session);
}

/* What a peer's owner has to mend stands in the log whatever its level; the rest is for debugging.
 * Parse errors and refused log-ins were logged with more where they were found. */
static void log_end(const struct session *session)
{
    const char *reason = session_reason_text(session->reason);
    char tag[SESSION_TAG_MAX];

    switch (session->reason) {
    case SESSION_PROTOCOL_VIOLATION:
    case SESSION_BAD_PROTOCOL_VERSION:
    case SESSION_MAX_CONNECTIONS:
    case SESSION_MAX_ACCOUNT_CONNECTIONS:
    case SESSION_MAX_PAYLOAD:
    case SESSION_MAX_CONTROL_LINE:
    case SESSION_NO_RESPONDERS:
        log_every(100, LOG_ERROR, LOG_SESSION, "%s - %s", session_tag(session, tag), reason);
        break;
    default:
        break;
    }
    log_debug(LOG_SESSION, "%s - Client connection closed: %s", session_tag(session, tag), reason);
}

/* Counts and tells who shall know; the session can still be looked at. */
static void announce_end(struct session *session)
{
    struct session_set *set = session->set;
    struct session_snapshot snapshot;

    if (session->reason == SESSION_SLOW_PENDING || session->reason == SESSION_SLOW_DEADLINE) {
        counter_add(&set->slow_consumers, 1);
        counter_add(&session->counters->slow_consumers, 1);
    } else if (session->reason == SESSION_STALE) {
        counter_add(&set->stale_connections, 1);
    }
    log_end(session);
    session_snapshot(session, &snapshot);
    session_closed_add(set->table->closed, &snapshot);
    session_leave_account(session);
}

static bool worth_flushing(enum session_reason reason)
{
    return reason != SESSION_SLOW_PENDING && reason != SESSION_SLOW_DEADLINE &&
           reason != SESSION_WRITE_ERROR && reason != SESSION_READ_ERROR &&
           reason != SESSION_CLIENT_CLOSED;
}

void session_close(struct session *session, enum session_reason reason)
{
    struct session_set *set = session->set;

    if (session->state == SESSION_CLOSING)
        return;
    session->reason = (uint8_t)reason;
    session_move(session, SESSION_CLOSING);
    if (session->attempt != NULL)
        auth_cancel(session->attempt);
    session->attempt = NULL;
    identity_retire(session->side->next, set->worker);
    session->side->next = NULL;
    timer_cancel(&set->worker->timers, &session->timer);
    timer_cancel(&set->worker->timers, &session->expiry);
    announce_end(session);
    session_set_remove(set, session);
    list_push(&set->ending, &session->link);
    if (session->subs.count > 0)
        (void)client_subs_drop(session, DROP_WORK);
    conn_close(&session->conn, worth_flushing(session->reason));
}

void session_fail(struct session *session, enum session_reason reason, const char *text)
{
    if (session->state == SESSION_CLOSING)
        return;
    session_error(session, "%s", text);
    session_close(session, reason);
}

void session_end_now(struct session_set *set)
{
    list_each(&set->ending, link, after)
    {
        struct session *session = list_entry(link, struct session, link);

        (void)client_subs_drop(session, UINT32_MAX);
        if ((session->flags & SESSION_CONN_GONE) == 0)
            continue;
        timer_cancel(&set->worker->timers, &session->timer);
        session_free(session);
    }
}
