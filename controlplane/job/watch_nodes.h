/*
 * watch_nodes: which nodes there are, in what state, and whom they trust.
 *
 * A pass writes what nodes said (heartbeats, connects, leaving).  Once a second, and when a link
 * came up, it also opens links to what the systems name, asks every node that can be reached for
 * VARZ at least every 30 s and at once when it is new, and ages those that are silent.
 *
 * A server id not known before is a node that came or came back: what it holds is in doubt, its
 * contents are compared, and the counters of its predecessor are closed.  When a link is up again,
 * whatever waits for its node is due at once.
 *
 * Ownership  the watch keeps a small note for each link.
 * Thread     one.
 * Errors     as the database's; a node that does not answer is no error.
 */
#pragma once

#include "controlplane/job/job.h"

struct watch_nodes;

struct watch_nodes *watch_nodes_new(const struct job_context *context);
void watch_nodes_free(struct watch_nodes *watch);
enum result watch_nodes_pass(struct watch_nodes *watch) MUST_CHECK;

/* Only the events that wait: called more often than a pass. */
enum result watch_nodes_events(struct watch_nodes *watch) MUST_CHECK;

/* A link came up: the next pass looks at the nodes.  From any thread. */
void watch_nodes_look(struct watch_nodes *watch);

/* WAKE_TRUST: the next pass asks every node again. */
void watch_nodes_forget(struct watch_nodes *watch);
