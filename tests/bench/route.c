/*
 * route - what routing alone costs, without sockets: CPU nanoseconds for a message.
 *
 *   route [SUBJECTS]      default 100000
 *
 * Takers copy the line and the payload into a buffer, as a session does.  Once with the takers
 * on the publisher's worker, once with them on another (both workers' time).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "tests/lib/crew.h"
#include "tests/lib/taker.h"

enum { PAYLOAD = 128, OUT = 64 << 10, BATCH = 40000, BATCHES = 50 };

/* One subscriber connection: where its output goes. */
struct output {
    struct sub_owner owner;
    size_t len;
    char data[OUT];
};

static void put(struct output *output, const void *data, size_t len)
{
    memcpy(output->data + output->len, data, len);
    output->len += len;
}

static bool take(struct sub *sub, const struct delivery *delivery)
{
    struct output *output = container_of(sub->owner, struct output, owner);
    const struct deliver_line *line = delivery->line;

    if (sub->gone)
        return false;
    if (!line->have_plain)
        deliver_line_form(delivery, DELIVER_PLAIN);
    if (output->len + line->head.len + line->tail.len + delivery->len + 16 > OUT)
        output->len = 0;
    put(output, line->head.data, line->head.len);
    put(output, "1", 1);
    put(output, line->tail.data, line->tail.len);
    put(output, delivery->data, delivery->len + 2);
    taker_of(sub)->got++;
    return true;
}

static const struct sub_kind kind = {.name = "bench", .counted = true, .deliver = take};

struct job {
    const char *name;
    struct account *account;
    unsigned worker;   /* of the takers */
    unsigned subjects; /* published in turn */
    unsigned takers;   /* of each subject, if it is one; else in turn over so many outputs */
    const char *queue;
    char (*texts)[32];
    size_t *lens;
    struct output *outputs;
    struct taker **made;
    unsigned made_count, at;
};

static void subject_at(unsigned i, char out[32])
{
    snprintf(out, 32, "bench.s.%u", i);
}

static void add(struct job *job, unsigned output, unsigned subject)
{
    char text[32];
    struct taker *taker;

    subject_at(subject, text);
    taker = taker_new(&job->outputs[output].owner, text, job->queue);
    CHECK(sublist_insert(job->account->sublist, &taker->sub) == OK);
    job->made[job->made_count++] = taker;
}

static int64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void publish_batch(struct worker *worker, void *arg)
{
    static char payload[PAYLOAD + 2];
    struct job *job = arg;
    struct publish_memo memo = {0};

    for (unsigned i = 0; i < BATCH; i++) {
        struct delivery message = {.subject = slice_make(job->texts[job->at], job->lens[job->at]),
                                   .data = payload,
                                   .len = PAYLOAD};

        deliver_publish(worker, job->account, &message, &memo);
        if (++job->at == job->subjects)
            job->at = 0;
    }
}

static void set_up(struct worker *worker, void *arg)
{
    struct job *job = arg;

    job->texts = mem_alloc(job->subjects * sizeof(*job->texts));
    job->lens = mem_alloc(job->subjects * sizeof(*job->lens));
    job->outputs = mem_alloc(10 * sizeof(*job->outputs));
    job->made = mem_alloc((job->subjects + job->takers) * sizeof(struct taker *));
    for (unsigned i = 0; i < 10; i++)
        job->outputs[i].owner = (struct sub_owner){.kind = &kind, .worker = (uint16_t)job->worker};
    for (unsigned i = 0; i < job->subjects; i++) {
        subject_at(i, job->texts[i]);
        job->lens[i] = strlen(job->texts[i]);
        if (job->subjects > 1 && job->takers > 0)
            add(job, i % job->takers, i);
    }
    for (unsigned i = 0; job->subjects == 1 && i < job->takers; i++)
        add(job, i, 0);
}

static void tear_down(struct worker *worker, void *arg)
{
    struct job *job = arg;

    for (unsigned i = 0; i < job->made_count; i++) {
        sublist_remove(job->account->sublist, &job->made[i]->sub);
        taker_retire(job->made[i], worker->reader);
    }
    mem_free(job->made);
    mem_free(job->outputs);
    mem_free(job->texts);
    mem_free(job->lens);
}

/* So many batches; what they cost. */
static int64_t play(struct crew *crew, struct job *job)
{
    int64_t start = cpu_ns();

    for (unsigned i = 0; i < BATCHES; i++) {
        crew_run(crew, 0, publish_batch, job);
        if (job->worker != 0)
            crew_settle(crew);
    }
    return cpu_ns() - start;
}

static void run(struct crew *crew, struct job job)
{
    struct deliver_figures before, after;
    int64_t spent;

    job.account = crew->account;
    job.worker = workers_count(crew->workers) - 1;
    crew_run(crew, job.worker, set_up, &job);
    (void)play(crew, &job);
    deliver_figures(workers_at(crew->workers, 0), &before);
    spent = play(crew, &job);
    deliver_figures(workers_at(crew->workers, 0), &after);
    printf("%-28s %7.1f ns  hits %5.1f %%  cache %lu of %lu\n", job.name,
           (double)spent / BATCH / BATCHES,
           100.0 * (double)(after.cache_hits - before.cache_hits) /
               (double)(after.matches - before.matches),
           after.cache_count, after.cache_capacity);
    crew_run(crew, job.worker, tear_down, &job);
}

int main(int argc, char **argv)
{
    unsigned subjects = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100000;
    struct crew crew = {0};
    struct job jobs[] = {
        {.name = "nobody", .subjects = 1},
        {.name = "nobody, many subjects", .subjects = subjects},
        {.name = "1 to 1", .subjects = 1, .takers = 1},
        {.name = "1 to 10", .subjects = 1, .takers = 10},
        {.name = "queue of 4", .subjects = 1, .takers = 4, .queue = "q"},
        {.name = "many subjects, 10 takers", .subjects = subjects, .takers = 10},
    };

    for (unsigned workers = 1; workers <= 2; workers++) {
        crew_start(&crew, workers);
        for (size_t i = 0; i < COUNT_OF(jobs); i++)
            run(&crew, jobs[i]);
        crew_stop(&crew);
    }
    return 0;
}
