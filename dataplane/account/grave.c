#include "dataplane/account/grave.h"

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/core/worker.h"

enum { GRAVE_ITEMS = 6 };

struct grave {
    struct reclaim_node retire;
    struct grave *next; /* an older one, full */
    unsigned count;
    void *items[GRAVE_ITEMS];
};

void grave_add(struct grave **grave, void *ptr)
{
    struct grave *open = *grave;

    if (ptr == NULL)
        return;
    if (open == NULL || open->count == GRAVE_ITEMS) {
        open = mem_alloc(sizeof(*open));
        open->next = *grave;
        *grave = open;
    }
    open->items[open->count++] = ptr;
}

static void empty(struct reclaim_node *node)
{
    struct grave *grave = container_of(node, struct grave, retire);

    for (unsigned i = 0; i < grave->count; i++)
        mem_free(grave->items[i]);
    mem_free(grave);
}

void grave_close(struct grave *grave)
{
    struct worker *worker = worker_current();

    while (grave != NULL) {
        struct grave *next = grave->next;

        if (worker != NULL)
            reclaim_retire(worker->reader, &grave->retire, empty);
        else
            empty(&grave->retire);
        grave = next;
    }
}
