#include "dataplane/node/option_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/clock.h"

struct room {
    const char *name;
    int64_t seats, open_ns;
    bool warm;
    struct strings guests;
};

#define T struct room
static const struct option table[] = {
    {"name|title", OPTION_TEXT_AT(T, name)},
    {"seats", OPTION_NUMBER_AT(T, seats), 1, 100},
    {"open", OPTION_DURATION_AT(T, open_ns)},
    {"warm", OPTION_BOOL_AT(T, warm)},
    {"guests", OPTION_TEXTS_AT(T, guests)},
    {"colour", OPTION_NONE},
    {"sauna", OPTION_LATER},
    {0},
};
#undef T

struct reading {
    struct arena arena;
    struct option_reader reader;
    struct room room;
};

static void read_text(struct reading *reading, const char *text)
{
    struct config_error error;
    struct config_node *root;

    *reading = (struct reading){0};
    assert_int_equal(config_parse(slice_of(text), "f", NULL, &reading->arena, &root, &error), OK);
    option_reader_init(&reading->reader, &reading->arena);
    option_table_read(&reading->reader, table, root, &reading->room);
}

static void done(struct reading *reading)
{
    option_reader_fini(&reading->reader);
    arena_fini(&reading->arena);
}

static void test_every_kind(void **state)
{
    struct reading r;

    read_text(&r, "TITLE: blue, seats: 4, open: 2s, warm: yes, guests: [a, b], colour: {x: 1}");
    assert_int_equal(r.reader.errors.len, 0);
    assert_string_equal(r.room.name, "blue");
    assert_int_equal(r.room.seats, 4);
    assert_int_equal(r.room.open_ns, 2 * NS_PER_S);
    assert_true(r.room.warm);
    assert_int_equal(r.room.guests.count, 2);
    assert_string_equal(r.room.guests.items[1], "b");
    done(&r);
    read_text(&r, "guests: alone");
    assert_int_equal(r.room.guests.count, 1);
    done(&r);
}

static void test_the_last_of_equal_keys_counts(void **state)
{
    struct reading r;

    read_text(&r, "seats: x\nseats: 3\n");
    assert_string_equal(buf_text(&r.reader.errors), "");
    assert_int_equal(r.room.seats, 3);
    done(&r);
}

static void test_mistakes_have_a_place(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"seat: 1", "f:1:0: unknown field \"seat\"\n"},
        {"name: x\nseat: 1\nbed: 2\n",
         "f:2:1: unknown field \"seat\"\nf:3:1: unknown field \"bed\"\n"},
        {"name: 3", "f:1:0: \"name\" must be a text, not an integer\n"},
        {"seats: 101", "f:1:0: seats value is too big\n"},
        {"seats: 0", "f:1:0: seats must not be less than 1\n"},
        {"seats: \"1\"", "f:1:0: \"seats\" must be an integer, not a text\n"},
        {"warm: 1", "f:1:0: \"warm\" must be a boolean, not an integer\n"},
        {"open: zz", "f:1:0: error parsing open: time: invalid duration \"zz\"\n"},
        {"guests: [1]", "f:1:9: this value must be a text, not an integer\n"},
        {"name: x\n  sauna { a: b }\n", "not supported yet: sauna (f:2)\n"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reading r;

        read_text(&r, cases[i].text);
        assert_string_equal(buf_text(&r.reader.errors), cases[i].error);
        done(&r);
    }
}

static void test_a_variable_is_no_unknown_field(void **state)
{
    struct reading r;

    read_text(&r, "N: 7\nseats: $N\n");
    assert_string_equal(buf_text(&r.reader.errors), "");
    assert_int_equal(r.room.seats, 7);
    done(&r);
}

static void test_bare_seconds_are_warned_about(void **state)
{
    struct reading r;

    read_text(&r, "open: 3");
    assert_int_equal(r.room.open_ns, 3 * NS_PER_S);
    assert_string_equal(buf_text(&r.reader.warnings), "f:1:0: invalid use of field \"open\": open "
                                                      "should be converted to a duration\n");
    done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_the_last_of_equal_keys_counts),
        cmocka_unit_test(test_mistakes_have_a_place),
        cmocka_unit_test(test_a_variable_is_no_unknown_field),
        cmocka_unit_test(test_bare_seconds_are_warned_about),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
