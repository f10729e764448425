/*
 * Scalars are read from PostgreSQL's text directly; what comes as JSON is decoded by a shape of
 * one field, relaxed, into a scratch struct, and its member copied.
 */
#include "controlplane/db/row.h"

#include <stdlib.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/clock.h"

struct cursor {
    const PGresult *result;
    int row;
    struct arena *arena;
};

enum result row_time(const char *text, int64_t *wall_ns)
{
    char iso[CLOCK_TEXT_MAX];
    size_t len = strlen(text);

    /* 2026-11-23 01:40:00.123456+00 -> 2026-11-23T01:40:00.123456Z */
    if (len < 22 || len >= sizeof(iso) || strcmp(text + len - 3, "+00") != 0)
        return ERR_CORRUPT;
    memcpy(iso, text, len - 3);
    iso[10] = 'T';
    iso[len - 3] = 'Z';
    iso[len - 2] = '\0';
    return clock_parse(iso, wall_ns) == 0 ? OK : ERR_CORRUPT;
}

/* One element of {...}, from *at (behind its separator); *at is left on the separator. */
static enum result array_element(const char **at, struct buf *out, bool *quoted)
{
    const char *p = *at;

    *quoted = *p == '"';
    if (*quoted) {
        for (p++; *p != '"'; p++) {
            if (*p == '\\')
                p++;
            if (*p == '\0')
                return ERR_CORRUPT;
            buf_add_char(out, *p);
        }
        p++;
    } else {
        for (; *p != ',' && *p != '}'; p++) {
            if (*p == '\0' || *p == '{')
                return ERR_CORRUPT;
            buf_add_char(out, *p);
        }
    }
    *at = p;
    return OK;
}

enum result row_strings(const char *text, struct arena *arena, struct strings *out)
{
    struct strings list = {0};
    size_t cap = 0;
    const char *p = text;

    if (*p++ != '{')
        return ERR_CORRUPT;
    if (*p == '}') {
        *out = list;
        return p[1] == '\0' ? OK : ERR_CORRUPT;
    }
    for (;; p++) {
        struct buf buf = {0};
        bool quoted;
        enum result rc = array_element(&p, &buf, &quoted);

        if (rc == OK && !quoted && (buf.len == 0 || strcmp(buf_text(&buf), "NULL") == 0))
            rc = ERR_CORRUPT;
        if (rc == OK && list.count == cap) {
            const char **grown = arena_alloc_array(arena, cap = cap * 2 + 8, sizeof(*grown));

            if (list.count > 0)
                memcpy(grown, list.items, list.count * sizeof(*grown));
            list.items = grown;
        }
        if (rc == OK)
            list.items[list.count++] = arena_copy(arena, buf_slice(&buf));
        buf_fini(&buf);
        if (rc != OK)
            return rc;
        if (*p != ',')
            break;
    }
    if (p[0] != '}' || p[1] != '\0')
        return ERR_CORRUPT;
    *out = list;
    return OK;
}

static enum result read_int(const char *text, int64_t *out)
{
    char *end;

    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0' ? OK : ERR_CORRUPT;
}

static enum result read_word(const struct field *field, const char *text, int *out)
{
    const char *const *words = field->type;

    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            *out = i;
            return OK;
        }
    }
    return ERR_CORRUPT;
}

/* How many bytes of the struct a field takes. */
static size_t member_size(const struct field *field)
{
    switch (field->kind) {
    case KIND_STRINGS:
        return sizeof(struct strings);
    case KIND_STRING_MAP:
    case KIND_INT_MAP:
    case KIND_OBJECTS:
        return sizeof(struct string_map);
    case KIND_STRUCT:
        return ((const struct shape *)field->type)->size;
    case KIND_REAL:
        return sizeof(double);
    default:
        return sizeof(void *);
    }
}
_Static_assert(sizeof(struct string_map) == sizeof(void *) + sizeof(size_t), "a list's look");
_Static_assert(sizeof(struct int_map) == sizeof(struct string_map), "a list's look");

static enum result read_json(const struct cursor *cursor, const struct shape *shape,
                             const struct field *field, const char *text, void *out)
{
    struct field relaxed = *field;
    struct shape one = {&relaxed, 1, shape->size};
    struct shape_error error;
    void *scratch = arena_alloc(cursor->arena, shape->size);
    json_t *value, *object;
    enum result rc;

    relaxed.flags = 0;
    relaxed.min = relaxed.max = 0;
    relaxed.valid = NULL;
    value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (value == NULL)
        return ERR_CORRUPT;
    if (json_is_null(value)) {
        json_decref(value);
        return OK;
    }
    object = json_object();
    json_object_set_new(object, field->name, value);
    rc = shape_decode(&one, object, SHAPE_LENIENT, cursor->arena, scratch, &error);
    json_decref(object);
    if (rc != OK)
        return ERR_CORRUPT;
    memcpy((char *)out + field->offset, (char *)scratch + field->offset, member_size(field));
    return OK;
}

static enum result read_field(const struct cursor *cursor, const struct shape *shape,
                              const struct field *field, const char *text, void *out)
{
    void *member = (char *)out + field->offset;
    struct optional_int *optional = member;

    switch (field->kind) {
    case KIND_BOOL:
        *(bool *)member = text[0] == 't';
        return OK;
    case KIND_INT:
    case KIND_DURATION:
        return read_int(text, member);
    case KIND_FLAG:
        *optional = (struct optional_int){true, text[0] == 't'};
        return OK;
    case KIND_OPTIONAL:
        optional->set = true;
        return read_int(text, &optional->value);
    case KIND_STRING:
        *(const char **)member = arena_strdup(cursor->arena, text);
        return OK;
    case KIND_ENUM:
        return read_word(field, text, member);
    case KIND_TIME:
        return row_time(text, member);
    case KIND_STRINGS:
        if (text[0] == '{')
            return row_strings(text, cursor->arena, member);
        return read_json(cursor, shape, field, text, out);
    default:
        return read_json(cursor, shape, field, text, out);
    }
}

static enum result read_row(const struct cursor *cursor, const struct shape *shape, void *out)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        enum result rc;
        int column;

        if (field->kind == KIND_FLATTEN) {
            rc = read_row(cursor, field->type, (char *)out + field->offset);
            if (rc != OK)
                return rc;
            continue;
        }
        column = PQfnumber(cursor->result, field->name);
        if (column < 0 || PQgetisnull(cursor->result, cursor->row, column))
            continue;
        rc = read_field(cursor, shape, field, PQgetvalue(cursor->result, cursor->row, column), out);
        if (rc != OK)
            return rc;
    }
    return OK;
}

enum result row_decode(const struct shape *shape, const PGresult *result, int row,
                       struct arena *arena, void *out)
{
    struct cursor cursor = {result, row, arena};

    memset(out, 0, shape->size);
    return read_row(&cursor, shape, out);
}
