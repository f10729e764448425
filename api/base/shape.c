/*
 * Decoding walks the table, not the document: what the document has besides is looked at
 * only to refuse it.  The place is kept as a chain of `struct path` on the stack and becomes
 * a JSON pointer when something is wrong.
 *
 * No message shows a value of the document, so that none can show a secret.
 */
#include "api/base/shape.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/clock.h"

struct path {
    const struct path *up; /* NULL: the root */
    const char *name;      /* NULL: an entry of a list */
    size_t index;
};

struct decoder {
    enum shape_mode mode;
    struct arena *arena;
    struct shape_error *error; /* may be NULL */
    unsigned depth;
};

/* The generic look of every KIND_OBJECTS member. */
struct objects {
    void *items;
    size_t count;
};

static enum result decode_struct(struct decoder *decoder, const struct shape *shape,
                                 const json_t *in, const struct path *path, void *out);

/*
 * Errors.
 */

static void write_name(struct buf *buf, const char *name)
{
    for (; *name != '\0'; name++) {
        if (*name == '~')
            buf_add_text(buf, "~0");
        else if (*name == '/')
            buf_add_text(buf, "~1");
        else
            buf_add_char(buf, *name);
    }
}

/* RFC 6901; what does not fit is cut off at the end. */
static void write_pointer(const struct path *path, char out[SHAPE_PATH_MAX])
{
    const struct path *steps[2 * SHAPE_DEPTH_MAX + 2];
    struct buf buf = {0};
    size_t count = 0;

    for (; path != NULL && path->up != NULL; path = path->up) {
        CHECK(count < COUNT_OF(steps));
        steps[count++] = path;
    }
    while (count > 0) {
        const struct path *step = steps[--count];

        buf_add_char(&buf, '/');
        if (step->name != NULL)
            write_name(&buf, step->name);
        else
            buf_printf(&buf, "%zu", step->index);
    }
    snprintf(out, SHAPE_PATH_MAX, "%s", buf_text(&buf));
    buf_fini(&buf);
}

static enum result __attribute__((format(printf, 4, 5)))
fail(struct decoder *decoder, const struct path *path, enum result rc, const char *format, ...)
{
    va_list args;

    if (decoder->error == NULL)
        return rc;
    *decoder->error = (struct shape_error){0};
    write_pointer(path, decoder->error->pointer);
    va_start(args, format);
    vsnprintf(decoder->error->message, SHAPE_MESSAGE_MAX, format, args);
    va_end(args);
    return rc;
}

static enum result wrong_type(struct decoder *decoder, const struct path *path, const char *type)
{
    return fail(decoder, path, ERR_SYNTAX, "must be %s", type);
}

/* How a bound reads: "must be at most 200 characters". */
struct unit {
    const char *verb, *one, *many;
};
static const struct unit unit_number = {"be", "", ""};
static const struct unit unit_text = {"be", " character", " characters"};
static const struct unit unit_list = {"have", " entry", " entries"};

static enum result out_of_bounds(struct decoder *decoder, const struct path *path,
                                 const struct field *field, int64_t actual, const struct unit *unit)
{
    bool low = actual < field->min;
    int64_t limit = low ? field->min : field->max;

    if (low && limit == 1 && unit != &unit_number)
        (void)fail(decoder, path, ERR_INVALID, "must not be empty");
    else
        (void)fail(decoder, path, ERR_INVALID, "must %s at %s %" PRId64 "%s", unit->verb,
                   low ? "least" : "most", limit, limit == 1 ? unit->one : unit->many);
    if (decoder->error != NULL && !(field->flags & FIELD_SECRET)) {
        decoder->error->has_limit = true;
        decoder->error->limit = limit;
        decoder->error->actual = actual;
    }
    return ERR_INVALID;
}

static bool bounded(const struct field *field)
{
    return field->min != 0 || field->max != 0;
}

static bool within(const struct field *field, int64_t value)
{
    return !bounded(field) || (value >= field->min && value <= field->max);
}

static enum result check_count(struct decoder *decoder, const struct field *field, size_t count,
                               const struct path *path)
{
    if (within(field, (int64_t)count))
        return OK;
    return out_of_bounds(decoder, path, field, (int64_t)count, &unit_list);
}

static enum result check_valid(struct decoder *decoder, const struct field *field, const char *text,
                               const struct path *path)
{
    if (field->valid == NULL || field->valid(text))
        return OK;
    if (field->rule == NULL)
        return fail(decoder, path, ERR_INVALID, "is not valid");
    if (strncmp(field->rule, "must ", 5) == 0)
        return fail(decoder, path, ERR_INVALID, "%s", field->rule);
    return fail(decoder, path, ERR_INVALID, "must be %s", field->rule);
}

/*
 * Decoders: one for each kind.
 */

typedef enum result (*decode_fn)(struct decoder *decoder, const struct field *field,
                                 const json_t *in, const struct path *path, void *at);

static enum result decode_bool(struct decoder *decoder, const struct field *field, const json_t *in,
                               const struct path *path, void *at)
{
    if (!json_is_boolean(in))
        return wrong_type(decoder, path, "true or false");
    *(bool *)at = json_is_true(in);
    return OK;
}

static enum result decode_int(struct decoder *decoder, const struct field *field, const json_t *in,
                              const struct path *path, void *at)
{
    int64_t value;

    if (!json_is_integer(in))
        return wrong_type(decoder, path, "an integer");
    value = json_integer_value(in);
    if (!within(field, value))
        return out_of_bounds(decoder, path, field, value, &unit_number);
    *(int64_t *)at = value;
    return OK;
}

static enum result decode_real(struct decoder *decoder, const struct field *field, const json_t *in,
                               const struct path *path, void *at)
{
    if (!json_is_number(in))
        return wrong_type(decoder, path, "a number");
    *(double *)at = json_number_value(in);
    return OK;
}

static enum result decode_optional(struct decoder *decoder, const struct field *field,
                                   const json_t *in, const struct path *path, void *at)
{
    struct optional_int *out = at;
    enum result rc = decode_int(decoder, field, in, path, &out->value);

    out->set = rc == OK;
    return rc;
}

static enum result decode_flag(struct decoder *decoder, const struct field *field, const json_t *in,
                               const struct path *path, void *at)
{
    if (!json_is_boolean(in))
        return wrong_type(decoder, path, "true or false");
    *(struct optional_int *)at = (struct optional_int){true, json_is_true(in)};
    return OK;
}

static int64_t count_characters(const char *text)
{
    int64_t count = 0;

    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static enum result decode_string(struct decoder *decoder, const struct field *field,
                                 const json_t *in, const struct path *path, void *at)
{
    const char *text = json_string_value(in);
    int64_t len;
    enum result rc;

    if (text == NULL)
        return wrong_type(decoder, path, "a string");
    if (strlen(text) != json_string_length(in))
        return fail(decoder, path, ERR_INVALID, "must not have a zero character");
    len = count_characters(text);
    if (!within(field, len))
        return out_of_bounds(decoder, path, field, len, &unit_text);
    rc = check_valid(decoder, field, text, path);
    if (rc == OK)
        *(const char **)at = arena_strdup(decoder->arena, text);
    return rc;
}

static enum result decode_enum(struct decoder *decoder, const struct field *field, const json_t *in,
                               const struct path *path, void *at)
{
    const char *const *words = field->type;
    const char *text = json_string_value(in);
    char list[SHAPE_MESSAGE_MAX] = "";
    size_t len = 0;

    if (text == NULL)
        return wrong_type(decoder, path, "a string");
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            *(int *)at = i;
            return OK;
        }
        if (len < sizeof(list))
            len += (size_t)snprintf(list + len, sizeof(list) - len, "%s\"%s\"", i > 0 ? ", " : "",
                                    words[i]);
    }
    return fail(decoder, path, ERR_INVALID, "must be one of %s", list);
}

static enum result decode_time(struct decoder *decoder, const struct field *field, const json_t *in,
                               const struct path *path, void *at)
{
    const char *text = json_string_value(in);

    if (text == NULL)
        return wrong_type(decoder, path, "a time as a string");
    if (strcmp(text, SHAPE_NO_TIME) == 0 || (decoder->mode == SHAPE_LENIENT && text[0] == '\0')) {
        *(int64_t *)at = 0;
        return OK;
    }
    if (clock_parse(text, at) != 0)
        return fail(decoder, path, ERR_INVALID,
                    "must be a time like \"2026-11-23T01:40:00Z\" (RFC 3339)");
    return OK;
}

static enum result decode_strings(struct decoder *decoder, const struct field *field,
                                  const json_t *in, const struct path *path, void *at)
{
    /* The field's bounds are those of the list; valid is asked for each. */
    const struct field each = {.valid = field->valid, .rule = field->rule};
    struct strings *out = at;
    enum result rc;

    if (!json_is_array(in))
        return wrong_type(decoder, path, "a list of strings");
    rc = check_count(decoder, field, json_array_size(in), path);
    if (rc != OK || json_array_size(in) == 0)
        return rc;
    out->items = arena_alloc_array(decoder->arena, json_array_size(in), sizeof(out->items[0]));
    for (size_t i = 0; i < json_array_size(in); i++) {
        struct path entry = {.up = path, .index = i};

        rc = decode_string(decoder, &each, json_array_get(in, i), &entry, &out->items[i]);
        if (rc != OK)
            return rc;
    }
    out->count = json_array_size(in);
    return OK;
}

static enum result decode_in_place(struct decoder *decoder, const struct field *field,
                                   const json_t *in, const struct path *path, void *at)
{
    return decode_struct(decoder, field->type, in, path, at);
}

static enum result decode_object(struct decoder *decoder, const struct field *field,
                                 const json_t *in, const struct path *path, void *at)
{
    const struct shape *shape = field->type;
    void *object = arena_alloc(decoder->arena, shape->size);
    enum result rc = decode_struct(decoder, shape, in, path, object);

    if (rc == OK)
        *(void **)at = object;
    return rc;
}

static enum result decode_objects(struct decoder *decoder, const struct field *field,
                                  const json_t *in, const struct path *path, void *at)
{
    const struct shape *shape = field->type;
    struct objects *out = at;
    enum result rc;

    if (!json_is_array(in))
        return wrong_type(decoder, path, "a list of objects");
    rc = check_count(decoder, field, json_array_size(in), path);
    if (rc != OK || json_array_size(in) == 0)
        return rc;
    out->items = arena_alloc_array(decoder->arena, json_array_size(in), shape->size);
    for (size_t i = 0; i < json_array_size(in); i++) {
        struct path entry = {.up = path, .index = i};

        rc = decode_struct(decoder, shape, json_array_get(in, i), &entry,
                           (char *)out->items + i * shape->size);
        if (rc != OK)
            return rc;
    }
    out->count = json_array_size(in);
    return OK;
}

static enum result decode_string_map(struct decoder *decoder, const struct field *field,
                                     const json_t *in, const struct path *path, void *at)
{
    struct string_map *out = at;
    const char *key;
    json_t *value;
    enum result rc;

    if (!json_is_object(in))
        return wrong_type(decoder, path, "an object of strings");
    rc = check_count(decoder, field, json_object_size(in), path);
    if (rc != OK || json_object_size(in) == 0)
        return rc;
    out->items = arena_alloc_array(decoder->arena, json_object_size(in), sizeof(out->items[0]));
    json_object_foreach((json_t *)in, key, value)
    {
        struct path entry = {.up = path, .name = key};
        struct string_pair *pair = &out->items[out->count++];

        rc = check_valid(decoder, field, key, &entry);
        if (rc == OK)
            rc = decode_string(decoder, &(struct field){0}, value, &entry, &pair->value);
        if (rc != OK)
            return rc;
        pair->key = arena_strdup(decoder->arena, key);
    }
    return OK;
}

static enum result decode_int_map(struct decoder *decoder, const struct field *field,
                                  const json_t *in, const struct path *path, void *at)
{
    struct int_map *out = at;
    const char *key;
    json_t *value;
    enum result rc;

    if (!json_is_object(in))
        return wrong_type(decoder, path, "an object of integers");
    rc = check_count(decoder, field, json_object_size(in), path);
    if (rc != OK || json_object_size(in) == 0)
        return rc;
    out->items = arena_alloc_array(decoder->arena, json_object_size(in), sizeof(out->items[0]));
    json_object_foreach((json_t *)in, key, value)
    {
        struct path entry = {.up = path, .name = key};
        struct int_pair *pair = &out->items[out->count++];

        rc = check_valid(decoder, field, key, &entry);
        if (rc == OK)
            rc = decode_int(decoder, &(struct field){0}, value, &entry, &pair->value);
        if (rc != OK)
            return rc;
        pair->key = arena_strdup(decoder->arena, key);
    }
    return OK;
}

static void drop_json(void *tree)
{
    json_decref(tree);
}

json_t *shape_own(struct arena *arena, json_t *tree)
{
    CHECK(tree != NULL);
    arena_on_free(arena, drop_json, tree);
    return tree;
}

static enum result decode_json(struct decoder *decoder, const struct field *field, const json_t *in,
                               const struct path *path, void *at)
{
    *(json_t **)at = shape_own(decoder->arena, json_incref((json_t *)in));
    return OK;
}

static const decode_fn decoders[KIND_COUNT] = {
    [KIND_BOOL] = decode_bool,         [KIND_INT] = decode_int,
    [KIND_OPTIONAL] = decode_optional, [KIND_STRING] = decode_string,
    [KIND_ENUM] = decode_enum,         [KIND_DURATION] = decode_int,
    [KIND_TIME] = decode_time,         [KIND_STRINGS] = decode_strings,
    [KIND_OBJECT] = decode_object,     [KIND_STRUCT] = decode_in_place,
    [KIND_OBJECTS] = decode_objects,   [KIND_STRING_MAP] = decode_string_map,
    [KIND_INT_MAP] = decode_int_map,   [KIND_JSON] = decode_json,
    [KIND_REAL] = decode_real,         [KIND_FLAG] = decode_flag,
};

static enum result decode_field(struct decoder *decoder, const struct field *field,
                                const json_t *in, const struct path *parent, void *at)
{
    const struct path path = {.up = parent, .name = field->name};
    const json_t *value = json_object_get(in, field->name);

    if (field->flags & FIELD_READ_ONLY)
        return OK;
    if (value != NULL && json_is_null(value) && field->kind != KIND_JSON) {
        if (decoder->mode == SHAPE_STRICT && field->kind != KIND_OPTIONAL &&
            field->kind != KIND_FLAG && !(field->flags & FIELD_NULL))
            return fail(decoder, &path, ERR_INVALID, "must not be null");
        if (decoder->mode == SHAPE_STRICT)
            return OK;
        value = NULL;
    }
    if (value == NULL) {
        if (field->flags & FIELD_REQUIRED)
            return fail(decoder, &path, ERR_INVALID, "is required");
        return OK;
    }
    return decoders[field->kind](decoder, field, value, &path, at);
}

/* out is zero so far; what is flattened may lie over members that stand in front of it. */
static enum result decode_fields(struct decoder *decoder, const struct shape *shape,
                                 const json_t *in, const struct path *path, void *out)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        char *at = (char *)out + field->offset;
        enum result rc = field->kind == KIND_FLATTEN
                             ? decode_fields(decoder, field->type, in, path, at)
                             : decode_field(decoder, field, in, path, at);

        if (rc != OK)
            return rc;
    }
    return OK;
}

static bool knows(const struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];

        if (field->kind == KIND_FLATTEN) {
            if (knows(field->type, name))
                return true;
        } else if (!(field->flags & FIELD_READ_ONLY) && strcmp(field->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum result decode_struct(struct decoder *decoder, const struct shape *shape,
                                 const json_t *in, const struct path *path, void *out)
{
    const char *name;
    json_t *value;
    enum result rc;

    if (!json_is_object(in))
        return wrong_type(decoder, path, "an object");
    if (decoder->depth == SHAPE_DEPTH_MAX)
        return fail(decoder, path, ERR_LIMIT, "is nested too deep");
    if (decoder->mode == SHAPE_STRICT) {
        json_object_foreach((json_t *)in, name, value)
        {
            struct path member = {.up = path, .name = name};

            if (!knows(shape, name))
                return fail(decoder, &member, ERR_NOT_FOUND, "is not a known field");
        }
    }
    decoder->depth++;
    memset(out, 0, shape->size);
    rc = decode_fields(decoder, shape, in, path, out);
    decoder->depth--;
    return rc;
}

enum result shape_decode(const struct shape *shape, const json_t *in, enum shape_mode mode,
                         struct arena *arena, void *out, struct shape_error *error)
{
    struct decoder decoder = {.mode = mode, .arena = arena, .error = error};
    const struct path root = {0};

    return decode_struct(&decoder, shape, in, &root, out);
}

/*
 * Text.
 */

/* Before jansson recurses over it. */
static bool too_deep(struct slice text)
{
    unsigned depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > SHAPE_DEPTH_MAX)
                return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

/* jansson's own texts quote the document, which may hold a secret. */
static enum result explain(struct decoder *decoder, const json_error_t *at)
{
    const char *what;
    enum result rc = ERR_SYNTAX;

    switch (json_error_code(at)) {
    case json_error_premature_end_of_input:
        what = "the JSON text ends too early";
        break;
    case json_error_end_of_input_expected:
        what = "there is something behind the JSON value";
        break;
    case json_error_invalid_utf8:
        what = "the JSON text is not UTF-8";
        break;
    case json_error_null_character:
    case json_error_null_byte_in_key:
        what = "a string has a zero character";
        break;
    case json_error_duplicate_key:
        what = "an object has the same member twice";
        break;
    case json_error_numeric_overflow:
        what = "a number is too large";
        rc = ERR_INVALID;
        break;
    default:
        what = "malformed JSON";
        break;
    }
    return fail(decoder, NULL, rc, "%s (line %d, column %d)", what, at->line, at->column);
}

static enum result parse(struct slice text, size_t flags, json_t **out, struct shape_error *error)
{
    struct decoder decoder = {.error = error};
    json_error_t at;
    json_t *tree;

    if (slice_empty(slice_trim(text)))
        return fail(&decoder, NULL, ERR_SYNTAX, "there is no JSON text");
    if (too_deep(text))
        return fail(&decoder, NULL, ERR_LIMIT, "the JSON text is nested too deep");
    tree = json_loadb(text.data, text.len, JSON_DECODE_ANY | flags, &at);
    if (tree == NULL)
        return explain(&decoder, &at);
    *out = tree;
    return OK;
}

enum result shape_parse(struct slice text, json_t **out, struct shape_error *error)
{
    return parse(text, JSON_REJECT_DUPLICATES, out, error);
}

enum result shape_parse_lenient(struct slice text, json_t **out, struct shape_error *error)
{
    return parse(text, 0, out, error);
}

enum result shape_decode_text(const struct shape *shape, struct slice text, enum shape_mode mode,
                              struct arena *arena, void *out, struct shape_error *error)
{
    json_t *tree = NULL;
    enum result rc = mode == SHAPE_STRICT ? shape_parse(text, &tree, error)
                                          : shape_parse_lenient(text, &tree, error);

    if (rc != OK)
        return rc;
    rc = shape_decode(shape, tree, mode, arena, out, error);
    json_decref(tree);
    return rc;
}
