/*
 * watch_nodes: which nodes there are, in what state, and whom they trust.
 *
 * A pass opens links to what the systems name, writes what nodes said (heartbeats, connects,
 * leaving), asks every node that can be reached for VARZ at least every 30 s and at once when it
 * is new, and ages those that are silent.  A server id not known before is a node that came or
 * came back: what it holds is in doubt, its account rows are due again, and the counters of its
 * predecessor are closed.
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

/* WAKE_TRUST: the next pass asks every node again. */
void watch_nodes_forget(struct watch_nodes *watch);
