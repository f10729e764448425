#include "dataplane/session/client_sub.h"

#include <string.h>

#include "api/base/mem.h"
#include "api/nats/subject.h"
#include "dataplane/session/session_set.h"

_Static_assert(sizeof(struct client_sub) <= 80, "one million of them: 300 bytes each all told");

enum { SLOTS_MIN = 8, TOKEN_WORK = 4 };

/* Which slot holds that sid, or the free one where it belongs.  There is always a free one. */
static uint32_t slot_of(const struct session_subs *subs, struct slice sid, uint32_t hash)
{
    uint32_t mask = subs->cap - 1, at = hash & mask;

    for (;; at = (at + 1) & mask) {
        const struct client_sub *sub = subs->slots[at];

        if (sub == NULL || (sub->hash == hash && slice_equal(client_sub_sid(sub), sid)))
            return at;
    }
}

struct client_sub *client_subs_find(const struct session_subs *subs, struct slice sid)
{
    if (subs->cap == 0)
        return NULL;
    return subs->slots[slot_of(subs, sid, (uint32_t)map_hash(sid))];
}

static void resize(struct session_subs *subs, uint32_t cap)
{
    struct session_subs grown = {.cap = cap, .count = subs->count};

    grown.slots = mem_alloc_array(cap, sizeof(grown.slots[0]));
    for (uint32_t i = 0; i < subs->cap; i++) {
        struct client_sub *sub = subs->slots[i];

        if (sub != NULL)
            grown.slots[slot_of(&grown, client_sub_sid(sub), sub->hash)] = sub;
    }
    mem_free(subs->slots);
    *subs = grown;
}

/* Whoever stands behind a freed slot and was pushed there by it moves up. */
static void close_gap(struct session_subs *subs, uint32_t gap)
{
    uint32_t mask = subs->cap - 1;

    subs->slots[gap] = NULL;
    for (uint32_t at = (gap + 1) & mask; subs->slots[at] != NULL; at = (at + 1) & mask) {
        uint32_t home = subs->slots[at]->hash & mask;

        if (((at - home) & mask) >= ((at - gap) & mask)) {
            subs->slots[gap] = subs->slots[at];
            subs->slots[at] = NULL;
            gap = at;
        }
    }
}

static uint8_t flags_for(const struct session *session, struct slice subject)
{
    unsigned flags = (session->flags & SESSION_ECHO) == 0 ? SUB_NO_ECHO : 0;

    if (permission_filters(session->permission, subject))
        flags |= SUB_FILTERED;
    return (uint8_t)flags;
}

static struct client_sub *sub_new(struct session *session, struct slice subject, struct slice queue,
                                  struct slice sid)
{
    struct client_sub *sub = mem_alloc(sizeof(*sub) + sid.len + subject.len + queue.len);
    char *at = sub->text;

    memcpy(at, sid.data, sid.len);
    at += sid.len;
    sub->sub.text = at;
    memcpy(at, subject.data, subject.len);
    if (queue.len > 0)
        memcpy(at + subject.len, queue.data, queue.len);
    sub->sub.subject_len = (uint32_t)subject.len;
    sub->sub.queue_len = (uint16_t)queue.len;
    sub->sub.owner = &session->owner;
    atomic_init(&sub->sub.flags, flags_for(session, subject));
    sub->sid_len = (uint32_t)sid.len;
    sub->hash = (uint32_t)map_hash(client_sub_sid(sub));
    return sub;
}

enum result client_subs_add(struct session *session, struct slice subject, struct slice queue,
                            struct slice sid)
{
    struct session_subs *subs = &session->subs;
    struct client_sub *sub;
    enum result rc;

    if (queue.len > SUB_QUEUE_LEN_MAX)
        return ERR_LIMIT;
    sub = sub_new(session, subject, queue, sid);
    rc = sublist_insert(session->account->sublist, &sub->sub);
    if (rc != OK) {
        mem_free(sub);
        return rc;
    }
    if (subs->count + subs->count / 3 + 2 > subs->cap)
        resize(subs, subs->cap > 0 ? subs->cap * 2 : SLOTS_MIN);
    subs->slots[slot_of(subs, client_sub_sid(sub), sub->hash)] = sub;
    subs->count++;
    counter_add(&session->set->subscriptions, 1);
    return OK;
}

static void sub_free(struct reclaim_node *node)
{
    mem_free(client_sub_of(container_of(node, struct sub, retire)));
}

static void retire(struct session *session, struct client_sub *sub)
{
    sublist_remove(session->account->sublist, &sub->sub);
    sub->sub.gone = true;
    reclaim_retire(session->set->worker->reader, &sub->sub.retire, sub_free);
}

void client_subs_remove(struct session *session, struct client_sub *sub)
{
    struct session_subs *subs = &session->subs;

    close_gap(subs, slot_of(subs, client_sub_sid(sub), sub->hash));
    subs->count--;
    counter_add(&session->set->subscriptions, (uint64_t)-1);
    retire(session, sub);
    if (subs->cap > SLOTS_MIN && subs->count < subs->cap / 8)
        resize(subs, subs->cap / 2);
}

void client_subs_refresh(struct session *session, struct client_sub *sub)
{
    atomic_store_explicit(&sub->sub.flags, flags_for(session, sub_subject(&sub->sub)),
                          memory_order_relaxed); /* sublist_touch publishes it */
    sublist_touch(session->account->sublist, &sub->sub);
}

uint32_t client_sub_work(struct slice subject)
{
    return SUB_WORK + subject_token_count(subject) * TOKEN_WORK;
}

bool client_subs_drop(struct session *session, uint32_t work)
{
    struct session_subs *subs = &session->subs;
    uint64_t done = 0;

    /* Nothing is looked up any more, so the table may just get shorter. */
    while (done < work && subs->count > 0) {
        struct client_sub *sub = subs->slots[--subs->cap];

        if (sub == NULL)
            continue;
        subs->count--;
        done += client_sub_work(sub_subject(&sub->sub));
        counter_add(&session->set->subscriptions, (uint64_t)-1);
        retire(session, sub);
    }
    if (subs->count > 0)
        return false;
    mem_free(subs->slots);
    *subs = (struct session_subs){0};
    return true;
}

struct client_sub *client_subs_next(const struct session_subs *subs, uint32_t *at)
{
    while (*at < subs->cap) {
        struct client_sub *sub = subs->slots[(*at)++];

        if (sub != NULL)
            return sub;
    }
    return NULL;
}
