/*
 * report_gate: how many reports are made at once, and how many may wait for that.
 *
 * Each kind of asker has a gate of its own: a storm of requests in the system account keeps
 * neither tenants waiting nor monitoring over HTTP.  Whoever waits comes in order.
 *
 * Ownership  links are embedded in the calls.
 * Thread     any.
 * Errors     report_gate_enter: ERR_LIMIT when REPORT_WAITING_MAX wait.
 */
#pragma once

#include <stdbool.h>

#include "api/base/list.h"
#include "api/base/lock.h"
#include "api/base/result.h"

enum { REPORTS_AT_ONCE = 16, REPORT_WAITING_MAX = 1024 };

enum report_asker {
    REPORT_OF_SYSTEM, /* the system account */
    REPORT_OF_TENANT,
    REPORT_OF_HTTP,
    REPORT_ASKERS
};

struct report_gates {
    struct lock lock;
    struct report_gate {
        struct list waiting;
        unsigned waiting_count, running;
    } at[REPORT_ASKERS];
};

void report_gates_init(struct report_gates *gates);
/* Nobody waits. */
void report_gates_fini(struct report_gates *gates);

/* *now: it may run; else it waits, until report_gate_leave tells. */
enum result report_gate_enter(struct report_gates *gates, enum report_asker asker,
                              struct list *link, bool *now) MUST_CHECK;
/* One that ran is through; who may run now, or NULL. */
struct list *report_gate_leave(struct report_gates *gates, enum report_asker asker);
/* Takes one that waits out, whoever asked; NULL: nobody does. */
struct list *report_gate_abandon(struct report_gates *gates);
