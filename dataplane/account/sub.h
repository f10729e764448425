/*
 * sub: one subscription: its owner, its worker, its kind's way to deliver.
 *
 * Embedded by whoever takes messages: a client's subscription, a service of the system account,
 * later a leaf node, a route, a consumer.  The trie links subs; delivery calls their kind on
 * the worker that owns them.
 *
 * Memory: one million subscriptions must cost at most 300 bytes each all told, so this struct,
 * the client's part around it and the trie's share together.  Texts are stored once.
 *
 * Ownership  the embedding object.  Removed from the trie first, then *retired* (reclaim.h):
 *            a delivery record may still name it; `gone` tells the receiver.
 * Thread     fields that delivery reads on other workers (kind, worker, queue, subject, flags,
 *            origin, filter) are fixed before sublist_insert.  The rest: the owner's worker.
 * Errors     none.
 */
#pragma once

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
 * once (deliver_line).
 */
struct delivery {
    struct account *account;
    struct slice subject;      /* as the taker sees it */
    struct slice reply;        /* empty: none */
    const char *data;          /* headers, then payload, then CRLF: len + 2 bytes */
    size_t header_len;         /* 0: no headers */
    size_t len;                /* headers and payload, without the CRLF */
    struct shared *shared;     /* not NULL: data lies in it, so it may be referenced */
    uint64_t origin;           /* cid of the publishing connection; 0: none */
    unsigned takers;           /* on this worker, for the choice between copy and reference */
    struct deliver_line *line; /* lazily formatted parts of MSG and HMSG lines */
};

/* "MSG subject " and " [reply ]size\r\n"; the same with headers; without headers stripped. */
struct deliver_line {
    bool have_plain, have_headers, have_stripped;
    struct slice head, hhead;           /* "MSG s ", "HMSG s " */
    struct slice tail, htail, stripped; /* "[reply ]n\r\n", "[reply ]h n\r\n", "[reply ]n-h\r\n" */
    char *text;                         /* where they lie: DELIVER_LINE_MAX bytes of the caller's */
    size_t used;
};

struct sub_kind {
    const char *name;
    /*
     * On the worker that owns the subscription, once for each message that reached it.  False:
     * not taken (gone, used up, not permitted, echo): for a queue group another member is tried.
     */
    bool (*deliver)(struct sub *sub, const struct delivery *delivery);
};

enum {
    SUB_NO_ECHO = 1 << 0,  /* not for messages whose origin is ours */
    SUB_FILTERED = 1 << 1, /* `filter` may deny at delivery */
    SUB_HIDDEN = 1 << 2,   /* internal: not counted, not shown, not limited */
};

struct sub {
    const struct sub_kind *kind;
    uint16_t worker; /* the owner's; fixed once it is in the trie */
    uint8_t flags;
    bool gone;                   /* owner's worker: removed, delivery returns false */
    uint64_t origin;             /* cid of the owning connection; 0: internal */
    struct account *account;     /* borrowed: a sub is removed before its account goes */
    struct sub_node *node;       /* where in the trie; sublist.c's */
    struct slice subject, queue; /* owner's bytes, fixed while in the trie; queue may be empty */
    const struct permission *filter; /* SUB_FILTERED: deny at delivery; immutable, retired */
    struct reclaim_node retire;
};
