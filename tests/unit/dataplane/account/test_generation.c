#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/account/generation.h"
#include "dataplane/account/hash.h"

enum { SEED = 42 };

static uint32_t sum_of(const struct generations *set, const char *subject)
{
    struct slice text = slice_of(subject), first = text;

    first.len = strcspn(subject, ".");
    return generation_sum(set, hash_bytes(SEED, text), (uint8_t)hash_token(SEED, first));
}

static struct generations *large(void)
{
    struct grave *grave = NULL;
    struct generations *set = generations_grown(generations_new(), &grave);

    grave_close(grave);
    return set;
}

static void test_raises_what_it_must(void **state)
{
    static const struct {
        const char *subject;
        bool literal;
        const char *raised, *same;
    } cases[] = {
        {"a.b", true, "a.b", "a.c"},  /* a literal: itself */
        {"a.*", false, "a.x", "b.x"}, /* a literal first token: what begins with it */
        {"a.>", false, "a.x.y", "b"}, {"a.*.c", false, "a", "c"},
        {"*.a", false, "x.y", NULL}, /* else all */
        {">", false, "x", NULL},      {"*", false, "a.b.c", NULL},
    };
    struct generations *set = large();

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t raised = sum_of(set, cases[i].raised);
        uint32_t same = cases[i].same != NULL ? sum_of(set, cases[i].same) : 0;

        generations_raise(set, SEED, slice_of(cases[i].subject), cases[i].literal);
        assert_int_equal(sum_of(set, cases[i].raised), raised + 1);
        if (cases[i].same != NULL)
            assert_int_equal(sum_of(set, cases[i].same), same);
    }
    mem_free(set);
}

/* A literal subscription touches a thousandth of the others. */
static void test_literals_are_spread(void **state)
{
    enum { SUBJECTS = 20000 };
    struct generations *set = large();
    unsigned touched = 0;

    generations_raise(set, SEED, SLICE("some.subject"), true);
    for (unsigned i = 0; i < SUBJECTS; i++) {
        char subject[40];

        snprintf(subject, sizeof(subject), "other.%u", i);
        touched += sum_of(set, subject) != 3 * 1;
    }
    assert_in_range(touched, 1, SUBJECTS / GENERATION_LITERALS * 2);
    mem_free(set);
}

/* No sum of the small set is ever one of the large set that follows. */
static void test_growing_ends_all_results(void **state)
{
    struct generations *set = generations_new();
    struct grave *grave = NULL;
    uint32_t highest = 0;

    for (unsigned i = 0; i < 1000; i++) {
        char subject[40];

        snprintf(subject, sizeof(subject), i % 3 == 0 ? "*.%u" : "%u.a", i);
        generations_raise(set, SEED, slice_of(subject), i % 3 != 0);
        highest = sum_of(set, subject) > highest ? sum_of(set, subject) : highest;
    }
    set = generations_grown(set, &grave);
    assert_true(sum_of(set, "any.subject") > highest);
    grave_close(grave);
    mem_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raises_what_it_must),
        cmocka_unit_test(test_literals_are_spread),
        cmocka_unit_test(test_growing_ends_all_results),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
