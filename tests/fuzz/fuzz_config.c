/* The configuration syntax: whatever the text, a tree or an error. */
#include <stddef.h>
#include <stdint.h>

#include "api/base/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(const struct config_node *node)
{
    int64_t ns;

    if (config_duration(node, &ns) == OK || (node->kind != CONFIG_MAP && node->kind != CONFIG_LIST))
        return;
    for (const struct config_node *child = node->first; child != NULL; child = child->next)
        visit(child);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct config_error error;
    struct config_node *root;

    if (config_parse(slice_make((const char *)data, size), "fuzz", NULL, &arena, &root, &error) ==
        OK)
        visit(root);
    arena_fini(&arena);
    return 0;
}
