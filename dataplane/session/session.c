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
#include "dataplane/session/session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/base/base64.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "api/nats/limits.h"
#include "dataplane/core/listener.h"
#include "dataplane/session/client.h"
#include "dataplane/session/client_sub.h"
#include "dataplane/session/login.h"
#include "dataplane/session/reply_rights.h"
#include "dataplane/session/session_info.h"
#include "dataplane/session/session_set.h"

_Static_assert(sizeof(struct session) <= 720, "10,000 idle ones: 4 KiB each all told");

enum {
    DROP_AT_ONCE = 4096, /* subscriptions removed in one turn */
    ERROR_TEXT_MAX = 8 << 10,
};
#define FIRST_PING_NS (2 * NS_PER_S)
#define RTT_AGE_NS (3600 * NS_PER_S)
#define DROP_PAUSE_NS NS_PER_MS

static const char *const reason_texts[SESSION_REASONS] = {
    [SESSION_OPEN] = "",
    [SESSION_CLIENT_CLOSED] = "Client Closed",
    [SESSION_AUTH_TIMEOUT] = "Authentication Timeout",
    [SESSION_AUTH_FAILURE] = "Authentication Failure",
    [SESSION_SLOW_PENDING] = "Slow Consumer (Pending Bytes)",
    [SESSION_SLOW_DEADLINE] = "Slow Consumer (Write Deadline)",
    [SESSION_WRITE_ERROR] = "Write Error",
    [SESSION_READ_ERROR] = "Read Error",
    [SESSION_PARSE_ERROR] = "Parse Error",
    [SESSION_STALE] = "Stale Connection",
    [SESSION_PROTOCOL_VIOLATION] = "Protocol Violation",
    [SESSION_BAD_PROTOCOL_VERSION] = "Bad Client Protocol Version",
    [SESSION_MAX_CONNECTIONS] = "Maximum Connections Exceeded",
    [SESSION_MAX_ACCOUNT_CONNECTIONS] = "Maximum Account Connections Exceeded",
    [SESSION_MAX_PAYLOAD] = "Maximum Message Payload Exceeded",
    [SESSION_MAX_CONTROL_LINE] = "Maximum Control Line Exceeded",
    [SESSION_MAX_SUBSCRIPTIONS] = "Maximum Subscriptions Exceeded",
    [SESSION_SHUTDOWN] = "Server Shutdown",
    [SESSION_EXPIRED] = "Authentication Expired",
    [SESSION_MISSING_ACCOUNT] = "Missing Account",
    [SESSION_REVOKED] = "Credentials Revoked",
    [SESSION_NO_RESPONDERS] = "No Responders Requires Headers",
    [SESSION_KICKED] = "Kicked",
};

const char *session_reason_text(enum session_reason reason)
{
    return reason_texts[reason];
}

#define TO(state) (1U << (state))

/* Every move a session can make. */
static const unsigned session_moves[SESSION_STATES] = {
    [SESSION_NEW] = TO(SESSION_GREETED) | TO(SESSION_CLOSING),
    [SESSION_GREETED] = TO(SESSION_LOGIN) | TO(SESSION_CLOSING),
    [SESSION_LOGIN] = TO(SESSION_READY) | TO(SESSION_CLOSING),
    [SESSION_READY] = TO(SESSION_LOGIN) | TO(SESSION_CLOSING),
};

void session_move(struct session *session, enum session_state next)
{
    CHECK(session_moves[session->state] & TO(next));
    session->state = (uint8_t)next;
}

/* --- saying things --------------------------------------------------------------------------- */

void session_error(struct session *session, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len >= (int)sizeof(text))
        len = (int)sizeof(text) - 1;
    conn_write(&session->conn, "-ERR '", 6);
    conn_write(&session->conn, text, (size_t)len);
    conn_write(&session->conn, "'\r\n", 3);
    if (session->flags & SESSION_TRACE)
        session_trace_out(session, "-ERR %.256s", text);
}

void session_ok(struct session *session)
{
    if ((session->flags & SESSION_VERBOSE) == 0)
        return;
    conn_write(&session->conn, "+OK\r\n", 5);
    if (session->flags & SESSION_TRACE)
        session_trace_out(session, "OK");
}

/* --- the end --------------------------------------------------------------------------------- */

static void release(struct reclaim_node *node)
{
    mem_free(container_of(node, struct session, retire));
}

/* Without subscriptions by now. */
static void session_free(struct session *session)
{
    struct worker *worker = session->set->worker;

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

    if (client_subs_drop(session, DROP_AT_ONCE))
        session_free(session);
    else
        timer_arm(&worker->timers, &session->timer, worker->now_ns + DROP_PAUSE_NS, drop_rest);
}

static void on_closed(struct conn *conn)
{
    struct session *session = container_of(conn, struct session, conn);

    atomic_fetch_sub(&session->set->table->connections, 1);
    drop_rest(&session->timer);
}

/* Counts and tells who shall know; the session can still be looked at. */
static void announce_end(struct session *session)
{
    struct session_set *set = session->set;
    const struct session_hooks *hooks = &set->table->parts.hooks;
    struct session_snapshot snapshot;
    char tag[SESSION_TAG_MAX];

    if (session->reason == SESSION_SLOW_PENDING || session->reason == SESSION_SLOW_DEADLINE) {
        counter_add(&set->slow_consumers, 1);
        counter_add(&session->counters->slow_consumers, 1);
    } else if (session->reason == SESSION_STALE) {
        counter_add(&set->stale_connections, 1);
    }
    log_debug(LOG_SESSION, "%s - Client connection closed: %s", session_tag(session, tag),
              session_reason_text(session->reason));
    session_snapshot(session, &snapshot);
    session_closed_add(&set->table->closed, &snapshot);
    login_leave_account(session);
    if (session->reason == SESSION_AUTH_TIMEOUT && hooks->on_auth_error != NULL)
        hooks->on_auth_error(hooks->arg, set->worker, session, NULL);
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
    timer_cancel(&set->worker->timers, &session->timer);
    timer_cancel(&set->worker->timers, &session->expiry);
    announce_end(session);
    session_set_remove(set, session);
    if (session->subs.count > 0)
        (void)client_subs_drop(session, DROP_AT_ONCE);
    conn_close(&session->conn, worth_flushing(session->reason));
}

void session_fail(struct session *session, enum session_reason reason, const char *text)
{
    if (session->state == SESSION_CLOSING)
        return;
    session_error(session, "%s", text);
    session_close(session, reason);
}

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
    return session->state == SESSION_CLOSING || session->state == SESSION_LOGIN ||
           (session->flags & SESSION_MOVING) != 0;
}

static size_t on_data(struct conn *conn, char *data, size_t len, size_t *want)
{
    struct session *session = container_of(conn, struct session, conn);
    struct parser_event event;
    size_t used = 0;

    *want = 0;
    session->input_ns = session->active_ns = conn->worker->now_ns;
    while (used < len && !stopped(session)) {
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

static const struct conn_ops session_conn_ops = {on_data, on_end, on_closed};

/* --- pings ----------------------------------------------------------------------------------- */

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

void session_start_pings(struct session *session)
{
    struct worker *worker = session->set->worker;
    int64_t delay = session_options(session)->ping_interval_ns;

    if ((session->flags & SESSION_CONNECTED) != 0 && delay > FIRST_PING_NS)
        delay = FIRST_PING_NS;
    delay += (int64_t)random_below(&worker->random.random, (uint64_t)(delay / 5 + 1));
    timer_arm(&worker->timers, &session->timer, worker->now_ns + delay, on_ping_timer);
}

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
    int64_t now = atomic_fetch_add(&table->connections, 1) + 1;

    return table->options.max_connections >= 0 && now > table->options.max_connections;
}

void session_open(struct session_set *set, int fd, const struct sockaddr_storage *peer)
{
    const struct session_options *options = &set->table->options;
    struct conn_options conn_options = {options->max_pending, options->write_deadline_ns};
    struct session *session = session_new(set, peer);
    char tag[SESSION_TAG_MAX];

    if (conn_open(&session->conn, set->worker, fd, &session_conn_ops, &conn_options) != OK) {
        log_every(1000, LOG_ERROR, LOG_SESSION, "%s - cannot be watched",
                  session_tag(session, tag));
        close(fd);
        session_free(session);
        return;
    }
    session_set_add(set, session);
    atomic_fetch_add(&set->table->total_connections, 1);
    log_debug(LOG_SESSION, "%s - Client connection created", session_tag(session, tag));
    session_info_greet(session);
    session_move(session, SESSION_GREETED);
    if (too_many(set->table)) {
        session_fail(session, SESSION_MAX_CONNECTIONS, "maximum connections exceeded");
        return;
    }
    if (session->flags & SESSION_MUST_LOGIN)
        timer_arm(&set->worker->timers, &session->timer,
                  set->worker->now_ns + options->auth_timeout_ns, on_login_timeout);
    else
        session_start_pings(session);
}

/* --- looking at it --------------------------------------------------------------------------- */

static const char *text_or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

void session_snapshot(const struct session *session, struct session_snapshot *out)
{
    const struct worker *worker = session->set->worker;
    const struct session_side *side = session->side;
    const struct identity *identity = session->identity;

    *out = (struct session_snapshot){
        .cid = session->cid,
        .kind = session->kind->name,
        .type = "nats",
        .host = side->host,
        .port = side->port,
        .start_ns = session->start_ns,
        .active_ns = worker->wall_ns - (worker->now_ns - session->active_ns),
        .stop_ns = session->state == SESSION_CLOSING ? worker->wall_ns : 0,
        .reason = session->reason,
        .rtt_ns = session->rtt_ns,
        .pending_bytes = session->conn.out.bytes,
        .in_msgs = session->in_msgs,
        .in_bytes = session->in_bytes,
        .out_msgs = session->out_msgs,
        .out_bytes = session->out_bytes,
        .subscriptions = session->subs.count,
        .name = side->name,
        .lang = side->lang,
        .version = side->version,
        .account = session->account->name,
        .account_label = account_label(session->account),
        .nonce = text_or_null(side->nonce),
    };
    out->user = side->claimed;
    if (identity == NULL)
        return;
    out->user = identity->user;
    out->jwt = identity->bearer ? NULL : identity->jwt;
    out->issuer_key = identity->issuer_key;
    out->name_tag = identity->name_tag;
    out->tags = identity->tags;
}

static void detail_of(const struct client_sub *sub, struct session_sub_detail *out)
{
    *out = (struct session_sub_detail){
        .subject = sub_subject(&sub->sub),
        .queue = sub_queue(&sub->sub),
        .sid = client_sub_sid(sub),
        .msgs = sub->msgs,
        .max = sub->max,
        .cid = sub->sub.owner->origin,
        .account = client_sub_session(sub)->account,
    };
}

void session_walk_subs(const struct session *session,
                       bool (*fn)(const struct session_sub_detail *detail, void *arg), void *arg)
{
    struct session_sub_detail detail;
    struct client_sub *sub;
    uint32_t at = 0;

    while ((sub = client_subs_next(&session->subs, &at)) != NULL) {
        detail_of(sub, &detail);
        if (!fn(&detail, arg))
            return;
    }
}

bool session_sub_detail(const struct sub *sub, struct session_sub_detail *out)
{
    if (sub->owner->kind != &client_sub_kind || sub->gone)
        return false;
    detail_of(container_of(sub, struct client_sub, sub), out);
    return true;
}
