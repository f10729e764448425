/*
 * absent: the documents of parts that this node does not have (yet): JetStream, routes, gateways,
 * leaf nodes.  Tools ask for them and want to hear that there is nothing.
 *
 * Ownership  as report_call.h.
 * Thread     as report_call.h.
 * Errors     none.
 */
#pragma once

#include "dataplane/monitor/report_call.h"

extern const struct report jsz_report, routez_report, gatewayz_report, leafz_report;
