/*
 * subsz: the subscriptions of the node, or of one account.
 *
 * Ownership  as report_call.h.
 * Thread     as report_call.h.
 * Errors     500: a test subject that is none.
 */
#pragma once

#include "dataplane/monitor/report_call.h"

extern const struct report subsz_report;
