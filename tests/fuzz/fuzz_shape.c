/* JSON by a shape: what was decoded is encoded, and that is decoded to the same again. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct part {
    const char *s;
    int64_t i;
};
#define T struct part
static const struct field part_fields[] = {
    {"s", STRING_AT(T, s), FIELD_REQUIRED, .min = 1, .max = 5},
    {"i", INT_AT(T, i), FIELD_OMIT_EMPTY, .min = -5, .max = 5},
};
#undef T
static const struct shape part_shape = SHAPE(struct part, part_fields);

static const char *const words[] = {"a", "b", NULL};

struct whole {
    bool b;
    int64_t t;
    double r;
    struct optional_int o;
    int e;
    struct strings l;
    struct part in, flat;
    struct part *p;
    struct {
        struct part *items;
        size_t count;
    } ps;
    struct string_map m;
    struct int_map n;
    json_t *j;
};
#define T struct whole
static const struct field whole_fields[] = {
    {"b", BOOL_AT(T, b)},
    {"t", TIME_AT(T, t)},
    {"r", REAL_AT(T, r)},
    {"o", OPTIONAL_AT(T, o), FIELD_NULL},
    {"e", ENUM_AT(T, e), .type = words},
    {"l", STRINGS_AT(T, l), .max = 3},
    {"in", STRUCT_AT(T, in), FIELD_REQUIRED, .type = &part_shape},
    {"", FLATTEN_AT(T, flat), .type = &part_shape},
    {"p", OBJECT_AT(T, p), .type = &part_shape},
    {"ps", OBJECTS_AT(T, ps), .type = &part_shape},
    {"m", STRING_MAP_AT(T, m)},
    {"n", INT_MAP_AT(T, n)},
    {"j", JSON_AT(T, j)},
};
#undef T
static const struct shape whole_shape = SHAPE(struct whole, whole_fields);

static char *once(struct slice text, enum shape_mode mode)
{
    struct arena arena = {0};
    struct shape_error error;
    struct whole whole;
    char *out = NULL;

    if (shape_decode_text(&whole_shape, text, mode, &arena, &whole, &error) == OK)
        out = shape_encode_text(&whole_shape, &whole);
    arena_fini(&arena);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (enum shape_mode mode = SHAPE_STRICT; mode <= SHAPE_LENIENT; mode++) {
        char *first = once(slice_make((const char *)data, size), mode), *second;

        if (first == NULL)
            continue;
        second = once(slice_of(first), SHAPE_STRICT);
        CHECK(second != NULL && strcmp(first, second) == 0);
        mem_free(first);
        mem_free(second);
    }
    return 0;
}
