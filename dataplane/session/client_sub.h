/*
 * client_sub: a client's subscription, and the table of them by sid.
 *
 * One block: the struct and behind it sid, subject, queue.
 *
 * Ownership  the session's table; a removed one is retired (deliveries may still name it).
 * Thread     its session's worker.
 * Errors     client_subs_add: as sublist_insert; the sub is then gone.
 */
#pragma once

#include "dataplane/account/sublist.h"
#include "dataplane/session/session.h"

/* Where many go, one portion goes in a turn (about 4000 of two tokens), the next after a pause. */
enum { DROP_WORK = 1 << 17 };
#define DROP_PAUSE_NS NS_PER_MS

struct client_sub {
    struct sub sub;
    uint64_t msgs; /* delivered */
    uint64_t max;  /* removed after that many; 0: never */
    uint32_t hash, sid_len;
    char text[]; /* sid, subject, queue */
};

static inline struct client_sub *client_sub_of(struct sub *sub)
{
    return container_of(sub, struct client_sub, sub);
}

static inline struct session *client_sub_session(const struct client_sub *sub)
{
    return container_of(sub->sub.owner, struct session, owner);
}

static inline struct slice client_sub_sid(const struct client_sub *sub)
{
    return slice_make(sub->text, sub->sid_len);
}

struct client_sub *client_subs_find(const struct session_subs *subs, struct slice sid);
/* Makes one and puts it into the table and into the account's sublist.  sid is not there. */
enum result client_subs_add(struct session *session, struct slice subject, struct slice queue,
                            struct slice sid) MUST_CHECK;
/* Follows the session's echo and permission in force. */
void client_subs_refresh(struct session *session, struct client_sub *sub);
/* Out of the table and of the sublist, retired. */
void client_subs_remove(struct session *session, struct client_sub *sub);
/* What it costs, in deliveries, to put it into the sublist or to take it out: each token is a
 * step, and may be a node to be made. */
uint32_t client_sub_work(struct slice subject);
/* As many of them as cost so much, at least one; true when none is left (and the table's memory is
 * given back).  Until then nothing but client_subs_next may be asked. */
bool client_subs_drop(struct session *session, uint32_t work);
/* One after the other; *at begins with 0; NULL at the end.  Nothing may be added meanwhile. */
struct client_sub *client_subs_next(const struct session_subs *subs, uint32_t *at);
