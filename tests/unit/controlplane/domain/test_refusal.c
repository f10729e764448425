#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/refusal.h"
#include "tests/lib/dies.h"

static int begin(void **state)
{
    struct arena *arena = calloc(1, sizeof(*arena));

    arena_init(arena);
    *state = arena;
    return 0;
}

static int end(void **state)
{
    arena_fini(*state);
    free(*state);
    return 0;
}

/* What clients hold on to: codes, each once, with a status of errors and words to go with it. */
static void test_the_table(void **state)
{
    for (int i = 1; i < REFUSAL_COUNT; i++) {
        const struct refusal_kind *kind = refusal_kind((enum refusal_code)i);

        assert_true(kind->status >= 400 && kind->status < 600);
        assert_int_not_equal(kind->result, OK);
        assert_true(strlen(kind->title) > 0 && strlen(kind->cause) > 0 && strlen(kind->remedy) > 0);
        assert_int_equal(strspn(kind->code, "abcdefghijklmnopqrstuvwxyz_"), strlen(kind->code));
        for (int j = 1; j < i; j++)
            assert_string_not_equal(kind->code, refusal_kind((enum refusal_code)j)->code);
    }
}

static void test_statuses_that_clients_act_on(void **state)
{
    static const struct {
        enum refusal_code code;
        int status;
        bool retryable;
    } rows[] = {
        {REFUSAL_unauthenticated, 401, false},
        {REFUSAL_forbidden, 403, false},
        {REFUSAL_suspended_by_operator, 403, false},
        {REFUSAL_not_found, 404, false},
        {REFUSAL_name_taken, 409, false},
        {REFUSAL_idempotency_in_progress, 409, true},
        {REFUSAL_secret_no_longer_available, 410, false},
        {REFUSAL_version_conflict, 412, false},
        {REFUSAL_validation_failed, 422, false},
        {REFUSAL_not_supported, 422, false},
        {REFUSAL_idempotency_key_reused, 422, false},
        {REFUSAL_precondition_required, 428, false},
        {REFUSAL_rate_limited, 429, true},
        {REFUSAL_database_unavailable, 503, true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(refusal_kind(rows[i].code)->status, rows[i].status);
        assert_int_equal(refusal_kind(rows[i].code)->retryable, rows[i].retryable);
    }
}

/* A result that nobody explained never says more than it knows. */
static void test_results_without_a_refusal(void **state)
{
    for (int rc = OK + 1; rc < RESULT_COUNT; rc++)
        assert_true(refusal_kind(refusal_of((enum result)rc))->status >= 400);
    assert_int_equal(refusal_of(ERR_NOT_FOUND), REFUSAL_not_found);
    assert_int_equal(refusal_of(ERR_DENIED), REFUSAL_internal);
    assert_int_equal(refusal_of(ERR_DATABASE), REFUSAL_internal);
    assert_int_equal(refusal_of(ERR_CORRUPT), REFUSAL_internal);
    assert_int_equal(refusal_of(ERR_UNAVAILABLE), REFUSAL_database_unavailable);
}

static void test_the_first_refusal_counts(void **state)
{
    struct refusal refusal = {.arena = *state};

    assert_int_equal(refusal_set(&refusal, REFUSAL_name_taken, "Another %s.", "team"), ERR_EXISTS);
    assert_int_equal(refusal_set(&refusal, REFUSAL_in_use, "No."), ERR_STATE);
    assert_int_equal(refusal.code, REFUSAL_name_taken);
    assert_string_equal(refusal.detail, "Another team.");
}

static void test_fields_add_up_to_a_bound(void **state)
{
    struct refusal refusal = {.arena = *state};

    for (int i = 0; i < REFUSAL_ERRORS_MAX + 5; i++)
        assert_int_equal(refusal_field(&refusal, "/a", "invalid", "number %d", i), ERR_INVALID);
    assert_int_equal(refusal.code, REFUSAL_validation_failed);
    assert_int_equal(refusal.error_count, REFUSAL_ERRORS_MAX);
    assert_string_equal(refusal.errors[1].message, "number 1");
    assert_false(refusal.errors[1].has_limit);
}

static void test_a_limit_says_both_figures(void **state)
{
    struct refusal refusal = {.arena = *state};

    assert_int_equal(refusal_limit(&refusal, "/n", "above_plan_maximum", 5, 9), ERR_INVALID);
    assert_string_equal(refusal.errors[0].code, "above_plan_maximum");
    assert_true(refusal.errors[0].has_limit);
    assert_int_equal(refusal.errors[0].limit, 5);
    assert_int_equal(refusal.errors[0].actual, 9);
}

static void test_what_a_shape_refuses(void **state)
{
    struct shape_error error = {.pointer = "/x", .message = "is wrong"}, root = {.pointer = ""};
    struct refusal known = {.arena = *state}, unknown = {.arena = *state};

    assert_int_equal(refusal_shape(&known, ERR_INVALID, &error), ERR_INVALID);
    assert_int_equal(known.code, REFUSAL_validation_failed);
    assert_string_equal(known.errors[0].pointer, "/x");
    assert_string_equal(known.errors[0].message, "is wrong");
    assert_int_equal(refusal_shape(&unknown, ERR_NOT_FOUND, &root), ERR_INVALID);
    assert_int_equal(unknown.code, REFUSAL_unknown_field);
    assert_string_equal(unknown.errors[0].code, "unknown_field");
    assert_string_equal(unknown.errors[0].pointer, "/");
}

static void explain_success(void *arg)
{
    (void)refusal_of(OK);
}

static void test_success_is_no_refusal(void **state)
{
    assert_true(dies(explain_success, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_table),
        TEST(test_statuses_that_clients_act_on),
        TEST(test_results_without_a_refusal),
        TEST(test_the_first_refusal_counts),
        TEST(test_fields_add_up_to_a_bound),
        TEST(test_a_limit_says_both_figures),
        TEST(test_what_a_shape_refuses),
        TEST(test_success_is_no_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
