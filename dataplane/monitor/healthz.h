/*
 * healthz: whether the node is well.
 *
 * Ownership  as report_call.h.
 * Thread     as report_call.h.
 * Errors     in the document: 400, 500.
 */
#pragma once

#include "dataplane/monitor/report_call.h"

extern const struct report healthz_report;
