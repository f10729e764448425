#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "dataplane/account/permission.h"

enum { ENTRIES_MAX = 12 };

/* Lists as NULL-terminated arrays; what the reference server 2.14.3 says, unless it is marked. */
struct lists {
    const char *publish_allow[ENTRIES_MAX], *publish_deny[ENTRIES_MAX];
    const char *subscribe_allow[ENTRIES_MAX], *subscribe_deny[ENTRIES_MAX];
    bool publish_allow_set, responses;
};

static const struct lists a = {
    .subscribe_allow = {"foo.*", "q.x grp", "q.x", "only.q grp*", "oq.> v1.*", "oq2 v1.>", "mix.a",
                        "mix.a g1", "w.* gg", "st.>", NULL},
    .subscribe_deny = {"st.x", "st.y dq", "st.z.*", NULL},
};
static const struct lists b = {
    .subscribe_deny = {"foo.*", "d.a.c", "e.*.c", "qd.a qq", "f.>", NULL},
};
static const struct lists c = {
    .publish_allow = {"p.*", "r.>", "s", "skipped queue", NULL},
    .publish_deny = {"p.x", "r.*.d", "r.q queue", NULL},
};
static const struct lists deny_only = {.publish_deny = {"x.>", NULL}};
static const struct lists nothing = {.publish_allow_set = true};
static const struct lists answers = {.responses = true};

static struct strings strings_of(const char *const *items)
{
    struct strings out = {(const char **)items, 0};

    while (items[out.count] != NULL)
        out.count++;
    return out;
}

static struct permission *make(const struct lists *lists)
{
    struct permission_rules rules = {
        .publish_allow_set = lists->publish_allow_set,
        .publish_allow = strings_of(lists->publish_allow),
        .publish_deny = strings_of(lists->publish_deny),
        .subscribe_allow = strings_of(lists->subscribe_allow),
        .subscribe_deny = strings_of(lists->subscribe_deny),
        .responses = lists->responses,
    };
    struct permission *permission;

    assert_int_equal(permission_new(&rules, &permission), OK);
    return permission;
}

static void test_subscribing(void **state)
{
    static const struct {
        const struct lists *lists;
        const char *subject, *queue;
        bool allowed;
    } cases[] = {
        {&a, "foo.a", NULL, true},
        {&a, "foo.*", NULL, true},
        {&a, "foo.>", NULL, false}, /* the reference server lets '*' cover '>' */
        {&a, "foo.*.>", NULL, false},
        {&a, "*", NULL, false},
        {&a, ">", NULL, false},
        {&a, "foo", NULL, false},
        {&a, "q.x", NULL, true},
        {&a, "q.x", "grp", true},
        {&a, "q.x", "other", false}, /* queue entries decide if there are any */
        {&a, "only.q", NULL, false},
        {&a, "only.q", "grp1", false}, /* a '*' inside a token is a letter */
        {&a, "only.q", "grp", false},
        {&a, "only.q", "grp*", true},
        {&a, "oq.a", "v1.a", true},
        {&a, "oq.a", "v2", false},
        {&a, "oq.a", NULL, false},
        {&a, "oq2", "v1.a.b", true},
        {&a, "oq2", "v1", false},
        {&a, "mix.a", NULL, true},
        {&a, "mix.a", "g1", true},
        {&a, "mix.a", "g2", false},
        {&a, "w.*", "gg", true},
        {&a, "w.*", NULL, false},
        {&a, "w.a", "gg", true},
        {&a, "st.x", NULL, false},
        {&a, "st.x", "dq", false},
        {&a, "st.y", NULL, true},
        {&a, "st.y", "dq", false},
        {&a, "st.y", "d2", true},
        {&a, "st.*", NULL, true}, /* wider than a deny entry */
        {&a, "st.*", "dq", true},
        {&a, "st.z.*", NULL, false},
        {&a, "st.z.>", NULL, false}, /* '*' in a deny entry covers '>' */
        {&a, "st.z.a", NULL, false},
        {&a, "st.>", NULL, true},
        {&b, "foo.a", NULL, false},
        {&b, "foo.*", NULL, false},
        {&b, "foo.>", NULL, false},
        {&b, "*.a", NULL, true},
        {&b, "d.*.c", NULL, true},
        {&b, "e.a.*", NULL, true},
        {&b, "e.a.c", NULL, false},
        {&b, "qd.a", NULL, true},
        {&b, "qd.a", "qq", false},
        {&b, "qd.*", "qq", true},
        {&b, "f.*", NULL, false},
        {&b, "f.>", NULL, false},
        {&b, "*.>", NULL, true},
        {&b, ">", NULL, true},
        {&c, ">", "any", true}, /* no list: all */
        {&nothing, "a", NULL, true},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct permission *permission = make(cases[i].lists);

        if (permission_subscribe(permission, slice_of(cases[i].subject),
                                 slice_of(cases[i].queue)) != cases[i].allowed)
            fail_msg("SUB %s %s", cases[i].subject, cases[i].queue ? cases[i].queue : "");
        permission_free(permission);
    }
}

static void test_publishing(void **state)
{
    static const struct {
        const struct lists *lists;
        const char *subject;
        bool allowed;
    } cases[] = {
        {&c, "p.a", true},
        {&c, "p.x", false},
        {&c, "p.*", true}, /* wildcards are plain tokens */
        {&c, "p.>", true},
        {&c, "r", false},
        {&c, "r.a", true},
        {&c, "r.a.d", false},
        {&c, "r.*.d", false},
        {&c, "r.>", true},
        {&c, "r.q", false}, /* a queue in a publish entry is ignored where it denies */
        {&c, "s", true},
        {&c, "s.a", false},
        {&c, "skipped", false}, /* and makes an entry void where it allows */
        {&c, "r.a..b", false},
        {&c, "q", false},
        {&c, "p.", false},
        {&c, "", false},
        {&deny_only, "x.a", false},
        {&deny_only, "x", true},
        {&deny_only, "x.*", false},
        {&nothing, "a", false},
        {&answers, "a", false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct permission *permission = make(cases[i].lists);

        if (permission_publish(permission, slice_of(cases[i].subject)) != cases[i].allowed)
            fail_msg("PUB %s", cases[i].subject);
        permission_free(permission);
    }
}

/* A subscription wider than a deny entry gets the rest. */
static void test_delivering(void **state)
{
    static const struct {
        const struct lists *lists;
        const char *pattern, *queue, *subject;
        bool filters, delivers;
    } cases[] = {
        {&b, "d.*.c", NULL, "d.a.c", true, false}, {&b, "d.*.c", NULL, "d.b.c", true, true},
        {&b, "e.a.*", NULL, "e.a.c", true, false}, /* neither is a subset of the other */
        {&b, "e.a.*", NULL, "e.a.d", true, true},  {&b, "*.a", NULL, "foo.a", true, false},
        {&b, "*.a", NULL, "g.a", true, true},      {&b, "g.*", NULL, "g.a", false, true},
        {&b, "g.a", NULL, "g.a", false, true},     {&b, "qd.*", NULL, "qd.a", true, true},
        {&b, "qd.*", "qq", "qd.a", true, false}, /* the reference server delivers */
        {&b, "qd.*", "other", "qd.a", true, true}, {&a, "st.>", NULL, "st.z.a", true, false},
        {&a, "st.>", NULL, "st.z", true, true},    {&a, "st.>", NULL, "st.x", true, false},
        {&c, ">", NULL, "x", false, true},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct permission *permission = make(cases[i].lists);

        if (permission_filters(permission, slice_of(cases[i].pattern)) != cases[i].filters)
            fail_msg("filters %s", cases[i].pattern);
        if (permission_deliver(permission, slice_of(cases[i].subject), slice_of(cases[i].queue)) !=
            cases[i].delivers)
            fail_msg("MSG %s to %s", cases[i].subject, cases[i].pattern);
        permission_free(permission);
    }
}

/* A deny entry without a queue denies, whatever stands beside it. */
static void test_plain_deny_is_not_weakened_by_queues(void **state)
{
    static const struct lists both = {.subscribe_deny = {"both", "both q", NULL}};
    struct permission *permission = make(&both);

    assert_false(permission_subscribe(permission, SLICE("both"), SLICE("q")));
    assert_false(permission_subscribe(permission, SLICE("both"), SLICE("other")));
    assert_false(permission_subscribe(permission, SLICE("both"), slice_of(NULL)));
    permission_free(permission);
}

static void test_no_rules_no_permission(void **state)
{
    static const struct lists none = {.publish_allow_set = false};

    assert_null(make(&none));
    assert_true(permission_publish(NULL, SLICE("a")));
    assert_true(permission_subscribe(NULL, SLICE(">"), SLICE("q")));
    assert_true(permission_deliver(NULL, SLICE("a"), SLICE("q")));
    assert_false(permission_filters(NULL, SLICE(">")));
    permission_free(NULL);
}

static void test_malformed_entries_are_refused(void **state)
{
    static const char *const entries[] = {"", "a..b", "a.", ">.a", "a b c", "a b..c", " "};

    for (size_t i = 0; i < COUNT_OF(entries); i++) {
        struct permission_rules rules = {.subscribe_deny = {(const char **)&entries[i], 1}};
        struct permission *permission;

        if (permission_new(&rules, &permission) != ERR_SYNTAX)
            fail_msg("\"%s\" was taken", entries[i]);
        assert_null(permission);
    }
}

static void test_rules_are_copied(void **state)
{
    char text[] = "a.b";
    const char *items[] = {text};
    struct permission_rules rules = {.publish_allow = {items, 1}, .responses_max = 3};
    struct permission *permission;

    assert_int_equal(permission_new(&rules, &permission), OK);
    text[0] = 'x';
    assert_true(permission_publish(permission, SLICE("a.b")));
    assert_string_equal(permission_rules(permission)->publish_allow.items[0], "a.b");
    assert_int_equal(permission_rules(permission)->responses_max, 3);
    permission_free(permission);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subscribing),
        cmocka_unit_test(test_publishing),
        cmocka_unit_test(test_delivering),
        cmocka_unit_test(test_plain_deny_is_not_weakened_by_queues),
        cmocka_unit_test(test_no_rules_no_permission),
        cmocka_unit_test(test_malformed_entries_are_refused),
        cmocka_unit_test(test_rules_are_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
