/*
 * An account's terms have changed.  Every worker in turn looks at its sessions of that account;
 * then, if more are left than may be, the newest are closed: a second round over the workers.
 */
#include "dataplane/session/session_apply.h"

#include <stdlib.h>

#include "api/base/log.h"
#include "api/base/mem.h"
#include "dataplane/session/client_sub.h"
#include "dataplane/session/login.h"
#include "dataplane/session/reply_rights.h"
#include "dataplane/session/session_set.h"

/* --- one session ----------------------------------------------------------------------------- */

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
    struct slice subject = sub_subject(&sub->sub);

    session_error(session, "Permissions Violation for Subscription to \"%.*s\" (sid \"%.*s\")",
                  (int)subject.len, subject.data, (int)sub->sid_len, sub->text);
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
    login_apply_limits(session);
    if (session->subs_max >= 0 && session->subs.count > (uint64_t)session->subs_max) {
        session_fail(session, SESSION_MAX_SUBSCRIPTIONS, "maximum subscriptions exceeded");
        return;
    }
    apply_default_permissions(session);
}

/* --- all of an account ------------------------------------------------------------------------ */

struct apply {
    struct session_round round;
    struct session_table *table;
    struct account *account; /* a reference */
    void (*done)(void *arg, struct worker *worker);
    void *arg;
    uint64_t *cids; /* those that stayed */
    size_t count, cap;
    uint64_t last; /* the newest that may stay */
};

static bool of_account(const struct session *session, const struct apply *apply)
{
    return session->account == apply->account && session->identity != NULL;
}

static void keep_cid(struct apply *apply, uint64_t cid)
{
    if (apply->count == apply->cap) {
        apply->cap = apply->cap > 0 ? apply->cap * 2 : 16;
        apply->cids = mem_realloc(apply->cids, apply->cap * sizeof(apply->cids[0]));
    }
    apply->cids[apply->count++] = cid;
}

static bool visit_one(struct session *session, void *arg)
{
    struct apply *apply = arg;

    if (!of_account(session, apply))
        return true;
    session_apply_terms(session);
    if (session->state != SESSION_CLOSING)
        keep_cid(apply, session->cid);
    return true;
}

static void visit(struct session_round *round, struct worker *worker)
{
    session_table_walk(worker, visit_one, container_of(round, struct apply, round));
}

static bool close_newest(struct session *session, void *arg)
{
    struct apply *apply = arg;

    if (of_account(session, apply) && session->cid > apply->last)
        session_fail(session, SESSION_MAX_ACCOUNT_CONNECTIONS,
                     "maximum account active connections exceeded");
    return true;
}

static void visit_newest(struct session_round *round, struct worker *worker)
{
    session_table_walk(worker, close_newest, container_of(round, struct apply, round));
}

static void apply_end(struct session_round *round, struct worker *worker)
{
    struct apply *apply = container_of(round, struct apply, round);

    if (apply->done != NULL)
        apply->done(apply->arg, worker);
    account_unref(apply->account);
    mem_free(apply->cids);
    mem_free(apply);
}

static int by_age(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void visited(struct session_round *round, struct worker *worker)
{
    struct apply *apply = container_of(round, struct apply, round);
    int64_t limit = account_terms(apply->account)->connections;

    if (limit < 0 || apply->count <= (size_t)limit) {
        apply_end(round, worker);
        return;
    }
    qsort(apply->cids, apply->count, sizeof(apply->cids[0]), by_age);
    apply->last = limit > 0 ? apply->cids[limit - 1] : 0;
    apply->round.visit = visit_newest;
    apply->round.done = apply_end;
    session_round_start(apply->table->parts.workers, &apply->round);
}

void session_table_apply(struct session_table *table, struct account *account, unsigned home,
                         void (*done)(void *arg, struct worker *worker), void *arg)
{
    struct apply *apply = mem_alloc(sizeof(*apply));

    apply->round = (struct session_round){.visit = visit, .done = visited, .home = home};
    apply->table = table;
    apply->account = account_ref(account);
    apply->done = done;
    apply->arg = arg;
    session_round_start(table->parts.workers, &apply->round);
}
