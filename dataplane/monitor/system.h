/*
 * system: the requests of $SYS.REQ that the node answers.
 *
 * $SYS.REQ.SERVER.PING[.X] and $SYS.REQ.SERVER.<id>.X, $SYS.REQ.ACCOUNT.<account>.X for whoever is
 * in the system account; and four that every account may ask about itself: $SYS.REQ.USER.INFO,
 * $SYS.REQ.SERVER.PING.CONNZ, $SYS.REQ.ACCOUNT.PING.CONNZ and $SYS.REQ.ACCOUNT.PING.STATZ, which
 * are looked at before the message is matched.  Of these last an account gets so many answers a
 * second; what it asks beyond is dropped.
 *
 * A node that the request's filter does not mean stays silent.
 *
 * Ownership  borrows the monitor.
 * Thread     system_service_start, _stop: every worker.  _intercept: the publisher's worker.
 * Errors     400 for a body that cannot be read, 500 for what cannot be done: in the answer.
 */
#pragma once

#include "dataplane/account/deliver.h"
#include "dataplane/monitor/monitor.h"

struct system_service;

struct system_service *system_service_new(struct monitor *monitor);
void system_service_free(struct system_service *service);

void system_service_start(struct system_service *service, struct worker *worker);
void system_service_stop(struct system_service *service, struct worker *worker);

/* For struct deliver_options; arg is the service. */
bool system_service_intercept(struct worker *worker, struct account *account,
                              const struct delivery *message, void *arg);
