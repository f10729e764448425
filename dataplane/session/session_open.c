/*
 * What becomes of a connection:
 *
 *   1. open     INFO; a deadline for the log-in runs if one is required
 *   2. data     the parser cuts commands out of the receive buffer; each goes to its verb
 *   3. CONNECT  login.c; the session may move to another worker here, once
 *   4. ready    PINGs from us, 2 s after CONNECT and then by ping_interval
 *   5. close    once, with a reason: out of all lists, told to the hooks, remembered among the
 *               closed; subscriptions go a few thousand at a time
 *   6. closed   the conn is gone; freed when no subscription is left
 *
 * What can go wrong: the peer is too slow, too quiet (stale), or says what it may not.
 */
#include "dataplane/session/session_open.h"

#include <unistd.h>

#include "api/base/base64.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "api/nats/limits.h"
#include "dataplane/core/listener.h"
#include "dataplane/session/client.h"
#include "dataplane/session/client_deliver.h"
#include "dataplane/session/login.h"
#include "dataplane/session/session_end.h"
#include "dataplane/session/session_info.h"
#include "dataplane/session/session_ping.h"
#include "dataplane/session/session_set.h"

static void log_slow(const struct session *session, enum conn_end end)
{
    const struct session_options *options = session_options(session);
    char tag[SESSION_TAG_MAX];

    session_tag(session, tag);
    if (end == CONN_END_PENDING)
        log_info(LOG_SESSION, "%s - Slow Consumer Detected: MaxPending of %zu Exceeded", tag,
                 options->max_pending);
    else
        log_info(LOG_SESSION,
                 "%s - Slow Consumer Detected: WriteDeadline of %.3fs exceeded with %zu total "
                 "bytes.",
                 tag, (double)options->write_deadline_ns / (double)NS_PER_S,
                 session->conn.out.bytes);
}

static void on_end(struct conn *conn, enum conn_end end)
{
    static const enum session_reason reasons[] = {
        [CONN_END_PEER] = SESSION_CLIENT_CLOSED,     [CONN_END_READ] = SESSION_READ_ERROR,
        [CONN_END_WRITE] = SESSION_WRITE_ERROR,      [CONN_END_PENDING] = SESSION_SLOW_PENDING,
        [CONN_END_DEADLINE] = SESSION_SLOW_DEADLINE,
    };
    struct session *session = container_of(conn, struct session, conn);

    if (session->state == SESSION_CLOSING)
        return;
    if (end == CONN_END_PENDING || end == CONN_END_DEADLINE)
        log_slow(session, end);
    session_close(session, reasons[end]);
}

/* --- input ----------------------------------------------------------------------------------- */

static void parser_failed(struct session *session, enum parser_error error)
{
    switch (error) {
    case PARSER_ERROR_LINE:
        session_fail(session, SESSION_MAX_CONTROL_LINE, "maximum control line exceeded");
        break;
    case PARSER_ERROR_PAYLOAD:
        session_fail(session, SESSION_MAX_PAYLOAD, "Maximum Payload Violation");
        break;
    case PARSER_ERROR_ARGS:
        session_close(session, SESSION_PROTOCOL_VIOLATION);
        break;
    default:
        session_fail(session, SESSION_PROTOCOL_VIOLATION, "Unknown Protocol Operation");
        break;
    }
}

/* Nothing but CONNECT may come before the log-in.  False: not now, or never. */
static bool may_speak(struct session *session, char first)
{
    if (first == 'C' || first == 'c')
        return true;
    if (auth_has_no_auth_user(session->set->table->parts.auth)) {
        login_implicit(session);
        return session->state == SESSION_READY && (session->flags & SESSION_MOVING) == 0;
    }
    login_refused(session, NULL, "the first word was not CONNECT");
    return false;
}

static bool stopped(const struct session *session)
{
    return session->state >= SESSION_DROPPING || session->state == SESSION_LOGIN ||
           (session->flags & SESSION_MOVING) != 0;
}

static size_t on_data(struct conn *conn, char *data, size_t len, size_t *want)
{
    struct session *session = container_of(conn, struct session, conn);
    struct parser_event event;
    size_t used = 0;

    *want = 0;
    session->input_ns = session->active_ns = conn->worker->now_ns;
    while (used < len && !stopped(session) && !worker_tired(conn->worker)) {
        if ((session->flags & SESSION_MUST_LOGIN) != 0 && !may_speak(session, data[used]))
            break;
        switch (parser_next(&session->parser, data + used, len - used, &event)) {
        case PARSER_MORE:
            *want = event.needed;
            return used;
        case PARSER_ERROR:
            parser_failed(session, event.error);
            return len;
        case PARSER_EVENT:
            used += event.consumed;
            if (session->flags & SESSION_TRACE)
                session_trace_in(session, event.verb, event.text);
            session->kind->verbs[event.verb](session, &event);
            break;
        }
    }
    return session->state == SESSION_CLOSING ? len : used;
}

static void on_closed(struct conn *conn)
{
    session_ended(container_of(conn, struct session, conn));
}

static const struct conn_ops session_conn_ops = {on_data, on_end, on_closed};

static void on_login_timeout(struct timer *timer)
{
    struct session *session = container_of(timer, struct session, timer);

    session_fail(session, SESSION_AUTH_TIMEOUT, "Authentication Timeout");
}

/* --- open ------------------------------------------------------------------------------------ */

static void make_nonce(struct session *session)
{
    uint8_t bytes[NONCE_BYTES];

    random_fill(random_system(), bytes, sizeof(bytes));
    base64url_encode(bytes, sizeof(bytes), session->side->nonce);
}

static void limits_before_login(struct session *session)
{
    const struct session_options *options = session_options(session);

    parser_init(&session->parser, session->kind->verb_set, options->max_control_line,
                options->max_payload);
    session->parser.headers_off = true;
    session->subs_max = options->max_subscriptions > 0 ? options->max_subscriptions : -1;
}

static struct session *session_new(struct session_set *set, const struct sockaddr_storage *peer)
{
    struct session *session = mem_alloc(sizeof(*session));
    const struct auth *auth = set->table->parts.auth;
    int port;

    session->kind = &client_kind;
    session->set = set;
    session->side = mem_alloc(sizeof(*session->side));
    address_host(peer, session->side->host, &port);
    session->side->port = (uint16_t)port;
    session->cid = atomic_fetch_add(&set->table->next_cid, 1);
    session->owner.kind = &client_sub_kind;
    session->owner.origin = session->cid;
    session->account = account_ref(set->table->global);
    session->counters = &session->account->counters[set->worker->index];
    session->flags = SESSION_VERBOSE | SESSION_PEDANTIC | SESSION_ECHO; /* as without CONNECT */
    if (auth_required(auth))
        session->flags |= SESSION_MUST_LOGIN;
    if (log_wants(LOG_TRACE, LOG_SESSION))
        session->flags |= SESSION_TRACE;
    session->start_ns = set->worker->wall_ns;
    session->ping_ns = session->input_ns = session->active_ns = set->worker->now_ns;
    if (auth_needs_nonce(auth))
        make_nonce(session);
    limits_before_login(session);
    return session;
}

static bool too_many(struct session_table *table)
{
    const struct session_options *options = &table->options;
    int64_t now = atomic_fetch_add(&table->connections, 1) + 1;

    return (options->max_connections >= 0 && now > options->max_connections) ||
           (options->clients_max > 0 && now > options->clients_max);
}

void session_open(struct session_set *set, int fd, const struct sockaddr_storage *peer)
{
    const struct session_options *options = &set->table->options;
    struct conn_options conn_options = {options->max_pending, options->write_deadline_ns};
    struct session *session = session_new(set, peer);
    bool refused = too_many(set->table);
    char tag[SESSION_TAG_MAX];

    if (conn_open(&session->conn, set->worker, fd, &session_conn_ops, &conn_options) != OK) {
        log_every(1000, LOG_ERROR, LOG_SESSION, "%s - cannot be watched",
                  session_tag(session, tag));
        close(fd);
        session_ended(session);
        return;
    }
    session_set_add(set, session);
    atomic_fetch_add(&set->table->total_connections, 1);
    log_debug(LOG_SESSION, "%s - Client connection created", session_tag(session, tag));
    session_info_greet(session);
    session_move(session, SESSION_GREETED);
    if (refused) {
        session_fail(session, SESSION_MAX_CONNECTIONS, "maximum connections exceeded");
        return;
    }
    if (session->flags & SESSION_MUST_LOGIN)
        timer_arm(&set->worker->timers, &session->timer,
                  set->worker->now_ns + options->auth_timeout_ns, on_login_timeout);
    else
        session_ping_start(session);
}
