/*
 * node: the parts put together: built in order, ended in reverse.
 *
 *     listener - workers - blocking pool - accounts - resolver - auth - sessions - monitoring
 *
 * The port is taken first, because what is said of it in INFO must be true; it accepts last.
 *
 * Ownership  the node owns its parts and borrows the options.
 * Thread     the main thread, which waits for signals in node_run; every other thread has them
 *            blocked.
 * Errors     node_start says what is wrong in the log (FTL) and returns a failure.
 */
#pragma once

#include "api/base/result.h"
#include "dataplane/node/node_options.h"

struct node;

/* Before any thread: signals are taken by node_run alone. */
void node_block_signals(void);

enum result node_start(struct node_options *options, struct node **out) MUST_CHECK;
/* Where clients are listened for, as it is. */
int node_port(const struct node *node);
/* The same for monitoring; 0: nowhere. */
int node_http_port(const struct node *node);
/* Until a signal ends it; the exit code of the process. */
int node_run(struct node *node);
void node_stop(struct node *node);
