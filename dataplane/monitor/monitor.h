/*
 * monitor: what all documents, events and services of the node share.
 *
 * Facts that do not change while the node runs, the parts that are asked, and the block
 * "server" that stands in every message of the node.
 *
 * Ownership  borrows the facts' texts and the parts; owns a reference to the system account.
 * Thread     monitor_new, monitor_bind, monitor_free: the main thread.  Others: any, or stated.
 * Errors     none.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/base/clock.h"
#include "api/nats/nuid.h"
#include "api/nats/sys_document.h"
#include "dataplane/account/account_table.h"
#include "dataplane/auth/auth.h"
#include "dataplane/auth/resolver.h"
#include "dataplane/core/blocking.h"
#include "dataplane/monitor/report_gate.h"
#include "dataplane/session/session_table.h"

struct monitor_facts {
    const char *server_id, *server_name, *version, *go, *host;
    int port;
    struct strings tags;
    struct string_map metadata;
    const char *http_host; /* NULL: no monitoring over HTTP */
    int http_port;
    const char *http_base_path;
    const char *config_digest;
    const char *system_account; /* name; NULL: none */
    const struct auth_operator *operators;
    size_t operator_count;
    int64_t start_ns; /* Unix time */
};

struct monitor_parts {
    struct workers *workers;
    struct blocking *blocking;
    struct account_table *accounts;
    struct auth *auth;
    struct resolver *resolver; /* NULL without operator mode */
    struct clock *clock;
};

struct monitor {
    struct monitor_facts facts;
    struct monitor_parts parts;
    struct session_table *sessions;
    struct account *system; /* NULL: none */
    _Atomic int64_t seq;    /* of the last message */
    _Atomic bool lame_duck;
    _Atomic bool stopping; /* reports under way end where they are */
    int64_t statsz_at_ns;  /* monotonic: the last STATSZ; worker 0's */
    struct monitor_cpu {
        _Atomic int64_t at_ns, used_ns; /* the last sample */
        _Atomic uint32_t percent10;     /* tenths */
    } cpu;
    /* Requests over HTTP by path; http.c counts. */
    const char *const *http_paths;
    _Atomic int64_t *http_requests;
    size_t http_path_count;
    struct report_gates gates;
};

struct monitor *monitor_new(const struct monitor_facts *facts, const struct monitor_parts *parts);
/* Before the first session. */
void monitor_bind(struct monitor *monitor, struct session_table *sessions);
/* The system account, once it is there; a reference, taken over. */
void monitor_set_system(struct monitor *monitor, struct account *system);
void monitor_free(struct monitor *monitor);

int64_t monitor_now(const struct monitor *monitor);

/* The block "server" of the next message: counts it. */
void monitor_server(struct monitor *monitor, struct sys_server *out);
/* The same without counting: to hold a filter against. */
void monitor_server_peek(const struct monitor *monitor, struct sys_server *out);

/* Is anybody of the system account listening? */
bool monitor_wanted(const struct monitor *monitor, const char *subject);

/* Publishes in the system account; on a worker. */
void monitor_publish(struct monitor *monitor, struct worker *worker, const char *subject,
                     const char *text);
/* Publishes a document of that shape in any account; on a worker. */
void monitor_publish_shape(struct worker *worker, struct account *account, const char *subject,
                           const struct shape *shape, const void *document);

/* A fresh id for an event.  any thread */
void monitor_event_id(char out[NUID_TEXT_MAX]);

/* Resident bytes, and the share of the CPU used lately in percent (100 is one core). */
int64_t monitor_memory(void);
double monitor_cpu(struct monitor *monitor);
/* "1d2h3m4s": zero units at the front are left out. */
enum { MONITOR_UPTIME_MAX = 48 };
void monitor_uptime(int64_t ns, char out[MONITOR_UPTIME_MAX]);
