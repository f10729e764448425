#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "controlplane/db/row.h"
#include "tests/lib/pg.h"

static struct arena arena;

static void test_times(void **state)
{
    static const struct {
        const char *text;
        enum result expect;
        int64_t ns;
    } cases[] = {
        {"1970-01-01 00:00:01+00", OK, 1000000000},
        {"1970-01-01 00:00:01.5+00", OK, 1500000000},
        {"2026-11-23 01:40:00.123456+00", OK, 1795398000123456000},
        {"2026-11-23 01:40:00.123456+01", ERR_CORRUPT, 0},
        {"infinity", ERR_CORRUPT, 0},
        {"", ERR_CORRUPT, 0},
        {"2026-11-23 01:40:00", ERR_CORRUPT, 0},
        {"2026-99-23 01:40:00.123456+00", ERR_CORRUPT, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ns = 0;

        if (row_time(cases[i].text, &ns) != cases[i].expect || ns != cases[i].ns)
            fail_msg("%s: %lld", cases[i].text, (long long)ns);
    }
}

static void test_arrays(void **state)
{
    static const struct {
        const char *text;
        enum result expect;
        size_t count;
        const char *last;
    } cases[] = {
        {"{}", OK, 0, NULL},
        {"{a}", OK, 1, "a"},
        {"{a,b c}", OK, 2, "b c"},
        {"{\"a,b\",\"c\\\"d\\\\\"}", OK, 2, "c\"d\\"},
        {"{\"\"}", OK, 1, ""},
        {"{\"NULL\"}", OK, 1, "NULL"},
        {"{NULL}", ERR_CORRUPT, 0, NULL},
        {"{a,}", ERR_CORRUPT, 0, NULL},
        {"{a", ERR_CORRUPT, 0, NULL},
        {"{\"a", ERR_CORRUPT, 0, NULL},
        {"{\"a\\", ERR_CORRUPT, 0, NULL},
        {"{{a},{b}}", ERR_CORRUPT, 0, NULL},
        {"a", ERR_CORRUPT, 0, NULL},
        {"", ERR_CORRUPT, 0, NULL},
        {"{a}b", ERR_CORRUPT, 0, NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct strings list = {0};

        if (row_strings(cases[i].text, &arena, &list) != cases[i].expect ||
            list.count != cases[i].count)
            fail_msg("%s", cases[i].text);
        if (cases[i].last != NULL)
            assert_string_equal(list.items[list.count - 1], cases[i].last);
    }
}

struct inner {
    int64_t deep;
};
static const struct field inner_fields[] = {
    {"deep", INT_AT(struct inner, deep), .min = 1, .max = 2},
};
static const struct shape inner_shape = SHAPE(struct inner, inner_fields);

static const char *const words[] = {"red", "green", NULL};

struct wide {
    bool yes;
    int64_t number, at;
    struct optional_int some, none, flag;
    const char *text, *null;
    int word;
    struct strings array, json_array;
    struct string_map map;
    struct inner in_place, flat, *object;
    struct {
        struct inner *items;
        size_t count;
    } list;
    json_t *json;
};
#define T struct wide
static const struct field wide_fields[] = {
    {"yes", BOOL_AT(T, yes), FIELD_READ_ONLY},
    {"number", INT_AT(T, number), FIELD_REQUIRED, .min = 1, .max = 2},
    {"at", TIME_AT(T, at)},
    {"some", OPTIONAL_AT(T, some)},
    {"none", OPTIONAL_AT(T, none)},
    {"flag", FLAG_AT(T, flag)},
    {"text", STRING_AT(T, text)},
    {"null_text", STRING_AT(T, null), FIELD_REQUIRED},
    {"word", ENUM_AT(T, word), .type = words},
    {"array", STRINGS_AT(T, array)},
    {"json_array", STRINGS_AT(T, json_array)},
    {"map", STRING_MAP_AT(T, map)},
    {"in_place", STRUCT_AT(T, in_place), FIELD_READ_ONLY, .type = &inner_shape},
    {NULL, FLATTEN_AT(T, flat), .type = &inner_shape},
    {"object", OBJECT_AT(T, object), .type = &inner_shape},
    {"list", OBJECTS_AT(T, list), .type = &inner_shape},
    {"json", JSON_AT(T, json)},
    {"no_such_column", STRING_AT(T, null)},
};
#undef T
static const struct shape wide_shape = SHAPE(struct wide, wide_fields);

static const char row_sql[] =
    "SELECT true AS yes, 99 AS number, '2026-11-23T01:40:00Z'::timestamptz AS at, 5 AS some,"
    "       NULL::bigint AS none, false AS flag, 'text' AS text, NULL::text AS null_text,"
    "       'green' AS word, ARRAY['a', 'b'] AS array, '[\"x\"]'::jsonb AS json_array,"
    "       '{\"k\": \"v\"}'::jsonb AS map, '{\"deep\": 1}'::jsonb AS in_place, 7 AS deep,"
    "       '{\"deep\": 2}'::jsonb AS object, '[{\"deep\": 1}, {\"deep\": 2}]'::jsonb AS list,"
    "       '{\"any\": null}'::jsonb AS json, 'extra' AS column_without_field";

/* Every kind of field, from a real server's row. */
static void test_every_kind(void **state)
{
    char *conninfo = pg_database();
    PGconn *conn = PQconnectdb(conninfo);
    PGresult *result;
    struct wide wide;

    PQclear(PQexec(conn, "SET TimeZone = 'UTC'"));
    result = PQexec(conn, row_sql);
    assert_int_equal(PQntuples(result), 1);
    assert_int_equal(row_decode(&wide_shape, result, 0, &arena, &wide), OK);
    assert_true(wide.yes);
    assert_int_equal(wide.number, 99); /* bounds bind requests, not rows */
    assert_int_equal(wide.at, INT64_C(1795398000) * 1000000000);
    assert_true(wide.some.set && wide.some.value == 5);
    assert_false(wide.none.set);
    assert_true(wide.flag.set && wide.flag.value == 0);
    assert_string_equal(wide.text, "text");
    assert_null(wide.null);
    assert_int_equal(wide.word, 1);
    assert_int_equal(wide.array.count, 2);
    assert_string_equal(wide.json_array.items[0], "x");
    assert_string_equal(wide.map.items[0].value, "v");
    assert_int_equal(wide.in_place.deep, 1);
    assert_int_equal(wide.flat.deep, 7);
    assert_int_equal(wide.object->deep, 2);
    assert_int_equal(wide.list.count, 2);
    assert_int_equal(wide.list.items[1].deep, 2);
    assert_non_null(wide.json);
    PQclear(result);

    result = PQexec(conn, "SELECT 'blue' AS word");
    assert_int_equal(row_decode(&wide_shape, result, 0, &arena, &wide), ERR_CORRUPT);
    PQclear(result);
    result = PQexec(conn, "SELECT 'x' AS number");
    assert_int_equal(row_decode(&wide_shape, result, 0, &arena, &wide), ERR_CORRUPT);
    PQclear(result);
    PQfinish(conn);
    pg_drop(conninfo);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_every_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
