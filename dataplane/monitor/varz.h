/*
 * varz: the node: what it is, what it may, what passed through it.
 *
 * Ownership  as report_call.h.
 * Thread     as report_call.h.
 * Errors     none.
 */
#pragma once

#include "dataplane/monitor/report_call.h"

extern const struct report varz_report;
