/*
 * accstatz: the figures of every account; what tenants are billed from.
 *
 * Ownership  as report_call.h.
 * Thread     as report_call.h.
 * Errors     none.
 */
#pragma once

#include "dataplane/monitor/report_call.h"

extern const struct report accstatz_report;
