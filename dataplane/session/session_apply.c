/*
 * Every worker in turn looks at its sessions of that account; then, if more are left than may
 * be, the newest are closed: a second round over the workers.
 */
#include "dataplane/session/session_apply.h"

#include <stdlib.h>

#include "api/base/mem.h"
#include "dataplane/session/session_set.h"
#include "dataplane/session/session_terms.h"

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
