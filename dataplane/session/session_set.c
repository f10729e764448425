#include "dataplane/session/session_set.h"

void session_set_add(struct session_set *set, struct session *session)
{
    session->set = set;
    session->owner.worker = (uint16_t)set->worker->index;
    list_push(&set->sessions, &session->link);
    (void)map_insert(&set->by_cid, &session->by_cid,
                     slice_make((const char *)&session->cid, sizeof(session->cid)));
    counter_add(&set->sessions_here, 1);
}

void session_set_remove(struct session_set *set, struct session *session)
{
    list_remove(&session->link);
    map_remove(&set->by_cid, &session->by_cid);
    counter_add(&set->sessions_here, (uint64_t)-1);
}

void session_set_walk(struct session_set *set, bool (*fn)(struct session *session, void *arg),
                      void *arg)
{
    list_each(&set->sessions, link, after)
    {
        if (!fn(list_entry(link, struct session, link), arg))
            return;
    }
}

struct session *session_set_find(const struct session_set *set, uint64_t cid)
{
    struct map_link *link = map_find(&set->by_cid, slice_make((const char *)&cid, sizeof(cid)));

    return link != NULL ? map_entry(link, struct session, by_cid) : NULL;
}
