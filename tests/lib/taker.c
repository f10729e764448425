#include "tests/lib/taker.h"

#include "api/base/check.h"
#include "api/base/mem.h"

struct taker *taker_new(struct sub_owner *owner, const char *subject, const char *queue)
{
    size_t len = strlen(subject), queue_len = queue != NULL ? strlen(queue) : 0;
    struct taker *taker = mem_alloc(sizeof(*taker) + len + queue_len);

    memcpy(taker->text, subject, len);
    if (queue_len > 0)
        memcpy(taker->text + len, queue, queue_len);
    taker->sub.text = taker->text;
    taker->sub.subject_len = (uint32_t)len;
    taker->sub.queue_len = (uint16_t)queue_len;
    taker->sub.owner = owner;
    return taker;
}

struct taker *taker_of(struct sub *sub)
{
    return container_of(sub, struct taker, sub);
}

static void free_retired(struct reclaim_node *node)
{
    mem_free(container_of(node, struct taker, sub.retire));
}

void taker_retire(struct taker *taker, struct reclaim_reader *reader)
{
    reclaim_retire(reader, &taker->sub.retire, free_retired);
}
