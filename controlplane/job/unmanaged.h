/*
 * unmanaged: accounts that nodes hold and that are not ours.
 *
 * They are left alone, and counted when they appear, not again while they stay.  What was there
 * the last time is remembered as a hash for each account, so memory is bounded by what one answer
 * to LIST can hold.
 *
 * Ownership  the struct is the caller's, {0} at first; unmanaged_fini ends it.
 * Thread     one at a time.
 * Errors     as the database's.
 */
#pragma once

#include "controlplane/job/job.h"

struct unmanaged_node {
    char node_id[64];
    uint64_t *keys; /* hashes, sorted */
    size_t count;
};

struct unmanaged {
    uint64_t appeared; /* on one node each */
    struct unmanaged_node nodes[LINKS_MAX];
    size_t node_count;
};

/* unknown: what a node lists now and nobody desired.  Those made since then are ours after all. */
enum result unmanaged_note(struct job_call *call, struct unmanaged *unmanaged,
                           const struct node *node, const struct strings *unknown) MUST_CHECK;
void unmanaged_fini(struct unmanaged *unmanaged);
