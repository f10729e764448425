/*
 * deliver: publish: match, choose from queues, one record for each worker.
 *
 * The takers of this worker are served at once; for every other worker that has takers one
 * record goes into its mailbox: the message (copied up to CONN_COPY_MAX, else one shared copy)
 * and the takers.  The receiver walks its own slice.  Queue groups: one member, uniformly over
 * all workers; a member that does not take it (gone, echo, denied) is replaced by another,
 * also when that is found out only on the other worker.
 *
 * Echo (SUB_NO_ECHO) and deny at delivery (SUB_FILTERED) are looked at here, before the kind's
 * deliver; out_msgs and out_bytes of the account are counted here (kinds that are `counted`).
 *
 * Each worker keeps a match cache (match_cache.h): (account, subject) -> match.  A publisher may
 * also keep a struct publish_memo and so skip hashing when it repeats a subject.
 *
 * A kind's deliver may publish (a service's answer), and so on; beyond DELIVER_DEPTH_MAX levels
 * a message goes nowhere.
 *
 * Ownership  everything is borrowed for the call.
 * Thread     the publishing connection's worker.
 * Errors     none.
 */
#pragma once

#include "dataplane/account/account.h"
#include "dataplane/account/deliver_line.h"
#include "dataplane/account/sub.h"

enum { DELIVER_DEPTH_MAX = 16 };

struct deliver_options {
    size_t
        cache_entries; /* at most, for each worker, 64 bytes each; 0: a default by worker count */
    /*
     * Looks at a subject that begins with "$SYS." before matching; true: consumed.  The system
     * services that every account may call ($SYS.REQ.USER.INFO, ...).  Set by monitor/.
     */
    bool (*intercept)(struct worker *worker, struct account *account,
                      const struct delivery *message, void *arg);
    void *intercept_arg;
};

/* Sets up WORKER_PART_DELIVER; from workers' on_start and on_stop. */
void deliver_start(struct worker *worker, const struct deliver_options *options);
void deliver_stop(struct worker *worker);

/* Where a publisher found its last subject; {0} to begin.  Only a hint. */
struct publish_memo {
    uint32_t entry;
};

/*
 * Delivers message->data to whoever wants message->subject.  Returns the number of takers (for a
 * taker on another worker: that it was sent there, after the checks that can be made here: echo,
 * deny at delivery); 0 means no responders.  Counts the deliveries, not the publication: in_msgs
 * is the session's.  message->data may lie in the worker's input.  memo may be NULL.
 */
unsigned deliver_publish(struct worker *worker, struct account *account, struct delivery *message,
                         struct publish_memo *memo);

/* The same for a place that has no delivery at hand; copies; origin 0. */
unsigned deliver_send(struct worker *worker, struct account *account, struct slice subject,
                      struct slice reply, struct slice headers, struct slice payload);

/* Of one worker.  any thread; each is read by itself */
struct deliver_figures {
    uint64_t matches;    /* subjects looked up */
    uint64_t cache_hits; /* of them answered by the cache */
    uint64_t cache_count, cache_capacity;
    uint64_t records;  /* sent to other workers */
    uint64_t rerouted; /* queue messages that another member got than the one picked */
};
void deliver_figures(const struct worker *worker, struct deliver_figures *out);
