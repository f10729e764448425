/*
 * count_clients: who is connected with credentials of one signing key, on all nodes of its system
 * (SKY-01)?
 *
 * Ownership  everything is the caller's; the arena holds what nodes answered.
 * Thread     any; without a transaction and without a connection of the database.  Takes at most
 *            COUNT_CLIENTS_MS.
 * Errors     none: a node that does not answer is not among those that did.
 */
#pragma once

#include "controlplane/domain/signing_key.h"
#include "controlplane/job/job.h"

enum { COUNT_CLIENTS_MS = 5000 };

void count_clients(const struct job_context *context, const struct signing_key_asked *asked,
                   struct arena *arena, struct signing_key_clients *out);
