/*
 * session_relieve: when memory is short, who holds the most of it pays.
 *
 * The bytes that wait for the peers of each account are summed over all workers; of the account
 * with the most, the sessions that hold at least half of what its greatest does are closed as slow
 * consumers.  Nobody reads meanwhile (worker.h, Memory), and that ends the sooner.
 *
 * Ownership  borrows the table.
 * Thread     a worker.
 * Errors     none; while one look is under way another is not begun.
 */
#pragma once

#include "dataplane/session/session_table.h"

/* Less than that of one session is not looked at. */
enum { RELIEVE_LEAST = 64 << 10 };

void session_relieve(struct session_table *table, struct worker *worker);
