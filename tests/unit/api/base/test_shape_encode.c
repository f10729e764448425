#include "api/base/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"

struct part {
    const char *host;
    int64_t port;
};

#define T struct part
static const struct field part_fields[] = {
    {"host", STRING_AT(T, host), FIELD_OMIT_EMPTY | FIELD_FIXED},
    {"port", INT_AT(T, port), FIELD_OMIT_EMPTY},
};
#undef T
static const struct shape part_shape = SHAPE(struct part, part_fields);

static const char *const words[] = {"none", "some", NULL};

struct whole {
    bool on;
    int64_t count, wait_ns, made_ns;
    double ratio;
    struct optional_int limit;
    const char *name, *password;
    int word;
    struct strings tags;
    struct part in, flat;
    struct part *other;
    struct {
        struct part *items;
        size_t count;
    } all;
    struct string_map labels;
    struct int_map sizes;
    json_t *extra;
};

#define T struct whole
#define FIELDS(flags)                                                                            \
    {                                                                                            \
        {"on", BOOL_AT(T, on), flags}, {"count", INT_AT(T, count), (flags) | FIELD_FIXED},       \
            {"wait", DURATION_AT(T, wait_ns), flags}, {"made", TIME_AT(T, made_ns), flags},      \
            {"ratio", REAL_AT(T, ratio), flags}, {"limit", OPTIONAL_AT(T, limit), flags},        \
            {"name", STRING_AT(T, name), flags},                                                 \
            {"password", STRING_AT(T, password), FIELD_WRITE_ONLY | FIELD_FIXED},                \
            {"word", ENUM_AT(T, word), flags, .type = words},                                    \
            {"tags", STRINGS_AT(T, tags), flags},                                                \
            {"in", STRUCT_AT(T, in), flags, .type = &part_shape},                                \
            {"", FLATTEN_AT(T, flat), .type = &part_shape},                                      \
            {"other", OBJECT_AT(T, other), (flags) | FIELD_FIXED, .type = &part_shape},          \
            {"all", OBJECTS_AT(T, all), flags, .type = &part_shape},                             \
            {"labels", STRING_MAP_AT(T, labels), flags}, {"sizes", INT_MAP_AT(T, sizes), flags}, \
            {"extra", JSON_AT(T, extra), flags},                                                 \
    }
static const struct field plain_fields[] = FIELDS(0);
static const struct field brief_fields[] = FIELDS(FIELD_OMIT_EMPTY);
static const struct field null_fields[] = FIELDS(FIELD_NULL);
#undef T
static const struct shape plain_shape = SHAPE(struct whole, plain_fields);
static const struct shape brief_shape = SHAPE(struct whole, brief_fields);
static const struct shape null_shape = SHAPE(struct whole, null_fields);

static void expect(const struct shape *shape, const struct whole *whole, const char *text)
{
    char *got = shape_encode_text(shape, whole);

    assert_string_equal(got, text);
    mem_free(got);
}

static void test_nothing(void **state)
{
    const struct whole zero = {0};

    expect(&plain_shape, &zero,
           "{\"on\":false,\"count\":0,\"wait\":0,\"made\":\"0001-01-01T00:00:00Z\",\"ratio\":0,"
           "\"name\":\"\",\"word\":\"none\",\"tags\":[],\"in\":{},\"all\":[],\"labels\":{},"
           "\"sizes\":{}}");
    expect(&brief_shape, &zero, "{}");
    expect(&null_shape, &zero,
           "{\"on\":false,\"count\":0,\"wait\":0,\"made\":null,\"ratio\":0,\"limit\":null,"
           "\"name\":null,\"word\":\"none\",\"tags\":null,\"in\":{},\"other\":null,\"all\":null,"
           "\"labels\":null,\"sizes\":null,\"extra\":null}");
}

static void test_everything_and_back(void **state)
{
    struct part other = {"o", 1}, all[] = {{"a", 2}, {"b", 3}};
    const char *tags[] = {"x", "y"};
    struct string_pair labels[] = {{"k", "v"}};
    struct int_pair sizes[] = {{"n", -5}};
    struct whole whole = {
        .on = true,
        .count = 1,
        .wait_ns = 2,
        .made_ns = INT64_C(1500000000),
        .ratio = 2.5,
        .limit = {true, 0},
        .name = "\xc3\xa9\n",
        .password = "never shown",
        .word = 1,
        .tags = {tags, 2},
        .in = {"i", 4},
        .flat = {"f", 5},
        .other = &other,
        .all = {all, 2},
        .labels = {labels, 1},
        .sizes = {sizes, 1},
        .extra = json_pack("[i]", 7),
    };
    static const char text[] =
        "{\"on\":true,\"count\":1,\"wait\":2,\"made\":\"1970-01-01T00:00:01.5Z\",\"ratio\":2.5,"
        "\"limit\":0,\"name\":\"\xc3\xa9\\n\",\"word\":\"some\",\"tags\":[\"x\",\"y\"],"
        "\"in\":{\"host\":\"i\",\"port\":4},\"host\":\"f\",\"port\":5,"
        "\"other\":{\"host\":\"o\",\"port\":1},"
        "\"all\":[{\"host\":\"a\",\"port\":2},{\"host\":\"b\",\"port\":3}],"
        "\"labels\":{\"k\":\"v\"},\"sizes\":{\"n\":-5},\"extra\":[7]}";
    struct arena arena = {0};
    struct whole back;

    expect(&plain_shape, &whole, text);
    expect(&brief_shape, &whole, text);
    expect(&null_shape, &whole, text);
    assert_int_equal(
        shape_decode_text(&plain_shape, slice_of(text), SHAPE_STRICT, &arena, &back, NULL), OK);
    expect(&plain_shape, &back, text);
    arena_fini(&arena);
    json_decref(whole.extra);
}

static void test_nulls_come_back(void **state)
{
    const struct whole zero = {0};
    char *text = shape_encode_text(&null_shape, &zero);
    struct arena arena = {0};
    struct whole back;

    assert_int_equal(
        shape_decode_text(&null_shape, slice_of(text), SHAPE_STRICT, &arena, &back, NULL), OK);
    mem_free(text);
    text = shape_encode_text(&brief_shape, &back);
    assert_string_equal(text, "{\"extra\":null}");
    mem_free(text);
    arena_fini(&arena);
}

static void test_bytes_that_are_no_utf8(void **state)
{
    struct string_pair labels[] = {{"\xff", "v\xfe"}};
    struct whole whole = {.name = "a\xff\xc3\xa9\xc3", .labels = {labels, 1}};

    expect(&brief_shape, &whole,
           "{\"name\":\"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\","
           "\"labels\":{\"\xef\xbf\xbd\":\"v\xef\xbf\xbd\"}}");
}

static void test_the_first_fixed_field_that_changed(void **state)
{
    struct part o1 = {"o", 1}, o2 = {"o", 1}, o3 = {"o", 2};
    struct whole from = {.count = 1, .name = "a", .other = &o1}, to = from;

    to.name = "b"; /* may change */
    to.flat.port = 5;
    to.other = &o2; /* equal */
    assert_null(shape_fixed_change(&plain_shape, &from, &to));
    to.other = &o3;
    assert_string_equal(shape_fixed_change(&plain_shape, &from, &to), "other");
    to.other = NULL;
    assert_string_equal(shape_fixed_change(&plain_shape, &from, &to), "other");
    to.flat.host = "h";
    assert_string_equal(shape_fixed_change(&plain_shape, &from, &to), "host");
    to.password = "p";
    assert_string_equal(shape_fixed_change(&plain_shape, &from, &to), "password");
    to.count = 2;
    assert_string_equal(shape_fixed_change(&plain_shape, &from, &to), "count");
}

static void test_times_lose_no_digit(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {1, "{\"made\":\"1970-01-01T00:00:00.000000001Z\"}"},
        {1000, "{\"made\":\"1970-01-01T00:00:00.000001Z\"}"},
        {10000000000, "{\"made\":\"1970-01-01T00:00:10Z\"}"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(&brief_shape, &(struct whole){.made_ns = cases[i].ns}, cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_everything_and_back),
        cmocka_unit_test(test_nulls_come_back),
        cmocka_unit_test(test_bytes_that_are_no_utf8),
        cmocka_unit_test(test_the_first_fixed_field_that_changed),
        cmocka_unit_test(test_times_lose_no_digit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
