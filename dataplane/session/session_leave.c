/*
 * Lame duck: the node leaves, and its clients are to go elsewhere one after the other.
 *
 *   1. all are told (INFO with ldm), on every worker; if there is nobody, that is all
 *   2. after grace_ns each worker closes one, waits a random half to whole step, closes the
 *      next; when there are more than steps, several at once
 *   3. when a round finds no session left: done
 */
#include "dataplane/session/session_leave.h"

#include "api/base/log.h"
#include "api/base/mem.h"
#include "dataplane/session/session_info.h"
#include "dataplane/session/session_set.h"

#define STEP_MAX_NS NS_PER_S
#define STEP_MIN_NS NS_PER_MS
#define LOOK_NS (50 * NS_PER_MS)

struct leaving {
    struct session_round round;
    struct session_table *table;
    int64_t grace_ns, spread_ns;
    size_t left;
    struct timer look;
    void (*done)(void *arg, struct worker *worker);
    void *arg;
};

static void leave_step(struct timer *timer)
{
    struct session_set *set = container_of(timer, struct session_set, leave);
    struct worker *worker = set->worker;
    int64_t half = set->leave_step_ns / 2;

    for (unsigned i = 0; i < set->leave_batch && !list_empty(&set->sessions); i++)
        session_close(list_entry(set->sessions.next, struct session, link), SESSION_SHUTDOWN);
    timer_arm(&worker->timers, timer,
              worker->now_ns + half +
                  (int64_t)random_below(&worker->random.random, (uint64_t)half + 1),
              leave_step);
}

static bool tell(struct session *session, void *arg)
{
    (void)arg;
    (void)session_info_leave(session);
    return true;
}

/* How fast this worker's sessions go, so that all are gone when the time is over. */
static void plan(struct session_set *set, const struct leaving *leaving)
{
    int64_t count = (int64_t)set->sessions_here;

    set->leave_batch = 1;
    set->leave_step_ns = leaving->spread_ns / (count + 1);
    if (set->leave_step_ns > STEP_MAX_NS)
        set->leave_step_ns = STEP_MAX_NS;
    if (set->leave_step_ns < STEP_MIN_NS) {
        set->leave_step_ns = STEP_MIN_NS;
        set->leave_batch = (unsigned)(count / (leaving->spread_ns / STEP_MIN_NS) + 1);
    }
    timer_arm(&set->worker->timers, &set->leave, set->worker->now_ns + leaving->grace_ns,
              leave_step);
}

static void visit_tell(struct session_round *round, struct worker *worker)
{
    session_table_walk(worker, tell, NULL);
    plan(session_set_of(worker), container_of(round, struct leaving, round));
}

static void visit_count(struct session_round *round, struct worker *worker)
{
    struct leaving *leaving = container_of(round, struct leaving, round);

    leaving->left += session_set_of(worker)->sessions_here;
}

static void look_again(struct timer *timer)
{
    struct leaving *leaving = container_of(timer, struct leaving, look);

    leaving->left = 0;
    session_round_start(leaving->table->parts.workers, &leaving->round);
}

static void leaving_over(const struct leaving *leaving, struct worker *worker)
{
    if (leaving->done != NULL)
        leaving->done(leaving->arg, worker);
}

static void counted(struct session_round *round, struct worker *worker)
{
    struct leaving *leaving = container_of(round, struct leaving, round);

    if (leaving->left > 0) {
        timer_arm(&worker->timers, &leaving->look, worker->now_ns + LOOK_NS, look_again);
        return;
    }
    leaving_over(leaving, worker);
}

static void grace_over(struct timer *timer)
{
    log_info(LOG_SESSION, "Closing existing clients");
    look_again(timer);
}

static void told(struct session_round *round, struct worker *worker)
{
    struct leaving *leaving = container_of(round, struct leaving, round);

    /* Those on their way to another worker are in no set, but here. */
    if (atomic_load(&leaving->table->connections) == 0) {
        leaving_over(leaving, worker);
        return;
    }
    round->visit = visit_count;
    round->done = counted;
    timer_arm(&worker->timers, &leaving->look, worker->now_ns + leaving->grace_ns, grace_over);
}

void session_table_lame_duck(struct session_table *table, int64_t grace_ns, int64_t duration_ns,
                             void (*done)(void *arg, struct worker *worker), void *arg)
{
    struct leaving *leaving;

    if (table->leaving != NULL)
        return;
    table->leaving = leaving = mem_alloc(sizeof(*leaving));
    leaving->round = (struct session_round){.visit = visit_tell, .done = told, .home = 0};
    leaving->table = table;
    leaving->grace_ns = grace_ns;
    leaving->spread_ns = duration_ns > grace_ns ? duration_ns - grace_ns : NS_PER_S;
    leaving->done = done;
    leaving->arg = arg;
    session_round_start(table->parts.workers, &leaving->round);
}
