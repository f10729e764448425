/*
 * A PUB, where it lies in the receive buffer:
 *
 *   1. count     also what is refused then
 *   2. checks    skipped when the subject is the one that passed last time
 *   3. +OK       before it goes anywhere
 *   4. deliver   deliver.c finds the takers; those of this worker are served inside the call
 *   5. nobody    the publisher may want to hear that
 */
#include "dataplane/session/client.h"

#include <stdio.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "api/nats/subject.h"
#include "dataplane/session/client_sub.h"
#include "dataplane/session/login.h"
#include "dataplane/session/reply_rights.h"
#include "dataplane/session/session_end.h"
#include "dataplane/session/session_info.h"
#include "dataplane/session/session_ping.h"
#include "dataplane/session/session_set.h"

enum { LOG_PAUSE_MS = 1000 };

/* --- PUB, HPUB ------------------------------------------------------------------------------- */

static void publish_denied(struct session *session, struct slice subject)
{
    struct buf quoted = {0};
    char tag[SESSION_TAG_MAX];

    buf_add_quoted(&quoted, subject);
    session_error(session, "Permissions Violation for Publish to %s", buf_text(&quoted));
    log_every(LOG_PAUSE_MS, LOG_ERROR, LOG_SESSION, "%s - Publish Violation - Subject %s",
              session_tag(session, tag), buf_text(&quoted));
    buf_fini(&quoted);
}

static void reply_denied(struct session *session, struct slice reply)
{
    struct buf quoted = {0};
    char tag[SESSION_TAG_MAX];

    buf_add_quoted(&quoted, reply);
    session_error(session, "Permissions Violation for Publish with Reply of %s", buf_text(&quoted));
    log_every(LOG_PAUSE_MS, LOG_ERROR, LOG_SESSION, "%s - Publish Violation - Reply %s",
              session_tag(session, tag), buf_text(&quoted));
    buf_fini(&quoted);
}

/* Subjects that servers use among themselves. */
static bool reserved_subject(const struct session *session, struct slice subject)
{
    if (subject.len < 5)
        return false;
    if (subject.data[0] == '_')
        return slice_starts(subject, SLICE("_GR_."));
    return subject.data[0] == '$' && slice_starts(subject, SLICE("$NRG.")) &&
           !session->account->system;
}

static bool reserved_reply(struct slice reply)
{
    if (reply.len == 0 || (reply.data[0] != '_' && reply.data[0] != '$'))
        return false;
    return slice_starts(reply, SLICE("_R_.")) || slice_starts(reply, SLICE("_GR_.")) ||
           slice_starts(reply, SLICE("$JS.ACK."));
}

static struct session_memo *memo_of(struct session *session)
{
    if (session->memo == NULL)
        session->memo = mem_alloc(sizeof(*session->memo));
    return session->memo;
}

/* May it be published?  What may always be is remembered. */
static bool subject_allowed(struct session *session, struct session_memo *memo,
                            struct slice subject)
{
    bool valid = true;

    memo->allowed_len = 0;
    if ((session->flags & SESSION_PEDANTIC) != 0 && !subject_valid_literal(subject)) {
        session_error(session, "%s", "Invalid Publish Subject"); /* and it goes out all the same */
        valid = false;
    }
    if (reserved_subject(session, subject)) {
        publish_denied(session, subject);
        return false;
    }
    if (!permission_publish(session->permission, subject)) {
        if (session->replies != NULL &&
            reply_rights_use(session->replies, subject, session->set->worker->now_ns))
            return true;
        publish_denied(session, subject);
        return false;
    }
    if (valid && subject.len <= sizeof(memo->allowed)) {
        memcpy(memo->allowed, subject.data, subject.len);
        memo->allowed_len = (uint32_t)subject.len;
    }
    return true;
}

struct search {
    const struct sub_owner *owner;
    struct client_sub *found;
};

static bool is_own(struct sub *sub, void *arg)
{
    struct search *search = arg;

    if (sub->owner != search->owner || sub->queue_len > 0)
        return true;
    search->found = client_sub_of(sub);
    return false;
}

/* Tells the publisher, on its own subscription to the reply, that nobody took its message. */
static void tell_nobody(struct session *session, struct slice subject, struct slice reply)
{
    struct search search = {.owner = &session->owner};
    char sizes[128];
    int len;

    sublist_walk(session->account->sublist, reply, is_own, &search);
    if (search.found == NULL)
        return;
    conn_write(&session->conn, "HMSG ", 5);
    conn_write(&session->conn, reply.data, reply.len);
    conn_write(&session->conn, " ", 1);
    conn_write(&session->conn, search.found->text, search.found->sid_len);
    len =
        snprintf(sizes, sizeof(sizes),
                 " %zu %zu\r\nNATS/1.0 503\r\nNats-Subject: ", subject.len + 32, subject.len + 32);
    conn_write(&session->conn, sizes, (size_t)len);
    conn_write(&session->conn, subject.data, subject.len);
    conn_write(&session->conn, "\r\n\r\n\r\n", 6);
    if (session->flags & SESSION_TRACE)
        session_trace_out(session, "HMSG %.*s 503", (int)reply.len, reply.data);
}

static void count_in(struct session *session, size_t bytes)
{
    session->in_msgs++;
    session->in_bytes += bytes;
    counter_add(&session->counters->in_msgs, 1);
    counter_add(&session->counters->in_bytes, bytes);
    counter_add(&session->set->in_msgs, 1);
    counter_add(&session->set->in_bytes, bytes);
}

static void client_pub(struct session *session, const struct parser_event *event)
{
    struct session_memo *memo = memo_of(session);
    struct slice subject = parser_subject(event);
    struct delivery delivery = {
        .subject = subject,
        .reply = parser_reply(event),
        .data = event->payload.data,
        .header_len = event->header_len,
        .len = event->payload.len,
        .shared = conn_input_shared(&session->conn),
        .origin = session->cid,
    };

    count_in(session, delivery.len);
    if ((memo->allowed_len != subject.len ||
         memcmp(memo->allowed, subject.data, subject.len) != 0) &&
        !subject_allowed(session, memo, subject))
        return;
    if (reserved_reply(delivery.reply)) {
        reply_denied(session, delivery.reply);
        return;
    }
    session_ok(session);
    if (deliver_publish(session->set->worker, session->account, &delivery, &memo->publish) > 0)
        return;
    if ((session->flags & SESSION_RESPONDERS) != 0 && delivery.reply.len > 0)
        tell_nobody(session, subject, delivery.reply);
}

/* --- SUB, UNSUB ------------------------------------------------------------------------------ */

/* "x" or "x"BETWEEN"queue". */
static const char *quote_both(struct buf *out, struct slice subject, const char *between,
                              struct slice queue)
{
    buf_add_quoted(out, subject);
    if (queue.len > 0) {
        buf_add_text(out, between);
        buf_add_quoted(out, queue);
    }
    return buf_text(out);
}

static void subscribe_denied(struct session *session, const struct parser_event *event)
{
    struct slice subject = parser_subject(event), queue = parser_queue(event);
    struct slice sid = parser_sid(event);
    struct buf told = {0}, logged = {0};
    char tag[SESSION_TAG_MAX];

    session_error(session, "Permissions Violation for Subscription to %s",
                  quote_both(&told, subject, " using queue ", queue));
    log_every(LOG_PAUSE_MS, LOG_ERROR, LOG_SESSION,
              "%s - Subscription Violation - Subject %s, SID %.*s", session_tag(session, tag),
              quote_both(&logged, subject, ", Queue: ", queue), (int)sid.len, sid.data);
    buf_fini(&told);
    buf_fini(&logged);
}

static void too_many_tokens(struct session *session, struct slice subject)
{
    struct buf quoted = {0};

    buf_add_quoted(&quoted, subject);
    session_error(session, "Permissions Violation for Subscription to %s, too many tokens",
                  buf_text(&quoted));
    buf_fini(&quoted);
}

/* False: it was told why not. */
static bool may_subscribe(struct session *session, const struct parser_event *event)
{
    struct slice subject = parser_subject(event), queue = parser_queue(event);
    unsigned tokens_max = session_options(session)->max_subscription_tokens;
    char tag[SESSION_TAG_MAX];

    if (slice_equal(queue, SLICE("_sys_")) ||
        !permission_subscribe(session->permission, subject, queue)) {
        subscribe_denied(session, event);
        return false;
    }
    if (tokens_max > 0 && subject_token_count(subject) > tokens_max) {
        too_many_tokens(session, subject);
        return false;
    }
    if (session->subs_max >= 0 && session->subs.count >= (uint64_t)session->subs_max) {
        session_error(session, "%s", "maximum subscriptions exceeded");
        log_every(2 * LOG_PAUSE_MS, LOG_ERROR, LOG_SESSION, "%s - maximum subscriptions exceeded",
                  session_tag(session, tag));
        return false;
    }
    return true;
}

static void client_sub(struct session *session, const struct parser_event *event)
{
    struct slice subject = parser_subject(event), queue = parser_queue(event);
    struct slice sid = parser_sid(event);

    worker_charge(session->set->worker, client_sub_work(subject));
    if (!may_subscribe(session, event))
        return;
    if (client_subs_find(&session->subs, sid) == NULL &&
        client_subs_add(session, subject, queue, sid) != OK) {
        session_error(session, "%s", "Invalid Subject");
        return;
    }
    session_ok(session);
}

static void client_unsub(struct session *session, const struct parser_event *event)
{
    struct client_sub *sub = client_subs_find(&session->subs, parser_sid(event));

    worker_charge(session->set->worker,
                  sub != NULL ? client_sub_work(sub_subject(&sub->sub)) : SUB_WORK);
    if (sub != NULL && event->max > 0 && (uint64_t)event->max > sub->msgs)
        sub->max = (uint64_t)event->max;
    else if (sub != NULL)
        client_subs_remove(session, sub);
    session_ok(session);
}

/* --- the others ------------------------------------------------------------------------------ */

/* What was published before somebody else's PONG must be in our output before ours. */
static void client_ping(struct session *session, const struct parser_event *event)
{
    (void)event;
    worker_drain(session->set->worker);
    if (session->state == SESSION_CLOSING)
        return;
    conn_write(&session->conn, "PONG\r\n", 6);
    if (session->flags & SESSION_TRACE)
        session_trace_out(session, "PONG");
    if ((session->flags & (SESSION_CONNECTED | SESSION_FIRST_PONG)) != SESSION_CONNECTED)
        return;
    session->flags |= SESSION_FIRST_PONG;
    if (session->protocol >= 1)
        session_info_connected(session);
}

static void client_pong(struct session *session, const struct parser_event *event)
{
    (void)event;
    session_ping_answered(session);
}

static void client_ignore(struct session *session, const struct parser_event *event)
{
    (void)session;
    (void)event;
}

static void client_err(struct session *session, const struct parser_event *event)
{
    char tag[SESSION_TAG_MAX];

    log_every(LOG_PAUSE_MS, LOG_ERROR, LOG_SESSION, "%s - Client Error %.*s",
              session_tag(session, tag), (int)(event->text.len < 200 ? event->text.len : 200),
              event->text.data);
    session_close(session, SESSION_PARSE_ERROR);
}

static const session_verb_fn client_verbs[VERB_COUNT] = {
    [VERB_CONNECT] = login_connect, [VERB_PUB] = client_pub,     [VERB_HPUB] = client_pub,
    [VERB_SUB] = client_sub,        [VERB_UNSUB] = client_unsub, [VERB_PING] = client_ping,
    [VERB_PONG] = client_pong,      [VERB_INFO] = client_ignore, [VERB_OK] = client_ignore,
    [VERB_ERR] = client_err,
};

const struct session_kind client_kind = {
    .name = "Client",
    .verbs = client_verbs,
    .verb_set = VERB_BIT(VERB_CONNECT) | VERB_BIT(VERB_PUB) | VERB_BIT(VERB_HPUB) |
                VERB_BIT(VERB_SUB) | VERB_BIT(VERB_UNSUB) | VERB_BIT(VERB_PING) |
                VERB_BIT(VERB_PONG) | VERB_BIT(VERB_INFO) | VERB_BIT(VERB_OK) | VERB_BIT(VERB_ERR),
};
