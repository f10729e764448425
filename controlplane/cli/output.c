#include "controlplane/cli/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/shape.h"

static const json_t *at_path(const json_t *object, const char *path)
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

const char *output_cell(const json_t *object, const char *path, char out[CELL_MAX])
{
    const json_t *value = at_path(object, path);
    char *text;

    out[0] = 0;
    if (value == NULL || json_is_null(value))
        return out;
    if (json_is_string(value)) {
        snprintf(out, CELL_MAX, "%s", json_string_value(value));
    } else if (json_is_array(value) || json_is_object(value)) {
        size_t count = json_is_array(value) ? json_array_size(value) : json_object_size(value);

        if (count > 0) {
            text = shape_dump(value);
            snprintf(out, CELL_MAX, "%s", text);
            mem_free(text);
        }
    } else if (json_is_boolean(value)) {
        snprintf(out, CELL_MAX, "%s", json_is_true(value) ? "yes" : "no");
    } else if (json_is_integer(value)) {
        snprintf(out, CELL_MAX, "%lld", (long long)json_integer_value(value));
    } else {
        snprintf(out, CELL_MAX, "%g", json_number_value(value));
    }
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
    char cell[CELL_MAX];

    for (; columns[count].title != NULL; count++) {
        CHECK(count < COLUMNS_MAX);
        widths[count] = width(columns[count].title);
        for (size_t row = 0; row < rows; row++) {
            size_t len = width(output_cell(json_array_get(items, row), columns[count].path, cell));

            widths[count] = len > widths[count] ? len : widths[count];
        }
    }
    for (size_t i = 0; i < count; i++)
        print_cell(columns[i].title, widths[i], i + 1 == count);
    putchar('\n');
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < count; i++)
            print_cell(output_cell(json_array_get(items, row), columns[i].path, cell), widths[i],
                       i + 1 == count);
        putchar('\n');
    }
}

static void print_json(const json_t *tree)
{
    char *text = json_dumps(tree, JSON_INDENT(2) | JSON_ENCODE_ANY);

    CHECK(text != NULL);
    puts(text);
    free(text);
}

static void print_names(const json_t *items)
{
    char cell[CELL_MAX];

    for (size_t row = 0; row < json_array_size(items); row++) {
        const json_t *item = json_array_get(items, row);
        const char *name = output_cell(item, "name", cell);

        puts(*name != 0 ? name : output_cell(item, "id", cell));
    }
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
    char cell[CELL_MAX];

    if (format == OUTPUT_JSON) {
        print_json(object);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char path[64];

        snprintf(path, sizeof(path), "%s", key);
        printf("%-20s %s\n", path, output_cell(object, path, cell));
    }
}
