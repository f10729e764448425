#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "controlplane/cli/output.h"

static const struct column columns[] = {{"NAME", "name"}, {"STATE", "sync/state"}, {0}};
static char shown[4096];
static int before, file;

/* Between the two, stdout goes into `shown`. */
static void begin(void)
{
    fflush(stdout);
    before = dup(STDOUT_FILENO);
    file = memfd_create("shown", MFD_CLOEXEC);
    assert_true(dup2(file, STDOUT_FILENO) >= 0);
}

static void end(void)
{
    ssize_t len;

    fflush(stdout);
    assert_true(dup2(before, STDOUT_FILENO) >= 0);
    len = pread(file, shown, sizeof(shown) - 1, 0);
    shown[len > 0 ? len : 0] = 0;
    close(before);
    close(file);
}

static json_t *parse(const char *text)
{
    json_t *tree = json_loads(text, 0, NULL);

    assert_non_null(tree);
    return tree;
}

static void test_lists_in_each_format(void **state)
{
    static const struct {
        enum output_format format;
        const char *items, *expected;
    } cases[] = {
        {OUTPUT_TABLE, "[]", "NAME  STATE\n"},
        {OUTPUT_TABLE,
         "[{\"name\": \"orders\", \"sync\": {\"state\": \"applied\"}}, {\"name\": \"b\"}]",
         "NAME    STATE\norders  applied\nb       \n"},
        {OUTPUT_TABLE, "[{\"name\": \"\u00e4\u00f6\"}, {\"name\": \"abcdef\"}]",
         "NAME    STATE\n\u00e4\u00f6      \nabcdef  \n"},
        {OUTPUT_TABLE, "{\"name\": \"one\"}", "NAME  STATE\none   \n"},
        {OUTPUT_NAME, "[{\"name\": \"a\"}, {\"id\": \"x\"}]", "a\nx\n"},
        {OUTPUT_JSON, "[]", "[]\n"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *items = parse(cases[i].items);

        begin();
        output_items(cases[i].format, columns, items);
        end();
        assert_string_equal(shown, cases[i].expected);
        json_decref(items);
    }
}

static void test_an_object_as_lines(void **state)
{
    json_t *object = parse("{\"name\": \"a\", \"count\": 3, \"none\": null, \"empty\": \"\"}");

    begin();
    output_object(OUTPUT_TABLE, object);
    end();
    assert_string_equal(shown, "name                   a\ncount                  3\n");
    begin();
    output_object(OUTPUT_NAME, object);
    end();
    assert_string_equal(shown, "a\n");
    json_decref(object);
}

static void test_values_as_cells(void **state)
{
    static const struct {
        const char *path, *expected;
    } cases[] = {
        {"text", "x"},   {"list", "a, b, 3"}, {"map", "k=v, n=1"},    {"yes", "yes"}, {"no", "no"},
        {"real", "0.5"}, {"null", ""},        {"nowhere/at/all", ""}, {"map/n", "1"},
    };
    json_t *object =
        parse("{\"text\": \"x\", \"list\": [\"a\", \"b\", 3], \"yes\": true, \"no\": false,"
              " \"map\": {\"k\": \"v\", \"a\": null, \"b\": \"\", \"c\": [], \"n\": 1}, \"real\": "
              "0.5, \"null\": null}");
    char cell[CELL_MAX];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(output_cell(object, cases[i].path, cell), cases[i].expected);
    json_decref(object);
}

static void test_a_long_value_is_cut(void **state)
{
    json_t *object = json_object();
    char text[2 * CELL_MAX], cell[CELL_MAX];

    memset(text, 'x', sizeof(text));
    json_object_set_new(object, "text", json_stringn(text, sizeof(text)));
    assert_int_equal(strlen(output_cell(object, "text", cell)), CELL_MAX - 1);
    json_decref(object);
}

/* Why an operation failed is a sentence or more, and a user's name has up to 255 characters. */
static void test_tables_and_names_are_whole(void **state)
{
    json_t *object = json_object();
    char text[2 * CELL_MAX];

    memset(text, 'x', sizeof(text));
    json_object_set_new(object, "name", json_stringn(text, sizeof(text)));
    begin();
    output_items(OUTPUT_TABLE, columns, object);
    end();
    assert_int_equal(strspn(strchr(shown, '\n') + 1, "x"), sizeof(text));
    begin();
    output_items(OUTPUT_NAME, columns, object);
    end();
    assert_int_equal(strspn(shown, "x"), sizeof(text));
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_in_each_format),
        cmocka_unit_test(test_an_object_as_lines),
        cmocka_unit_test(test_values_as_cells),
        cmocka_unit_test(test_a_long_value_is_cut),
        cmocka_unit_test(test_tables_and_names_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
