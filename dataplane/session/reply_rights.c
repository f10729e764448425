#include "dataplane/session/reply_rights.h"

#include <string.h>

#include "api/base/clock.h"
#include "api/base/list.h"
#include "api/base/map.h"
#include "api/base/mem.h"

struct right {
    struct map_link link;
    struct list age; /* oldest first */
    int64_t until_ns;
    int64_t left;
    char subject[];
};

struct reply_rights {
    struct map map;
    struct list ages;
    int64_t max, ttl_ns;
    size_t bytes; /* of subjects */
};

struct reply_rights *reply_rights_new(int64_t max, int64_t ttl_ns)
{
    struct reply_rights *rights = mem_alloc(sizeof(*rights));

    map_init(&rights->map);
    list_init(&rights->ages);
    rights->max = max;
    rights->ttl_ns = ttl_ns;
    return rights;
}

static void drop(struct reply_rights *rights, struct right *right)
{
    rights->bytes -= right->link.key.len;
    map_remove(&rights->map, &right->link);
    list_remove(&right->age);
    mem_free(right);
}

void reply_rights_free(struct reply_rights *rights)
{
    if (rights == NULL)
        return;
    list_each(&rights->ages, link, after)
    {
        drop(rights, list_entry(link, struct right, age));
    }
    map_fini(&rights->map);
    mem_free(rights);
}

/* The oldest that are over, or one too many. */
static void prune(struct reply_rights *rights, int64_t now_ns)
{
    while (!list_empty(&rights->ages)) {
        struct right *oldest = list_entry(rights->ages.next, struct right, age);

        if (rights->map.count < REPLY_RIGHTS_MAX && rights->bytes < REPLY_RIGHTS_BYTES &&
            (rights->ttl_ns < 0 || oldest->until_ns > now_ns))
            return;
        drop(rights, oldest);
    }
}

void reply_rights_grant(struct reply_rights *rights, struct slice reply, int64_t now_ns)
{
    struct map_link *link = map_find(&rights->map, reply);
    struct right *right;

    if (link != NULL)
        drop(rights, map_entry(link, struct right, link));
    prune(rights, now_ns);
    right = mem_alloc(sizeof(*right) + reply.len);
    memcpy(right->subject, reply.data, reply.len);
    right->until_ns = clock_after(now_ns, rights->ttl_ns > 0 ? rights->ttl_ns : 0);
    right->left = rights->max;
    (void)map_insert(&rights->map, &right->link, slice_make(right->subject, reply.len));
    list_push(&rights->ages, &right->age);
    rights->bytes += reply.len;
}

bool reply_rights_use(struct reply_rights *rights, struct slice subject, int64_t now_ns)
{
    struct map_link *link = map_find(&rights->map, subject);
    struct right *right;

    if (link == NULL)
        return false;
    right = map_entry(link, struct right, link);
    if (rights->ttl_ns >= 0 && right->until_ns <= now_ns) {
        drop(rights, right);
        return false;
    }
    if (rights->max >= 0 && --right->left <= 0)
        drop(rights, right);
    return true;
}
