/*
 * node_events: heartbeats, connects, disconnects, statistics: what nodes say unasked.
 *
 * Messages arrive on threads of libnats, are decoded there and wait in a bounded queue for the
 * job that writes them to the database.  When it is full the event is dropped and counted: every
 * event has a slower source that says the same (heartbeats repeat, counters are cumulative).
 *
 * A user's JWT is reduced to its id here, at the edge; it goes no further.
 *
 * Ownership  an event taken is the taker's: node_event_free.
 * Thread     any.
 * Errors     a message that cannot be read is dropped and logged, at most once in a while.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/list.h"
#include "api/base/slice.h"
#include "api/nats/sys_document.h"

enum node_event_kind {
    EVENT_HEARTBEAT, /* STATSZ */
    EVENT_LAMEDUCK,
    EVENT_SHUTDOWN,
    EVENT_CONNECT,
    EVENT_DISCONNECT,
    EVENT_CONNS, /* the counters of an account, as STATZ has them */
};

struct node_event {
    struct list item;
    struct arena arena;
    enum node_event_kind kind;
    const char *system_id;
    int64_t received_ns; /* our clock */
    struct sys_server server;
    int64_t started_at;           /* HEARTBEAT */
    const char *account;          /* CONNECT, DISCONNECT */
    const char *credential_jti;   /* CONNECT; NULL: none */
    const char *host;             /* CONNECT */
    struct sys_account_stat stat; /* CONNS */
};

/* Subjects to subscribe to; NULL-terminated. */
extern const char *const node_event_subjects[];

struct node_events;

struct node_events *node_events_new(void);
void node_events_free(struct node_events *events);
void node_events_add(struct node_events *events, const char *system_id, const char *subject,
                     struct slice body);
/* The oldest, or NULL. */
struct node_event *node_events_take(struct node_events *events);
/* One that was taken and could not be dealt with: it is the oldest again. */
void node_events_return(struct node_events *events, struct node_event *event);
void node_event_free(struct node_event *event);
/* Called, from any thread, when something was added to an empty queue. */
void node_events_on_add(struct node_events *events, void (*fn)(void *arg), void *arg);

enum { NODE_EVENTS_MAX = 20000 };
