#include "dataplane/node/flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 12 };

struct line {
    struct arena arena;
    struct flags flags;
    char error[FLAGS_ERROR_MAX];
    char *argv[WORDS_MAX];
    int argc;
};

/* The words of a command line, cut at blanks. */
static enum result parse(struct line *line, const char *text)
{
    struct slice rest = slice_of(text), word;

    *line = (struct line){0};
    while (slice_cut(&rest, ' ', &word))
        line->argv[line->argc++] = arena_copy(&line->arena, word);
    return flags_parse(line->argc, line->argv, &line->arena, &line->flags, line->error);
}

static void test_every_form_of_a_flag(void **state)
{
    static const char *const lines[] = {
        "/x/berth-broker -p 99 -c f -DV",
        "berth-broker --port=99 -config f --DV",
        "berth-broker -port 99 --config=f -DV=true",
        "berth-broker -p=0x63 -c=f -DV=T",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct line line;

        assert_int_equal(parse(&line, lines[i]), OK);
        assert_string_equal(line.flags.program, "berth-broker");
        assert_true(line.flags.port.set);
        assert_int_equal(line.flags.port.value, 99);
        assert_string_equal(line.flags.config, "f");
        assert_true(flags_on(line.flags.debug_trace));
        assert_null(line.flags.word);
        arena_fini(&line.arena);
    }
}

static void test_a_switch_takes_its_value_only_behind_an_equals_sign(void **state)
{
    struct line line;

    assert_int_equal(parse(&line, "b -T=false -D false"), OK);
    assert_true(line.flags.logtime.set);
    assert_false(flags_on(line.flags.logtime));
    assert_true(flags_on(line.flags.debug));
    assert_string_equal(line.flags.word, "false");
    arena_fini(&line.arena);
}

static void test_words_end_the_flags(void **state)
{
    struct line line;

    assert_int_equal(parse(&line, "b -p 1 help -p 2"), OK);
    assert_int_equal(line.flags.port.value, 1);
    assert_string_equal(line.flags.word, "help");
    arena_fini(&line.arena);
    assert_int_equal(parse(&line, "b -- -p"), OK);
    assert_string_equal(line.flags.word, "-p");
    arena_fini(&line.arena);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *line, *error;
        enum result rc;
    } cases[] = {
        {"b -zz", "flag provided but not defined: -zz", ERR_SYNTAX},
        {"b --zz=1", "flag provided but not defined: -zz", ERR_SYNTAX},
        {"b -p", "flag needs an argument: -p", ERR_SYNTAX},
        {"b -p abc", "invalid value \"abc\" for flag -p: parse error", ERR_SYNTAX},
        {"b -p 1x", "invalid value \"1x\" for flag -p: parse error", ERR_SYNTAX},
        {"b -D=maybe", "invalid boolean value \"maybe\" for -D: parse error", ERR_SYNTAX},
        {"b -=3", "bad flag syntax: -=3", ERR_SYNTAX},
        {"b ---x", "bad flag syntax: ---x", ERR_SYNTAX},
        {"b -js", "not supported yet: -js", ERR_UNSUPPORTED},
        {"b -cluster nats://x", "not supported yet: -cluster", ERR_UNSUPPORTED},
        {"b --tls", "not supported yet: -tls", ERR_UNSUPPORTED},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct line line;

        assert_int_equal(parse(&line, cases[i].line), cases[i].rc);
        assert_string_equal(line.error, cases[i].error);
        arena_fini(&line.arena);
    }
}

static void test_secrets_leave_the_command_line(void **state)
{
    struct line line;

    assert_int_equal(parse(&line, "b --user me --pass=sesame --auth token"), OK);
    assert_string_equal(line.flags.user, "me");
    assert_string_equal(line.flags.pass, "sesame");
    assert_string_equal(line.flags.token, "token");
    assert_string_equal(line.argv[2], "**");
    assert_string_equal(line.argv[3], "--pass=******");
    assert_string_equal(line.argv[5], "*****");
    arena_fini(&line.arena);
}

static void test_the_usage_text_names_the_flags(void **state)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    flags_usage(out, "prog");
    fclose(out);
    assert_non_null(strstr(text, "Usage: prog"));
    assert_non_null(strstr(text, "--config FILE"));
    assert_non_null(strstr(text, "--workers N"));
    free(text);
}

static void test_the_examples_of_the_usage_text_parse(void **state)
{
    struct slice rest, one;
    size_t len, count = 0;
    char *text;
    FILE *out = open_memstream(&text, &len);

    flags_usage(out, "prog");
    fclose(out);
    rest = slice_of(strstr(text, "Examples:\n"));
    while (slice_cut(&rest, '\n', &one)) {
        struct line line;

        if (!slice_starts(slice_trim(one), SLICE("prog")))
            continue;
        one = slice_trim(one);
        text[one.data + one.len - text] = 0;
        assert_int_equal(parse(&line, one.data), OK);
        assert_null(line.flags.word);
        arena_fini(&line.arena);
        count++;
    }
    assert_true(count > 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_of_a_flag),
        cmocka_unit_test(test_a_switch_takes_its_value_only_behind_an_equals_sign),
        cmocka_unit_test(test_words_end_the_flags),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_secrets_leave_the_command_line),
        cmocka_unit_test(test_the_usage_text_names_the_flags),
        cmocka_unit_test(test_the_examples_of_the_usage_text_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
