/*
 * delete_accounts: the operation account.delete, step by step.
 *
 *   suspend          claims with conn 0 and leaf 0 are pushed (its own outbox row); wait until
 *                    every node that is not retired has them and no client is left
 *   purge_jetstream  ask nodes with JetStream to purge, until each says (JSZ) that it holds no
 *                    stream and no byte of the account; skipped where no node has JetStream
 *   tombstone        claims with all limits 0 and a newer iat, pushed
 *   await_stored     every node that is not retired has stored it, also those that are down now
 *   remove           CLAIMS.DELETE on every node
 *   verify           LIST on all nodes, twice, a moment apart
 *   finish           keys destroyed, state deleted
 *
 * What a step waits for stands in its detail.  Each step may be repeated by anybody: who dies in
 * one loses the lease, another goes on. A node that does not let accounts be deleted (allow_delete)
 * ends it with the account tombstoned; what counts is the node's own answer, as what is recorded of
 * a node that has just begun may be out of date.  Such nodes are asked before any other forgets the
 * account.
 *
 * Ownership  none.
 * Thread     one for each process.
 * Errors     as the database's; what nodes do not do is tried again.
 */
#pragma once

#include "controlplane/job/job.h"

/* One operation, as far as it goes now; *more: there was one. */
enum result delete_accounts_pass(const struct job_context *context, bool *more) MUST_CHECK;
