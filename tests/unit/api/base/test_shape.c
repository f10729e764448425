#include "api/base/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/check.h"

static bool is_lower(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < 'a' || *text > 'z')
            return false;
    return true;
}

struct address {
    const char *host;
    int64_t port;
};

#define T struct address
static const struct field address_fields[] = {
    {"host", STRING_AT(T, host), FIELD_REQUIRED, .min = 1, .max = 5},
    {"port", INT_AT(T, port), 0, .min = 1, .max = 65535},
};
#undef T
static const struct shape address_shape = SHAPE(struct address, address_fields);

static const char *const colours[] = {"red", "green", NULL};

struct thing {
    bool on;
    int64_t count, wait_ns, made_ns;
    double ratio;
    struct optional_int limit;
    const char *name, *password, *note, *id;
    int colour;
    struct strings tags;
    struct address home, base;
    struct address *other;
    struct {
        struct address *items;
        size_t count;
    } all;
    struct string_map labels;
    struct int_map sizes;
    json_t *extra;
};

#define T struct thing
static const struct field thing_fields[] = {
    {"on", BOOL_AT(T, on)},
    {"count", INT_AT(T, count), 0, .min = -1, .max = 100},
    {"wait", DURATION_AT(T, wait_ns), 0, .min = 0, .max = 1000},
    {"made", TIME_AT(T, made_ns)},
    {"ratio", REAL_AT(T, ratio)},
    {"limit", OPTIONAL_AT(T, limit), 0, .min = 1, .max = 10},
    {"name", STRING_AT(T, name), 0, .min = 2, .max = 4, .valid = is_lower,
     .rule = "must be lower case letters"},
    {"password", STRING_AT(T, password), FIELD_WRITE_ONLY | FIELD_SECRET, .min = 8, .max = 10},
    {"note", STRING_AT(T, note), FIELD_NULL},
    {"id", STRING_AT(T, id), FIELD_READ_ONLY},
    {"colour", ENUM_AT(T, colour), 0, .type = colours},
    {"tags", STRINGS_AT(T, tags), 0, .max = 2, .valid = is_lower, .rule = "lower case"},
    {"home", STRUCT_AT(T, home), 0, .type = &address_shape},
    {"other", OBJECT_AT(T, other), 0, .type = &address_shape},
    {"all", OBJECTS_AT(T, all), 0, .min = 1, .max = 2, .type = &address_shape},
    {"labels", STRING_MAP_AT(T, labels), 0, .max = 1, .valid = is_lower},
    {"sizes", INT_MAP_AT(T, sizes), 0},
    {"extra", JSON_AT(T, extra)},
    {"base", FLATTEN_AT(T, base), .type = &address_shape},
};
#undef T
static const struct shape thing_shape = SHAPE(struct thing, thing_fields);

static void test_every_kind_is_decoded(void **state)
{
    struct arena arena = {0};
    struct thing thing;
    enum result rc = shape_decode_text(
        &thing_shape,
        slice_of(
            "{\"on\":true,\"count\":7,\"wait\":5,\"made\":\"1970-01-01T00:00:01Z\",\"ratio\":1.5,"
            "\"limit\":3,\"name\":\"abc\",\"password\":\"12345678\",\"note\":null,"
            "\"colour\":\"green\",\"tags\":[\"a\",\"b\"],\"home\":{\"host\":\"h\"},"
            "\"other\":{\"host\":\"o\",\"port\":5},\"all\":[{\"host\":\"p\"},{\"host\":\"q\"}],"
            "\"labels\":{\"k\":\"v\"},\"sizes\":{\"x\":1,\"y\":-2},\"extra\":{\"z\":[1]},"
            "\"host\":\"flat\",\"port\":9}"),
        SHAPE_STRICT, &arena, &thing, NULL);

    assert_int_equal(rc, OK);
    assert_true(thing.on);
    assert_int_equal(thing.count, 7);
    assert_int_equal(thing.wait_ns, 5);
    assert_int_equal(thing.made_ns, 1000000000);
    assert_true(thing.ratio > 1.4 && thing.ratio < 1.6);
    assert_true(thing.limit.set);
    assert_int_equal(thing.limit.value, 3);
    assert_string_equal(thing.name, "abc");
    assert_string_equal(thing.password, "12345678");
    assert_null(thing.note);
    assert_int_equal(thing.colour, 1);
    assert_int_equal(thing.tags.count, 2);
    assert_string_equal(thing.tags.items[1], "b");
    assert_string_equal(thing.home.host, "h");
    assert_int_equal(thing.other->port, 5);
    assert_int_equal(thing.all.count, 2);
    assert_string_equal(thing.all.items[1].host, "q");
    assert_string_equal(thing.labels.items[0].key, "k");
    assert_string_equal(thing.labels.items[0].value, "v");
    assert_int_equal(thing.sizes.items[1].value, -2);
    assert_int_equal(json_array_size(json_object_get(thing.extra, "z")), 1);
    assert_string_equal(thing.base.host, "flat");
    assert_int_equal(thing.base.port, 9);
    arena_fini(&arena);
}

static void test_what_is_absent_is_zero(void **state)
{
    static const struct thing zero;
    struct arena arena = {0};
    struct thing thing;

    memset(&thing, 0xff, sizeof(thing));
    assert_int_equal(shape_decode_text(&thing_shape, SLICE("{\"host\":\"x\"}"), SHAPE_STRICT,
                                       &arena, &thing, NULL),
                     OK);
    thing.base.host = NULL;
    assert_memory_equal(&thing, &zero, sizeof(thing));
    arena_fini(&arena);
}

struct refusal {
    const char *members, *pointer, *message;
    enum result rc;
    int64_t limit, actual;
};

static const struct refusal refusals[] = {
    {"\"on\":1", "/on", "must be true or false", ERR_SYNTAX},
    {"\"on\":null", "/on", "must not be null", ERR_INVALID},
    {"\"count\":1.0", "/count", "must be an integer", ERR_SYNTAX},
    {"\"count\":\"1\"", "/count", "must be an integer", ERR_SYNTAX},
    {"\"count\":101", "/count", "must be at most 100", ERR_INVALID, 100, 101},
    {"\"count\":-2", "/count", "must be at least -1", ERR_INVALID, -1, -2},
    {"\"wait\":1001", "/wait", "must be at most 1000", ERR_INVALID, 1000, 1001},
    {"\"made\":1", "/made", "must be a time as a string", ERR_SYNTAX},
    {"\"made\":\"now\"", "/made", "must be a time like \"2026-11-23T01:40:00Z\" (RFC 3339)",
     ERR_INVALID},
    {"\"ratio\":\"x\"", "/ratio", "must be a number", ERR_SYNTAX},
    {"\"limit\":0", "/limit", "must be at least 1", ERR_INVALID, 1, 0},
    {"\"name\":\"a\"", "/name", "must be at least 2 characters", ERR_INVALID, 2, 1},
    {"\"name\":\"abcde\"", "/name", "must be at most 4 characters", ERR_INVALID, 4, 5},
    {"\"name\":\"ABC\"", "/name", "must be lower case letters", ERR_INVALID},
    {"\"name\":{}", "/name", "must be a string", ERR_SYNTAX},
    {"\"colour\":\"blue\"", "/colour", "must be one of \"red\", \"green\"", ERR_INVALID},
    {"\"colour\":1", "/colour", "must be a string", ERR_SYNTAX},
    {"\"tags\":\"a\"", "/tags", "must be a list of strings", ERR_SYNTAX},
    {"\"tags\":[\"a\",1]", "/tags/1", "must be a string", ERR_SYNTAX},
    {"\"tags\":[\"A\"]", "/tags/0", "must be lower case", ERR_INVALID},
    {"\"tags\":[\"a\",\"b\",\"c\"]", "/tags", "must have at most 2 entries", ERR_INVALID, 2, 3},
    {"\"home\":[]", "/home", "must be an object", ERR_SYNTAX},
    {"\"home\":{}", "/home/host", "is required", ERR_INVALID},
    {"\"home\":{\"host\":\"\"}", "/home/host", "must not be empty", ERR_INVALID, 1, 0},
    {"\"other\":null", "/other", "must not be null", ERR_INVALID},
    {"\"all\":{}", "/all", "must be a list of objects", ERR_SYNTAX},
    {"\"all\":[]", "/all", "must not be empty", ERR_INVALID, 1, 0},
    {"\"all\":[{\"host\":\"a\"},{\"host\":\"b\",\"x/~y\":1}]", "/all/1/x~1~0y",
     "is not a known field", ERR_NOT_FOUND},
    {"\"labels\":{\"a\":\"b\",\"c\":\"d\"}", "/labels", "must have at most 1 entry", ERR_INVALID, 1,
     2},
    {"\"labels\":{\"A\":\"b\"}", "/labels/A", "is not valid", ERR_INVALID},
    {"\"labels\":{\"a\":1}", "/labels/a", "must be a string", ERR_SYNTAX},
    {"\"labels\":1", "/labels", "must be an object of strings", ERR_SYNTAX},
    {"\"sizes\":{\"a\":\"1\"}", "/sizes/a", "must be an integer", ERR_SYNTAX},
    {"\"sizes\":[]", "/sizes", "must be an object of integers", ERR_SYNTAX},
    {"\"id\":\"x\"", "/id", "is not a known field", ERR_NOT_FOUND}, /* read only */
    {"\"Count\":1", "/Count", "is not a known field", ERR_NOT_FOUND},
    {"\"port\":0", "/port", "must be at least 1", ERR_INVALID, 1, 0}, /* flattened */
};

static void test_refusals_say_where_and_what(void **state)
{
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        const struct refusal *want = &refusals[i];
        struct shape_error error;
        struct arena arena = {0};
        struct thing thing;
        char text[256];
        enum result rc;

        snprintf(text, sizeof(text), "{\"host\":\"h\",%s}", want->members);
        rc = shape_decode_text(&thing_shape, slice_of(text), SHAPE_STRICT, &arena, &thing, &error);
        if (rc != want->rc || strcmp(error.pointer, want->pointer) != 0 ||
            strcmp(error.message, want->message) != 0 || error.limit != want->limit ||
            error.actual != want->actual ||
            error.has_limit != (want->limit != 0 || want->actual != 0))
            fail_msg("%s: %s %s: %s (%lld, %lld)", text, result_name(rc), error.pointer,
                     error.message, (long long)error.limit, (long long)error.actual);
        arena_fini(&arena);
    }
}

static void test_length_counts_characters_not_bytes(void **state)
{
    struct arena arena = {0};
    struct address address;

    assert_int_equal(
        shape_decode_text(&address_shape,
                          SLICE("{\"host\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}"),
                          SHAPE_STRICT, &arena, &address, NULL),
        OK);
    arena_fini(&arena);
}

static void test_secrets_stay_out_of_errors(void **state)
{
    static const char *const texts[] = {
        "{\"host\":\"h\",\"password\":\"hush\"}",
        "{\"host\":\"h\",\"password\":\"hushhushhushhush\"}",
        "{\"host\":\"h\",\"password\":\"hush",
        "{\"host\":\"h\",\"password\":hush}",
        "{\"host\":\"h\",\"password\":\"hush\\q\"}",
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct arena arena = {0};
        struct shape_error error;
        struct thing thing;

        assert_int_not_equal(shape_decode_text(&thing_shape, slice_of(texts[i]), SHAPE_STRICT,
                                               &arena, &thing, &error),
                             OK);
        assert_null(strstr(error.message, "hush"));
        assert_false(error.has_limit);
        arena_fini(&arena);
    }
}

static void test_lenient_takes_documents_of_others(void **state)
{
    struct arena arena = {0};
    struct thing thing;
    enum result rc = shape_decode_text(
        &thing_shape,
        SLICE("{\"host\":\"a\",\"host\":\"b\",\"unknown\":1,\"on\":null,\"other\":null,"
              "\"made\":\"0001-01-01T00:00:00Z\",\"id\":\"ignored\"}"),
        SHAPE_LENIENT, &arena, &thing, NULL);

    assert_int_equal(rc, OK);
    assert_string_equal(thing.base.host, "b");
    assert_int_equal(thing.made_ns, 0);
    assert_null(thing.id);
    arena_fini(&arena);
}

static void test_lenient_null_is_absent(void **state)
{
    struct arena arena = {0};
    struct shape_error error;
    struct thing thing;

    assert_int_equal(shape_decode_text(&thing_shape, SLICE("{\"host\":null}"), SHAPE_LENIENT,
                                       &arena, &thing, &error),
                     ERR_INVALID);
    assert_string_equal(error.pointer, "/host");
    assert_string_equal(error.message, "is required");
    arena_fini(&arena);
}

static void test_text_that_is_no_json(void **state)
{
    static const struct {
        const char *text;
        enum result rc;
        const char *message;
    } cases[] = {
        {"", ERR_SYNTAX, "there is no JSON text"},
        {" \n", ERR_SYNTAX, "there is no JSON text"},
        {"{", ERR_SYNTAX, "the JSON text ends too early (line 1, column 1)"},
        {"{}\n x", ERR_SYNTAX, "there is something behind the JSON value (line 2, column 2)"},
        {"{\"a\":1,\"a\":2}", ERR_SYNTAX,
         "an object has the same member twice (line 1, column 10)"},
        {"\"\xff\"", ERR_SYNTAX, "the JSON text is not UTF-8 (line 1, column 1)"},
        {"[9223372036854775808]", ERR_INVALID, "a number is too large (line 1, column 20)"},
        {"[nul]", ERR_SYNTAX, "malformed JSON (line 1, column 4)"},
        {"\"\\u0000\"", ERR_SYNTAX, "a string has a zero character (line 1, column 8)"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct shape_error error = {{0}};
        json_t *tree;
        enum result rc = shape_parse(slice_of(cases[i].text), &tree, &error);

        if (rc != cases[i].rc || strcmp(error.message, cases[i].message) != 0)
            fail_msg("%s: %s: %s", cases[i].text, result_name(rc), error.message);
        assert_string_equal(error.pointer, "");
    }
}

static void test_depth_is_bounded(void **state)
{
    struct shape_error error;
    struct buf text = {0};
    json_t *tree;

    for (int i = 0; i < SHAPE_DEPTH_MAX; i++)
        buf_add_char(&text, '[');
    buf_add_text(&text, "\"[[[[\\\"[[[\"");
    for (int i = 0; i < SHAPE_DEPTH_MAX; i++)
        buf_add_char(&text, ']');
    assert_int_equal(shape_parse(buf_slice(&text), &tree, &error), OK);
    json_decref(tree);
    buf_clear(&text);
    for (int i = 0; i < SHAPE_DEPTH_MAX + 1; i++)
        buf_add_char(&text, '[');
    assert_int_equal(shape_parse(buf_slice(&text), &tree, &error), ERR_LIMIT);
    assert_int_equal(shape_parse_lenient(buf_slice(&text), &tree, &error), ERR_LIMIT);
    buf_fini(&text);
}

struct node {
    struct node *child;
};
static const struct shape node_shape;
static const struct field node_fields[] = {
    {"child", OBJECT_AT(struct node, child), 0, .type = &node_shape},
};
static const struct shape node_shape = SHAPE(struct node, node_fields);

static void test_a_shape_in_itself_has_an_end(void **state)
{
    json_t *tree = json_object();
    struct arena arena = {0};
    struct shape_error error;
    struct node node;

    for (int i = 0; i < 3 * SHAPE_DEPTH_MAX; i++)
        tree = json_pack("{s:o}", "child", tree);
    assert_int_equal(shape_decode(&node_shape, tree, SHAPE_STRICT, &arena, &node, &error),
                     ERR_LIMIT);
    assert_string_equal(error.message, "is nested too deep");
    json_decref(tree);
    arena_fini(&arena);
}

static void test_a_tree_lives_as_long_as_its_arena(void **state)
{
    struct arena arena = {0};
    json_t *tree = json_object();

    json_incref(tree);
    assert_ptr_equal(shape_own(&arena, tree), tree);
    assert_int_equal(tree->refcount, 2);
    arena_fini(&arena);
    assert_int_equal(tree->refcount, 1);
    json_decref(tree);
}

/* A name of its own in front, the rest flattened over it. */
static void test_what_is_flattened_spares_what_stands_in_front(void **state)
{
    static const struct field port_fields[] = {
        {"port", INT_AT(struct address, port)},
    };
    static const struct shape port_shape = SHAPE(struct address, port_fields);
    static const struct field fields[] = {
        {"host", STRING_AT(struct thing, base.host)},
        {NULL, FLATTEN_AT(struct thing, base), .type = &port_shape},
    };
    static const struct shape shape = SHAPE(struct thing, fields);
    struct arena arena = {0};
    struct shape_error error;
    struct thing thing;

    assert_int_equal(shape_decode_text(&shape, SLICE("{\"host\":\"h\",\"port\":7}"), SHAPE_STRICT,
                                       &arena, &thing, &error),
                     OK);
    assert_string_equal(thing.base.host, "h");
    assert_int_equal(thing.base.port, 7);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_is_decoded),
        cmocka_unit_test(test_what_is_absent_is_zero),
        cmocka_unit_test(test_a_tree_lives_as_long_as_its_arena),
        cmocka_unit_test(test_what_is_flattened_spares_what_stands_in_front),
        cmocka_unit_test(test_refusals_say_where_and_what),
        cmocka_unit_test(test_length_counts_characters_not_bytes),
        cmocka_unit_test(test_secrets_stay_out_of_errors),
        cmocka_unit_test(test_lenient_takes_documents_of_others),
        cmocka_unit_test(test_lenient_null_is_absent),
        cmocka_unit_test(test_text_that_is_no_json),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_a_shape_in_itself_has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
