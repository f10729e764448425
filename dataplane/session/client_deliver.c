/*
 * "MSG subject " + sid + " [reply ]size\r\n" + payload, in one piece where it is small; a large
 * payload that lies in shared memory is referenced.
 */
#include "dataplane/session/client_deliver.h"

#include <inttypes.h>
#include <string.h>

#include "api/base/log.h"
#include "dataplane/account/deliver.h"
#include "dataplane/session/client_sub.h"
#include "dataplane/session/reply_rights.h"
#include "dataplane/session/session_set.h"

static bool reference(const struct delivery *delivery, size_t len)
{
    if (delivery->shared == NULL || len <= CONN_COPY_MAX)
        return false;
    return len >= CONN_REFERENCE_MIN || delivery->takers > 1;
}

/* Line and payload at the end of the session's queue. */
static void write_message(struct client_sub *sub, const struct delivery *delivery,
                          struct slice head, struct slice tail, size_t skip)
{
    struct conn *conn = &client_sub_session(sub)->conn;
    size_t sid_len = sub->sid_len, line = head.len + sid_len + tail.len;
    size_t len = delivery->len - skip + 2;
    const char *data = delivery->data + skip;
    bool apart = reference(delivery, len) || line + len > CONN_RESERVE_MAX;
    char *out = conn_reserve(conn, apart ? line : line + len);

    memcpy(out, head.data, head.len);
    memcpy(out + head.len, sub->text, sid_len);
    memcpy(out + head.len + sid_len, tail.data, tail.len);
    if (!apart)
        memcpy(out + line, data, len);
    else if (delivery->shared != NULL)
        conn_write_shared(conn, delivery->shared, (size_t)(data - delivery->shared->data), len);
    else
        conn_write(conn, data, len);
}

static void trace_message(const struct client_sub *sub, struct slice head, struct slice tail)
{
    session_trace_out(client_sub_session(sub), "%.*s%.*s%.*s", (int)head.len, head.data,
                      (int)sub->sid_len, sub->text, (int)(tail.len - 2), tail.data);
}

/* Bytes of headers and payload that go out. */
static size_t send_message(struct client_sub *sub, const struct delivery *delivery)
{
    const struct session *session = client_sub_session(sub);
    const struct deliver_line *line = delivery->line;
    struct slice head, tail;
    size_t skip = 0;

    if (delivery->header_len == 0) {
        if (!line->have_plain)
            deliver_line_form(delivery, DELIVER_PLAIN);
        head = line->head;
        tail = line->tail;
    } else if (session->flags & SESSION_HEADERS) {
        if (!line->have_headers)
            deliver_line_form(delivery, DELIVER_HEADERS);
        head = line->hhead;
        tail = line->htail;
    } else {
        if (!line->have_stripped)
            deliver_line_form(delivery, DELIVER_STRIPPED);
        head = line->head;
        tail = line->stripped;
        skip = delivery->header_len;
    }
    write_message(sub, delivery, head, tail, skip);
    if (session->flags & SESSION_TRACE)
        trace_message(sub, head, tail);
    return delivery->len - skip;
}

/* The number that UNSUB gave is reached: this was the last one. */
static void used_up(struct session *session, struct client_sub *sub)
{
    char tag[SESSION_TAG_MAX];

    log_debug(LOG_SESSION, "%s - Auto-unsubscribe limit of %" PRIu64 " reached for sid '%.*s'",
              session_tag(session, tag), sub->max, (int)sub->sid_len, sub->text);
    client_subs_remove(session, sub);
}

static bool client_deliver(struct sub *base, const struct delivery *delivery)
{
    struct client_sub *sub = client_sub_of(base);
    struct session *session = client_sub_session(sub);
    size_t bytes;

    if (base->gone || session->conn.dead || session->state >= SESSION_DROPPING)
        return false;
    bytes = send_message(sub, delivery);
    sub->msgs++;
    session->out_msgs++;
    session->out_bytes += bytes;
    session->active_ns = session->set->worker->now_ns;
    counter_add(&session->set->out_msgs, 1);
    counter_add(&session->set->out_bytes, bytes);
    if (session->replies != NULL && delivery->reply.len > 0) {
        worker_charge(session->set->worker, RIGHT_WORK);
        reply_rights_grant(session->replies, delivery->reply, session->active_ns);
    }
    if (sub->max > 0 && sub->msgs >= sub->max)
        used_up(session, sub);
    return true;
}

const struct sub_kind client_sub_kind = {"client", true, client_deliver};
