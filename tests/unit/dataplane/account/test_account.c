#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "tests/lib/crew.h"

static void test_begins_unlimited(void **state)
{
    struct account *account = account_new(NULL, "A");
    const struct account_terms *terms = account_terms(account);

    assert_int_equal(terms->connections, -1);
    assert_int_equal(terms->leafs, -1);
    assert_int_equal(terms->subscriptions, -1);
    assert_int_equal(terms->payload, -1);
    assert_string_equal(account->name, "A");
    assert_string_equal(account_label(account), "A");
    assert_true(account_enter(account));
    account_leave(account);
    account_unref(account);
    account_unref(NULL);
}

static void count_freed(void *owner)
{
    ++*(unsigned *)owner;
}

static void test_terms_are_swapped_whole(void **state)
{
    struct account *account = account_new(NULL, "A");
    unsigned freed = 0;

    for (unsigned i = 0; i < 3; i++) {
        struct account_terms *terms = account_terms_new();

        terms->connections = i;
        terms->label = "team";
        terms->owner = &freed;
        terms->free_owner = count_freed;
        account_set_terms(account, terms);
        assert_ptr_equal(account_terms(account), terms);
        assert_string_equal(account_label(account), "team");
        assert_int_equal(account->generation, i + 1);
        assert_int_equal(freed, i);
    }
    account_unref(account);
    assert_int_equal(freed, 3);
}

static void test_connections_are_limited(void **state)
{
    static const int64_t limits[] = {0, 1, 3};

    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct account *account = account_new(NULL, "A");
        struct account_terms *terms = account_terms_new();

        terms->connections = limits[i];
        account_set_terms(account, terms);
        for (int64_t n = 0; n < limits[i]; n++)
            assert_true(account_enter(account));
        assert_false(account_enter(account));
        assert_int_equal(account->connections, limits[i]);
        if (limits[i] > 0) {
            account_leave(account);
            assert_true(account_enter(account));
            assert_int_equal(account->connections_total, limits[i] + 1);
        }
        account_unref(account);
    }
}

static void count_in(struct worker *worker, void *arg)
{
    struct account *account = arg;
    struct account_counters *row = &account->counters[worker->index];

    counter_add(&row->in_msgs, 1 + worker->index);
    counter_add(&row->in_bytes, 10);
    counter_add(&row->slow_consumers, 1);
}

static void drop(struct worker *worker, void *arg)
{
    account_unref(arg);
}

static void replace_terms(struct worker *worker, void *arg)
{
    account_set_terms(arg, account_terms_new());
}

static void test_counters_are_summed(void **state)
{
    struct crew crew = {0};
    struct account_totals totals;
    struct account *account;

    crew_start(&crew, 3);
    account = account_new(crew.workers, "B");
    for (unsigned w = 0; w < 3; w++)
        crew_run(&crew, w, count_in, account);
    account_totals(account, &totals);
    assert_int_equal(totals.in_msgs, 1 + 2 + 3);
    assert_int_equal(totals.in_bytes, 30);
    assert_int_equal(totals.slow_consumers, 3);
    assert_int_equal(totals.out_msgs, 0);
    crew_run(&crew, 2, replace_terms, account);
    /* The last reference goes on a worker; one of another account's on another thread. */
    account_ref(account);
    account_unref(account);
    crew_run(&crew, 1, drop, account);
    account_unref(account_new(crew.workers, "C"));
    crew_settle(&crew);
    crew_stop(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begins_unlimited),
        cmocka_unit_test(test_terms_are_swapped_whole),
        cmocka_unit_test(test_connections_are_limited),
        cmocka_unit_test(test_counters_are_summed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
