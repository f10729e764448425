#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/clock.h"
#include "dataplane/auth/auth_rules.h"

static void test_rules_of_claims(void **state)
{
    const char *pub[] = {"a.>", "b queue"}, *sub[] = {"c q"};
    struct claims_response response = {.max = 0, .ttl_ns = 0};
    struct claims_permissions permissions = {.pub.allow = {pub, 2}, .sub.deny = {sub, 1}};
    struct permission_rules rules;
    struct arena arena = {0};

    (void)state;
    auth_permission_rules(&permissions, &arena, &rules);
    assert_true(rules.publish_allow_set);
    assert_string_equal(rules.publish_allow.items[1], "b"); /* queues mean nothing there */
    assert_string_equal(rules.subscribe_deny.items[0], "c q");
    assert_false(rules.responses);
    permissions = (struct claims_permissions){.resp = &response};
    auth_permission_rules(&permissions, &arena, &rules);
    assert_true(rules.responses);
    assert_true(rules.publish_allow_set); /* nothing but responses */
    assert_int_equal(rules.responses_max, 1);
    assert_int_equal(rules.responses_ttl_ns, 120 * NS_PER_S);
    response = (struct claims_response){.max = -1, .ttl_ns = -1};
    auth_permission_rules(&permissions, &arena, &rules);
    assert_int_equal(rules.responses_max, -1);
    assert_int_equal(rules.responses_ttl_ns, -1);
    arena_fini(&arena);
}

static void test_nothing_said(void **state)
{
    const char *pub[] = {"a"};
    struct claims_response response = {.max = 1};

    (void)state;
    assert_true(auth_permissions_empty(&(struct claims_permissions){0}));
    assert_false(auth_permissions_empty(&(struct claims_permissions){.pub.deny = {pub, 1}}));
    assert_false(auth_permissions_empty(&(struct claims_permissions){.resp = &response}));
}

static void test_a_changed_scope_is_told(void **state)
{
    const char *pub[] = {"a"};
    struct claims_user_limits one = {.nats.subs = 1}, same = one, other = one;

    (void)state;
    other.permissions.pub.allow = (struct strings){pub, 1};
    assert_int_equal(auth_scope_hash(NULL), 0);
    assert_int_not_equal(auth_scope_hash(&one), 0);
    assert_int_equal(auth_scope_hash(&one), auth_scope_hash(&same));
    assert_int_not_equal(auth_scope_hash(&one), auth_scope_hash(&other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_of_claims),
        cmocka_unit_test(test_nothing_said),
        cmocka_unit_test(test_a_changed_scope_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
