/*
 * Encoding walks the table; members stand in its order.  encode_value() returns NULL for an
 * unset value that has no form of its own, and encode_field() decides what stands for it.
 */
#include "api/base/shape.h"

#include <math.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/slice.h"

/* The generic look of every KIND_OBJECTS member. */
struct objects {
    void *items;
    size_t count;
};

static json_t *made(json_t *tree)
{
    CHECK(tree != NULL); /* out of memory */
    return tree;
}

/* Bytes that are not UTF-8 become U+FFFD: they come from the wire, and JSON cannot hold them. */
static json_t *encode_text(const char *text)
{
    json_t *string = json_string(text);
    struct slice rest = slice_of(text);
    struct buf buf = {0};

    while (string == NULL && rest.len > 0) {
        size_t len = slice_utf8(rest);

        if (len > 0)
            buf_add(&buf, rest.data, len);
        else
            buf_add_text(&buf, "\xef\xbf\xbd");
        rest = slice_from(rest, len > 0 ? len : 1);
    }
    if (string == NULL)
        string = json_string(buf_text(&buf));
    buf_fini(&buf);
    return made(string);
}

/* A key of a map: the same. */
static void set_member(json_t *object, const char *key, json_t *value)
{
    json_t *name;

    if (json_object_set(object, key, value) != 0) {
        name = encode_text(key);
        CHECK(json_object_set(object, json_string_value(name), value) == 0);
        json_decref(name);
    }
    json_decref(value);
}

static json_t *encode_time(const struct field *field, int64_t wall_ns)
{
    char text[CLOCK_TEXT_MAX];
    size_t len;

    clock_format(wall_ns, (field->flags & FIELD_MS) ? 3 : 9, text);
    if (field->flags & FIELD_MS)
        return made(json_string(text));
    len = strlen(text) - 1; /* the Z */
    while (text[len - 1] == '0')
        len--;
    if (text[len - 1] == '.')
        len--;
    memcpy(text + len, "Z", 2);
    return made(json_string(text));
}

static json_t *encode_list(const struct field *field, const void *at)
{
    json_t *list = made(json_array());

    if (field->kind == KIND_STRINGS) {
        const struct strings *strings = at;

        for (size_t i = 0; i < strings->count; i++)
            CHECK(json_array_append_new(list, encode_text(strings->items[i])) == 0);
    } else {
        const struct objects *objects = at;
        const struct shape *shape = field->type;

        for (size_t i = 0; i < objects->count; i++)
            CHECK(json_array_append_new(
                      list, shape_encode(shape, (char *)objects->items + i * shape->size)) == 0);
    }
    return list;
}

static json_t *encode_map(const struct field *field, const void *at)
{
    json_t *object = made(json_object());

    if (field->kind == KIND_STRING_MAP) {
        const struct string_map *map = at;

        for (size_t i = 0; i < map->count; i++)
            set_member(object, map->items[i].key, encode_text(map->items[i].value));
    } else {
        const struct int_map *map = at;

        for (size_t i = 0; i < map->count; i++)
            set_member(object, map->items[i].key, made(json_integer(map->items[i].value)));
    }
    return object;
}

/* False, 0, NULL, "", an empty list; a KIND_STRUCT is empty when nothing of it is written. */
static bool is_empty(const struct field *field, const void *at)
{
    switch (field->kind) {
    case KIND_BOOL:
        return !*(const bool *)at;
    case KIND_INT:
    case KIND_DURATION:
    case KIND_TIME:
        return *(const int64_t *)at == 0;
    case KIND_REAL:
        return !(*(const double *)at < 0 || *(const double *)at > 0);
    case KIND_OPTIONAL:
    case KIND_FLAG:
        return !((const struct optional_int *)at)->set;
    case KIND_ENUM:
        return *(const int *)at == 0;
    case KIND_STRING:
        return *(const char *const *)at == NULL || **(const char *const *)at == '\0';
    case KIND_OBJECT:
    case KIND_JSON:
        return *(const void *const *)at == NULL;
    case KIND_STRINGS:
    case KIND_OBJECTS:
    case KIND_STRING_MAP:
    case KIND_INT_MAP:
        return ((const struct objects *)at)->count == 0;
    default:
        return false;
    }
}

/* Without a value rather than with an empty one: what null stands for. */
static bool is_unset(const struct field *field, const void *at)
{
    if (field->kind == KIND_STRING)
        return *(const char *const *)at == NULL;
    return field->kind != KIND_BOOL && field->kind != KIND_INT && field->kind != KIND_REAL &&
           field->kind != KIND_DURATION && field->kind != KIND_ENUM && is_empty(field, at);
}

/* Whole numbers as the reference programs write them: 0, not 0.0. */
static json_t *encode_real(double value)
{
    const double exact_max = 9007199254740992.0;

    if (value > -exact_max && value < exact_max && floor(value) >= value)
        return made(json_integer((json_int_t)value));
    return made(json_real(isfinite(value) ? value : 0));
}

static json_t *encode_enum(const struct field *field, int index)
{
    const char *const *words = field->type;

    CHECK(index >= 0);
    for (int i = 0; i <= index; i++)
        CHECK(words[i] != NULL);
    return made(json_string(words[index]));
}

/* NULL for an unset value that has no form of its own. */
static json_t *encode_value(const struct field *field, const void *at)
{
    switch (field->kind) {
    case KIND_BOOL:
        return json_boolean(*(const bool *)at);
    case KIND_INT:
    case KIND_DURATION:
        return made(json_integer(*(const int64_t *)at));
    case KIND_REAL:
        return encode_real(*(const double *)at);
    case KIND_OPTIONAL:
        return is_empty(field, at) ? NULL
                                   : made(json_integer(((const struct optional_int *)at)->value));
    case KIND_FLAG:
        return is_empty(field, at) ? NULL
                                   : json_boolean(((const struct optional_int *)at)->value != 0);
    case KIND_STRING:
        return encode_text(is_unset(field, at) ? "" : *(const char *const *)at);
    case KIND_ENUM:
        return encode_enum(field, *(const int *)at);
    case KIND_TIME:
        return is_empty(field, at) ? made(json_string(SHAPE_NO_TIME))
                                   : encode_time(field, *(const int64_t *)at);
    case KIND_STRINGS:
    case KIND_OBJECTS:
        return encode_list(field, at);
    case KIND_STRING_MAP:
    case KIND_INT_MAP:
        return encode_map(field, at);
    case KIND_OBJECT:
        return is_empty(field, at) ? NULL : shape_encode(field->type, *(const void *const *)at);
    case KIND_STRUCT:
        return shape_encode(field->type, at);
    case KIND_JSON:
        return json_incref(*(json_t *const *)at);
    default:
        CHECK_UNREACHABLE("a kind without an encoder");
    }
}

static void encode_field(json_t *object, const struct field *field, const void *at)
{
    json_t *value;

    if ((field->flags & FIELD_WRITE_ONLY) ||
        ((field->flags & FIELD_OMIT_EMPTY) && is_empty(field, at)))
        return;
    if ((field->flags & FIELD_NULL) && is_unset(field, at))
        value = json_null();
    else
        value = encode_value(field, at);
    if (value == NULL)
        return;
    if ((field->flags & FIELD_OMIT_EMPTY) && field->kind == KIND_STRUCT &&
        json_object_size(value) == 0)
        json_decref(value);
    else
        CHECK(json_object_set_new(object, field->name, value) == 0);
}

static json_t *encode_fields(json_t *object, const struct shape *shape, const void *in)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        const char *at = (const char *)in + field->offset;

        if (field->kind == KIND_FLATTEN)
            encode_fields(object, field->type, at);
        else
            encode_field(object, field, at);
    }
    return object;
}

json_t *shape_encode(const struct shape *shape, const void *in)
{
    return encode_fields(made(json_object()), shape, in);
}

static bool same(const struct field *field, const void *from, const void *to)
{
    json_t *a = encode_value(field, from), *b = encode_value(field, to);
    bool equal = (a == NULL && b == NULL) || (a != NULL && b != NULL && json_equal(a, b));

    json_decref(a);
    json_decref(b);
    return equal;
}

const char *shape_fixed_change(const struct shape *shape, const void *from, const void *to)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        const char *a = (const char *)from + field->offset, *b = (const char *)to + field->offset;
        const char *name = NULL;

        if (field->kind == KIND_FLATTEN)
            name = shape_fixed_change(field->type, a, b);
        else if ((field->flags & FIELD_FIXED) && !same(field, a, b))
            name = field->name;
        if (name != NULL)
            return name;
    }
    return NULL;
}

char *shape_encode_text(const struct shape *shape, const void *in)
{
    json_t *tree = shape_encode(shape, in);
    char *text = shape_dump(tree);

    json_decref(tree);
    return text;
}

char *shape_dump(const json_t *tree)
{
    char *text = json_dumps(tree, JSON_COMPACT | JSON_ENCODE_ANY);

    CHECK(text != NULL);
    return text;
}
