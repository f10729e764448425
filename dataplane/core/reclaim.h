/*
 * reclaim: freeing what a reader without a lock may still see (quiescent-state based).
 *
 * A reader is a thread that looks at shared structures without locks: every worker, and the
 * monitoring thread while it walks.  An online reader works in sections (a worker: one turn
 * of its loop).  What is retired is freed after two grace periods; a grace period ends when
 * every reader that is online has left a section that it *entered* after the period began.
 *
 * Why two, and why the epoch is read on entering: a delivery record may carry a pointer from
 * one worker's turn into another's mailbox.  The first period ends only when the sender's turn
 * is over and the record is in the mailbox; the second only after the receiver has entered a
 * turn later than that, and a turn begins by emptying the mailbox.  A worker that has not
 * emptied its mailbox in a turn says so (reclaim_leave with drained = false) and its section
 * does not count.  A sleeping worker is offline; whoever puts mail into its mailbox makes it
 * online again (reclaim_rouse) *before its own section ends*, so the mail is covered.  Going to
 * sleep takes two steps with a look at the mailbox between them, so that at no moment mail lies
 * in the mailbox of a reader that is offline and that nobody will rouse.
 *
 * Ownership  a retired node belongs to reclaim until free_fn gets it.
 * Thread     each reader's calls: its thread.  reclaim_rouse: any.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reclaim;
struct reclaim_reader;

/* Embedded in what may be retired. */
struct reclaim_node {
    struct reclaim_node *next;
    void (*free_fn)(struct reclaim_node *node);
    uint64_t epoch;
};

struct reclaim *reclaim_new(unsigned readers_max);
/* Frees everything still retired; no reader may be online. */
void reclaim_free(struct reclaim *reclaim);

/* Begins offline. */
struct reclaim_reader *reclaim_reader_new(struct reclaim *reclaim);

/* Online, and a section begins.  From any state: a wake-up, or a change of mind. */
void reclaim_enter(struct reclaim_reader *reader);
/* The section ends; the reader stays online.  Frees what is ripe, a bounded number at a time. */
void reclaim_leave(struct reclaim_reader *reader, bool drained);
/* First step before sleeping, with a full fence; then the caller looks at its mailbox. */
void reclaim_leaving(struct reclaim_reader *reader);
/*
 * Second step, when the mailbox was empty.  False: somebody has roused the reader in the
 * meantime; it is still online.  A reader without a mailbox needs no first step.
 */
bool reclaim_offline(struct reclaim_reader *reader);
/* By a thread in a section that has just put something into this reader's mailbox. */
void reclaim_rouse(struct reclaim_reader *reader);

/* Nobody who enters a section from now on can find the node.  Inside a section. */
void reclaim_retire(struct reclaim_reader *reader, struct reclaim_node *node,
                    void (*free_fn)(struct reclaim_node *node));

/* The epoch in which this reader's section began: rises as grace periods end. */
uint64_t reclaim_entered(const struct reclaim_reader *reader);
/* Retired by this reader and not yet free: for statistics and for bounding. */
size_t reclaim_waiting(const struct reclaim_reader *reader);
