#include "dataplane/monitor/report_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include "api/base/mem.h"
#include "tests/lib/on_worker.h"

enum { WORKERS = 3 };

static struct monitor *monitor;
static struct workers *workers;
static struct blocking *blocking;

static int set_up(void **state)
{
    struct monitor_facts facts = {0};
    struct monitor_parts parts = {.clock = clock_system()};

    parts.workers = workers = idle_workers(WORKERS, clock_system());
    parts.blocking = blocking = blocking_new(1, workers);
    monitor = monitor_new(&facts, &parts);
    return 0;
}

static int tear_down(void **state)
{
    blocking_free(blocking);
    workers_stop(workers);
    monitor_free(monitor);
    return 0;
}

/* Writes down where it has been: a letter for each thing that happened. */
struct trail {
    char text[64];
    size_t len;
    int more; /* visits that ask for another */
    sem_t done;
};

static void note(struct report_call *call, char letter)
{
    struct trail *trail = call->owner;

    trail->text[trail->len++] = letter;
}

static bool begin(struct report_call *call)
{
    note(call, 'b');
    return true;
}

static bool refuse(struct report_call *call)
{
    note(call, 'r');
    report_fail(call, 400, "no %s", "way");
    return false;
}

static bool visit(struct report_call *call, struct worker *worker)
{
    struct trail *trail = call->owner;

    assert_true(worker_is_mine(worker));
    note(call, (char)('0' + worker->index));
    return trail->more > 0 && trail->more-- > 0;
}

static void after(struct report_call *call)
{
    note(call, 'a');
}

static void finish(struct report_call *call)
{
    note(call, 'f');
}

static char *encode(struct report_call *call)
{
    note(call, 'e');
    return mem_strdup(call->error.code != 0 ? call->error.description : "text");
}

static void done(struct report_call *call, struct worker *worker)
{
    struct trail *trail = call->owner;

    assert_int_equal(worker->index, REPORT_HOME);
    note(call, 'd');
    sem_post(&trail->done);
}

static void run(const struct report *report, int more, const char *way, const char *text)
{
    struct trail trail = {.more = more};
    struct report_call *call = report_call_new(monitor, report);

    sem_init(&trail.done, 0, 0);
    call->owner = &trail;
    call->encode = encode;
    call->done = done;
    report_start(call);
    sem_wait(&trail.done);
    sem_destroy(&trail.done);
    assert_string_equal(trail.text, way);
    assert_string_equal(call->text, text);
    report_call_free(call);
}

static void test_the_course(void **state)
{
    struct report report = {.options = &sys_filter_shape,
                            .rounds = 2,
                            .begin = begin,
                            .visit = visit,
                            .after = after,
                            .finish = finish};

    run(&report, 0, "b012a012afed", "text");
    run(&report, 2, "b00012a012afed", "text");
    report.rounds = 0;
    run(&report, 1, "b00afed", "text");
    report.visit = NULL;
    run(&report, 0, "bfed", "text");
    report.begin = refuse;
    report.rounds = 2;
    report.visit = visit;
    run(&report, 0, "red", "no way");
}

/* --- a storm -------------------------------------------------------------------------------- */

enum { FULL = REPORTS_AT_ONCE + REPORT_WAITING_MAX };

struct storm {
    atomic_bool closed; /* no visit comes to an end */
    atomic_uint answered, refused;
};

static bool visit_until_open(struct report_call *call, struct worker *worker)
{
    return atomic_load(&((struct storm *)call->owner)->closed);
}

static char *encode_plainly(struct report_call *call)
{
    return mem_strdup(call->error.code != 0 ? call->error.description : "text");
}

static void count_answer(struct report_call *call, struct worker *worker)
{
    struct storm *storm = call->owner;

    atomic_fetch_add(call->error.code == 503 ? &storm->refused : &storm->answered, 1);
    report_call_free(call);
}

static void start_for(struct storm *storm, enum report_asker asker)
{
    static const struct report report = {.options = &sys_filter_shape, .visit = visit_until_open};
    struct report_call *call = report_call_new(monitor, &report);

    call->owner = storm;
    call->asker = asker;
    call->encode = encode_plainly;
    call->done = count_answer;
    report_start(call);
}

/* On another worker than home: it is told at once. */
static void start_one_too_many(struct worker *worker, void *arg)
{
    struct storm *storm = arg;

    start_for(storm, REPORT_OF_SYSTEM);
    assert_int_equal(atomic_load(&storm->refused), 1);
}

static bool two_refused(struct worker *worker, void *arg)
{
    return atomic_load(&((struct storm *)arg)->refused) == 2;
}

static bool all_answered(struct worker *worker, void *arg)
{
    return atomic_load(&((struct storm *)arg)->answered) == FULL;
}

static void stop_waiting(struct worker *worker, void *arg)
{
    report_stop_waiting(monitor, worker);
}

static bool any_answered(struct worker *worker, void *arg)
{
    return atomic_load(&((struct storm *)arg)->answered) > 0;
}

static void test_a_storm_is_bounded(void **state)
{
    struct storm storm = {.closed = true}, other = {0};

    for (size_t i = 0; i < FULL; i++)
        start_for(&storm, REPORT_OF_SYSTEM);
    on_worker(workers, 1, start_one_too_many, &storm);
    start_for(&storm, REPORT_OF_SYSTEM); /* from a thread that is no worker */
    until_on_worker(workers, 0, two_refused, &storm);
    start_for(&other, REPORT_OF_HTTP);
    until_on_worker(workers, 0, any_answered, &other);
    assert_int_equal(atomic_load(&storm.answered), 0);
    atomic_store(&storm.closed, false);
    until_on_worker(workers, 0, all_answered, &storm);
    assert_int_equal(atomic_load(&storm.refused), 2);
}

static bool all_refused(struct worker *worker, void *arg)
{
    return atomic_load(&((struct storm *)arg)->refused) == REPORTS_AT_ONCE + 3;
}

/* Also those that are under way, however long they would have been. */
static void test_the_end_answers_all(void **state)
{
    struct storm storm = {.closed = true};

    for (size_t i = 0; i < REPORTS_AT_ONCE + 3; i++)
        start_for(&storm, REPORT_OF_TENANT);
    atomic_store(&monitor->stopping, true);
    on_worker(workers, 0, stop_waiting, NULL);
    until_on_worker(workers, 0, all_refused, &storm);
    assert_int_equal(atomic_load(&storm.answered), 0);
}

static void test_durations(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {999, "999ns"},
        {345000, "345µs"},
        {345600, "345.6µs"},
        {1500000, "1.5ms"},
        {2 * NS_PER_S, "2s"},
        {61 * NS_PER_S, "1m1s"},
        {3661500000000, "1h1m1.5s"},
    };
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(report_duration(&arena, cases[i].ns), cases[i].text);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_course),
        cmocka_unit_test(test_a_storm_is_bounded),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_the_end_answers_all),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
