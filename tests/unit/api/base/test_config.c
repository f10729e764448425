#include "api/base/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/clock.h"

/* The tree as JSON-like text: keys bare, text in quotes. */
static void show(const struct config_node *node, struct buf *out)
{
    bool map = node->kind == CONFIG_MAP;

    switch (node->kind) {
    case CONFIG_MAP:
    case CONFIG_LIST:
        buf_add_char(out, map ? '{' : '[');
        for (const struct config_node *child = node->first; child != NULL; child = child->next) {
            if (map)
                buf_printf(out, "%s:", child->key);
            show(child, out);
            if (child->next != NULL)
                buf_add_char(out, ',');
        }
        buf_add_char(out, map ? '}' : ']');
        break;
    case CONFIG_STRING:
        buf_printf(out, "\"%s\"", node->string);
        break;
    case CONFIG_INT:
        buf_printf(out, "%lld", (long long)node->integer);
        break;
    case CONFIG_FLOAT:
        buf_printf(out, "%g", node->real);
        break;
    case CONFIG_BOOL:
        buf_add_text(out, node->boolean ? "true" : "false");
        break;
    case CONFIG_TIME:
        buf_printf(out, "@%lld", (long long)(node->time_ns / NS_PER_S));
        break;
    }
}

struct tree_case {
    const char *text, *tree;
};

/* As the reference server reads them, unless a comment says otherwise. */
static const struct tree_case trees[] = {
    /* separators and ends */
    {"", "{}"},
    {"# only\n// this", "{}"},
    {"a: 1\nb = 2\nc 3\nd {e 4}", "{a:1,b:2,c:3,d:{e:4}}"},
    {"a: 1, b: 2; c: 3\n", "{a:1,b:2,c:3}"},
    {"a: 1,\nb: 2 # x\nc: x // y", "{a:1,b:2,c:\"x\"}"},
    {"a\n\n1", "{a:1}"},
    {"a:,b:;c:", "{a:\"\",b:\"\",c:\"\"}"},
    {"a: 1\r\nb: 2\r\n", "{a:1,b:2}"},
    {"a: nats://h:4222", "{a:\"nats://h:4222\"}"},
    {"a: #b", "{a:\"#b\"}"},
    /* braces around */
    {"{a: 1}", "{a:1}"},
    {"{\"a\": 1, \"b\": {\"c\": [true, \"x\", 1.5]}}", "{a:1,b:{c:[true,\"x\",1.5]}}"},
    {"{{a: 1}}", "{a:1}"},
    {"{a: 1\n", "{a:1}"},
    {"a: 1\n}\n", "{a:1}"},
    {"{a: 1}\nb: 2", "{a:1,b:2}"},
    {"{a: 1\n}\nb: 2", "{a:1,b:2}"},
    {"a 1 } b 2", "{a:1,b:2}"},
    /* maps */
    {"m {}", "{m:{}}"},
    {"m: {\n}", "{m:{}}"},
    {"m {a: 1,}", "{m:{a:1}}"},
    {"m {a:\n\n1}", "{m:{a:1}}"},
    {"m {a\n1\n# c\nb: 2 # d\n}", "{m:{a:1,b:2}}"},
    {"m { a { b { c: 1 } } }", "{m:{a:{b:{c:1}}}}"},
    {"m {\"a b\": 1, 'c:d' = 2}", "{m:{a b:1,c:d:2}}"},
    {"m {,b: 1}", "{m:{,b:1}}"},
    /* lists */
    {"l []", "{l:[]}"},
    {"l: [ a, b ,c ]", "{l:[\"a\",\"b\",\"c\"]}"},
    {"l [\n a\n b # c\n // d\n]", "{l:[\"a\",\"b\"]}"},
    {"l [1 ,]", "{l:[1]}"},
    {"l [[1 ], [2 ]]", "{l:[[1],[2]]}"},
    {"l [{a: 1}\n{b: 2}, {c: 3}]", "{l:[{a:1},{b:2},{c:3}]}"},
    {"l [id:ABC, _INBOX.>, q.>]", "{l:[\"id:ABC\",\"_INBOX.>\",\"q.>\"]}"},
    {"l [64MB]", "{l:[\"64MB\"]}"}, /* an oddity: with a bracket right behind it a text */
    {"l [1, 2]", "{l:[1,2]}"},      /* the reference server refuses: JSON it is */
    /* values */
    {"a: TRUE\nb: \"true\"\nc: 2020-01-01T00:00:00Z", "{a:true,b:\"true\",c:@1577836800}"},
    {"a: (\nx\n)\nb: 1", "{a:\"\nx\n\",b:1}"},
    {"a: $2a$11$abc", "{a:\"$2a$11$abc\"}"},
    {"a: 8222abc\nb: 127.0.0.1:4222\nc: 5s\nd: 128KB", "{a:\"8222abc\",b:\"127.0.0.1:4222\","
                                                       "c:\"5s\",d:131072}"},
    /* the last of a key stays; letters of both cases are different keys */
    {"a: 1\nb: 2\na: 3", "{b:2,a:3}"},
    {"m {a: 1, a: 2, A: 3}", "{m:{a:2,A:3}}"},
    /* variables */
    {"a: 1\nb: $a", "{a:1,b:1}"},
    {"a: 1\na: 2\nb: $a", "{a:2,b:2}"},
    {"a: 1\nb: $a\na: 2", "{b:1,a:2}"},
    {"a: [x, y]\nm {b: $a, n {c: $b}}",
     "{a:[\"x\",\"y\"],m:{b:[\"x\",\"y\"],n:{c:[\"x\",\"y\"]}}}"},
    {"a: 1\nm {a: 2, b: $a}", "{a:1,m:{a:2,b:2}}"},
    {"a: {x: 1}\nl [$a, $a]", "{a:{x:1},l:[{x:1},{x:1}]}"},
    {"a: $BERTH_INT\nb: $BERTH_BOOL\nc: $BERTH_LIST\nd: $BERTH_TEXT\ne: $BERTH_OTHER",
     "{a:5,b:true,c:[1,2],d:\"a b\",e:5}"},
    /* include is a word only where white space follows it */
    {"include: x", "{include:\"x\"}"},
    {"\"include\" x", "{include:\"x\"}"},
};

static void set_environment(void)
{
    CHECK(setenv("BERTH_INT", "5", 1) == 0);
    CHECK(setenv("BERTH_BOOL", "true", 1) == 0);
    CHECK(setenv("BERTH_LIST", "[1 ,2 ]", 1) == 0);
    CHECK(setenv("BERTH_TEXT", "\"a b\"", 1) == 0);
    CHECK(setenv("BERTH_OTHER", "$BERTH_INT", 1) == 0);
    CHECK(setenv("BERTH_SELF", "[$BERTH_SELF]", 1) == 0);
    CHECK(setenv("BERTH_BAD", "a b", 1) == 0);
}

static void test_trees(void **state)
{
    set_environment();
    for (size_t i = 0; i < COUNT_OF(trees); i++) {
        struct arena arena = {0};
        struct config_error error = {.message = "a tree"};
        struct config_node *root;
        struct buf out = {0};

        if (config_parse(slice_of(trees[i].text), "t", NULL, &arena, &root, &error) != OK)
            fail_msg("%s: %s", trees[i].text, error.message);
        show(root, &out);
        if (strcmp(buf_text(&out), trees[i].tree) != 0)
            fail_msg("%s: %s", trees[i].text, buf_text(&out));
        buf_fini(&out);
        arena_fini(&arena);
    }
}

static const struct {
    const char *text;
    enum result rc;
    int line, column;
    const char *message;
} refusals[] = {
    {"a", ERR_SYNTAX, 1, 2, "config is invalid (t:1:1): the key 'a' has no value"},
    {"a: 1\n b ", ERR_SYNTAX, 2, 4, "config is invalid (t:2:2): the key 'b' has no value"},
    {"a:\n1", ERR_SYNTAX, 1, 3,
     "Parse error on line 1: 'a value is missing before the end of the line'"},
    {": 1", ERR_SYNTAX, 1, 1, "Parse error on line 1: 'a key cannot begin with \":\"'"},
    {"a: b c", ERR_SYNTAX, 1, 6,
     "Parse error on line 1: 'behind a value there is more on the line than belongs to it'"},
    {"a: 1\nb: 1.5GB", ERR_SYNTAX, 2, 7,
     "Parse error on line 2: 'behind a value there is more on the line than belongs to it'"},
    {"a: \"x", ERR_SYNTAX, 1, 6, "Parse error on line 1: 'the file ends inside quotes'"},
    {"m {\n a: 1\n", ERR_SYNTAX, 3, 1, "Parse error on line 3: 'the file ends inside a map'"},
    {"m {a", ERR_SYNTAX, 1, 5, "Parse error on line 1: 'the file ends inside a map'"},
    {"m {a: 1", ERR_SYNTAX, 1, 8, "Parse error on line 1: 'the file ends inside a map'"},
    {"{a: 1", ERR_SYNTAX, 1, 6, "Parse error on line 1: 'the file ends inside a map'"},
    {"m {a: }", ERR_SYNTAX, 1, 7, "Parse error on line 1: 'a key without a value'"},
    {"m {a: ,}", ERR_SYNTAX, 1, 7, "Parse error on line 1: 'a key without a value'"},
    {"m {]}", ERR_SYNTAX, 1, 4, "Parse error on line 1: 'a list ends inside a map'"},
    {"l [a", ERR_SYNTAX, 1, 5, "Parse error on line 1: 'the file ends inside a list'"},
    {"l [,a]", ERR_SYNTAX, 1, 4, "Parse error on line 1: 'a comma without an entry before it'"},
    {"l [a,,b]", ERR_SYNTAX, 1, 6, "Parse error on line 1: 'a comma without an entry before it'"},
    {"l [a;b]", ERR_SYNTAX, 1, 5,
     "Parse error on line 1: 'the entries of a list want a comma or a line end between them'"},
    {"l [{a: 1}{b: 2}]", ERR_SYNTAX, 1, 10,
     "Parse error on line 1: 'the entries of a list want a comma or a line end between them'"},
    {"}\na: 1", ERR_SYNTAX, 2, 1,
     "Parse error on line 2: 'there is something behind the closing brace'"},
    {"/ a", ERR_SYNTAX, 1, 1, "Parse error on line 1: 'a comment wants two slashes'"},
    {"a: 99999999999999999999", ERR_LIMIT, 1, 24,
     "Parse error on line 1: 'integer \"99999999999999999999\" is out of range'"},
    {"a: $none", ERR_NOT_FOUND, 1, 9, "variable reference for 'none' on line 1 can not be found"},
    {"A: 1\nb: $a", ERR_NOT_FOUND, 2, 6, "variable reference for 'a' on line 2 can not be found"},
    {"m {a: 1}\nb: $a", ERR_NOT_FOUND, 2, 6,
     "variable reference for 'a' on line 2 can not be found"},
    {"m {a: $m}", ERR_NOT_FOUND, 1, 9, "variable reference for 'm' on line 1 can not be found"},
    {"a: $BERTH_SELF", ERR_SYNTAX, 1, 24, "variable reference cycle for 'BERTH_SELF'"},
    {"a: $BERTH_BAD", ERR_SYNTAX, 1, 13,
     "Parse error on line 1: 'behind a value there is more on the line than belongs to it'"},
    {"include x.conf", ERR_NOT_FOUND, 1, 15, "include is not possible here: x.conf"},
    {"include\nx", ERR_SYNTAX, 1, 8,
     "Parse error on line 1: 'include wants a file on the same line'"},
};

static void test_refusals(void **state)
{
    set_environment();
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct arena arena = {0};
        struct config_error error = {{0}};
        struct config_node *root;
        enum result rc = config_parse(slice_of(refusals[i].text), "t", NULL, &arena, &root, &error);

        if (rc != refusals[i].rc || error.line != refusals[i].line ||
            error.column != refusals[i].column || strcmp(error.message, refusals[i].message) != 0)
            fail_msg("%s: %s %s:%d:%d %s", refusals[i].text, result_name(rc), error.file,
                     error.line, error.column, error.message);
        assert_int_equal(config_parse(slice_of(refusals[i].text), "t", NULL, &arena, &root, NULL),
                         rc);
        arena_fini(&arena);
    }
}

static void test_a_zero_byte_is_no_text(void **state)
{
    struct arena arena = {0};
    struct config_error error;
    struct config_node *root;

    assert_int_equal(config_parse(SLICE("a: 1\n\0b: 2"), "t", NULL, &arena, &root, &error),
                     ERR_SYNTAX);
    assert_int_equal(error.line, 2);
    arena_fini(&arena);
}

static void test_nesting_is_bounded(void **state)
{
    for (int deep = CONFIG_NESTING_MAX; deep <= CONFIG_NESTING_MAX + 1; deep++) {
        struct arena arena = {0};
        struct config_node *root;
        struct buf text = {0};

        buf_add_text(&text, "a: ");
        for (int i = 0; i < deep; i++)
            buf_add_char(&text, '[');
        for (int i = 0; i < deep; i++)
            buf_add_char(&text, ']');
        assert_int_equal(config_parse(buf_slice(&text), "t", NULL, &arena, &root, NULL),
                         deep > CONFIG_NESTING_MAX ? ERR_LIMIT : OK);
        buf_fini(&text);
        arena_fini(&arena);
    }
}

static void test_nodes_know_where_they_stand(void **state)
{
    struct arena arena = {0};
    struct config_node *root, *node;

    assert_int_equal(
        config_parse(SLICE("Port: 1\nv: x\nm {\n  A = [\n    'b' ]\n c: $v, PORT: 2 }"), "name",
                     NULL, &arena, &root, NULL),
        OK);
    node = config_get(root, "port");
    assert_int_equal(node->line, 1);
    assert_int_equal(node->column, 1);
    assert_string_equal(node->file, "name");
    assert_null(config_get(root, "none"));
    assert_true(config_get(root, "v")->used); /* a variable refers to it */
    assert_int_equal(config_count(root), 3);
    root = config_get(root, "M");
    node = config_get(root, "a");
    assert_int_equal(config_count(node), 1);
    assert_int_equal(node->line, 4);
    assert_int_equal(node->column, 3);
    assert_null(node->first->key);
    assert_int_equal(node->first->line, 5);
    assert_int_equal(node->first->column, 5);
    assert_true(node->first->quoted);
    node = config_get(root, "c");
    assert_int_equal(node->line, 6);
    assert_string_equal(node->string, "x");
    assert_false(node->used);
    arena_fini(&arena);
}

static char folder[64];

static void write_file(const char *name, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(text, file) >= 0);
    CHECK(fclose(file) == 0);
}

static int make_files(void **state)
{
    char path[128];

    snprintf(folder, sizeof(folder), "%s/test_config.XXXXXX", P_tmpdir);
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/sub", folder);
    CHECK(mkdir(path, 0700) == 0);
    write_file("main.conf", "a: 1\ninclude \"sub/one.conf\"\nm { include ./sub/two.conf; z: 2 }\n");
    write_file("sub/one.conf", "a: 2 # ours\nINCLUDE 'two.conf'\n");
    write_file("sub/two.conf", "b: 3\nc: $b");
    write_file("loop.conf", "x: 1\ninclude loop.conf");
    write_file("missing.conf", "\ninclude none.conf");
    write_file("bad.conf", "include sub/bad.conf");
    write_file("sub/bad.conf", "\n\na: [");
    write_file("scope.conf", "a: 1\ninclude sub/scope.conf");
    write_file("sub/scope.conf", "b: $a");
    write_file("root.conf", "include /sub/two.conf");
    return 0;
}

static int remove_files(void **state)
{
    static const char *const names[] = {
        "main.conf",    "sub/one.conf",   "sub/two.conf", "loop.conf",
        "missing.conf", "bad.conf",       "sub/bad.conf", "scope.conf",
        "root.conf",    "sub/scope.conf", "sub",          "",
    };
    char path[128];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        CHECK(remove(path) == 0);
    }
    return 0;
}

static enum result parse_file(const char *name, struct arena *arena, struct buf *out,
                              struct config_error *error)
{
    struct config_node *root;
    char path[128];
    enum result rc;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    rc = config_parse_file(path, arena, &root, error);
    if (rc == OK)
        show(root, out);
    return rc;
}

static void test_files_include_files(void **state)
{
    struct arena arena = {0};
    struct buf out = {0};

    assert_int_equal(parse_file("main.conf", &arena, &out, NULL), OK);
    assert_string_equal(buf_text(&out), "{a:2,b:3,c:3,m:{b:3,c:3,z:2}}");
    buf_clear(&out);
    assert_int_equal(parse_file("root.conf", &arena, &out, NULL), OK);
    assert_string_equal(buf_text(&out), "{b:3,c:3}");
    buf_fini(&out);
    arena_fini(&arena);
}

static void test_includes_that_fail(void **state)
{
    static const struct {
        const char *name;
        enum result rc;
        const char *file;
        int line;
        const char *message;
    } cases[] = {
        {"none.conf", ERR_NOT_FOUND, "none.conf", 0, "no such file or directory"},
        {"sub", ERR_IO, "sub", 0, "is a directory"},
        {"missing.conf", ERR_NOT_FOUND, "missing.conf", 2, "no such file or directory"},
        {"loop.conf", ERR_LIMIT, "loop.conf", 2, "a file includes itself"},
        {"bad.conf", ERR_SYNTAX, "sub/bad.conf", 3, "Parse error on line 3: "},
        {"scope.conf", ERR_NOT_FOUND, "sub/scope.conf", 1, "variable reference for 'a'"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config_error error = {{0}};
        struct arena arena = {0};
        struct buf out = {0};
        enum result rc = parse_file(cases[i].name, &arena, &out, &error);

        if (rc != cases[i].rc || error.line != cases[i].line ||
            !slice_ends(slice_of(error.file), slice_of(cases[i].file)) ||
            strstr(error.message, cases[i].message) == NULL)
            fail_msg("%s: %s %s:%d: %s", cases[i].name, result_name(rc), error.file, error.line,
                     error.message);
        buf_fini(&out);
        arena_fini(&arena);
    }
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"2s", 2 * NS_PER_S},
        {"\"300ms\"", 300 * NS_PER_MS},
        {"1h30m", 5400 * NS_PER_S},
        {"\"1.5h\"", 5400 * NS_PER_S},
        {"\".5s\"", NS_PER_S / 2},
        {"\"1.s\"", NS_PER_S},
        {"\"-1.5s\"", -NS_PER_S - NS_PER_S / 2},
        {"\"+2us\"", 2000},
        {"\"2\xc2\xb5s\"", 2000},
        {"7ns", 7},
        {"\"0\"", 0},
        {"5", 5 * NS_PER_S},
        {"1.5", NS_PER_S + NS_PER_S / 2},
        {"\"2562047h47m16.854775807s\"", INT64_MAX},
    };
    static const char *const bad[] = {
        "\"\"",        "\"5\"",    "2d",         "\"s\"",    "\"1s \"",
        "\"1e3s\"",    "\"0x1s\"", "\"1.2.3s\"", "\"--1s\"", "\"3000000h\"",
        "99999999999", "true",     "[]",         "\".s\"",   "\"1h30\"",
    };

    for (size_t i = 0; i < COUNT_OF(cases) + COUNT_OF(bad); i++) {
        const char *value = i < COUNT_OF(cases) ? cases[i].text : bad[i - COUNT_OF(cases)];
        struct arena arena = {0};
        struct config_node *root;
        char text[64];
        int64_t ns = -1;
        enum result rc;

        snprintf(text, sizeof(text), "d: %s", value);
        assert_int_equal(config_parse(slice_of(text), "t", NULL, &arena, &root, NULL), OK);
        rc = config_duration(config_get(root, "d"), &ns);
        if ((rc == OK) != (i < COUNT_OF(cases)) || (rc == OK && ns != cases[i].ns))
            fail_msg("%s: %s %lld", text, result_name(rc), (long long)ns);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_zero_byte_is_no_text),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_nodes_know_where_they_stand),
        cmocka_unit_test_setup_teardown(test_files_include_files, make_files, remove_files),
        cmocka_unit_test_setup_teardown(test_includes_that_fail, make_files, remove_files),
        cmocka_unit_test(test_durations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
