#include "dataplane/session/placement.h"

#include "dataplane/session/session_set.h"

enum {
    LOAD_PACKED = 500, /* of 1000: below, a worker takes whoever comes */
    LOAD_FULL = 800,   /* above, even its own account goes elsewhere if that is much idler */
    LOAD_MUCH = 200,
    SESSIONS_FREE = 64, /* so many are never too many for one worker */
};

struct place {
    unsigned load;
    uint64_t sessions; /* all */
    uint64_t own;      /* of the account */
};

static uint64_t read_figure(const _Atomic uint64_t *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

/* Has it more than its part of all sessions? */
static bool crowded(const struct place *place, uint64_t all, unsigned count)
{
    uint64_t fair = all / count;

    return place->sessions > SESSIONS_FREE && place->sessions > fair + fair / 4;
}

unsigned placement_choose(const struct session *session)
{
    struct session_table *table = session->set->table;
    struct place places[WORKERS_MAX] = {0};
    unsigned most = 0, idlest = 0, first = table->count;
    uint64_t all = 0;

    if (table->count == 1)
        return 0;
    if (table->options.spread)
        return atomic_fetch_add(&table->next_worker, 1) % table->count;
    for (unsigned i = 0; i < table->count; i++) {
        places[i].load = worker_load(workers_at(table->parts.workers, i));
        places[i].sessions = read_figure(&table->sets[i]->sessions_here);
        places[i].own = read_figure(&session->account->counters[i].sessions);
        all += places[i].sessions;
    }
    for (unsigned i = 0; i < table->count; i++) {
        if (places[i].own > places[most].own)
            most = i;
        if (places[i].load + LOAD_MUCH / 4 < places[idlest].load ||
            (places[i].load <= places[idlest].load && places[i].sessions < places[idlest].sessions))
            idlest = i;
        if (first == table->count && places[i].load < LOAD_PACKED &&
            !crowded(&places[i], all, table->count))
            first = i;
    }
    if (places[most].own == 0)
        return first < table->count ? first : idlest;
    if (crowded(&places[most], all, table->count) ||
        (places[most].load > LOAD_FULL && places[idlest].load + LOAD_MUCH < places[most].load))
        return idlest;
    return most;
}
