#include "controlplane/cli/context.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "api/base/mem.h"
#include "controlplane/cli/secret_file.h"

enum { CONTEXT_FILE_MAX = 1 << 20 };

#define T struct context
static const struct field context_fields[] = {
    {"name", STRING_AT(T, name), FIELD_REQUIRED, .max = 200},
    {"url", STRING_AT(T, url), FIELD_REQUIRED, .max = 1000},
    {"token", STRING_AT(T, token), FIELD_SECRET | FIELD_OMIT_EMPTY, .max = 1000},
};
#undef T
static const struct shape context_shape = SHAPE(struct context, context_fields);

#define T struct context_file
static const struct field context_file_fields[] = {
    {"current", STRING_AT(T, current), FIELD_OMIT_EMPTY, .max = 200},
    {"contexts", OBJECTS_AT(T, contexts), 0, .max = 1000, .type = &context_shape},
};
#undef T
static const struct shape context_file_shape = SHAPE(struct context_file, context_file_fields);

const char *context_environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != 0 ? value : NULL;
}

enum result folder_make(char *path)
{
    for (char *at = path + 1;; at++) {
        char saved = *at;

        if (saved != '/' && saved != 0)
            continue;
        *at = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return ERR_IO;
        *at = saved;
        if (saved == 0)
            return OK;
    }
}

enum result context_folder(struct arena *arena, const char **folder)
{
    const char *given = context_environment("BERTH_CONTEXT_DIR");
    const char *config = context_environment("XDG_CONFIG_HOME");
    const char *home = context_environment("HOME");
    char *path;

    if (given != NULL)
        path = arena_strdup(arena, given);
    else if (config != NULL)
        path = arena_printf(arena, "%s/berth", config);
    else
        path = arena_printf(arena, "%s/.config/berth", home != NULL ? home : "/");
    *folder = path;
    return folder_make(path);
}

static enum result file_path(struct arena *arena, const char **path)
{
    const char *folder;
    enum result rc = context_folder(arena, &folder);

    *path = rc == OK ? arena_printf(arena, "%s/contexts.json", folder) : NULL;
    return rc;
}

enum result context_read(struct arena *arena, struct context_file *file)
{
    struct shape_error error;
    struct buf buf;
    const char *path;
    enum result rc;

    *file = (struct context_file){0};
    rc = file_path(arena, &path);
    if (rc != OK)
        return rc;
    buf_init(&buf, CONTEXT_FILE_MAX);
    rc = secret_file_read(path, &buf);
    if (rc == OK && shape_decode_text(&context_file_shape, buf_slice(&buf), SHAPE_LENIENT, arena,
                                      file, &error) != OK)
        rc = ERR_CORRUPT;
    buf_fini(&buf);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

enum result context_write(struct arena *arena, const struct context_file *file)
{
    const char *path;
    enum result rc = file_path(arena, &path);
    char *text;

    if (rc != OK)
        return rc;
    text = shape_encode_text(&context_file_shape, file);
    rc = secret_file_write(path, slice_of(text));
    mem_free(text);
    return rc;
}

static struct context *find(const struct context_file *file, const char *name)
{
    for (size_t i = 0; i < file->contexts.count; i++) {
        if (slice_equal(slice_of(file->contexts.items[i].name), slice_of(name)))
            return &file->contexts.items[i];
    }
    return NULL;
}

enum result context_choose(struct arena *arena, const char *name, struct context *out)
{
    const char *url = context_environment("BERTH_API");
    const char *token = context_environment("BERTH_TOKEN");
    struct context_file file;
    const struct context *found = NULL;
    enum result rc;

    bool named;

    if (name == NULL)
        name = context_environment("BERTH_CONTEXT");
    named = name != NULL;
    if (!named && url != NULL && token != NULL) {
        *out = (struct context){"environment", url, token};
        return OK;
    }
    rc = context_read(arena, &file);
    if (rc != OK)
        return rc;
    if (name == NULL)
        name = file.current;
    if (name != NULL)
        found = find(&file, name);
    if (found == NULL)
        return ERR_NOT_FOUND;
    *out = *found;
    if (!named && url != NULL)
        out->url = url;
    if (!named && token != NULL)
        out->token = token;
    return OK;
}

enum result context_save(struct arena *arena, const struct context *context)
{
    struct context_file file;
    struct context *all, *found;
    enum result rc = context_read(arena, &file);

    if (rc != OK)
        return rc;
    file.current = context->name;
    found = find(&file, context->name);
    if (found != NULL) {
        *found = *context;
        return context_write(arena, &file);
    }
    all = arena_alloc_array(arena, file.contexts.count + 1, sizeof(*all));
    for (size_t i = 0; i < file.contexts.count; i++)
        all[i] = file.contexts.items[i];
    all[file.contexts.count++] = *context;
    file.contexts.items = all;
    return context_write(arena, &file);
}
