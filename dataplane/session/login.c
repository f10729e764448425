/*
 * CONNECT, step by step:
 *
 *   1. decode    what the peer says of itself is kept
 *   2. auth      maybe off the worker; the conn pauses then
 *   3. drop      subscriptions of before, where they do not stay; many in turns, the conn pauses
 *   4. bind      a place in the account
 *   5. place     maybe to another worker; nothing of the session is touched until it is there
 *   6. finish    limits, permissions, pings; +OK
 *
 * A second CONNECT goes through the same again.
 *
 * What can go wrong: refused, the account is full, the peer leaves while auth is thinking or while
 * subscriptions go (session_close takes back either), the account's terms change meanwhile or while
 * the session moves (step 6 compares generations).
 */
#include "dataplane/session/login.h"

#include <string.h>

#include "api/base/buf.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "api/nats/handshake.h"
#include "dataplane/session/client_sub.h"
#include "dataplane/session/placement.h"
#include "dataplane/session/session_end.h"
#include "dataplane/session/session_ping.h"
#include "dataplane/session/session_set.h"
#include "dataplane/session/session_terms.h"

void login_refused(struct session *session, struct account *account, const char *reason)
{
    const struct session_hooks *hooks = &session->set->table->parts.hooks;
    const struct session_side *side = session->side;
    char tag[SESSION_TAG_MAX];
    struct buf who = {0};

    if (session->state == SESSION_CLOSING)
        return;
    if (side->claimed != NULL) {
        buf_printf(&who, " - %s ", side->claimed_as);
        buf_add_quoted(&who, slice_of(side->claimed));
    }
    log_every(100, LOG_ERROR, LOG_AUTH, "%s - authentication error%s: %s",
              session_tag(session, tag), buf_text(&who), reason);
    buf_fini(&who);
    session_error(session, "%s", "Authorization Violation");
    if (hooks->on_auth_error != NULL) {
        session->reason = SESSION_AUTH_FAILURE;
        hooks->on_auth_error(hooks->arg, session->set->worker, session, account);
    }
    session_close(session, SESSION_AUTH_FAILURE);
}

/* --- 6 --------------------------------------------------------------------------------------- */

static void finish(struct session *session)
{
    const struct session_hooks *hooks = &session->set->table->parts.hooks;
    struct worker *worker = session->set->worker;
    bool again = (session->flags & SESSION_COUNTED) != 0;

    session->flags |= SESSION_CONNECTED | SESSION_PLACED | SESSION_COUNTED;
    session->flags &= (uint16_t) ~(SESSION_MUST_LOGIN | SESSION_FIRST_PONG);
    session_move(session, SESSION_READY);
    session->counters = &session->account->counters[worker->index];
    session_apply_limits(session);
    session_ping_start(session);
    if (!again) {
        counter_add(&session->counters->sessions, 1);
        if (hooks->on_account_change != NULL)
            hooks->on_account_change(hooks->arg, worker, session->account);
        if (hooks->on_connect != NULL)
            hooks->on_connect(hooks->arg, worker, session);
    }
    if (session->side->said_connect)
        session_ok(session);
    if (session->flags & SESSION_PAUSED) {
        session->flags &= (uint16_t)~SESSION_PAUSED;
        conn_resume(&session->conn);
    }
    if (atomic_load(&session->account->generation) != session->terms_seen)
        session_catch_up(session);
}

/* --- 5 --------------------------------------------------------------------------------------- */

static void on_moved(struct conn *conn)
{
    struct session *session = container_of(conn, struct session, conn);

    session->flags &= (uint16_t)~SESSION_MOVING;
    session_set_add(session_set_of(conn->worker), session);
    if (session->set->stopping)
        session_close(session, SESSION_SHUTDOWN);
    else
        finish(session);
}

static void place(struct session *session)
{
    struct session_set *set = session->set;
    unsigned to = set->worker->index;

    if ((session->flags & SESSION_PLACED) == 0 && session->subs.count == 0)
        to = placement_choose(session);
    if (to == set->worker->index) {
        finish(session);
        return;
    }
    timer_cancel(&set->worker->timers, &session->timer);
    timer_cancel(&set->worker->timers, &session->expiry);
    session_set_remove(set, session);
    session->flags |= SESSION_MOVING;
    conn_move(&session->conn, to, on_moved);
}

/* --- 4 --------------------------------------------------------------------------------------- */

/* It was let in before, or has published and subscribed in $G without CONNECT. */
static void leave_former(struct session *session, const struct identity *identity)
{
    if (session->account == identity->account)
        return;
    session->reason = SESSION_CLIENT_CLOSED; /* as far as the former account is concerned */
    session_leave_account(session);
    session->reason = SESSION_OPEN;
    session->in_msgs = session->in_bytes = session->out_msgs = session->out_bytes = 0;
}

static void become(struct session *session, struct identity *identity)
{
    struct worker *worker = session->set->worker;

    session_use_permission(session, identity->permission);
    identity_retire(session->identity, worker);
    session->identity = identity;
    account_ref(identity->account);
    account_unref(session->account);
    session->account = identity->account;
    session->counters = &session->account->counters[worker->index];
    session->terms_seen = identity->terms_seen;
}

/* It never was in the account; who watches the account hears of it nevertheless. */
static void refuse_full(struct session *session)
{
    const struct session_hooks *hooks = &session->set->table->parts.hooks;

    session_fail(session, SESSION_MAX_ACCOUNT_CONNECTIONS,
                 "maximum account active connections exceeded");
    if (hooks->on_disconnect != NULL)
        hooks->on_disconnect(hooks->arg, session->set->worker, session);
}

static void bind_account(struct session *session, struct identity *identity)
{
    leave_former(session, identity);
    become(session, identity);
    if ((session->flags & SESSION_IN_ACCOUNT) == 0 && !account_enter(session->account)) {
        refuse_full(session);
        return;
    }
    session->flags |= SESSION_IN_ACCOUNT;
    place(session);
}

/* --- 3 --------------------------------------------------------------------------------------- */

static void drop_more(struct timer *timer)
{
    struct session *session = container_of(timer, struct session, timer);
    struct worker *worker = session->set->worker;
    struct identity *identity = session->side->next;

    if (!client_subs_drop(session, DROP_WORK)) {
        timer_arm(&worker->timers, timer, worker->now_ns + DROP_PAUSE_NS, drop_more);
        return;
    }
    session->side->next = NULL;
    bind_account(session, identity);
}

/* Those made before the first CONNECT stay if the account is the same; nothing stays at another. */
static void drop_former(struct session *session, struct identity *identity)
{
    struct worker *worker = session->set->worker;
    bool stay = (session->flags & SESSION_CONNECTED) == 0 && session->account == identity->account;

    if (stay || client_subs_drop(session, DROP_WORK)) {
        bind_account(session, identity);
        return;
    }
    session_move(session, SESSION_DROPPING);
    session->side->next = identity;
    if ((session->flags & SESSION_PAUSED) == 0) {
        session->flags |= SESSION_PAUSED;
        conn_pause(&session->conn);
    }
    /* The timer is free: begin() stopped it. */
    timer_arm(&worker->timers, &session->timer, worker->now_ns + DROP_PAUSE_NS, drop_more);
}

/* --- 2 --------------------------------------------------------------------------------------- */

/* What the peer may not ask for; false: it was told. */
static bool wishes_granted(struct session *session)
{
    if (session->protocol > 1) {
        session_fail(session, SESSION_BAD_PROTOCOL_VERSION, "invalid client protocol");
        return false;
    }
    if ((session->flags & SESSION_RESPONDERS) != 0 && (session->flags & SESSION_HEADERS) == 0) {
        session_fail(session, SESSION_NO_RESPONDERS, "no responders requires headers support");
        return false;
    }
    return true;
}

static void on_answer(void *owner, struct worker *worker, const struct auth_answer *answer)
{
    struct session *session = owner;

    session->attempt = NULL;
    if (answer->rc != OK) {
        login_refused(session, answer->account, answer->reason);
    } else if (session->side->legacy_account) {
        login_refused(session, answer->account, "CONNECT names an account");
        identity_retire(answer->identity, worker);
    } else if (!wishes_granted(session)) {
        identity_retire(answer->identity, worker);
    } else {
        drop_former(session, answer->identity);
    }
}

/* --- 1, 2 ------------------------------------------------------------------------------------ */

static void begin(struct session *session, const struct handshake_connect *connect)
{
    struct session_set *set = session->set;
    struct auth_attempt *attempt;
    struct auth_input input = {
        .connect = connect,
        .nonce = session->side->nonce[0] != '\0' ? session->side->nonce : NULL,
        .host = session->side->host,
        .connection = AUTH_STANDARD,
    };

    timer_cancel(&set->worker->timers, &session->timer);
    session_move(session, SESSION_LOGIN);
    attempt = auth_begin(set->table->parts.auth, set->worker, &input, on_answer, session);
    if (attempt == NULL)
        return; /* answered: the session may be anywhere */
    session->attempt = attempt;
    session->flags |= SESSION_PAUSED;
    conn_pause(&session->conn);
}

static size_t text_len(const char *text)
{
    return text != NULL ? strlen(text) : 0;
}

static const char *keep(char **at, const char *text)
{
    char *copy = *at;
    size_t len = text_len(text);

    if (len == 0)
        return NULL;
    memcpy(copy, text, len + 1);
    *at += len + 1;
    return copy;
}

static void set_flag(struct session *session, unsigned flag, bool on)
{
    session->flags = (uint16_t)(on ? session->flags | flag : session->flags & ~flag);
}

/* For the log and the event that say that it was refused. */
static const char *claimed_user(const struct session *session,
                                const struct handshake_connect *connect, const char **as)
{
    *as = "Nkey";
    if (!auth_required(session->set->table->parts.auth))
        return NULL;
    if (text_len(connect->nkey) > 0)
        return connect->nkey;
    *as = "User";
    if (text_len(connect->user) > 0)
        return connect->user;
    *as = "Token";
    return text_len(connect->auth_token) > 0 ? "[REDACTED]" : NULL;
}

/* What stays of CONNECT. */
static void remember(struct session *session, const struct handshake_connect *connect)
{
    struct session_side *side = session->side;
    const char *claimed = claimed_user(session, connect, &side->claimed_as);
    char *at;

    mem_free(side->texts);
    side->texts = at = mem_alloc(text_len(connect->name) + text_len(connect->lang) +
                                 text_len(connect->version) + text_len(claimed) + 4);
    side->name = keep(&at, connect->name);
    side->lang = keep(&at, connect->lang);
    side->version = keep(&at, connect->version);
    side->claimed = keep(&at, claimed);
    side->said_connect = true;
    side->legacy_account = connect->new_account || text_len(connect->account) > 0;
    session->protocol =
        connect->protocol == 0 || connect->protocol == 1 ? (uint8_t)connect->protocol : UINT8_MAX;
    set_flag(session, SESSION_VERBOSE, connect->verbose);
    set_flag(session, SESSION_PEDANTIC, connect->pedantic);
    set_flag(session, SESSION_ECHO, connect->echo);
    set_flag(session, SESSION_HEADERS, connect->headers && !session_options(session)->headers_off);
    set_flag(session, SESSION_RESPONDERS, connect->no_responders);
    session->parser.headers_off = (session->flags & SESSION_HEADERS) == 0;
}

/* Subscriptions made before the first CONNECT stay; they follow `echo`. */
static void follow_echo(struct session *session)
{
    struct client_sub *sub;
    uint32_t at = 0;

    if ((session->flags & (SESSION_ECHO | SESSION_CONNECTED)) != 0)
        return;
    worker_charge(session->set->worker, session->subs.count * SUB_WORK);
    while ((sub = client_subs_next(&session->subs, &at)) != NULL)
        client_subs_refresh(session, sub);
}

void login_connect(struct session *session, const struct parser_event *event)
{
    struct worker *worker = session->set->worker;
    struct handshake_connect connect;
    struct shape_error error = {0};
    struct arena arena = {0};
    char tag[SESSION_TAG_MAX];

    worker_charge(worker, CONNECT_WORK);
    if (handshake_connect_decode(event->text, &arena, &connect, &error) != OK) {
        log_every(1000, LOG_ERROR, LOG_SESSION, "%s - CONNECT cannot be read: %s%s%s",
                  session_tag(session, tag), error.pointer, error.pointer[0] != '\0' ? " " : "",
                  error.message);
        session_close(session, SESSION_PROTOCOL_VIOLATION);
        arena_fini(&arena);
        return;
    }
    if (session->rtt_ns == 0)
        session->rtt_ns = worker->now_ns - session->ping_ns;
    remember(session, &connect);
    follow_echo(session);
    begin(session, &connect);
    arena_fini(&arena);
}

void login_implicit(struct session *session)
{
    struct handshake_connect connect = {.echo = true, .verbose = true, .pedantic = true};

    begin(session, &connect);
}
