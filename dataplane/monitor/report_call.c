#include "dataplane/monitor/report_call.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"

#define TOO_MANY "too many requests are waiting"
#define STOPS "the server stops"
enum { VISIT_WORK = 1024 };

struct report_call *report_call_new(struct monitor *monitor, const struct report *report)
{
    struct report_call *call = mem_alloc(sizeof(*call));

    call->monitor = monitor;
    call->report = report;
    call->options = arena_alloc(&call->arena, report->options->size);
    return call;
}

void report_call_free(struct report_call *call)
{
    if (call == NULL)
        return;
    arena_fini(&call->arena);
    mem_free(call->text);
    mem_free(call);
}

void report_fail(struct report_call *call, int code, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    call->error = (struct sys_error){.code = code, .description = arena_strdup(&call->arena, text)};
}

static void on_visit(struct worker *worker, void *body, size_t len);

static void post_visit(struct report_call *call)
{
    workers_post(call->monitor->parts.workers, call->worker, on_visit, &call, sizeof(call));
}

/* Its text is there. */
static void end(struct report_call *call, struct worker *worker)
{
    struct list *next = NULL;

    if (call->running && !atomic_load(&call->monitor->stopping))
        next = report_gate_leave(&call->monitor->gates, call->asker);
    if (next != NULL) {
        struct report_call *follower = list_entry(next, struct report_call, waiting);

        follower->running = true;
        post_visit(follower);
    }
    call->done(call, worker);
}

static void end_refused(struct report_call *call, struct worker *worker, const char *why)
{
    report_fail(call, 503, "%s", why);
    call->text = call->encode(call);
    end(call, worker);
}

/* On a helper. */
static void run_finish(struct blocking_job *job)
{
    struct report_call *call = container_of(job, struct report_call, job);

    if (call->error.code == 0 && call->report->finish != NULL)
        call->report->finish(call);
    call->text = call->encode(call);
}

static void on_finished(struct blocking_job *job, struct worker *worker)
{
    struct report_call *call = container_of(job, struct report_call, job);

    end(call, worker);
}

static void finish(struct report_call *call, struct worker *worker)
{
    call->job = (struct blocking_job){
        .run = run_finish,
        .done = on_finished,
        .worker = REPORT_HOME,
    };
    if (blocking_submit(call->monitor->parts.blocking, &call->job) == OK)
        return;
    end_refused(call, worker, TOO_MANY);
}

/* The next worker, the next round, or the end. */
static void on_visit(struct worker *worker, void *body, size_t len)
{
    struct report_call *call = *(struct report_call **)body;
    const struct report *report = call->report;
    unsigned workers = report->rounds > 0 ? workers_count(worker->all) : 1;

    worker_charge(worker, VISIT_WORK);
    if (!call->running) {
        end_refused(call, worker, TOO_MANY);
        return;
    }
    if (atomic_load(&call->monitor->stopping)) {
        end_refused(call, worker, STOPS);
        return;
    }
    if (call->error.code == 0 && report->visit != NULL) {
        if (report->visit(call, worker)) {
            post_visit(call);
            return;
        }
        if (++call->worker < workers) {
            post_visit(call);
            return;
        }
        if (report->after != NULL)
            report->after(call);
        if (++call->round < report->rounds && call->error.code == 0) {
            call->worker = 0;
            post_visit(call);
            return;
        }
    }
    finish(call, worker);
}

void report_start(struct report_call *call)
{
    bool now = false;
    enum result rc;

    CHECK(call->encode != NULL && call->done != NULL);
    if (call->error.code == 0 && call->report->begin != NULL && !call->report->begin(call))
        CHECK(call->error.code != 0);
    call->worker = REPORT_HOME;
    rc = report_gate_enter(&call->monitor->gates, call->asker, &call->waiting, &now);
    if (rc == OK && !now)
        return; /* maybe it runs already: it is not ours any more */
    call->running = rc == OK;
    /* At once, so that those that are refused do not pile up in the mailbox. */
    if (rc != OK && worker_current() != NULL)
        end_refused(call, worker_current(), TOO_MANY);
    else
        post_visit(call);
}

void report_stop_waiting(struct monitor *monitor, struct worker *worker)
{
    struct list *link;

    while ((link = report_gate_abandon(&monitor->gates)) != NULL)
        end_refused(list_entry(link, struct report_call, waiting), worker, STOPS);
}

const char *report_duration(struct arena *arena, int64_t ns)
{
    char text[64];
    size_t len;
    const char *unit;

    if (ns >= NS_PER_S) {
        int64_t s = ns / NS_PER_S;
        int used = 0;

        if (s >= 3600)
            used += snprintf(text, sizeof(text), "%" PRId64 "h", s / 3600);
        if (s >= 60)
            used +=
                snprintf(text + used, sizeof(text) - (size_t)used, "%" PRId64 "m", s % 3600 / 60);
        snprintf(text + used, sizeof(text) - (size_t)used, "%" PRId64 ".%09" PRId64, s % 60,
                 ns % NS_PER_S);
        unit = "s";
    } else if (ns >= NS_PER_MS) {
        snprintf(text, sizeof(text), "%" PRId64 ".%06" PRId64, ns / NS_PER_MS, ns % NS_PER_MS);
        unit = "ms";
    } else if (ns >= NS_PER_US) {
        snprintf(text, sizeof(text), "%" PRId64 ".%03" PRId64, ns / NS_PER_US, ns % NS_PER_US);
        unit = "µs";
    } else {
        return arena_printf(arena, "%" PRId64 "%s", ns, ns == 0 ? "s" : "ns");
    }
    len = strlen(text);
    while (text[len - 1] == '0')
        len--;
    if (text[len - 1] == '.')
        len--;
    return arena_printf(arena, "%.*s%s", (int)len, text, unit);
}

const char *report_uptime(struct arena *arena, int64_t ns)
{
    char text[MONITOR_UPTIME_MAX];

    monitor_uptime(ns, text);
    return arena_strdup(arena, text);
}

const char *report_text(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}
