/*
 * A list of sources, each with a list of its members that wait, in the order in which they began
 * to.  Looking for a source or for the one with the most members goes through the list: a server
 * has some thousand connections at most, and it does so once for each that comes.
 */
#include "api/base/crowd.h"

#include <string.h>

#include "api/base/mem.h"

struct crowd_source {
    struct list link;
    struct source_key key;
    struct list waiting;
    size_t count;
};

void crowd_init(struct crowd *crowd, size_t max)
{
    CHECK(max > 0);
    *crowd = (struct crowd){.max = max};
    list_init(&crowd->sources);
}

void crowd_fini(struct crowd *crowd)
{
    CHECK(crowd->count == 0 && list_empty(&crowd->sources));
}

static struct crowd_source *source_of(struct crowd *crowd, struct source_key key)
{
    struct crowd_source *source;

    list_each(&crowd->sources, link, after)
    {
        source = list_entry(link, struct crowd_source, link);
        if (memcmp(&source->key, &key, sizeof(key)) == 0)
            return source;
    }
    source = mem_alloc(sizeof(*source));
    source->key = key;
    list_init(&source->waiting);
    list_push(&crowd->sources, &source->link);
    return source;
}

/* Of the fullest source with somebody who waits; NULL: all are busy. */
static struct crowd_member *longest(struct crowd *crowd)
{
    struct crowd_source *fullest = NULL;

    list_each(&crowd->sources, link, after)
    {
        struct crowd_source *source = list_entry(link, struct crowd_source, link);

        if (!list_empty(&source->waiting) && (fullest == NULL || source->count > fullest->count))
            fullest = source;
    }
    return fullest != NULL ? list_entry(fullest->waiting.next, struct crowd_member, link) : NULL;
}

void crowd_leave(struct crowd *crowd, struct crowd_member *member)
{
    struct crowd_source *source = member->source;

    if (source == NULL)
        return;
    list_remove(&member->link);
    member->source = NULL;
    crowd->count--;
    if (--source->count > 0)
        return;
    list_remove(&source->link);
    mem_free(source);
}

struct crowd_member *crowd_give_up(struct crowd *crowd)
{
    struct crowd_member *leaver = longest(crowd);

    if (leaver != NULL)
        crowd_leave(crowd, leaver);
    return leaver;
}

struct crowd_member *crowd_enter(struct crowd *crowd, struct crowd_member *member,
                                 const struct sockaddr *address)
{
    *member = (struct crowd_member){.source = source_of(crowd, source_key_of(address))};
    member->source->count++;
    list_push(&member->source->waiting, &member->link);
    return ++crowd->count > crowd->max ? crowd_give_up(crowd) : NULL;
}

void crowd_busy(struct crowd_member *member)
{
    list_remove(&member->link);
}

void crowd_wait(struct crowd_member *member)
{
    if (member->source == NULL)
        return;
    list_remove(&member->link);
    list_push(&member->source->waiting, &member->link);
}
