/*
 * report_call: one document of monitoring on its way: asked of the workers, put together on a
 * helper thread, handed to whoever asked.
 *
 *     begin (where it is asked) -> for each round: visit on one worker after the other, each as
 *     often as it has more to do, a bounded piece each turn; then `after` -> finish and the text
 *     on a helper -> done on worker REPORT_HOME
 *
 * So no worker is held up by a large answer, and what a worker owns is read only there.  How many
 * are on their way at once is bounded, how many wait for that, too (report_gate.h); one more is
 * answered with 503, on the worker where it was asked.
 *
 * Ownership  a call owns its arena, in which everything of it lies; report_call_free.
 * Thread     report_start: any.  The members: whoever runs it at the time, never two at once.
 * Errors     call->error, with a code like HTTP's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "api/base/arena.h"
#include "api/nats/sys_document.h"
#include "dataplane/core/blocking.h"
#include "dataplane/monitor/monitor.h"

enum { REPORT_HOME = 0 };

struct report_call;

struct report {
    const char *name;                   /* "CONNZ", as in requests */
    const struct shape *options;        /* of the body of a request; struct sys_filter for none */
    size_t filter;                      /* offset of struct sys_filter in it */
    const struct shape *document_shape; /* of the answer */
    unsigned rounds;                    /* over all workers; 0: one visit, of REPORT_HOME */
    /* May be NULL.  False: call->error says why, and there is nothing more to do. */
    bool (*begin)(struct report_call *call);
    /* On a worker; true: it is to be called there again.  May be NULL. */
    bool (*visit)(struct report_call *call, struct worker *worker);
    /* When a round is over; may be NULL. */
    void (*after)(struct report_call *call);
    /* On a helper thread: sets call->document.  May be NULL, if another has set it. */
    void (*finish)(struct report_call *call);
};

struct report_call {
    struct monitor *monitor;
    const struct report *report;
    struct arena arena;
    void *options;           /* struct of report->options, decoded, in the arena */
    const char *scope;       /* only this account may be seen; NULL: all */
    enum report_asker asker; /* no answer to a tenant is to be very large */
    void *state;             /* the report's own, in the arena */
    const void *document;    /* of report->document_shape */
    struct sys_error error;
    int64_t code; /* HTTP's; 0: 200, or that of the error */
    char *text;   /* by `encode` */

    /* The asker's. */
    char *(*encode)(struct report_call *call); /* on the helper: the answer's text, mem_free */
    void (*done)(struct report_call *call, struct worker *worker);
    void *owner;

    unsigned round, worker; /* where it is */
    struct list waiting;
    bool running; /* it has a place at the gate */
    struct blocking_job job;
};

struct report_call *report_call_new(struct monitor *monitor, const struct report *report);
void report_call_free(struct report_call *call);
/* Then it belongs to its course until done, which may be before this returns. */
void report_start(struct report_call *call);

/* After monitor->stopping was set: those that wait are answered with 503.  On worker REPORT_HOME.
 */
void report_stop_waiting(struct monitor *monitor, struct worker *worker);

/* Sets call->error. */
void report_fail(struct report_call *call, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "1.5ms", "345µs", "2m3s": as Go prints durations. */
const char *report_duration(struct arena *arena, int64_t ns);
const char *report_uptime(struct arena *arena, int64_t ns);
/* Copies; NULL stays NULL. */
const char *report_text(struct arena *arena, const char *text);
