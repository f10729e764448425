/*
 * user_info: $SYS.REQ.USER.INFO: who am I, and what may I?
 *
 * Answered at once, on the worker of the connection that asks.
 *
 * Ownership  borrows everything.
 * Thread     the asking connection's worker.
 * Errors     none.
 */
#pragma once

#include "dataplane/account/deliver.h"
#include "dataplane/monitor/monitor.h"

void user_info_answer(struct monitor *monitor, struct worker *worker, struct account *account,
                      const struct delivery *message);
