#include "dataplane/node/option_operator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/option_text.h"
#include "tests/lib/station.h"

struct options {
    struct option_operators operators;
    struct strings trusted;
    struct resolver_options resolver;
};

static const struct option table[] = {
    {"operator", OPTION_READ_AT(struct options, operators), .read = option_operator_read},
    {"trusted", OPTION_READ_AT(struct options, trusted), .read = option_operator_trusted},
    {"resolver", OPTION_READ_AT(struct options, resolver), .read = option_operator_resolver},
    {"resolver_preload", OPTION_READ_AT(struct options, resolver), .read = option_operator_preload},
    {0},
};

struct reading {
    struct option_text text;
    struct options options;
};

static void read_text(struct reading *reading, const char *text)
{
    *reading = (struct reading){0};
    option_text_read(&reading->text, table, text, &reading->options);
}

static void test_an_operator_its_resolver_and_what_is_preloaded(void **state)
{
    struct station_keys keys;
    struct reading r;

    station_keys_init(&keys, "/d");
    read_text(&r, buf_text(&keys.config));
    assert_string_equal(buf_text(&r.text.reader.errors), "");
    assert_int_equal(r.options.operators.count, 1);
    assert_string_equal(r.options.operators.items[0].claims->operator->system_account,
                        buf_text(&keys.system_id));
    assert_int_equal(r.options.resolver.kind, RESOLVER_FULL);
    assert_string_equal(r.options.resolver.dir, "/d/jwt");
    assert_true(r.options.resolver.allow_delete);
    assert_int_equal(r.options.resolver.preload_count, 1);
    assert_string_equal(r.options.resolver.preload[0].key, buf_text(&keys.system_id));
    option_text_done(&r.text);
    station_keys_fini(&keys);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"operator: /nope", "error parsing operator JWT: open /nope: no such file or directory"},
        {"operator: eyJhbGciOi", "error parsing operator JWT: "},
        {"trusted: [foo]", "trust key \"foo\" required to be a valid public operator nkey"},
        {"resolver: FOO", "error parsing account resolver, should be MEM or  URL(\"url\") or a map "
                          "containing dir and type state=[FULL|CACHE])"},
        {"resolver: \"URL(http://x/)\"", "not supported yet: resolver (f:1)"},
        {"resolver {type: full}", "dir has no value and needs to point to a directory"},
        {"resolver {type: full, dir: x, ttl: 2s}", "FULL does not accept ttl"},
        {"resolver {type: full, dir: x, hard_delete: true}",
         "hard_delete has no effect without delete"},
        {"resolver {type: cache, dir: x, hard_delete: true}", "CACHE does not accept hard_delete"},
        {"resolver {type: cache, dir: x, allow_delete: true}",
         "CACHE does not accept allow_delete"},
        {"resolver {type: cache, dir: x, interval: 2s}", "CACHE does not accept sync"},
        {"resolver {type: cache, dir: x}", "not supported yet: resolver (f:1)"},
        {"resolver {type: foo, dir: x}", "error parsing account resolver"},
        {"resolver_preload {A: b}", "invalid account JWT"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reading r;

        read_text(&r, cases[i].text);
        if (strstr(buf_text(&r.text.reader.errors), cases[i].error) == NULL)
            fail_msg("%s: \"%s\"", cases[i].text, buf_text(&r.text.reader.errors));
        option_text_done(&r.text);
    }
}

static void test_memory(void **state)
{
    struct reading r;

    read_text(&r, "resolver: MEMORY");
    assert_int_equal(r.options.resolver.kind, RESOLVER_MEMORY);
    option_text_done(&r.text);
    read_text(&r, "resolver: mem");
    assert_int_equal(r.options.resolver.kind, RESOLVER_MEMORY);
    option_text_done(&r.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_operator_its_resolver_and_what_is_preloaded),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
