/*
 * sub: one subscription, and who takes what it gets.
 *
 * Embedded by whoever takes messages: a client's subscription, a service of the system account,
 * later a leaf node, a route, a consumer.  What all subscriptions of one taker have in common
 * (kind, worker, connection) stands once, in a struct sub_owner that the taker embeds: a session
 * finds itself with container_of(sub->owner, struct session, owner).
 *
 * Memory: one million subscriptions must cost at most 300 bytes each all told.  This struct is
 * 48 bytes, the trie's share about 65 for a subject of its own; texts are stored once, by the
 * embedding object (best right behind it, in the same allocation).  What delivery touches
 * stands at the end, so that the fields of the embedding struct that delivery needs (id, counts)
 * share a cache line with it when they come next.
 *
 * Ownership  the embedding object.  Removed from the trie first, then *retired* (reclaim.h):
 *            a delivery record may still name it; `gone` tells the receiver.  The owner is
 *            retired too, not before its subs.
 * Thread     fields that delivery reads on other workers (text, lengths, owner, and the owner's
 *            kind, worker, origin) are fixed before sublist_insert; flags and filter are atomic
 *            (changed in place, then sublist_touch).  The rest: the owner's worker.
 * Errors     none.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/base/slice.h"
#include "dataplane/core/reclaim.h"
#include "dataplane/core/shared.h"
#include "dataplane/core/worker.h"

struct account;
struct permission;
struct sub;

/*
 * One message on its way to the takers of one worker.  Valid during the call.
 *
 * The MSG line differs by subscription id only: what stands before and behind it is formatted
 * once (deliver_line_form).
 */
struct delivery {
    struct slice subject;  /* as the taker sees it */
    struct slice reply;    /* empty: none */
    const char *data;      /* headers, then payload, then CRLF: len + 2 bytes */
    size_t header_len;     /* 0: no headers */
    size_t len;            /* headers and payload, without the CRLF */
    struct shared *shared; /* not NULL: data lies in it, so it may be referenced */
    uint64_t origin;       /* cid of the publishing connection; 0: none */
    /* Set by deliver_publish, so the publisher leaves them zero: */
    struct account *account;
    unsigned takers;           /* on this worker, about: for copying or referencing */
    struct deliver_line *line; /* lazily formatted parts of MSG and HMSG lines */
};

/* A line is head, subscription id, tail: "MSG s " "7" " [reply ]size\r\n". */
struct deliver_line {
    bool have_head, have_plain, have_headers, have_stripped;
    struct slice head, hhead; /* "MSG s ", "HMSG s " */
    struct slice tail, htail,
        stripped; /* " [reply ]n\r\n", " [reply ]h n\r\n", " [reply ]n-h\r\n" */
    char *text;   /* where they lie; deliver.c's */
    size_t used, cap;
};

struct sub_kind {
    const char *name;
    bool counted; /* what it takes is in the account's out_msgs and out_bytes */
    /*
     * On the worker that owns the subscription, once for each message that reached it, after
     * echo and deny at delivery were looked at.  False: not taken (gone, used up, closing): for
     * a queue group another member is tried.
     */
    bool (*deliver)(struct sub *sub, const struct delivery *delivery);
};

/* What the subscriptions of one taker share. */
struct sub_owner {
    const struct sub_kind *kind;
    uint64_t origin;                           /* cid of the connection; 0: internal */
    _Atomic(const struct permission *) filter; /* for its SUB_FILTERED subs; retired */
    uint16_t worker;                           /* fixed once a sub is in a trie */
};

enum {
    SUB_NO_ECHO = 1 << 0,  /* not for messages whose origin is ours */
    SUB_FILTERED = 1 << 1, /* the owner's `filter` may deny at delivery */
    SUB_HIDDEN = 1 << 2,   /* internal: not counted, not shown, not limited */
};

enum { SUB_QUEUE_LEN_MAX = UINT16_MAX };

struct sub {
    union {
        uint32_t slot;              /* in the trie: where; sublist.c's */
        struct reclaim_node retire; /* out of it */
    };
    const char *text; /* the subject, and right behind it the queue; fixed until freed */
    uint32_t subject_len;
    uint16_t queue_len;    /* 0: no queue group */
    _Atomic uint8_t flags; /* HIDDEN is fixed; see sublist_touch */
    bool gone;             /* owner's worker: removed, deliver returns false */
    struct sub_owner *owner;
};

static inline struct slice sub_subject(const struct sub *sub)
{
    return slice_make(sub->text, sub->subject_len);
}

static inline struct slice sub_queue(const struct sub *sub)
{
    return slice_make(sub->text + sub->subject_len, sub->queue_len);
}
