#include "controlplane/cli/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/shape.h"

const json_t *output_at(const json_t *object, const char *path)
{
    struct slice rest = slice_of(path), part;

    while (object != NULL && slice_cut(&rest, '/', &part)) {
        char name[64];

        if (part.len >= sizeof(name))
            return NULL;
        memcpy(name, part.data, part.len);
        name[part.len] = 0;
        object = json_object_get(object, name);
    }
    return object;
}

enum { OBJECT_TEXT_MAX = 400 }; /* what is longer is no line of a table */

/* "a, b": what reads better than JSON. */
static void join(const json_t *list, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        char *text = json_is_string(item) ? NULL : shape_dump(item);

        if (i > 0)
            buf_add_text(out, ", ");
        buf_add_text(out, text != NULL ? text : json_string_value(item));
        mem_free(text);
    }
}

/* Not worth a word among others. */
static bool is_nothing(const json_t *item)
{
    return json_is_null(item) || (json_is_string(item) && *json_string_value(item) == 0) ||
           (json_is_array(item) && json_array_size(item) == 0);
}

static void add_value(const json_t *value, struct buf *out)
{
    const char *key;
    json_t *item;
    char *text;

    if (json_is_string(value)) {
        buf_add_text(out, json_string_value(value));
    } else if (json_is_array(value)) {
        join(value, out);
    } else if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, key, item)
        {
            if (is_nothing(item))
                continue;
            text = json_is_string(item) ? NULL : shape_dump(item);
            buf_printf(out, "%s%s=%s", out->len > 0 ? ", " : "", key,
                       text != NULL ? text : json_string_value(item));
            mem_free(text);
            if (out->len > OBJECT_TEXT_MAX) {
                buf_clear(out);
                buf_add_text(out, "... (-o json shows it)");
                return;
            }
        }
    } else if (json_is_boolean(value)) {
        buf_add_text(out, json_is_true(value) ? "yes" : "no");
    } else if (json_is_integer(value)) {
        buf_printf(out, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        buf_printf(out, "%g", json_real_value(value));
    }
}

/* In the buffer, instead of what it held. */
static const char *whole(const json_t *object, const char *path, struct buf *out)
{
    buf_clear(out);
    add_value(output_at(object, path), out);
    return buf_text(out);
}

const char *output_cell(const json_t *object, const char *path, char out[CELL_MAX])
{
    struct buf buf = {0};

    add_value(output_at(object, path), &buf);
    snprintf(out, CELL_MAX, "%s", buf_text(&buf));
    buf_fini(&buf);
    return out;
}

/* Characters, not bytes: table cells are UTF-8. */
static size_t width(const char *text)
{
    size_t count = 0;

    for (; *text != 0; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void print_cell(const char *text, size_t wanted, bool last)
{
    fputs(text, stdout);
    for (size_t at = width(text); !last && at < wanted + 2; at++)
        putchar(' ');
}

static void print_table(const struct column *columns, const json_t *items)
{
    size_t widths[COLUMNS_MAX] = {0}, count = 0, rows = json_array_size(items);
    struct buf cell = {0};

    for (; columns[count].title != NULL; count++) {
        CHECK(count < COLUMNS_MAX);
        widths[count] = width(columns[count].title);
        for (size_t row = 0; row < rows; row++) {
            size_t len = width(whole(json_array_get(items, row), columns[count].path, &cell));

            widths[count] = len > widths[count] ? len : widths[count];
        }
    }
    for (size_t i = 0; i < count; i++)
        print_cell(columns[i].title, widths[i], i + 1 == count);
    putchar('\n');
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < count; i++)
            print_cell(whole(json_array_get(items, row), columns[i].path, &cell), widths[i],
                       i + 1 == count);
        putchar('\n');
    }
    buf_fini(&cell);
}

static void print_json(const json_t *tree)
{
    char *text = json_dumps(tree, JSON_INDENT(2) | JSON_ENCODE_ANY);

    CHECK(text != NULL);
    puts(text);
    free(text);
}

static void print_name(const json_t *item)
{
    struct buf cell = {0};
    const char *name = whole(item, "name", &cell);

    puts(*name != 0 ? name : whole(item, "id", &cell));
    buf_fini(&cell);
}

static void print_names(const json_t *items)
{
    for (size_t row = 0; row < json_array_size(items); row++)
        print_name(json_array_get(items, row));
}

void output_items(enum output_format format, const struct column *columns, const json_t *items)
{
    json_t *list = (json_t *)(uintptr_t)items;

    if (format == OUTPUT_JSON) {
        print_json(items);
        return;
    }
    if (json_is_array(items)) {
        json_incref(list);
    } else {
        list = json_array();
        CHECK(json_array_append(list, (json_t *)(uintptr_t)items) == 0);
    }
    if (format == OUTPUT_NAME)
        print_names(list);
    else
        print_table(columns, list);
    json_decref(list);
}

void output_object(enum output_format format, const json_t *object)
{
    const char *key;
    json_t *value;

    if (format == OUTPUT_JSON) {
        print_json(object);
        return;
    }
    if (format == OUTPUT_NAME) {
        print_name(object);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        struct buf buf = {0};

        add_value(value, &buf);
        if (buf.len > 0)
            printf("%-22s %s\n", key, buf_text(&buf));
        buf_fini(&buf);
    }
}
