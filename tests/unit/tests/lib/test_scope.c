#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/scope.h"

/* Peer A has heard a nonce, nobody else anything. */
static bool one_nonce(void *context, char peer, struct slice field, struct buf *out)
{
    if (peer != 'A' || !slice_equal(field, SLICE("nonce")))
        return false;
    buf_add_text(out, "abc");
    return true;
}

static void open_scope(struct scope *scope, const struct transcript *transcript)
{
    scope_init(scope, transcript);
    scope->info = one_nonce;
    scope->next_len = 12;
    scope_set(scope, SLICE("name"), SLICE("value"));
}

static void test_expand(void **state)
{
    static const struct {
        const char *text, *expanded; /* NULL: refused */
    } cases[] = {
        {"plain $ {x}", "plain $ {x}"},
        {"<${name}>", "<value>"},
        {"${#}", "12"},
        {"${repeat:3:ab}", "ababab"},
        {"${repeat:2:${name}.}", "value.value."},
        {"${A.nonce}", "abc"},
        {"a\\r\\n\\x41\\\\", "a\r\nA\\"},
        {"\\q", "\\q"},
        {"${unknown}", NULL},
        {"${B.nonce}", NULL},
        {"${name", NULL},
        {"${repeat:x:y}", NULL},
        {"${pub:Q:x}", NULL},
        {"${jwt:none}", NULL},
    };
    struct transcript transcript = {0};
    struct scope scope;

    open_scope(&scope, &transcript);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = {0};
        bool ok = scope_expand(&scope, cases[i].text, true, &out);

        if (ok != (cases[i].expanded != NULL))
            fail_msg("%s: %s", cases[i].text, ok ? buf_text(&out) : scope.error);
        if (ok)
            assert_string_equal(buf_text(&out), cases[i].expanded);
        buf_fini(&out);
    }
    scope_fini(&scope);
}

static void test_match(void **state)
{
    static const struct {
        const char *pattern, *line;
        bool matches;
    } cases[] = {
        {"PONG", "PONG", true},
        {"PONG", "PONG ", false},
        {"MSG a 1 ${*}", "MSG a 1 12", true},
        {"MSG a 1 ${*}", "MSG a 2 12", false},
        {"${*}", "", true},
        {"a${*}c", "abbc", true},
        {"a${*}c", "abcd", false},
        {"${*}\"x\"${*}", "{\"x\":1}", true},
        {"${name} ${*}", "value 1", true},
        {"${name} ${*}", "other 1", false},
    };
    struct transcript transcript = {0};
    struct scope scope;

    open_scope(&scope, &transcript);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (scope_match(&scope, cases[i].pattern, slice_of(cases[i].line)) != cases[i].matches)
            fail_msg("%s ~ %s", cases[i].pattern, cases[i].line);
    }
    scope_fini(&scope);
}

static void test_taken_stays(void **state)
{
    struct transcript transcript = {0};
    struct scope scope;

    open_scope(&scope, &transcript);
    assert_false(scope_match(&scope, "MSG ${?subject} 2", SLICE("MSG a.b 1")));
    assert_false(scope_match(&scope, "${subject}", SLICE("a.b")));
    assert_true(scope_match(&scope, "MSG ${?subject} 1", SLICE("MSG a.b 1")));
    assert_true(scope_match(&scope, "${subject}", SLICE("a.b")));
    scope_fini(&scope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expand),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_taken_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
