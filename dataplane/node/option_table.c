#include "dataplane/node/option_table.h"

#include <stdarg.h>
#include <string.h>

#include "api/base/check.h"

enum { MESSAGES_MAX = 64 << 10 };

void option_reader_init(struct option_reader *reader, struct arena *arena)
{
    *reader = (struct option_reader){.arena = arena};
    buf_init(&reader->errors, MESSAGES_MAX);
    buf_init(&reader->warnings, MESSAGES_MAX);
}

void option_reader_fini(struct option_reader *reader)
{
    buf_fini(&reader->errors);
    buf_fini(&reader->warnings);
}

/* Columns count from 0 on the first line and from 1 below: tools compare with the reference. */
static void say(struct buf *buf, const struct config_node *node, const char *format, va_list args)
{
    int column = node->column - (node->line == 1 ? 1 : 0);

    buf_printf(buf, "%s:%d:%d: ", node->file != NULL ? node->file : "", node->line, column);
    buf_vprintf(buf, format, args);
    buf_add_char(buf, '\n');
}

void option_error(struct option_reader *reader, const struct config_node *node, const char *format,
                  ...)
{
    va_list args;

    va_start(args, format);
    say(&reader->errors, node, format, args);
    va_end(args);
}

void option_warning(struct option_reader *reader, const struct config_node *node,
                    const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(&reader->warnings, node, format, args);
    va_end(args);
}

void option_later(struct option_reader *reader, const struct config_node *node)
{
    buf_printf(&reader->errors, "not supported yet: %s (%s:%d)\n",
               node->key != NULL ? node->key : "?", node->file != NULL ? node->file : "",
               node->line);
}

static const char *kind_name(enum config_kind kind)
{
    static const char *const names[] = {
        [CONFIG_MAP] = "a map",      [CONFIG_LIST] = "a list",    [CONFIG_STRING] = "a text",
        [CONFIG_INT] = "an integer", [CONFIG_FLOAT] = "a number", [CONFIG_BOOL] = "a boolean",
        [CONFIG_TIME] = "a date",
    };

    return names[kind];
}

bool option_is(struct option_reader *reader, const struct config_node *node, enum config_kind kind)
{
    if (node->kind == kind)
        return true;
    option_error(reader, node, "%s%s%s must be %s, not %s", node->key != NULL ? "\"" : "",
                 node->key != NULL ? node->key : "this value", node->key != NULL ? "\"" : "",
                 kind_name(kind), kind_name(node->kind));
    return false;
}

bool option_texts(struct option_reader *reader, const struct config_node *node, struct strings *out)
{
    size_t count = 0;

    if (node->kind == CONFIG_STRING) {
        out->items = arena_alloc_array(reader->arena, 1, sizeof(*out->items));
        out->items[0] = node->string;
        out->count = 1;
        return true;
    }
    if (!option_is(reader, node, CONFIG_LIST))
        return false;
    for (const struct config_node *item = node->first; item != NULL; item = item->next) {
        if (!option_is(reader, item, CONFIG_STRING))
            return false;
        count++;
    }
    out->items = arena_alloc_array(reader->arena, count > 0 ? count : 1, sizeof(*out->items));
    out->count = 0;
    for (const struct config_node *item = node->first; item != NULL; item = item->next)
        out->items[out->count++] = item->string;
    return true;
}

bool option_duration(struct option_reader *reader, const struct config_node *node, int64_t *ns)
{
    if (node->kind == CONFIG_INT)
        option_warning(reader, node,
                       "invalid use of field \"%s\": %s should be converted to a duration",
                       node->key, node->key);
    if (node->kind != CONFIG_FLOAT && config_duration(node, ns) == OK)
        return true;
    if (node->kind == CONFIG_STRING)
        option_error(reader, node, "error parsing %s: time: invalid duration \"%s\"", node->key,
                     node->string);
    else
        option_error(reader, node, "error parsing %s: a duration is a text like \"2s\"", node->key);
    return false;
}

static void read_number(struct option_reader *reader, const struct option *option,
                        const struct config_node *node, int64_t *out)
{
    if (!option_is(reader, node, CONFIG_INT))
        return;
    if ((option->min != 0 || option->max != 0) &&
        (node->integer < option->min || node->integer > option->max)) {
        if (node->integer < option->min)
            option_error(reader, node, "%s must not be less than %lld", node->key,
                         (long long)option->min);
        else
            option_error(reader, node, "%s value is too big", node->key);
        return;
    }
    *out = node->integer;
}

static void read_one(struct option_reader *reader, const struct option *option,
                     const struct config_node *node, void *out)
{
    void *member = (char *)out + option->offset;

    switch (option->kind) {
    case OPTION_BOOL:
        if (option_is(reader, node, CONFIG_BOOL))
            *(bool *)member = node->boolean;
        return;
    case OPTION_TEXT:
        if (option_is(reader, node, CONFIG_STRING))
            *(const char **)member = node->string;
        return;
    case OPTION_NUMBER:
        read_number(reader, option, node, member);
        return;
    case OPTION_DURATION:
        option_duration(reader, node, member);
        return;
    case OPTION_TEXTS:
        option_texts(reader, node, member);
        return;
    case OPTION_READ:
        option->read(reader, node, member);
        return;
    case OPTION_LATER:
        option_later(reader, node);
        return;
    case OPTION_NONE:
        return;
    }
    CHECK_UNREACHABLE("an option of no kind");
}

static const struct option *find(const struct option *table, const char *key)
{
    for (const struct option *option = table; option->names != NULL; option++) {
        struct slice names = slice_of(option->names), one;

        while (slice_cut(&names, '|', &one))
            if (slice_equal_nocase(one, slice_of(key)))
                return option;
    }
    return NULL;
}

void option_table_read(struct option_reader *reader, const struct option *table,
                       const struct config_node *map, void *out)
{
    if (!option_is(reader, map, CONFIG_MAP))
        return;
    for (const struct config_node *node = map->first; node != NULL; node = node->next) {
        const struct option *option = find(table, node->key);

        if (option != NULL)
            read_one(reader, option, node, out);
        else if (!node->used)
            option_error(reader, node, "unknown field \"%s\"", node->key);
    }
}
