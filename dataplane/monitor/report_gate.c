#include "dataplane/monitor/report_gate.h"

#include "api/base/check.h"

void report_gates_init(struct report_gates *gates)
{
    lock_init(&gates->lock);
    for (size_t i = 0; i < REPORT_ASKERS; i++) {
        gates->at[i] = (struct report_gate){0};
        list_init(&gates->at[i].waiting);
    }
}

void report_gates_fini(struct report_gates *gates)
{
    for (size_t i = 0; i < REPORT_ASKERS; i++)
        CHECK(gates->at[i].waiting_count == 0);
    lock_fini(&gates->lock);
}

enum result report_gate_enter(struct report_gates *gates, enum report_asker asker,
                              struct list *link, bool *now)
{
    struct report_gate *gate = &gates->at[asker];
    enum result rc = OK;

    lock_write(&gates->lock);
    *now = gate->running < REPORTS_AT_ONCE;
    if (*now) {
        gate->running++;
    } else if (gate->waiting_count < REPORT_WAITING_MAX) {
        gate->waiting_count++;
        list_push(&gate->waiting, link);
    } else {
        rc = ERR_LIMIT;
    }
    lock_release(&gates->lock);
    return rc;
}

/* Under the lock. */
static struct list *pop(struct report_gate *gate)
{
    struct list *next = list_pop(&gate->waiting);

    gate->waiting_count -= next != NULL;
    return next;
}

struct list *report_gate_leave(struct report_gates *gates, enum report_asker asker)
{
    struct report_gate *gate = &gates->at[asker];
    struct list *next;

    lock_write(&gates->lock);
    next = pop(gate);
    gate->running -= next == NULL; /* else the next has its place */
    lock_release(&gates->lock);
    return next;
}

struct list *report_gate_abandon(struct report_gates *gates)
{
    struct list *next = NULL;

    lock_write(&gates->lock);
    for (size_t i = 0; i < REPORT_ASKERS && next == NULL; i++)
        next = pop(&gates->at[i]);
    lock_release(&gates->lock);
    return next;
}
