/*
 * deliver_record: one message for the takers of one other worker, as it lies in its mailbox.
 *
 *     struct record | slots of plain takers | slots of queue members | subject | reply | data
 *
 * Many plain takers are not copied: the record names the match, of which the receiver walks its
 * own range.  The payload is copied up to CONN_COPY_MAX and else a shared copy is referenced.
 * What a record names (subscriptions, match, account) is kept by reclaim's two grace periods;
 * one that is sent on (keep_account) was found afresh by the forwarder and holds the account.
 *
 * Ownership  a record holds a reference to its shared payload; record_done gives it back.
 * Thread     post: the sender.  read, done: the receiver, in the mail's function.
 * Errors     none.
 */
#pragma once

#include "dataplane/account/match.h"

struct record_takers {
    const uint64_t *plain; /* all of that worker */
    uint32_t plain_count;
    const struct match *match; /* post: may be named instead of copying plain; read: walk it */
    const uint64_t *picks;     /* post: zeros and those of other workers are left out */
    uint32_t pick_count;
    uint64_t tried; /* workers, a bit each, of which no member took a pick */
    bool keep_account;
};

void record_post(struct worker *worker, unsigned to, const struct delivery *message,
                 const struct record_takers *takers, mail_fn fn);
void record_read(void *body, size_t len, struct delivery *message, struct record_takers *takers);
void record_done(void *body, const struct delivery *message);
