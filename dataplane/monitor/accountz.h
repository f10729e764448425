/*
 * accountz: the accounts of the node, or one of them in detail.
 *
 * Ownership  as report_call.h.
 * Thread     as report_call.h.
 * Errors     500: no such account.
 */
#pragma once

#include "dataplane/monitor/report_call.h"

extern const struct report accountz_report;
/* One account's detail alone: $SYS.REQ.ACCOUNT.<account>.INFO. */
extern const struct report account_info_report;
