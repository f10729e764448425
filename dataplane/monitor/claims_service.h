/*
 * claims_service: account claims over the system account.
 *
 * $SYS.REQ.CLAIMS.UPDATE, .DELETE, .LIST, .PACK and $SYS.REQ.ACCOUNT.<account>.CLAIMS.LOOKUP and
 * .CLAIMS.UPDATE (and its older subject).
 *
 * An update is answered when its file and folder are synced and every live connection of the
 * account, on all workers, follows it; the work is done on the blocking pool, in order for each
 * account.  Refused with an error and nothing stored: an issuer that is not trusted, an iat older
 * than what is stored, claims that do not hold.  The same bytes again are a no-op.
 *
 * Ownership  borrows the monitor and its resolver.
 * Thread     worker REPORT_HOME (the same as RESOLVER_HOME).
 * Errors     in the answers.
 */
#pragma once

#include "dataplane/monitor/monitor.h"
#include "dataplane/monitor/service.h"

/* NULL when the node has no resolver. */
struct service *claims_service_open(struct monitor *monitor, struct worker *worker);
