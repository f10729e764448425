/*
 * deliver: publish: match, choose from queues, one record for each worker.
 *
 * The takers of this worker are served at once; for every other worker that has takers one
 * record goes into its mailbox: the message (copied up to CONN_COPY_MAX, else one shared copy)
 * and the match.  The receiver walks its own slice.  Queue groups: one member, uniformly over
 * all workers; a member that does not take it (gone, echo, denied) is replaced by another,
 * also when that is found out only on the other worker.
 *
 * Each worker keeps a match cache: (account, subject) -> match, 4-way set-associative, bounded,
 * clock replacement; validity by the sublist's generations.  A publisher may also keep a
 * struct publish_memo and so skip hashing when it repeats a subject.
 *
 * Ownership  everything is borrowed for the call.
 * Thread     the publishing connection's worker.
 * Errors     none.
 */
#pragma once

#include "dataplane/account/account.h"
#include "dataplane/account/sub.h"

struct deliver_options {
    size_t cache_entries; /* for each worker; 0: the default (16k) */
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

/* What a publisher remembers of its last subject; {0} to begin. */
struct publish_memo {
    const struct match *match; /* valid in this turn only: checked by turn */
    uint64_t turn, hash;
    struct account *account;
    uint32_t subject_len;
    char subject[64]; /* longer ones are not remembered */
};

/*
 * Delivers message->data to whoever wants message->subject.  Returns the number of takers (for a
 * taker on another worker: that it was sent there, after the checks that can be made here: echo,
 * deny at delivery); 0 means no responders.  Counts nothing: in_msgs is the session's.
 */
unsigned deliver_publish(struct worker *worker, struct account *account,
                         const struct delivery *message, struct publish_memo *memo);

/* The same from a thread or a place that has no delivery at hand: copies. */
void deliver_send(struct worker *worker, struct account *account, struct slice subject,
                  struct slice reply, struct slice headers, struct slice payload);

/* Formats what is missing of delivery->line (kind: plain, with headers, stripped). */
enum deliver_form { DELIVER_PLAIN, DELIVER_HEADERS, DELIVER_STRIPPED };
void deliver_line_form(const struct delivery *delivery, enum deliver_form form);
