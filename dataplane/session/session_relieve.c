/*
 * Two rounds over the workers: one sums, one closes.  What lies in a round belongs to the worker it
 * is at, so nothing is shared.
 */
#include "dataplane/session/session_relieve.h"

#include "api/base/log.h"
#include "api/base/map.h"
#include "api/base/mem.h"
#include "dataplane/session/session.h"
#include "dataplane/session/session_set.h"

struct holder {
    struct map_link link;
    struct account *account; /* a reference */
    size_t bytes, greatest;  /* of all its sessions, of one */
};

struct relief {
    struct session_round round;
    struct session_table *table;
    struct map holders;
    struct holder *first; /* who pays */
};

static struct slice key_of(struct account *const *account)
{
    return slice_make((const char *)account, sizeof(*account));
}

static struct holder *holder_of(struct relief *relief, struct account *account)
{
    struct map_link *link = map_find(&relief->holders, key_of(&account));
    struct holder *holder;

    if (link != NULL)
        return map_entry(link, struct holder, link);
    holder = mem_alloc(sizeof(*holder));
    holder->account = account_ref(account);
    (void)map_insert(&relief->holders, &holder->link, key_of(&holder->account));
    return holder;
}

static bool add_session(struct session *session, void *arg)
{
    struct relief *relief = arg;
    size_t bytes = session->conn.out.bytes;
    struct holder *holder;

    if (bytes < RELIEVE_LEAST)
        return true;
    holder = holder_of(relief, session->account);
    holder->bytes += bytes;
    if (bytes > holder->greatest)
        holder->greatest = bytes;
    if (relief->first == NULL || holder->bytes > relief->first->bytes)
        relief->first = holder;
    return true;
}

static void visit_sum(struct session_round *round, struct worker *worker)
{
    session_table_walk(worker, add_session, container_of(round, struct relief, round));
}

static bool close_greatest(struct session *session, void *arg)
{
    const struct holder *first = ((struct relief *)arg)->first;
    size_t bytes = session->conn.out.bytes;
    char tag[SESSION_TAG_MAX];

    if (session->account != first->account || bytes < RELIEVE_LEAST || bytes < first->greatest / 2)
        return true;
    log_info(LOG_SESSION,
             "%s - Slow Consumer Detected: memory is short, and %zu bytes wait for it, of %zu of "
             "its account",
             session_tag(session, tag), bytes, first->bytes);
    session_close(session, SESSION_SLOW_PENDING);
    return true;
}

static void visit_close(struct session_round *round, struct worker *worker)
{
    session_table_walk(worker, close_greatest, container_of(round, struct relief, round));
}

static void end(struct session_round *round, struct worker *worker)
{
    struct relief *relief = container_of(round, struct relief, round);
    struct map_iter iter = {0};
    struct map_link *link;

    while ((link = map_next(&relief->holders, &iter)) != NULL) {
        struct holder *holder = map_entry(link, struct holder, link);

        map_remove(&relief->holders, link);
        account_unref(holder->account);
        mem_free(holder);
    }
    map_fini(&relief->holders);
    atomic_store(&relief->table->relieving, false);
    mem_free(relief);
}

static void summed(struct session_round *round, struct worker *worker)
{
    struct relief *relief = container_of(round, struct relief, round);

    if (relief->first == NULL) {
        end(round, worker);
        return;
    }
    relief->round.visit = visit_close;
    relief->round.done = end;
    session_round_start(relief->table->parts.workers, &relief->round);
}

void session_relieve(struct session_table *table, struct worker *worker)
{
    struct relief *relief;

    if (atomic_exchange(&table->relieving, true))
        return;
    relief = mem_alloc(sizeof(*relief));
    relief->table = table;
    relief->round =
        (struct session_round){.visit = visit_sum, .done = summed, .home = worker->index};
    session_round_start(table->parts.workers, &relief->round);
}
