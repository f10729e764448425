#include "api/nats/scope_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/nats/limits.h"

static const char *user_tag_items[] = {"dept:a", "dept:b", "one:x",  "bad:*",
                                       "plain",  "none:",  "Upper:x"};
static const struct strings user_tags = {user_tag_items, COUNT_OF(user_tag_items)};
static const char *account_tag_items[] = {"region:eu"};
static const struct strings account_tags = {account_tag_items, 1};

static const struct scope_template_input input = {
    .user_name = "joe",
    .user_subject = "UKEY",
    .account_name = "acme",
    .account_subject = "AKEY",
    .user_tags = &user_tags,
    .account_tags = &account_tags,
};

/* The list joined with commas. */
static void joined(const struct strings *list, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < list->count && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s%s", i > 0 ? "," : "", list->items[i]);
}

static void test_allow(void **state)
{
    static const struct {
        const char *entry, *result;
    } cases[] = {
        {"plain.>", "plain.>"},
        {"x.{{name()}}.>", "x.joe.>"},
        {"{{ Name() }}", "joe"},
        {"{{subject()}}.{{account-name()}}.{{account-subject()}}", "UKEY.acme.AKEY"},
        {"d.{{tag(dept)}}", "d.a,d.b"},
        {"d.{{ tag(Dept) }}.{{tag(one)}}", "d.a.x,d.b.x"},
        {"{{tag(dept)}}.{{tag(dept)}}", "a.a,b.b"},
        {"{{tag(dept)}}.{{tag(DEPT)}}", "a.a,a.b,b.a,b.b"},
        {"{{tag(dept)}}.{{name()}}.{{tag(dept)}}", "a.joe.a,b.joe.b"},
        {"{{account-tag(region)}}.>", "eu.>"},
        {"{{}}.{{name()}}", "{{}}.joe"},
        {"{{na}me()}}", "{{na}me()}}"},
        {"{{name()", "{{name()"},
        {"q workers", "q workers"}, /* no placeholder in the list */
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *items[] = {cases[i].entry};
        struct claims_user_limits template = {.permissions.sub.allow = {items, 1}}, out;
        struct arena arena = {0};
        char text[256];

        assert_int_equal(scope_template_apply(&template, &input, &arena, &out), OK);
        joined(&out.permissions.sub.allow, text, sizeof(text));
        assert_string_equal(text, cases[i].result);
        assert_int_equal(out.permissions.sub.deny.count, 0);
        arena_fini(&arena);
    }
}

static const char *const unfillable[] = {
    "a.{{tag(missing)}}", "a.{{tag(bad)}}",   "a.{{tag(none)}}", "a.{{TAG(dept)}}",
    "a.{{tag( dept )}}",  "a.{{tag(upper)}}", "a.{{tag()}}",     "a.{{account-Tag(region)}}",
    "a..{{name()}}",      "a {{name()}}",
};

static void test_what_cannot_be_filled(void **state)
{
    for (size_t i = 0; i < COUNT_OF(unfillable); i++) {
        const char *alone[] = {unfillable[i]}, *pair[] = {unfillable[i], "b"};
        struct claims_user_limits template = {.permissions.pub.allow = {alone, 1}}, out;
        struct arena arena = {0};

        /* An allow list that ends up empty denies everything. */
        assert_int_equal(scope_template_apply(&template, &input, &arena, &out), OK);
        assert_int_equal(out.permissions.pub.allow.count, 0);
        assert_int_equal(out.permissions.pub.deny.count, 1);
        assert_string_equal(out.permissions.pub.deny.items[0], ">");
        assert_int_equal(out.permissions.sub.deny.count, 0);

        template.permissions.pub.allow = (struct strings){pair, 2};
        assert_int_equal(scope_template_apply(&template, &input, &arena, &out), OK);
        assert_int_equal(out.permissions.pub.allow.count, 1);
        assert_string_equal(out.permissions.pub.allow.items[0], "b");
        assert_int_equal(out.permissions.pub.deny.count, 0);

        /* In a deny list it refuses the user. */
        template = (struct claims_user_limits){.permissions.pub.deny = {pair, 2}};
        assert_int_equal(scope_template_apply(&template, &input, &arena, &out), ERR_DENIED);
        arena_fini(&arena);
    }
}

static void test_other_functions_refuse_the_user(void **state)
{
    static const char *const entries[] = {
        "a.{{unknown()}}", "a.{{name}}",           "a.{{name(x)}}",
        "a.{{name( )}}",   "a.{{tag (dept)}}",     "a.{{ }}",
        "a.{{{name()}}}",  "a.{{account_name()}}", "{{tag(missing)}}.{{unknown()}}",
    };

    for (size_t i = 0; i < COUNT_OF(entries); i++) {
        const char *items[] = {"b", entries[i]};
        struct claims_user_limits template = {.permissions.pub.allow = {items, 2}}, out;
        struct arena arena = {0};

        assert_int_equal(scope_template_apply(&template, &input, &arena, &out), ERR_DENIED);
        arena_fini(&arena);
    }
}

static void test_a_list_without_placeholders(void **state)
{
    const char *items[] = {"a..b", "ok", "q workers", ""}, *filled[] = {"{{name()}}", "q workers"};
    struct claims_user_limits template = {.permissions.sub = {{items, 4}, {items, 4}}}, out;
    struct arena arena = {0};
    char text[64];

    /* What is no entry says nothing, not even to deny. */
    assert_int_equal(scope_template_apply(&template, &input, &arena, &out), OK);
    joined(&out.permissions.sub.allow, text, sizeof(text));
    assert_string_equal(text, "ok,q workers");
    joined(&out.permissions.sub.deny, text, sizeof(text));
    assert_string_equal(text, "ok,q workers");

    /* Beside a placeholder an entry with a queue is none. */
    template.permissions.sub = (struct claims_subjects){.allow = {filled, 2}};
    assert_int_equal(scope_template_apply(&template, &input, &arena, &out), OK);
    joined(&out.permissions.sub.allow, text, sizeof(text));
    assert_string_equal(text, "joe");
    template.permissions.sub = (struct claims_subjects){.deny = {filled, 2}};
    assert_int_equal(scope_template_apply(&template, &input, &arena, &out), ERR_DENIED);
    arena_fini(&arena);
}

static void test_a_name_cannot_widen_the_scope(void **state)
{
    static const char *const names[] = {"*", ">", "a.*", "a b", "a\tb", ""};
    const char *items[] = {"x.{{name()}}"};
    struct claims_user_limits template = {.permissions.pub.allow = {items, 1}}, out;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct scope_template_input named = input;
        struct arena arena = {0};

        named.user_name = names[i];
        assert_int_equal(scope_template_apply(&template, &named, &arena, &out), OK);
        assert_int_equal(out.permissions.pub.allow.count, 0);
        arena_fini(&arena);
    }
}

static void test_limits_are_taken_over(void **state)
{
    struct claims_response resp = {1, 2};
    struct claims_user_limits template = {.nats = {1, 2, 3},
                                          .bearer_token = true,
                                          .permissions.resp = &resp},
                              out;
    struct arena arena = {0};

    assert_int_equal(scope_template_apply(&template, &input, &arena, &out), OK);
    assert_int_equal(out.nats.payload, 3);
    assert_true(out.bearer_token);
    assert_int_equal(out.permissions.resp->max, 1);
    arena_fini(&arena);
}

static void test_too_many(void **state)
{
    static char texts[65][16];
    static const char *tags[65];
    const char *items[] = {"{{tag(t)}}.{{tag(T)}}"};
    struct claims_user_limits template = {.permissions.pub.allow = {items, 1}}, out;
    struct scope_template_input many = input;
    struct strings list = {tags, 64};
    struct arena arena = {0};

    for (int i = 0; i < 65; i++) {
        snprintf(texts[i], sizeof(texts[i]), "t:%d", i);
        tags[i] = texts[i];
    }
    many.user_tags = &list;
    assert_int_equal(scope_template_apply(&template, &many, &arena, &out), OK);
    assert_int_equal(out.permissions.pub.allow.count, TEMPLATE_EXPANSIONS_MAX);
    list.count = 65;
    assert_int_equal(scope_template_apply(&template, &many, &arena, &out), ERR_LIMIT);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allow),
        cmocka_unit_test(test_what_cannot_be_filled),
        cmocka_unit_test(test_other_functions_refuse_the_user),
        cmocka_unit_test(test_a_list_without_placeholders),
        cmocka_unit_test(test_a_name_cannot_widen_the_scope),
        cmocka_unit_test(test_limits_are_taken_over),
        cmocka_unit_test(test_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
