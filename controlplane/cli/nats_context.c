#include "controlplane/cli/nats_context.h"

#include <stdlib.h>
#include <string.h>

#include "api/base/mem.h"
#include "api/base/shape.h"
#include "controlplane/cli/context.h"
#include "controlplane/cli/secret_file.h"

#define T struct nats_context
static const struct field nats_context_fields[] = {
    {"description", STRING_AT(T, description)},
    {"url", STRING_AT(T, url)},
    {"creds", STRING_AT(T, creds)},
};
#undef T
static const struct shape nats_context_shape = SHAPE(struct nats_context, nats_context_fields);

static const char *tool_folder(struct arena *arena)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (config != NULL && *config != 0)
        return arena_printf(arena, "%s/nats", config);
    return arena_printf(arena, "%s/.config/nats", home != NULL ? home : "");
}

enum result nats_context_write(struct arena *arena, const struct nats_context *context,
                               const char **path)
{
    char *folder = arena_printf(arena, "%s/context", tool_folder(arena));
    enum result rc;
    char *text;

    if (*context->name == 0 || context->name[0] == '.' || strchr(context->name, '/') != NULL)
        return ERR_INVALID;
    rc = folder_make(folder);
    if (rc != OK)
        return rc;
    *path = arena_printf(arena, "%s/%s.json", folder, context->name);
    text = shape_encode_text(&nats_context_shape, context);
    rc = secret_file_write(*path, slice_of(text));
    mem_free(text);
    return rc;
}

enum result nats_context_select(struct arena *arena, const char *name)
{
    return secret_file_write(arena_printf(arena, "%s/context.txt", tool_folder(arena)),
                             slice_of(name));
}
