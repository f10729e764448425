/*
 * report: the table of the documents of monitoring.
 *
 * Ownership  constants.
 * Thread     any.
 * Errors     none: an unknown name is a mistake of ours.
 */
#pragma once

#include "dataplane/monitor/report_call.h"

/* "VARZ", "CONNZ", ...; "INFO" is the detail of one account. */
const struct report *report_named(const char *name);
