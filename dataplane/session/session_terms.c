#include "dataplane/session/session_terms.h"

#include "api/base/buf.h"
#include "api/base/mem.h"
#include "dataplane/session/client_sub.h"
#include "dataplane/session/reply_rights.h"
#include "dataplane/session/session_end.h"
#include "dataplane/session/session_set.h"

/* The wheel does not look further. */
#define EXPIRY_LOOK_NS (6 * 3600 * NS_PER_S)

/* --- limits ---------------------------------------------------------------------------------- */

/* -1 is no limit. */
static int64_t smaller(int64_t a, int64_t b)
{
    if (a < 0)
        return b;
    return b < 0 || a < b ? a : b;
}

static void on_expiry(struct timer *timer);

static void arm_expiry(struct session *session, const struct account_terms *terms)
{
    struct worker *worker = session->set->worker;
    int64_t due_ns = session->identity->deadline_ns;
    int64_t account_ns = clock_deadline_ns(terms->expires_at_s);
    int64_t delay;

    timer_cancel(&worker->timers, &session->expiry);
    if (account_ns > 0 && (due_ns == 0 || account_ns < due_ns))
        due_ns = account_ns;
    if (due_ns == 0)
        return;
    delay = due_ns - worker->wall_ns;
    if (delay < 0)
        delay = 0;
    if (delay > EXPIRY_LOOK_NS)
        delay = EXPIRY_LOOK_NS;
    timer_arm(&worker->timers, &session->expiry, worker->now_ns + delay, on_expiry);
}

static void on_expiry(struct timer *timer)
{
    struct session *session = container_of(timer, struct session, expiry);
    const struct account_terms *terms = account_terms(session->account);
    int64_t now_ns = session->set->worker->wall_ns;

    if (terms->expires_at_s > 0 && clock_deadline_ns(terms->expires_at_s) <= now_ns)
        session_fail(session, SESSION_EXPIRED, "Account Authentication Expired");
    else if (session->identity->deadline_ns > 0 && session->identity->deadline_ns <= now_ns)
        session_fail(session, SESSION_EXPIRED, "User Authentication Expired");
    else
        arm_expiry(session, terms);
}

void session_apply_limits(struct session *session)
{
    const struct session_options *options = session_options(session);
    const struct account_terms *terms = account_terms(session->account);
    const struct identity *identity = session->identity;
    int64_t payload = options->max_payload;
    int64_t subs = options->max_subscriptions > 0 ? options->max_subscriptions : -1;

    if (options->max_payload == PARSER_PAYLOAD_UNLIMITED)
        payload = -1;
    payload = smaller(payload, smaller(identity->payload_max, terms->payload));
    session->parser.payload_max =
        payload < 0 || payload > UINT32_MAX ? PARSER_PAYLOAD_UNLIMITED : (uint32_t)payload;
    session->subs_max = smaller(subs, smaller(identity->subs_max, terms->subscriptions));
    arm_expiry(session, terms);
}

/* --- permissions ----------------------------------------------------------------------------- */

void session_use_permission(struct session *session, const struct permission *permission)
{
    const struct permission_rules *rules;

    session->permission = permission;
    /* Relaxed: a delivery elsewhere may still ask the former one; it is retired, not freed. */
    atomic_store_explicit(&session->owner.filter, permission, memory_order_relaxed);
    if (session->memo != NULL)
        session->memo->allowed_len = 0;
    rules = session->permission != NULL ? permission_rules(session->permission) : NULL;
    if (rules == NULL || !rules->responses) {
        reply_rights_free(session->replies);
        session->replies = NULL;
    } else if (session->replies == NULL) {
        session->replies = reply_rights_new(rules->responses_max, rules->responses_ttl_ns);
    }
}

static void drop_denied(struct session *session, struct client_sub *sub)
{
    struct buf quoted = {0};

    buf_add_quoted(&quoted, sub_subject(&sub->sub));
    buf_add_text(&quoted, " (sid ");
    buf_add_quoted(&quoted, client_sub_sid(sub));
    session_error(session, "Permissions Violation for Subscription to %s)", buf_text(&quoted));
    buf_fini(&quoted);
    client_subs_remove(session, sub);
}

/* Subscriptions under the new permissions: those denied go, the others get the new filter. */
static void review_subs(struct session *session)
{
    uint32_t count = session->subs.count, at = 0;
    struct client_sub **subs = mem_alloc_array(count + 1, sizeof(subs[0]));

    for (uint32_t i = 0; i < count; i++)
        subs[i] = client_subs_next(&session->subs, &at);
    for (uint32_t i = 0; i < count; i++) {
        if (!permission_subscribe(session->permission, sub_subject(&subs[i]->sub),
                                  sub_queue(&subs[i]->sub)))
            drop_denied(session, subs[i]);
        else
            client_subs_refresh(session, subs[i]);
    }
    mem_free(subs);
}

static void apply_default_permissions(struct session *session)
{
    const struct account_terms *terms = account_terms(session->account);
    struct permission *permission = NULL;

    if (!session->identity->account_permissions || session->identity->jwt == NULL)
        return;
    if (terms->has_default_permissions &&
        permission_new(&terms->default_permissions, &permission) != OK) {
        session_fail(session, SESSION_AUTH_FAILURE, "Authorization Violation");
        return;
    }
    if (permission == NULL && session->identity->permission == NULL)
        return;
    session_use_permission(session, permission);
    identity_set_permission(session->identity, permission, session->set->worker);
    if (session->state != SESSION_DROPPING) /* then they all go */
        review_subs(session);
}

static bool still_welcome(struct session *session)
{
    const struct auth *auth = session->set->table->parts.auth;

    switch (auth_recheck(auth, session->identity, session->set->worker->wall_ns / NS_PER_S)) {
    case OK:
        return true;
    case ERR_EXPIRED:
        session_fail(session, SESSION_EXPIRED, "Account Authentication Expired");
        return false;
    case ERR_REVOKED:
        session_fail(session, SESSION_REVOKED, "User Authentication Revoked");
        return false;
    case ERR_DENIED:
        session_fail(session, SESSION_AUTH_FAILURE, "Authorization Violation");
        return false;
    default:
        session_close(session, SESSION_AUTH_FAILURE);
        return false;
    }
}

void session_apply_terms(struct session *session)
{
    session->terms_seen = atomic_load(&session->account->generation);
    if (!still_welcome(session))
        return;
    session_apply_limits(session);
    if (session->subs_max >= 0 && session->subs.count > (uint64_t)session->subs_max) {
        session_fail(session, SESSION_MAX_SUBSCRIPTIONS, "maximum subscriptions exceeded");
        return;
    }
    apply_default_permissions(session);
}

void session_catch_up(struct session *session)
{
    int64_t max = account_terms(session->account)->connections;

    session_apply_terms(session);
    if (max >= 0 && atomic_load(&session->account->connections) > max)
        session_fail(session, SESSION_MAX_ACCOUNT_CONNECTIONS,
                     "maximum account active connections exceeded");
}
