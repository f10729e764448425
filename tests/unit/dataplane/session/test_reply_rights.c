#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dataplane/session/reply_rights.h"

static void test_as_often_as_granted(void **state)
{
    struct reply_rights *rights = reply_rights_new(2, 100);

    (void)state;
    assert_false(reply_rights_use(rights, SLICE("in.1"), 0));
    reply_rights_grant(rights, SLICE("in.1"), 0);
    assert_false(reply_rights_use(rights, SLICE("in.2"), 0));
    assert_true(reply_rights_use(rights, SLICE("in.1"), 0));
    assert_true(reply_rights_use(rights, SLICE("in.1"), 99));
    assert_false(reply_rights_use(rights, SLICE("in.1"), 99));
    reply_rights_free(rights);
}

static void test_as_long_as_granted(void **state)
{
    struct reply_rights *rights = reply_rights_new(-1, 100);

    (void)state;
    reply_rights_grant(rights, SLICE("a"), 0);
    for (int i = 0; i < 1000; i++)
        assert_true(reply_rights_use(rights, SLICE("a"), 99));
    assert_false(reply_rights_use(rights, SLICE("a"), 100));
    reply_rights_free(rights);
}

static void test_for_ever(void **state)
{
    struct reply_rights *rights = reply_rights_new(1, -1);

    (void)state;
    reply_rights_grant(rights, SLICE("a"), 0);
    assert_true(reply_rights_use(rights, SLICE("a"), INT64_MAX));
    reply_rights_free(rights);
}

static void test_granted_again_counts_anew(void **state)
{
    struct reply_rights *rights = reply_rights_new(1, 100);

    (void)state;
    reply_rights_grant(rights, SLICE("a"), 0);
    reply_rights_grant(rights, SLICE("a"), 90);
    assert_true(reply_rights_use(rights, SLICE("a"), 150));
    assert_false(reply_rights_use(rights, SLICE("a"), 150));
    reply_rights_free(rights);
}

static void test_the_oldest_give_way(void **state)
{
    struct reply_rights *rights = reply_rights_new(1, -1);
    char subject[32];

    (void)state;
    for (int i = 0; i <= REPLY_RIGHTS_MAX; i++) {
        snprintf(subject, sizeof(subject), "r.%d", i);
        reply_rights_grant(rights, slice_of(subject), 0);
    }
    assert_false(reply_rights_use(rights, SLICE("r.0"), 0));
    assert_true(reply_rights_use(rights, SLICE("r.1"), 0));
    assert_true(reply_rights_use(rights, slice_of(subject), 0));
    reply_rights_free(rights);
}

static void test_long_subjects_give_way_sooner(void **state)
{
    static char subject[64 << 10];
    struct reply_rights *rights = reply_rights_new(1, INT64_MAX);
    size_t count = REPLY_RIGHTS_BYTES / sizeof(subject);

    (void)state;
    memset(subject, 'x', sizeof(subject));
    for (size_t i = 0; i <= count; i++) {
        memcpy(subject, &i, sizeof(i));
        reply_rights_grant(rights, slice_make(subject, sizeof(subject)), 1);
    }
    assert_true(reply_rights_use(rights, slice_make(subject, sizeof(subject)), 2));
    memset(subject, 0, sizeof(size_t));
    assert_false(reply_rights_use(rights, slice_make(subject, sizeof(subject)), 2));
    reply_rights_free(rights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_often_as_granted),
        cmocka_unit_test(test_long_subjects_give_way_sooner),
        cmocka_unit_test(test_as_long_as_granted),
        cmocka_unit_test(test_for_ever),
        cmocka_unit_test(test_granted_again_counts_anew),
        cmocka_unit_test(test_the_oldest_give_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
