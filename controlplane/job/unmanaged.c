#include "controlplane/job/unmanaged.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/log.h"
#include "api/base/map.h"
#include "api/base/mem.h"

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static struct unmanaged_node *memory_of(struct unmanaged *unmanaged, const char *node_id)
{
    struct unmanaged_node *memory;

    for (size_t i = 0; i < unmanaged->node_count; i++) {
        if (strcmp(unmanaged->nodes[i].node_id, node_id) == 0)
            return &unmanaged->nodes[i];
    }
    if (unmanaged->node_count == LINKS_MAX) /* of nodes that are gone, mostly */
        unmanaged_fini(unmanaged);
    memory = &unmanaged->nodes[unmanaged->node_count++];
    snprintf(memory->node_id, sizeof(memory->node_id), "%s", node_id);
    return memory;
}

static bool remembers(const struct unmanaged_node *memory, uint64_t key)
{
    return memory->count > 0 &&
           bsearch(&key, memory->keys, memory->count, sizeof(key), by_number) != NULL;
}

static bool has(const struct strings *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0)
            return true;
    }
    return false;
}

/* Of those that were not there the last time some may be ours, made since we read what is desired.
 */
static enum result drop_known(struct job_call *call, struct strings *fresh)
{
    struct strings known;
    size_t kept = 0;
    enum result rc;

    if (fresh->count == 0)
        return OK;
    rc = job_begin(call);
    if (rc == OK)
        rc = job_end(call, nats_system_known_keys(&call->work, fresh, &known));
    if (rc != OK)
        return rc;
    for (size_t i = 0; i < fresh->count; i++) {
        if (!has(&known, fresh->items[i]))
            fresh->items[kept++] = fresh->items[i];
    }
    fresh->count = kept;
    return OK;
}

static void remember(struct unmanaged_node *memory, uint64_t *keys, size_t count)
{
    mem_free(memory->keys);
    qsort(keys, count, sizeof(*keys), by_number);
    memory->keys = keys;
    memory->count = count;
}

enum result unmanaged_note(struct job_call *call, struct unmanaged *unmanaged,
                           const struct node *node, const struct strings *unknown)
{
    struct unmanaged_node *memory = memory_of(unmanaged, node->resource.id);
    struct strings fresh = {arena_alloc_array(&call->arena, unknown->count + 1, sizeof(char *)), 0};
    uint64_t *keys = mem_alloc_array(unknown->count + 1, sizeof(*keys));
    size_t count = 0;
    enum result rc;

    for (size_t i = 0; i < unknown->count; i++) {
        uint64_t key = map_hash(slice_of(unknown->items[i]));

        if (remembers(memory, key))
            keys[count++] = key;
        else
            fresh.items[fresh.count++] = unknown->items[i];
    }
    rc = drop_known(call, &fresh);
    if (rc != OK) {
        mem_free(keys);
        return rc;
    }
    for (size_t i = 0; i < fresh.count; i++)
        keys[count++] = map_hash(slice_of(fresh.items[i]));
    remember(memory, keys, count);
    unmanaged->appeared += fresh.count;
    if (fresh.count > 0)
        log_warn(LOG_JOB, "a node holds accounts that are not ours node=%s count=%zu first=%s",
                 node->resource.name, fresh.count, fresh.items[0]);
    return OK;
}

void unmanaged_fini(struct unmanaged *unmanaged)
{
    for (size_t i = 0; i < unmanaged->node_count; i++) {
        mem_free(unmanaged->nodes[i].keys);
        unmanaged->nodes[i] = (struct unmanaged_node){0};
    }
    unmanaged->node_count = 0;
}
