/*
 * service: subscriptions of the node itself in the system account, and the requests they get.
 *
 * A request is copied out of the message, so that it may be answered later.  All services live
 * on worker REPORT_HOME.
 *
 * Ownership  a handler takes the request over: service_request_free.
 * Thread     worker REPORT_HOME.
 * Errors     none: a request without a place to answer to is still handed over.
 */
#pragma once

#include "api/base/arena.h"
#include "api/base/slice.h"
#include "dataplane/account/deliver.h"
#include "dataplane/monitor/monitor.h"

struct service_row;

struct service_request {
    struct monitor *monitor;
    const struct service_row *row;
    struct arena arena;   /* holds the texts */
    struct account *from; /* a reference: who is to be answered */
    const char *subject;
    const char *reply; /* NULL: nobody waits for an answer */
    struct slice body; /* without headers; 0 stands behind it */
    const char *scope; /* only this account may be seen; NULL: all */
    uint64_t origin;   /* cid of the asking connection */
};

typedef void (*service_fn)(struct service_request *request, struct worker *worker);

struct service_row {
    const char *subject; /* '*' and, once, "%s" for the server's id */
    service_fn handle;
    const void *arg; /* the handler's */
};

struct service;

/* rows live as long; subscribes in the system account. */
struct service *service_open(struct monitor *monitor, struct worker *worker,
                             const struct service_row *rows, size_t count);
void service_close(struct service *service, struct worker *worker);

/* A request of our own making, from a message of any account; on any worker. */
struct service_request *service_request_new(struct monitor *monitor, struct account *from,
                                            const struct delivery *message);
void service_request_free(struct service_request *request);

/* Publishes to whoever asked, if they wait; the request stays. */
void service_reply(struct service_request *request, struct worker *worker, struct slice text);
