/*
 * metrics: the figures that the database knows, as Prometheus text.
 *
 * Those of the service have few series: what belongs to a node has its name and its system's.
 * Those of accounts are asked for apart, for at most so many accounts.
 *
 * Ownership  rows live in the work's arena.
 * Thread     the work's.
 * Errors     the database's.
 */
#pragma once

#include "api/base/buf.h"
#include "controlplane/domain/work.h"

/* What /metrics says besides what a process counts itself. */
enum result metrics_of_service(struct work *work, struct buf *out) MUST_CHECK;

/* What accounts use on the nodes that run: counted since the node started, as the node says it.
 * Of the `max` accounts with the most messages; how many were left out is a figure, too. */
enum result metrics_of_accounts(struct work *work, int64_t max, struct buf *out) MUST_CHECK;
