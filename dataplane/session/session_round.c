#include "dataplane/session/session_round.h"

#include <string.h>

#include "api/base/check.h"

static void round_visit(struct worker *worker, void *body, size_t len);

static void round_done(struct worker *worker, void *body, size_t len)
{
    struct session_round *round;

    CHECK(len == sizeof(struct session_round *));
    memcpy(&round, body, sizeof round);
    round->done(round, worker);
}

static void round_pass(struct worker *worker, struct session_round *round)
{
    bool over = round->next == workers_count(worker->all);

    memcpy(worker_post(worker, over ? round->home : round->next, over ? round_done : round_visit,
                       sizeof round),
           &round, sizeof round);
}

static void round_visit(struct worker *worker, void *body, size_t len)
{
    struct session_round *round;

    CHECK(len == sizeof(struct session_round *));
    memcpy(&round, body, sizeof round);
    round->next++;
    round->visit(round, worker);
    round_pass(worker, round);
}

void session_round_start(struct workers *workers, struct session_round *round)
{
    round->next = 0;
    workers_post(workers, 0, round_visit, &round, sizeof round);
}
