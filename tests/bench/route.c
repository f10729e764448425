/*
 * route - what routing alone costs, without sockets: nanoseconds of one worker for a message.
 *
 *   route [SUBJECTS]      default 100000
 *
 * Takers copy the line and the payload into a buffer, as a session does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "tests/lib/crew.h"
#include "tests/lib/taker.h"

enum { PAYLOAD = 128, OUT = 64 << 10, MESSAGES = 2000000 };

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
    unsigned subjects; /* published in turn */
    unsigned takers;   /* of each subject, if it is one; else in turn over so many outputs */
    const char *queue;
    struct output *outputs;
    struct taker **made;
    unsigned made_count;
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

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void publish_all(struct worker *worker, struct job *job, char (*texts)[32], size_t *lens)
{
    static char payload[PAYLOAD + 2];
    struct publish_memo memo = {0};
    unsigned at = 0;

    for (unsigned i = 0; i < MESSAGES; i++) {
        struct delivery message = {
            .subject = slice_make(texts[at], lens[at]), .data = payload, .len = PAYLOAD};

        deliver_publish(worker, job->account, &message, &memo);
        if (++at == job->subjects)
            at = 0;
    }
}

static void run(struct worker *worker, void *arg)
{
    struct job *job = arg;
    char(*texts)[32] = mem_alloc(job->subjects * sizeof(*texts));
    size_t *lens = mem_alloc(job->subjects * sizeof(*lens));
    struct deliver_figures before, after;
    int64_t start;

    job->outputs = mem_alloc(10 * sizeof(*job->outputs));
    job->made = mem_alloc((job->subjects + job->takers) * sizeof(struct taker *));
    for (unsigned i = 0; i < 10; i++)
        job->outputs[i].owner = (struct sub_owner){.kind = &kind, .worker = 0};
    for (unsigned i = 0; i < job->subjects; i++) {
        subject_at(i, texts[i]);
        lens[i] = strlen(texts[i]);
        if (job->subjects > 1 && job->takers > 0)
            add(job, i % job->takers, i);
    }
    for (unsigned i = 0; job->subjects == 1 && i < job->takers; i++)
        add(job, i, 0);
    publish_all(worker, job, texts, lens);
    deliver_figures(worker, &before);
    start = cpu_ns();
    publish_all(worker, job, texts, lens);
    start = cpu_ns() - start;
    deliver_figures(worker, &after);
    printf("%-28s %7.1f ns  hits %5.1f %%  cache %lu of %lu\n", job->name, (double)start / MESSAGES,
           100.0 * (double)(after.cache_hits - before.cache_hits) /
               (double)(after.matches - before.matches),
           after.cache_count, after.cache_capacity);
    for (unsigned i = 0; i < job->made_count; i++) {
        sublist_remove(job->account->sublist, &job->made[i]->sub);
        taker_retire(job->made[i], worker->reader);
    }
    mem_free(job->made);
    mem_free(job->outputs);
    mem_free(texts);
    mem_free(lens);
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

    crew_start(&crew, 1);
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        jobs[i].account = crew.account;
        crew_run(&crew, 0, run, &jobs[i]);
    }
    crew_stop(&crew);
    return 0;
}
