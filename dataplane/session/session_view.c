#include "dataplane/session/session_view.h"

#include "dataplane/session/client_deliver.h"
#include "dataplane/session/client_sub.h"

static const char *text_or_null(const char *text)
{
    return slice_given(text) ? text : NULL;
}

void session_snapshot(const struct session *session, struct session_snapshot *out)
{
    const struct worker *worker = session->conn.worker;
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
    out->logged_in = true;
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
