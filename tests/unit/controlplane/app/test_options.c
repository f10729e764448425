#include "controlplane/app/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ARGS_MAX = 16 };

struct load {
    struct arena arena;
    struct app_options options;
    struct buf message;
    char texts[ARGS_MAX][128];
    enum result rc;
};

/* Words that end with NULL. */
static void load(struct load *load, ...)
{
    char *argv[ARGS_MAX] = {load->texts[0]};
    const char *word;
    va_list args;
    int argc = 1;

    snprintf(load->texts[0], sizeof(load->texts[0]), "berth-control");
    va_start(args, load);
    while ((word = va_arg(args, const char *)) != NULL) {
        snprintf(load->texts[argc], sizeof(load->texts[argc]), "%s", word);
        argv[argc] = load->texts[argc];
        argc++;
    }
    va_end(args);
    load->rc = options_load(argc, argv, &load->arena, &load->options, &load->message);
}

static void unload(struct load *load)
{
    arena_fini(&load->arena);
    buf_fini(&load->message);
}

#define NEEDED "--database", "dbname=b", "--master-key-file", "key"

static void test_defaults_are_safe(void **state)
{
    struct load given = {0};

    load(&given, NEEDED, NULL);
    assert_int_equal(given.rc, OK);
    assert_string_equal(given.options.listen, "127.0.0.1:8080");
    assert_int_equal(given.options.log_level, LOG_INFO);
    assert_null(given.options.bootstrap_file);
    unload(&given);
}

static void test_flags_in_all_their_forms(void **state)
{
    struct load given = {0};

    load(&given, NEEDED, "--listen=:9", "-l", "[::1]:0", "--log-level", "debug", "-t", NULL);
    assert_int_equal(given.rc, OK);
    assert_string_equal(given.options.listen, "[::1]:0");
    assert_int_equal(given.options.log_level, LOG_DEBUG);
    assert_true(given.options.check);
    unload(&given);
}

static void test_a_password_does_not_stay_in_argv(void **state)
{
    struct load given = {0};

    load(&given, "--database", "dbname=b password=secret", "--database-owner=password=other",
         "--master-key-file", "key", NULL);
    assert_string_equal(given.options.database, "dbname=b password=secret");
    assert_string_equal(given.options.database_owner, "password=other");
    assert_null(strstr(given.texts[2], "secret"));
    assert_null(strstr(given.texts[3], "other"));
    unload(&given);
}

static void test_mistakes_are_named(void **state)
{
    static const struct {
        const char *flag, *value, *said;
    } cases[] = {
        {"--nope", NULL, "there is no flag --nope"},
        {"-x", NULL, "there is no flag -x"},
        {"word", NULL, "\"word\" is not a flag"},
        {"--listen", NULL, "--listen needs a value: HOST:PORT"},
        {"--listen=", NULL, "--listen is empty"},
        {"--help=yes", NULL, "--help takes no value"},
        {"--http-threads", "0", "--http-threads must be a number from 1 to 64"},
        {"--http-threads", "65", "--http-threads must be a number from 1 to 64"},
        {"--http-threads", "8x", "--http-threads must be a number from 1 to 64"},
        {"--log-level", "loud", "--log-level must be error, warn, info, debug or trace"},
        {"--config", "/nowhere/at/all", "/nowhere/at/all"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct load given = {0};

        load(&given, NEEDED, cases[i].flag, cases[i].value, NULL);
        assert_int_not_equal(given.rc, OK);
        if (strstr(buf_text(&given.message), cases[i].said) == NULL)
            fail_msg("%s: %s", cases[i].flag, buf_text(&given.message));
        unload(&given);
    }
}

static void test_what_is_needed_is_asked_for(void **state)
{
    struct load given = {0};

    load(&given, NULL);
    assert_int_equal(given.rc, ERR_INVALID);
    assert_non_null(strstr(buf_text(&given.message), "--database"));
    assert_non_null(strstr(buf_text(&given.message), "--master-key-file"));
    unload(&given);
    given = (struct load){0};
    load(&given, "--help", NULL);
    assert_int_equal(given.rc, OK);
    assert_true(given.options.help);
    unload(&given);
}

static void test_the_example_of_the_help_is_enough_to_start(void **state)
{
    char *text, *argv[ARGS_MAX] = {0}, *at;
    struct load given = {0};
    size_t len;
    int argc = 0;
    FILE *out = open_memstream(&text, &len);

    options_usage(out);
    fclose(out);
    at = strstr(text, "Example:\n  ");
    assert_non_null(at);
    at += strlen("Example:\n  ");
    at[strcspn(at, "\n")] = 0;
    while (*at != 0) {
        char end = *at == '"' ? '"' : ' ';

        assert_true(argc < ARGS_MAX);
        at += end == '"';
        argv[argc++] = at;
        at += strcspn(at, (char[]){end, 0});
        while (*at == end || *at == ' ')
            *at++ = 0;
    }
    assert_string_equal(argv[0], "berth-control");
    given.rc = options_load(argc, argv, &given.arena, &given.options, &given.message);
    assert_int_equal(given.rc, OK);
    unload(&given);
    free(text);
}

/* --- the file ----------------------------------------------------------------------------- */

static char file[] = "/tmp/berth-options.XXXXXX";

static void write_file(const char *text)
{
    FILE *out = fopen(file, "we");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static int make_file(void **state)
{
    int fd = mkstemp(file);

    close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    return unlink(file);
}

static void test_flags_go_before_the_file(void **state)
{
    struct load given = {0};

    write_file("LISTEN = \"127.0.0.1:7\" # a variable\n"
               "database: \"dbname=file\"\nmaster_key_file: key\nlisten: $LISTEN\n"
               "http_threads: 3\nlog_level: warn\n");
    load(&given, "-c", file, "--database", "dbname=flag", NULL);
    assert_int_equal(given.rc, OK);
    assert_string_equal(given.options.database, "dbname=flag");
    assert_string_equal(given.options.listen, "127.0.0.1:7");
    assert_int_equal(given.options.http_threads, 3);
    assert_int_equal(given.options.log_level, LOG_WARN);
    unload(&given);
}

static void test_mistakes_in_the_file_are_all_told(void **state)
{
    static const char *const said[] = {
        ":2: nonsense is not a key",
        ":3: http_threads must be a number",
        ":4: listen must be text",
        ":5: config is not a key",
    };
    struct load given = {0};

    write_file("database: x\nnonsense: 1\nhttp_threads: many\nlisten: [1]\nconfig: y\n");
    load(&given, "--master-key-file", "key", "--config", file, NULL);
    assert_int_equal(given.rc, ERR_INVALID);
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        if (strstr(buf_text(&given.message), said[i]) == NULL)
            fail_msg("%s is missing in %s", said[i], buf_text(&given.message));
    }
    unload(&given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_safe),
        cmocka_unit_test(test_flags_in_all_their_forms),
        cmocka_unit_test(test_a_password_does_not_stay_in_argv),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_what_is_needed_is_asked_for),
        cmocka_unit_test(test_the_example_of_the_help_is_enough_to_start),
        cmocka_unit_test(test_flags_go_before_the_file),
        cmocka_unit_test(test_mistakes_in_the_file_are_all_told),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
