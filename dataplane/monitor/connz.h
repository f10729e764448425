/*
 * connz: the connections of the node, open or closed.
 *
 * Two rounds over the workers: first each says what is needed to choose and sort, then those that
 * were chosen are described where they live.
 *
 * Ownership  as report_call.h.
 * Thread     as report_call.h.
 * Errors     500: a sort or a filter that makes no sense.
 */
#pragma once

#include "dataplane/monitor/report_call.h"

extern const struct report connz_report;
